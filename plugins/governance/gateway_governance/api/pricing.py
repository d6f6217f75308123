"""
The routes of prices that are others than the catalog's.

``prices`` goes by our words, USD per million tokens.  Bifrost's ``patch`` (or ``pricing_patch``,
the text of it) is read as well: USD per token, by the names of LiteLLM's list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import attrs
from aiohttp import web

from gateway import codec
from gateway_governance.api.bodies import Body
from gateway_governance.api.entities import EntityRoutes
from gateway_governance.api.office import list_response
from gateway_governance.api.paging import read_selection
from gateway_governance.api.shapes import pricing_override, scope_of
from gateway_governance.entities import ANY, PricingOverride
from gateway_governance.values import new_id

_SCOPES: Final = {
    name: name for name in ("global", "provider", "virtual_key", "virtual_key_provider")
}
_MATCHES: Final = {"exact": "exact", "wildcard": "wildcard"}
#: LiteLLM's name of a price, our word, and how much its unit is in ours.
_PATCHED: Final[Mapping[str, tuple[str, int]]] = {
    "input_cost_per_token": ("input", 10**6),
    "output_cost_per_token": ("output", 10**6),
    "cache_read_input_token_cost": ("cache_read", 10**6),
    "cache_creation_input_token_cost": ("cache_write_5m", 10**6),
    "cache_creation_input_token_cost_above_1hr": ("cache_write_1h", 10**6),
    "output_cost_per_reasoning_token": ("reasoning", 10**6),
    "input_cost_per_audio_token": ("input_audio", 10**6),
    "output_cost_per_audio_token": ("output_audio", 10**6),
    "input_cost_per_image_token": ("input_image", 10**6),
    "output_cost_per_image_token": ("output_image", 10**6),
    "input_cost_per_image": ("image", 10**3),
    "input_cost_per_request": ("request", 10**3),
}
_FIELD: Final = re.compile(
    r"(?P<base>[a-z0-9_]+?)(?:_above_(?P<above>[1-9][0-9]{0,4})k_tokens)?"
    r"(?:_(?P<service>batches|flex|priority))?"
)
_MAX_DIGITS: Final = 40


class PricingOverrideRoutes(EntityRoutes[PricingOverride]):
    """
    Answers for pricing overrides.
    """

    kind = key = "pricing_override"
    has_limits = False

    async def list(self, request: web.Request) -> web.Response:
        """
        List them.
        """
        selection = read_selection(
            request, {"virtual_key_id": "key_id", "provider_id": "provider"}
        )
        snapshot = await self.office.snapshot(request)
        overrides, total = selection.of(snapshot.overrides.values())
        items = [pricing_override(override) for override in overrides]
        return list_response(
            request, "pricing_overrides", items, total=total, page=selection.page
        )

    def blank(self, body: Body) -> PricingOverride:
        """
        Make an override without a name.
        """
        return PricingOverride(id=f"price_{new_id()}", name="")

    def read(self, body: Body, before: PricingOverride) -> PricingOverride:
        """
        Read a pricing override over what it was.
        """
        override = attrs.evolve(
            before,
            name=body.required("name", before.name or None),
            provider=body.name("provider_id", before.provider),
            key_id=body.name("virtual_key_id", before.key_id),
            model=body.text("pattern", before.model),
            prices=_prices(body, before.prices),
        )
        scope = body.choice("scope_kind", _SCOPES, scope_of(override))
        if scope != scope_of(override):
            body.blame("scope_kind", f"what is named makes it {scope_of(override)}")
        match = body.choice("match_type", _MATCHES, "wildcard")
        if match == "exact" and ANY in override.model:
            body.blame("match_type", "a pattern with * is a wildcard")
        if body.name("provider_key_id", None) is not None:
            body.blame(
                "provider_key_id", "prices of one provider key are not told apart"
            )
        if body.texts("request_types", ()):
            body.blame(
                "request_types", "prices of one kind of request are not told apart"
            )
        return override

    async def document(self, entity: PricingOverride) -> dict[str, Any]:
        """
        Write a pricing override.
        """
        return pricing_override(entity)


def _prices(body: Body, before: Mapping[str, str]) -> Mapping[str, str]:
    told = [key for key in ("prices", "patch", "pricing_patch") if body.has(key)]
    for key in told[1:]:
        body.blame(key, f"says the same as {told[0]}: write one of them")
    if not told:
        return before
    if told[0] == "prices":
        return _own_prices(body)
    return _patched(body, told[0])


def _own_prices(body: Body) -> Mapping[str, str]:
    prices = {}
    for name, usd in (body.mapping("prices") or {}).items():
        if isinstance(usd, bool) or not isinstance(usd, str | int | Decimal):
            body.blame(f"prices.{name[:64]}", "must be an amount of USD")
            continue
        prices[name] = str(usd)
    return prices


def _patched(body: Body, key: str) -> Mapping[str, str]:
    """
    Read Bifrost's patch, an object or the text of one.
    """
    patch = _patch_of(body, key)
    prices = {}
    for field, usd in patch.items():
        found = _FIELD.fullmatch(field)
        if found is None or found["base"] not in _PATCHED:
            body.blame(f"{key}.{field[:64]}", "is no price that is told apart here")
            continue
        word, scale = _PATCHED[found["base"]]
        service = {"batches": "batch"}.get(found["service"] or "", found["service"])
        name = f"{service}.{word}" if service else word
        if found["above"]:
            name += f"@{int(found['above']) * 1000}"
        amount = _scaled(usd, scale)
        if amount is None:
            body.blame(f"{key}.{field[:64]}", "must be an amount of USD")
            continue
        prices[name] = amount
    return prices


def _patch_of(body: Body, key: str) -> Mapping[str, Any]:
    if key == "patch":
        return body.mapping(key) or {}
    try:
        patch = codec.read_exact(body.text(key, "{}").encode())
    except (codec.JsonError, UnicodeEncodeError):
        patch = None
    if not isinstance(patch, dict):
        body.blame(key, "must be the text of a JSON object")
        return {}
    return patch


def _scaled(usd: Any, scale: int) -> str | None:
    if isinstance(usd, bool) or not isinstance(usd, int | Decimal):
        return None
    exact = Decimal(usd)
    _, digits, exponent = exact.as_tuple()
    if (
        not isinstance(exponent, int)
        or len(digits) > _MAX_DIGITS
        or abs(exponent) > _MAX_DIGITS
    ):
        return None
    return f"{exact.scaleb(len(str(scale)) - 1):f}"
