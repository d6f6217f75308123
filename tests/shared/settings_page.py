"""
Writes the tables of ``docs/settings.md`` from the classes that read the settings file.

Run it from the root of the tree::

    python tests/shared/settings_page.py
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from gateway.providers.vendors import VENDORS
from gateway.settings.model import Settings
from gateway.settings.structure import bare
from gateway.settings.tables import annotations_of, file_attributes, key_of

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
#: The tables of the page: what the file says at top level, but for plugins' own.
TABLES = (
    "server",
    "admin",
    "storage",
    "egress",
    "providers",
    "models",
    "routing",
    "hooks",
)


def rendered(page: str) -> str:
    """
    Return *page* with every table as the classes have it now.
    """
    fields = {key_of(field): field for field in file_attributes(Settings)}
    hints = annotations_of(Settings)
    for name in TABLES:
        lines = ["| key | default | meaning |", "|---|---|---|"]
        lines += _rows("", hints[fields[name].name], fields[name])
        page = _with(page, f"keys of {name}", lines)
    return _with(page, "types of providers", list(_types()))


def _with(page: str, name: str, lines: list[str]) -> str:
    before, mark, behind = page.partition(f"<!-- {name} -->\n")
    assert mark, name
    return before + mark + "\n".join(lines) + re.sub(r"\A(?:\|.*\n)*", "\n", behind)


def _types() -> Iterator[str]:
    """
    Yield a row for each kind of provider that the core knows.
    """
    yield "| `type` | wire formats | address | key in the environment |"
    yield "|---|---|---|---|"
    for name, vendor in VENDORS.items():
        address = "in this process" if vendor.in_process else vendor.base_url
        key = f"`{vendor.key_env}`" if vendor.key_env else "none"
        spoken = " ".join(vendor.dialects)
        yield f"| `{name}` | {spoken} | {address or '`base_url` is needed'} | {key} |"


def _rows(path: str, hint: Any, field: attrs.Attribute[Any]) -> Iterator[str]:
    """
    Yield a row for *field*, unless it is the whole table, and for all that it holds.
    """
    step, kind = _held(hint)
    if path:
        yield f"| `{path}` | {_default_of(field, kind)} | {_told(field)} |"
    if kind is None:
        return
    hints = annotations_of(kind)
    for below in file_attributes(kind):
        way = path + step
        name = f"{way}.{key_of(below)}" if way else key_of(below)
        yield from _rows(name.lstrip("."), hints[below.name], below)


def _held(hint: Any) -> tuple[str, type[Any] | None]:
    """
    Find the table that a key of *hint* holds, and what stands on the way to it.
    """
    hint = bare(hint)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    for one in inner if type(None) in inner else (hint,):
        one = bare(one)
        if _is_table(one):
            return "", one
    if origin is None or not inner:
        return "", None
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return ".<name>", inner[1] if _is_table(inner[1]) else None
    return "[]", inner[0] if _is_table(inner[0]) else None


def _is_table(kind: Any) -> bool:
    # What parses itself is written as one word: an address, a reference.
    return isinstance(kind, type) and attrs.has(kind) and not hasattr(kind, "parse")


def _told(field: attrs.Attribute[Any]) -> str:
    told: str = field.metadata["help"]
    return told.replace("|", "\\|")


def _default_of(field: attrs.Attribute[Any], kind: type[Any] | None) -> str:
    if field.default is attrs.NOTHING:
        return "required"
    value = field.default
    if isinstance(value, attrs.Factory):  # type: ignore[arg-type]
        return "" if kind is not None else "none"
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(repr, value))}]`".replace("'", '"')
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text()))
