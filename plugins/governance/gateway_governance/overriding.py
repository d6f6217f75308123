"""
What a pricing override says, read and put on top of the catalog's prices.

A name is ``[service.]bucket[@tokens]``.  ``input`` is the standard tier's price whatever the
prompt's length, ``input@200000`` the one above so many prompt tokens, ``priority.input`` that of
a service tier, ``tool:web_search`` that of a call.  What no name speaks of stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, Final

import attrs

from gateway.catalog import (
    FIELDS,
    PICO_PER_THOUSANDTH,
    SCALES,
    Price,
    Rates,
    Tariff,
    Tier,
    pico_of,
)

_NAME: Final = re.compile(
    r"(?:(?P<service>[a-z][a-z0-9_]{0,31})\.)?"
    r"(?:tool:(?P<tool>[A-Za-z0-9_.-]{1,64})|(?P<bucket>[a-z0-9_]{1,32}))"
    r"(?:@(?P<above>[1-9][0-9]{0,8}))?"
)
_ALWAYS: Final = date(1970, 1, 1)


@attrs.frozen(kw_only=True)
class Change:
    """
    One price that is another than the catalog's.

    Attributes:
        service: Of which service tier; None is the standard one.
        above_tokens: Of prompts longer than that; 0 is of every length.
        field: The place in `Price`; "" for a tool.
        tool: The tool's name; "" for anything else.
    """

    pico: int
    service: str | None = None
    above_tokens: int = 0
    field: str = ""
    tool: str = ""

    def of(self, price: Price) -> Price:
        """
        Return *price* with this change.
        """
        if not self.tool:
            changed: dict[str, Any] = {self.field: self.pico}
            return attrs.evolve(price, **changed)
        tools = {**dict(price.server_tools), self.tool: self.pico}
        return attrs.evolve(price, server_tools=tuple(tools.items()))


def read_changes(prices: Mapping[str, str]) -> tuple[Change, ...]:
    """
    Read the *prices* of an override: USD by name, as `PricingOverride` has them.

    Raises:
        ValueError: a name or an amount cannot be read; says which.
    """
    return tuple(_read_change(name, usd) for name, usd in prices.items())


def is_price_name(name: str) -> bool:
    """
    Tell whether *name* is one of a price, see the module.
    """
    match = _NAME.fullmatch(name)
    return match is not None and (
        match["tool"] is not None or match["bucket"] in FIELDS
    )


def _read_change(name: str, usd: str) -> Change:
    match = _NAME.fullmatch(name)
    field = FIELDS.get(match["bucket"] or "", "") if match else ""
    if match is None or not (field or match["tool"]):
        msg = f'"{name[:80]}" is no name of a price: {", ".join(FIELDS)}, tool:NAME'
        raise ValueError(msg)
    scale = SCALES[match["bucket"]] if field else PICO_PER_THOUSANDTH
    try:
        pico = pico_of(usd, scale)
    except ValueError as exc:
        msg = f"{name[:80]}: {exc}"
        raise ValueError(msg) from None
    return Change(
        pico=pico,
        service=None if match["service"] in (None, "default") else match["service"],
        above_tokens=int(match["above"] or 0),
        field=field,
        tool=match["tool"] or "",
    )


def overridden(changes: Iterable[Change], tariff: Tariff | None) -> Tariff | None:
    """
    Return *tariff* with *changes*.

    A service tier that it does not know starts as the standard one, a length that it does not
    know as the price that held there.

    Returns:
        None where there was no tariff and the changes alone make no whole price.
    """
    # The most general first, so that what is said of one length stands.
    ordered = sorted(changes, key=lambda change: change.above_tokens)
    standard = [change for change in ordered if change.service is None]
    tariff = tariff or _from_nothing(standard)
    if tariff is None:
        return None
    rates = _changed(tariff.rates, standard)
    services = dict(tariff.services)
    for name in {change.service for change in ordered if change.service is not None}:
        own = [change for change in ordered if change.service == name]
        services[name] = _changed(services.get(name, rates), own)
    return attrs.evolve(tariff, rates=rates, services=tuple(sorted(services.items())))


def _from_nothing(standard: Iterable[Change]) -> Tariff | None:
    told = {change.field: change.pico for change in standard if not change.above_tokens}
    if "input_pico" not in told or "output_pico" not in told:
        return None
    price = Price(input_pico=told["input_pico"], output_pico=told["output_pico"])
    return Tariff(valid_from=_ALWAYS, rates=Rates(price=price))


def _changed(rates: Rates, changes: Iterable[Change]) -> Rates:
    for change in changes:
        if change.above_tokens:
            rates = _changed_above(rates, change.above_tokens, change.of)
        else:
            rates = rates.changed(change.of)
    return rates


def _changed_above(
    rates: Rates, above_tokens: int, change: Callable[[Price], Price]
) -> Rates:
    prices = {tier.above_tokens: tier.price for tier in rates.long}
    prices[above_tokens] = change(rates.at(above_tokens + 1))
    return Rates(
        price=rates.price,
        long=tuple(
            Tier(above_tokens=above, price=prices[above]) for above in sorted(prices)
        ),
    )
