"""
Reads ``models.yaml``, the catalog's own file; its head tells how an entry is written.

Every scalar is read as text and converted here, so that a price is exact to the last
digit whether or not it stands in quotes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from importlib import resources
from typing import Any, Final

import yaml

from gateway.catalog.facts import ModelFacts, Price, Tier

#: USD per million tokens, and USD per thousand calls, in pico-USD for one.
PICO_PER_MILLIONTH: Final = 1_000_000
PICO_PER_THOUSANDTH: Final = 1_000_000_000

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_PRICES: Final = {
    "input": "input_pico",
    "output": "output_pico",
    "cache_read": "cache_read_pico",
    "cache_write_5m": "cache_write_5m_pico",
    "cache_write_1h": "cache_write_1h_pico",
    "input_audio": "input_audio_pico",
    "output_audio": "output_audio_pico",
}
_FLAGS: Final = {"true": True, "false": False}
_ENTRY: Final = frozenset(
    "context_window max_output_tokens takes_sampling reasons_adaptively price long "
    "capabilities dialects also source".split()
)


class CatalogError(ValueError):
    """
    An entry of the catalog's file is wrong; says which and what.
    """


def read_builtin() -> Iterator[ModelFacts]:
    """
    Read the file that comes with the gateway.
    """
    path = resources.files("gateway.catalog").joinpath("models.yaml")
    return read_catalog(path.read_text("utf-8"))


def read_catalog(text: str) -> Iterator[ModelFacts]:
    """
    Read a catalog file; an entry and each of the names under ``also`` are a model.

    Raises:
        CatalogError: at the first entry that is wrong.
    """
    # BaseLoader makes strings, lists and maps only: nothing in the file is run.
    document = yaml.load(text, Loader=_LOADER)  # noqa: S506
    for vendor, part in document.items():
        for model, entry in part["models"].items():
            try:
                facts = _read_entry(vendor, model, entry or {}, part["source"])
            except (KeyError, TypeError, ValueError, InvalidOperation) as exc:
                msg = f"{vendor}/{model}: {_told(exc)}"
                raise CatalogError(msg) from None
            yield from facts


def _told(exc: Exception) -> str:
    if isinstance(exc, KeyError):
        return f"{exc.args[0]} is missing or unknown"
    return str(exc) or type(exc).__name__


def _read_entry(
    vendor: str, model: str, entry: Mapping[str, Any], source: str
) -> list[ModelFacts]:
    for key in entry:
        if key not in _ENTRY:
            raise KeyError(key)
    price = _read_price(entry["price"], None) if "price" in entry else None
    return [
        ModelFacts(
            provider=vendor,
            model=name,
            context_window=_number(entry, "context_window"),
            max_output_tokens=_number(entry, "max_output_tokens"),
            takes_sampling=_flag(entry, "takes_sampling"),
            reasons_adaptively=_flag(entry, "reasons_adaptively"),
            price=price,
            tiers=_read_tiers(entry, price),
            capabilities=frozenset(entry.get("capabilities", ())),
            dialects=tuple(entry.get("dialects", ())),
            source=entry.get("source", source),
        )
        for name in (model, *entry.get("also", ()))
    ]


def _read_tiers(entry: Mapping[str, Any], price: Price | None) -> tuple[Tier, ...]:
    if "long" not in entry:
        return ()
    if price is None:
        msg = "long needs a price beside it"
        raise ValueError(msg)
    long = dict(entry["long"])
    above = int(long.pop("above"))
    return (Tier(above_tokens=above, price=_read_price(long, price)),)


def _read_price(entry: Mapping[str, Any], short: Price | None) -> Price:
    """
    Read a price; one for long prompts has the date and the tools of the *short* one.
    """
    buckets = dict(entry)
    since = buckets.pop("from", None)
    tools = buckets.pop("tools", {})
    return Price(
        valid_from=short.valid_from if short else date.fromisoformat(since),
        server_tools=short.server_tools if short else _read_tools(tools),
        **{
            _PRICES[name]: _pico(usd, PICO_PER_MILLIONTH)
            for name, usd in buckets.items()
        },
    )


def _read_tools(tools: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    return tuple((name, _pico(usd, PICO_PER_THOUSANDTH)) for name, usd in tools.items())


def _pico(usd: str, scale: int) -> int:
    pico = Decimal(usd) * scale
    if pico < 0 or pico != int(pico):
        msg = f"{usd} USD is no whole number of pico-USD"
        raise ValueError(msg)
    return int(pico)


def _number(entry: Mapping[str, Any], key: str) -> int | None:
    return int(entry[key]) if key in entry else None


def _flag(entry: Mapping[str, Any], key: str) -> bool | None:
    return _FLAGS[entry[key]] if key in entry else None
