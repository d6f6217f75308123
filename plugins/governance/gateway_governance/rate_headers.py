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
        name = _NAMES[unit]
        left_s = part.ends_at / MICROS - exchange.clock.now()
        headers = exchange.response_headers
        headers[f"x-ratelimit-limit-{name}"] = str(part.limit)
        headers[f"x-ratelimit-remaining-{name}"] = str(max(0, part.free_after))
        headers[f"x-ratelimit-reset-{name}"] = wait_text(left_s)
