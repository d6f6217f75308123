"""
Reads ``model_prices_and_context_window.json``, the list of prices that LiteLLM keeps.

Others keep theirs in its form as well.  Its fields are USD for one token, binary fractions in
JSON; `Decimal` of their shortest spelling is what was written.  What the list does not say for
certain is not taken, and every entry that is not taken is told, with the reason:

- A price of 0 is more often one that nobody filled in than a gift, so it is none.
- What a service tier or a long prompt leaves out is filled up as `partial` tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_CEILING, Context, Decimal
from typing import Any, Final

import attrs

from gateway import codec
from gateway.catalog.facts import ModelFacts
from gateway.catalog.partial import Picos, filled, rates_of, times
from gateway.catalog.prices import PERMILLE, Tariff

MAX_BYTES: Final = 32 * 1024 * 1024
_MAX_ENTRIES: Final = 100_000

#: Their names for vendors, and ours.
VENDORS: Final = {
    "anthropic": "anthropic",
    "azure": "azure-openai",
    "azure_text": "azure-openai",
    "cerebras": "cerebras",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks",
    "fireworks_ai-embedding-models": "fireworks",
    "groq": "groq",
    "huggingface": "huggingface",
    "mistral": "mistral",
    "nebius": "nebius",
    "nvidia_nim": "nvidia",
    "ollama": "ollama",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "text-completion-openai": "openai",
    "together_ai": "together",
    "xai": "xai",
}
_MODES: Final = {
    "chat": (),
    "completion": ("openai_completions",),
    "responses": ("openai_responses",),
    "embedding": ("openai_embeddings",),
}
#: Their field for a price of one token or piece, and our place for it.
_PLACES: Final = {
    "input_cost_per_token": "input_pico",
    "output_cost_per_token": "output_pico",
    "cache_read_input_token_cost": "cache_read_pico",
    "cache_creation_input_token_cost": "cache_write_5m_pico",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h_pico",
    "cache_creation_input_token_cost_above_12hr": "cache_write_1h_pico",
    "output_cost_per_reasoning_token": "reasoning_pico",
    "input_cost_per_audio_token": "input_audio_pico",
    "output_cost_per_audio_token": "output_audio_pico",
    "input_cost_per_image_token": "input_image_pico",
    "output_cost_per_image_token": "output_image_pico",
    "input_cost_per_image": "image_pico",
    "input_cost_per_request": "request_pico",
}
_SERVICES: Final = {
    "batches": "batch",
    "flex": "flex",
    "priority": "priority",
    "ultrafast": "ultrafast",
    "balanced": "balanced",
}
_FIELD: Final = re.compile(
    r"(?P<base>[a-z0-9_]+?)(?:_above_(?P<above>[1-9][0-9]{0,4})k_tokens)?"
    rf"(?:_(?P<service>{'|'.join(_SERVICES)}))?"
)
#: Fields that name the same price again, or none.
_SAID_ELSEWHERE: Final = frozenset({"input_cost_per_token_cache_hit"})
_MAY_BE_A_PRICE: Final = re.compile("cost|pricing|multiplier")
_CAPABILITIES: Final = {
    "supports_function_calling": "tools",
    "supports_vision": "vision",
    "supports_reasoning": "reasoning",
    "supports_response_schema": "structured",
}
#: Models that search the web for each request, and do not count it in their usage.
_ALWAYS_SEARCHES: Final = re.compile(r"-search-(?:preview|api)")
_NAME: Final = re.compile(r"[\x21-\x7e]{1,200}")
_EXACT: Final = Context(prec=60)
_PICO: Final = 10**12
_DEAREST_PICO: Final = 10**15


@attrs.frozen
class Remark:
    """
    What is to be said of one entry.

    Attributes:
        name: The entry's, as the list has it.
        text: Why it was skipped, or what of it was not taken.
    """

    name: str
    text: str


@attrs.frozen(kw_only=True)
class Imported:
    """
    What became of a list.

    Attributes:
        facts: What was taken, sorted.
        skipped: Entries that were not, in the list's order.
        notes: Parts of entries that were not, or not as they stood.
    """

    facts: tuple[ModelFacts, ...]
    skipped: tuple[Remark, ...]
    notes: tuple[Remark, ...]


class _Skipped(Exception):
    """
    An entry is not taken; says why.
    """


def read_litellm(
    raw: bytes, day: date, vendors: Mapping[str, str] = VENDORS
) -> Imported:
    """
    Read a list of prices.

    Args:
        day: From when on they hold; the list does not say.
        vendors: Names of vendors in the list, and those that the gateway has for them.

    Raises:
        ValueError: it is no such list, or larger than any.
    """
    if len(raw) > MAX_BYTES:
        msg = f"larger than {MAX_BYTES} bytes"
        raise ValueError(msg)
    entries = codec.read(raw)
    if not isinstance(entries, dict) or len(entries) > _MAX_ENTRIES:
        msg = "no list of prices: an object with an entry for each model is expected"
        raise ValueError(msg)
    facts: dict[tuple[str, str], ModelFacts] = {}
    skipped, notes = [], []
    for name, entry in entries.items():
        reading = _Reading(name, vendors)
        try:
            known = reading.facts(_resolved(entry, entries), day)
            place = known.provider, known.model
            if facts.setdefault(place, known) != known:
                raise _Skipped("another entry for the same model says otherwise")
        except _Skipped as why:
            skipped.append(Remark(_shown(name), str(why)))
        else:
            notes += [Remark(name, text) for text in reading.notes]
    ordered = tuple(facts[place] for place in sorted(facts))
    return Imported(facts=ordered, skipped=tuple(skipped), notes=tuple(notes))


def _resolved(entry: Any, entries: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return *entry*, or what it is another name of.
    """
    if not isinstance(entry, dict):
        raise _Skipped("no object")
    target = entry.get("alias_of")
    if target is None:
        return entry
    meant = entries.get(target) if isinstance(target, str) else None
    if not isinstance(meant, dict):
        raise _Skipped("another name for an entry that is not there")
    return {**meant, **entry}


def _shown(name: str) -> str:
    return name if _NAME.fullmatch(name) else f"{name[:40]!r}"


@attrs.define
class _Reading:
    """
    The reading of one entry.
    """

    name: str
    vendors: Mapping[str, str]
    notes: list[str] = attrs.field(factory=list)

    def facts(self, entry: dict[str, Any], day: date) -> ModelFacts:
        vendor, model = self._names(entry)
        mode = entry.get("mode")
        if not isinstance(mode, str) or mode not in _MODES:
            raise _Skipped(f"mode {str(mode)[:40]}: nothing that is served here")
        is_embedding = mode == "embedding"
        tools = _capabilities(entry)
        return ModelFacts(
            provider=vendor,
            model=model,
            context_window=_count(entry, "max_input_tokens"),
            max_output_tokens=None
            if is_embedding
            else _count(entry, "max_output_tokens", "max_tokens"),
            tariffs=(self._tariff(entry, vendor, model, day),),
            capabilities=frozenset({"embed"} if is_embedding else tools),
            dialects=_MODES[mode],
            source=f"LiteLLM's list of prices, read on {day.isoformat()}",
        )

    def _names(self, entry: dict[str, Any]) -> tuple[str, str]:
        theirs = entry.get("litellm_provider")
        vendor = self.vendors.get(theirs) if isinstance(theirs, str) else None
        if vendor is None:
            raise _Skipped(f"provider {str(theirs)[:40]}: no such vendor here")
        model = self.name.removeprefix(f"{theirs}/")
        if not _NAME.fullmatch(model):
            raise _Skipped("not the name of a model")
        if vendor == "azure-openai" and "/" in model:
            raise _Skipped("the price of one region, which a deployment does not tell")
        return vendor, model

    # --- prices -------------------------------------------------------------------------

    def _tariff(
        self, entry: dict[str, Any], vendor: str, model: str, day: date
    ) -> Tariff:
        picos = self._picos(entry)
        standard = picos.pop(("", 0), {})
        self._check(standard, is_embedding=entry["mode"] == "embedding")
        standard.update(self._pieces(entry, vendor, model))
        rates = rates_of(standard, picos, "", None)
        services = {
            name: rates_of(
                filled(picos.get((name, 0), {}), standard), picos, name, rates
            )
            for name in sorted({name for name, _ in picos if name})
        }
        factors = self._factors(entry, vendor)
        if "fast" in factors:
            services["fast"] = times(rates, factors["fast"])
        regions = {"us": factors["us"]} if "us" in factors else {}
        return Tariff(
            valid_from=day,
            rates=rates,
            services=tuple(services.items()),
            regions=tuple(regions.items()),
        )

    def _picos(self, entry: dict[str, Any]) -> dict[tuple[str, int], Picos]:
        """
        Sort the prices by service tier and length of prompt.
        """
        picos: dict[tuple[str, int], Picos] = {}
        left = []
        for field, usd in entry.items():
            match = _FIELD.fullmatch(field)
            place = _PLACES.get(match["base"]) if match else None
            if match is None or place is None:
                if _MAY_BE_A_PRICE.search(field) and usd and field not in _READ_BELOW:
                    left.append(field[:80])
                continue
            pico = self._pico(field, usd)
            if pico or place in ("input_pico", "output_pico"):
                service = _SERVICES.get(match["service"] or "", "")
                above = int(match["above"] or 0) * 1_000
                part = picos.setdefault((service, above), {})
                part[place] = max(pico, part.get(place, 0))
        if left:
            self.notes.append(f"not taken: {', '.join(sorted(left))}")
        return picos

    def _check(self, standard: Picos, *, is_embedding: bool) -> None:
        if "input_pico" not in standard:
            raise _Skipped("no price for a token of the prompt")
        if is_embedding:
            standard["output_pico"] = 0
            if not standard["input_pico"]:
                raise _Skipped("a price of 0, which is more often none")
        elif not standard.get("output_pico"):
            raise _Skipped("no price for a token of the answer, or one of 0")

    def _pieces(self, entry: dict[str, Any], vendor: str, model: str) -> dict[str, Any]:
        """
        Return what a search costs: by the call, or with each request where it is part of it.
        """
        sizes = entry.get("search_context_cost_per_query")
        prices = [
            self._pico(f"search_context_cost_per_query.{size[:40]}", usd)
            for size, usd in (sizes.items() if isinstance(sizes, dict) else ())
        ]
        tools = {"web_search": max(prices, default=0)}
        files = entry.get("file_search_cost_per_1k_calls")
        if files:
            pico = self._pico("file_search_cost_per_1k_calls", files)
            tools["file_search"] = -(-pico // 1_000)
        pieces: dict[str, Any] = {}
        is_part = vendor == "perplexity" and "deep-research" not in model
        if tools["web_search"] and (is_part or _ALWAYS_SEARCHES.search(model)):
            pieces["request_pico"] = tools.pop("web_search")
            if len(set(prices)) > 1:
                self.notes.append("a search at the price of the widest context")
        pieces["server_tools"] = tuple(
            (name, pico) for name, pico in tools.items() if pico
        )
        return pieces

    def _factors(self, entry: dict[str, Any], vendor: str) -> dict[str, int]:
        """
        Return Anthropic's factors for the fast mode and for a region, in thousandths.
        """
        special = entry.get("provider_specific_entry")
        if vendor != "anthropic" or not isinstance(special, dict):
            return {}
        return {
            name: self._whole(name, special[name], PERMILLE)
            for name in ("us", "fast")
            if name in special
        }

    def _pico(self, field: str, usd: Any) -> int:
        return self._whole(field, usd, _PICO)

    def _whole(self, field: str, number: Any, scale: int) -> int:
        """
        Return *number* times *scale*, exact or rounded up.
        """
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise _Skipped(f"{field} is no number")
        scaled = _EXACT.multiply(Decimal(repr(number)), Decimal(scale))
        if not 0 <= scaled <= _DEAREST_PICO:
            raise _Skipped(f"{field} is no price")
        whole = int(scaled.to_integral_value(ROUND_CEILING))
        if whole != scaled:
            self.notes.append(f"rounded up: {field}")
        return whole


#: Fields beside `_PLACES` that are read all the same.
_READ_BELOW: Final = _SAID_ELSEWHERE | {
    "search_context_cost_per_query",
    "file_search_cost_per_1k_calls",
}


# --- limits -----------------------------------------------------------------------------


def _capabilities(entry: Mapping[str, Any]) -> Iterable[str]:
    return [word for field, word in _CAPABILITIES.items() if entry.get(field) is True]


def _count(entry: Mapping[str, Any], *fields: str) -> int | None:
    for field in fields:
        value = entry.get(field)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None
