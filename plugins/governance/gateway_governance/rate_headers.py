"""
What is left of rate limits, in the headers that OpenAI's clients know.

Source: OpenAI, "Rate limits", section "Rate limits in headers".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway_governance.answers import wait_text
from gateway_governance.entities import Unit
from gateway_governance.ledger.meters import MICROS

if TYPE_CHECKING:
    from gateway import Exchange
    from gateway_governance.ledger.meters import Short
    from gateway_governance.ledger.pool import Hold, Part

_NAMES: Final = {Unit.REQUESTS: "requests", Unit.TOKENS: "tokens"}


def tell_rates(exchange: Exchange, hold: Hold) -> None:
    """
    Put the tightest limit of each kind that *hold* touched on the answer to come.
    """
    tightest: dict[Unit, Part] = {}
    for part in hold.parts:
        unit = part.meter.unit
        if unit in _NAMES:
            known = tightest.get(unit)
            if known is None or part.free_after < known.free_after:
                tightest[unit] = part
    for unit, part in tightest.items():
        _tell(exchange, unit, part.limit, part.free_after, part.ends_at)


def tell_short(exchange: Exchange, short: Short) -> None:
    """
    Put the limit that refuses *exchange* on its answer.
    """
    standing, unit = short.standing, short.meter.unit
    if unit in _NAMES:
        _tell(exchange, unit, standing.limit, standing.left, standing.ends)


def _tell(exchange: Exchange, unit: Unit, limit: int, left: int, ends_at: int) -> None:
    name, headers = _NAMES[unit], exchange.response_headers
    left_s = ends_at / MICROS - exchange.clock.now()
    headers[f"x-ratelimit-limit-{name}"] = str(limit)
    headers[f"x-ratelimit-remaining-{name}"] = str(max(0, left))
    headers[f"x-ratelimit-reset-{name}"] = wait_text(left_s)
