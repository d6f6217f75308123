"""
What is left of rate limits, in the headers that OpenAI's clients know.

Source: OpenAI, "Rate limits", section "Rate limits in headers".
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import TYPE_CHECKING, Final

from gateway_governance.entities import Unit
from gateway_governance.ledger.meters import MICROS, Standing

if TYPE_CHECKING:
    from gateway import Exchange
    from gateway_governance.ledger.pool import Hold

_NAMES: Final = {Unit.REQUESTS: "requests", Unit.TOKENS: "tokens"}


def tell_rates(exchange: Exchange, hold: Hold) -> None:
    """
    Put the tightest limit of each kind that *hold* touched on the answer to come.
    """
    standings = [
        Standing(
            meter=part.meter,
            limit=part.limit,
            granted=part.limit,
            free=part.free_after,
            ends=part.ends_at,
        )
        for part in hold.parts
        if part.meter.unit in _NAMES
    ]
    if standings:
        exchange.response_headers.update(rates_of(standings, exchange.clock.now()))


def rates_of(standings: Iterable[Standing], now: float) -> dict[str, str]:
    """
    Return the headers that tell the tightest of *standings* of each kind.

    Args:
        now: Unix seconds.
    """
    tightest: dict[str, Standing] = {}
    for standing in standings:
        name = _NAMES.get(standing.meter.unit)
        if name is not None:
            known = tightest.get(name, standing)
            tightest[name] = min(known, standing, key=lambda each: each.left)
    headers = {}
    for name, standing in tightest.items():
        headers[f"x-ratelimit-limit-{name}"] = str(standing.limit)
        headers[f"x-ratelimit-remaining-{name}"] = str(max(0, standing.left))
        headers[f"x-ratelimit-reset-{name}"] = wait_text(standing.ends / MICROS - now)
    return headers


def wait_text(seconds: float) -> str:
    """
    Write a time to wait as OpenAI does in ``x-ratelimit-reset-…``: ``6m0s``, ``20ms``.
    """
    if seconds < 1:
        return f"{max(0, ceil(seconds * 1000))}ms"
    whole = ceil(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{left}s"
    return f"{minutes}m{left}s" if minutes else f"{left}s"
