"""
Names of tools in the letters that OpenAI accepts, and back.

Source: OpenAI's API reference: a function's name has letters, digits, underscores and dashes, at
most 64 of them.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_LONGEST: Final = 64
_HASH: Final = 8
_OTHER: Final = re.compile(r"[^a-zA-Z0-9_-]")


def written_names(names: Iterable[str]) -> dict[str, str]:
    """
    Map each of one request's *names* to what OpenAI is told; most map to themselves.

    The same names in the same order are always written the same, so that prompt caches hold;
    a map of its own for each request, so that two tenants' ``a.b`` and ``a/b`` never meet.
    """
    written: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(dict.fromkeys(names), key=_is_written_otherwise):
        short = _clean(name)
        if short in taken:
            short = _with_hash(short, name)
        taken.add(short)
        written[name] = short
    return written


def restored_name(name: str, offered: Collection[str]) -> str:
    """
    Return the name that the caller *offered* of the tool that a provider calls *name*.

    The provider's dialect may have had to write it in other letters, or shorter with a hash
    behind it.  A name that leads to no tool, or to several, is returned as it is.
    """
    if name in offered:
        return name
    for is_same in (_is_cleaned, _is_hashed):
        found = [tool for tool in offered if is_same(tool, name)]
        if found:
            return found[0] if len(found) == 1 else name
    return name


def offered_names(request: Mapping[str, Any]) -> list[str]:
    """
    List the names of the tools in the document of a *request* in this dialect.
    """
    found: list[Any] = []
    for tool in _list(request.get("tools")):
        inner = tool.get(str(tool.get("type")))
        found.append(inner.get("name") if isinstance(inner, dict) else tool.get("name"))
    found += [function.get("name") for function in _list(request.get("functions"))]
    return [name for name in found if isinstance(name, str)]


def _list(value: Any) -> list[dict[str, Any]]:
    members = value if isinstance(value, list) else []
    return [member for member in members if isinstance(member, dict)]


def _is_written_otherwise(name: str) -> bool:
    return _clean(name) != name


def _is_cleaned(tool: str, name: str) -> bool:
    return _OTHER.sub("_", tool) == name


def _is_hashed(tool: str, name: str) -> bool:
    kept, _, digest = name.rpartition("_")
    return digest == _digest(tool) and _OTHER.sub("_", tool).startswith(kept)


def _clean(name: str) -> str:
    clean = _OTHER.sub("_", name) or "tool"
    return clean if len(clean) <= _LONGEST else _with_hash(clean, name)


def _with_hash(clean: str, name: str) -> str:
    return f"{clean[: _LONGEST - _HASH - 1]}_{_digest(name)}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
