"""
Reads price files: ``models.yaml``, whose head tells how an entry is written, and operators'.

Every scalar is read as text and converted here, so that a price is exact to the last
digit whether or not it stands in quotes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeVar

from gateway.catalog.buckets import FIELDS, PICO_PER_THOUSANDTH, SCALES, pico_of
from gateway.catalog.facts import ModelFacts
from gateway.catalog.prices import PERMILLE, Price, Rates, Tariff, Tier

_T = TypeVar("_T")

#: A file of all models that anybody lists is a few MB.
MAX_FILE_BYTES: Final = 32 * 1024 * 1024

_FLAGS: Final = {"true": True, "false": False}
_TARIFF: Final = frozenset("price long services regions".split())
_ENTRY: Final = _TARIFF | frozenset(
    "prices context_window max_output_tokens takes_sampling reasons_adaptively "
    "capabilities dialects also source".split()
)


class CatalogError(ValueError):
    """
    A price file is wrong; says which entry and what.
    """


def read_builtin() -> Iterator[ModelFacts]:
    """
    Read the file that comes with the gateway.
    """
    path = resources.files("gateway.catalog").joinpath("models.yaml")
    return read_catalog(path.read_text("utf-8"))


def read_catalog_file(path: Path) -> list[ModelFacts]:
    """
    Read the price file at *path*.

    Raises:
        CatalogError: it cannot be read, or an entry of it is wrong; names the file.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as exc:
        msg = f"{path}: cannot be read: {exc.strerror or type(exc).__name__}"
        raise CatalogError(msg) from None
    if len(raw) > MAX_FILE_BYTES:
        msg = f"{path}: larger than {MAX_FILE_BYTES} bytes"
        raise CatalogError(msg)
    try:
        return list(read_catalog(raw.decode()))
    except UnicodeDecodeError:
        msg = f"{path}: not UTF-8"
        raise CatalogError(msg) from None
    except CatalogError as exc:
        msg = f"{path}: {exc}"
        raise CatalogError(msg) from None


def read_catalog(text: str) -> Iterator[ModelFacts]:
    """
    Read a price file; an entry and each of the names under ``also`` are a model.

    Raises:
        CatalogError: at the first entry that is wrong.
    """
    # Here, so that whoever was given a catalog does without PyYAML.
    from gateway.catalog.document import parse

    for vendor, part in _tables(parse(text), "the file"):
        if not isinstance(part, dict) or part.keys() - {"models", "source"}:
            msg = f"{vendor}: a vendor has models and a source, nothing else"
            raise CatalogError(msg)
        source = part.get("source", "")
        for model, entry in _tables(part.get("models"), vendor):
            try:
                facts = _read_entry(vendor, model, _table(entry or {}), source)
            except (KeyError, TypeError, ValueError) as exc:
                msg = f"{vendor}/{model}: {_told(exc)}"
                raise CatalogError(msg) from None
            yield from facts


def _tables(document: Any, where: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(document, dict):
        msg = f"{where}: there is no table"
        raise CatalogError(msg)
    yield from document.items()


def _told(exc: Exception) -> str:
    if isinstance(exc, KeyError):
        return f"{exc.args[0]} is missing or unknown"
    return str(exc) or type(exc).__name__


def _read_entry(
    vendor: str, model: str, entry: Mapping[str, Any], source: Any
) -> list[ModelFacts]:
    _only(entry, _ENTRY)
    tariffs = _read_tariffs(entry)
    return [
        ModelFacts(
            provider=vendor,
            model=name,
            context_window=_number(entry, "context_window"),
            max_output_tokens=_number(entry, "max_output_tokens"),
            takes_sampling=_flag(entry, "takes_sampling"),
            reasons_adaptively=_flag(entry, "reasons_adaptively"),
            tariffs=tariffs,
            capabilities=frozenset(_words(entry, "capabilities")),
            dialects=_words(entry, "dialects"),
            source=_text(entry.get("source", source)),
        )
        for name in (model, *_words(entry, "also"))
    ]


# --- prices -----------------------------------------------------------------------------


def _read_tariffs(entry: Mapping[str, Any]) -> tuple[Tariff, ...]:
    """
    Read the one price of an entry, or under ``prices`` those of several times.
    """
    if "prices" not in entry:
        return (_read_tariff(entry),) if entry.keys() & _TARIFF else ()
    if entry.keys() & _TARIFF:
        msg = "prices stands in the place of price, long, services and regions"
        raise ValueError(msg)
    tariffs = [_read_tariff(_table(one)) for one in _list(entry["prices"])]
    return tuple(sorted(tariffs, key=lambda tariff: tariff.valid_from))


def _read_tariff(entry: Mapping[str, Any]) -> Tariff:
    _only(entry, _ENTRY)
    buckets = dict(_table(entry["price"]))
    valid_from = date.fromisoformat(_text(buckets.pop("from")))
    price = _read_price(buckets, None)
    services = _table(entry.get("services", {}))
    return Tariff(
        valid_from=valid_from,
        rates=Rates(price=price, long=_read_long(entry, price)),
        services=tuple(
            (name, _read_service(_table(part), price))
            for name, part in services.items()
        ),
        regions=tuple(
            (name, pico_of(_text(factor), PERMILLE))
            for name, factor in _table(entry.get("regions", {})).items()
        ),
    )


def _read_service(part: Mapping[str, Any], standard: Price) -> Rates:
    buckets = dict(part)
    long = {"long": buckets.pop("long")} if "long" in buckets else {}
    price = _read_price(buckets, standard)
    return Rates(price=price, long=_read_long(long, price))


def _read_long(entry: Mapping[str, Any], short: Price) -> tuple[Tier, ...]:
    long = entry.get("long", [])
    tiers = []
    for part in [long] if isinstance(long, dict) else _list(long):
        buckets = dict(_table(part))
        above = int(_text(buckets.pop("above")))
        tiers.append(Tier(above_tokens=above, price=_read_price(buckets, short)))
    return tuple(sorted(tiers, key=lambda tier: tier.above_tokens))


def _read_price(buckets: Mapping[str, Any], standard: Price | None) -> Price:
    """
    Read a price; what costs by the piece is as in the *standard* one where it is left out.
    """
    picos: dict[str, Any] = {
        _known(FIELDS, name): pico_of(_text(usd), SCALES[name])
        for name, usd in buckets.items()
        if name != "tools"
    }
    if standard is not None:
        picos.setdefault("image_pico", standard.image_pico)
        picos.setdefault("request_pico", standard.request_pico)
        picos["server_tools"] = standard.server_tools
    if "tools" in buckets:
        picos["server_tools"] = tuple(
            (name, pico_of(_text(usd), PICO_PER_THOUSANDTH))
            for name, usd in _table(buckets["tools"]).items()
        )
    for name in ("input", "output"):
        if name not in buckets:
            raise KeyError(name)
    return Price(**picos)


# --- values -----------------------------------------------------------------------------


def _only(entry: Mapping[str, Any], names: frozenset[str]) -> None:
    for key in entry:
        if key not in names:
            raise KeyError(key)


def _known(table: Mapping[str, str], name: str) -> str:
    return table[name]


def _number(entry: Mapping[str, Any], key: str) -> int | None:
    return int(_text(entry[key])) if key in entry else None


def _flag(entry: Mapping[str, Any], key: str) -> bool | None:
    return _FLAGS[_text(entry[key])] if key in entry else None


def _words(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_text(word) for word in _list(entry.get(key, [])))


def _text(value: Any) -> str:
    return _of(str, value, "a single value")


def _list(value: Any) -> list[Any]:
    return _of(list, value, "a list")


def _table(value: Any) -> dict[str, Any]:
    return _of(dict, value, "a table")


def _of(kind: type[_T], value: Any, called: str) -> _T:
    if not isinstance(value, kind):
        msg = f"{str(value)[:40]!r} should be {called}"
        raise TypeError(msg)
    return value
