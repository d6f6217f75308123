"""
The route of what is charged: the price of each target that callers can reach, or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import web

from gateway.catalog import FIELDS, SCALES, Price, usd_of
from gateway.management import json_response
from gateway_governance.api.office import Office, get_entity
from gateway_governance.api.paging import Query

if TYPE_CHECKING:
    from gateway_governance.pricing import Priced


@attrs.frozen(eq=False)
class PriceRoutes:
    """
    Answers what is charged.
    """

    office: Office

    async def list(self, request: web.Request) -> web.Response:
        """
        List prices, in USD per million tokens, and per thousand of what is priced by the piece.
        """
        query = Query(request)
        search = (query.text("search") or "").casefold()
        key_id = query.text("virtual_key_id")
        missing = query.flag("missing")
        limit, offset = query.page()
        query.check()
        snapshot = await self.office.snapshot(request)
        if key_id is not None:
            key_id = get_entity(snapshot, "virtual_key", key_id).id
        governor = self.office.governor()
        books, at = governor.books(), self.office.now()
        items = []
        for target in _targets(
            listing.leads_to for listing in governor.gateway.models()
        ):
            provider, _, model = target.partition("/")
            if search not in target.casefold():
                continue
            vendor, _ = books.facts(provider, model)
            priced = books.pricer.price(vendor, provider, model, key_id=key_id, at=at)
            if missing is None or missing is (priced is None):
                items.append({"provider": provider, "model": model, **_priced(priced)})
        shown = items[offset : offset + limit]
        return json_response(
            {
                "prices": shown,
                "count": len(shown),
                "total_count": len(items),
                "limit": limit,
                "offset": offset,
            }
        )


def _targets(leads: Iterable[tuple[str, ...]]) -> list[str]:
    """
    Return every target once; what a ``*`` will stand for nobody knows yet.
    """
    return sorted({target for each in leads for target in each if "*" not in target})


def _priced(priced: Priced | None) -> dict[str, Any]:
    if priced is None:
        return {"source": None, "prices": None}
    rates = priced.tariff.rates
    prices = dict(_prices(rates.price))
    for tier in rates.long:
        prices |= {
            f"{name}@{tier.above_tokens}": usd for name, usd in _prices(tier.price)
        }
    for service, service_rates in priced.tariff.services:
        prices |= {
            f"{service}.{name}": usd for name, usd in _prices(service_rates.price)
        }
    return {
        "source": priced.source,
        "valid_from": priced.tariff.valid_from.isoformat(),
        "version": priced.version,
        "pricing_override_id": priced.override_id,
        "prices": prices,
    }


def _prices(price: Price) -> Iterator[tuple[str, str]]:
    for name, field in FIELDS.items():
        pico = getattr(price, field)
        if pico is not None and (pico or name in {"input", "output"}):
            yield name, usd_of(pico, SCALES[name])
