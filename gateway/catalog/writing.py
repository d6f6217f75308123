"""
Writes price files as `gateway.catalog.reading` reads them: one line a model, to read and to diff.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway import codec
from gateway.catalog.buckets import FIELDS, PICO_PER_THOUSANDTH, SCALES, usd_of
from gateway.catalog.facts import ModelFacts
from gateway.catalog.prices import PERMILLE, Price, Rates, Tariff


def write_catalog(facts: Iterable[ModelFacts]) -> str:
    """
    Write *facts* as a price file.

    Vendors and models are sorted.  `Price.other_tools_pico` and `Tariff.is_flat`, which
    are for policies and not for files, are not written.
    """
    vendors: dict[str, list[ModelFacts]] = {}
    for known in facts:
        vendors.setdefault(known.provider, []).append(known)
    lines = []
    for vendor in sorted(vendors):
        lines.append(f"{_json(vendor)}:\n  models:\n")
        lines += [
            f"    {_json(known.model)}: {_json(_entry(known))}\n"
            for known in sorted(vendors[vendor], key=lambda known: known.model)
        ]
    return "".join(lines)


def _json(value: Any) -> str:
    """
    Write *value* as JSON, which is YAML too.
    """
    return codec.dumps(value).decode()


def _entry(facts: ModelFacts) -> dict[str, Any]:
    entry = {
        "context_window": facts.context_window,
        "max_output_tokens": facts.max_output_tokens,
        "takes_sampling": facts.takes_sampling,
        "reasons_adaptively": facts.reasons_adaptively,
        **_tariffs(facts.tariffs),
        "capabilities": sorted(facts.capabilities),
        "dialects": list(facts.dialects),
        "source": facts.source,
    }
    return {name: value for name, value in entry.items() if value not in (None, "", [])}


def _tariffs(tariffs: tuple[Tariff, ...]) -> dict[str, Any]:
    if len(tariffs) == 1:
        return _tariff(tariffs[0])
    return {"prices": [_tariff(tariff) for tariff in tariffs]}


def _tariff(tariff: Tariff) -> dict[str, Any]:
    standard = tariff.price
    first = {"from": tariff.valid_from.isoformat()}
    entry: dict[str, Any] = {"price": {**first, **_price(standard)}}
    if tariff.rates.long:
        entry["long"] = _long(tariff.rates)
    if tariff.services:
        entry["services"] = {name: _rates(rates) for name, rates in tariff.services}
    if tariff.regions:
        entry["regions"] = {
            name: usd_of(factor, PERMILLE) for name, factor in tariff.regions
        }
    return entry


def _rates(rates: Rates) -> dict[str, Any]:
    long = {"long": _long(rates)} if rates.long else {}
    return {**_price(rates.price), **long}


def _long(rates: Rates) -> list[dict[str, Any]]:
    return [{"above": tier.above_tokens, **_price(tier.price)} for tier in rates.long]


def _price(price: Price) -> dict[str, Any]:
    """
    Write every bucket, also what would be inherited: so nothing depends on its place.
    """
    picos = {word: getattr(price, place) for word, place in FIELDS.items()}
    written: dict[str, str | Mapping[str, str]] = {
        word: usd_of(pico, SCALES[word])
        for word, pico in picos.items()
        if pico is not None
    }
    written["tools"] = {
        name: usd_of(pico, PICO_PER_THOUSANDTH) for name, pico in price.server_tools
    }
    return written
