"""
What is left of rate limits, in the headers that OpenAI's clients know.

Source: OpenAI, "Rate limits", section "Rate limits in headers".
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from gateway_governance.entities import Unit
from gateway_governance.ledger.meters import MICROS, Standing
from gateway_governance.ledger.pool import ENDS, FREE, GRANTED, LIMIT

if TYPE_CHECKING:
    from gateway import Exchange
    from gateway_governance.ledger.pool import Hold

_NAMES: Final = {
    unit: (
        f"x-ratelimit-limit-{word}",
        f"x-ratelimit-remaining-{word}",
        f"x-ratelimit-reset-{word}",
    )
    for unit, word in ((Unit.REQUESTS, "requests"), (Unit.TOKENS, "tokens"))
}


def tell_rates(exchange: Exchange, hold: Hold) -> None:
    """
    Put the tightest limit of each kind that *hold* touched on the answer to come.
    """
    # On every request, so without the values that `rates_of` takes.
    rows, headers = hold.rows, exchange.response_headers
    for unit, places in hold.plan.rates:
        row = rows[places[0]]
        before = row[LIMIT] - row[GRANTED] + row[FREE]
        for at in places[1:]:
            other = rows[at]
            here = other[LIMIT] - other[GRANTED] + other[FREE]
            if here < before:
                before, row = here, other
        # All of a kind took the same amount.
        left = before - hold.amounts[unit]
        _tell(headers, unit, row[LIMIT], left, row[ENDS] - hold.at)


def rates_of(standings: Iterable[Standing], now: float) -> dict[str, str]:
    """
    Return the headers that tell the tightest of *standings* of each kind.

    Args:
        now: Unix seconds.
    """
    tightest: dict[Unit, Standing] = {}
    for standing in standings:
        unit = standing.meter.unit
        if unit in _NAMES:
            known = tightest.get(unit, standing)
            tightest[unit] = min(known, standing, key=lambda each: each.left)
    headers: dict[str, str] = {}
    for unit, each in tightest.items():
        left_micros = each.ends - int(now * MICROS)
        _tell(headers, unit, each.limit, each.left, left_micros)
    return headers


def _tell(
    headers: dict[str, str], unit: Unit, limit: int, left: int, left_micros: int
) -> None:
    limit_name, remaining_name, reset_name = _NAMES[unit]
    headers[limit_name] = str(limit)
    headers[remaining_name] = str(max(0, left))
    headers[reset_name] = wait_text(left_micros)


def wait_text(micros: int) -> str:
    """
    Write a time to wait as OpenAI does in ``x-ratelimit-reset-…``: ``6m0s``, ``20ms``.
    """
    if micros < MICROS:
        return f"{max(0, -(-micros // 1000))}ms"
    return _seconds_text(-(-micros // MICROS))


@lru_cache(maxsize=256)
def _seconds_text(whole: int) -> str:
    """
    Write whole seconds, which the answers of a second share.
    """
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{left}s"
    return f"{minutes}m{left}s" if minutes else f"{left}s"
