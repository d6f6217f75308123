"""
Fills up prices that a list tells in part only, so that none comes out below what is billed.

Where a service tier or a long prompt leaves a bucket out, the dearer of two stands in: the
standard price, and that price times what the tier raises the input by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from gateway.catalog.buckets import FIELDS, TOKENS
from gateway.catalog.prices import PERMILLE, Price, Rates, Tier

#: Pico-USD by the places in `Price`; a price that is not whole yet.
Picos = dict[str, Any]

_PER_TOKEN: Final = frozenset(TOKENS.values())


def rates_of(
    price: Picos,
    picos: Mapping[tuple[str, int], Picos],
    service: str,
    standard: Rates | None,
) -> Rates:
    """
    Make the prices of one *service* of its short *price* and what *picos* say of long prompts.

    Args:
        picos: Partial prices by service tier and length of prompt.
        standard: The standard tier's, for another one.

    Where only the *standard* tier has a price for so long a prompt, the dearer of that and
    of the service's short one stands in.
    """
    long = {
        above: Price(**filled(part, price))
        for (name, above), part in picos.items()
        if name == service and above
    }
    short = Price(**price)
    for tier in standard.long if standard else ():
        if tier.above_tokens not in long:
            long[tier.above_tokens] = _dearer(tier.price, short)
    return Rates(
        price=short,
        long=tuple(
            Tier(above_tokens=above, price=long[above]) for above in sorted(long)
        ),
    )


def filled(part: Picos, whole: Picos) -> Picos:
    """
    Fill up *part* from the *whole* price.
    """
    ratio = _ratio(part, whole, "input_pico") or _ratio(part, whole, "output_pico")
    above, below = ratio or (1, 1)
    raised = {
        place: max(pico, -(-pico * above // below)) if place in _PER_TOKEN else pico
        for place, pico in whole.items()
    }
    return {**raised, **part}


def _ratio(part: Picos, whole: Picos, place: str) -> tuple[int, int] | None:
    if place in part and whole.get(place):
        return part[place], whole[place]
    return None


def _dearer(one: Price, other: Price) -> Price:
    picos: Picos = {}
    for place in FIELDS.values():
        known = [
            pico
            for price in (one, other)
            if (pico := getattr(price, place)) is not None
        ]
        picos[place] = max(known, default=None)
    return Price(**picos, server_tools=other.server_tools)


def times(rates: Rates, factor: int) -> Rates:
    """
    Multiply what tokens cost by a *factor* in thousandths.
    """

    def raised(price: Price) -> Price:
        picos: Picos = {
            place: -(-pico * factor // PERMILLE)
            for place in _PER_TOKEN
            if (pico := getattr(price, place)) is not None
        }
        return attrs.evolve(price, **picos)

    return rates.changed(raised)
