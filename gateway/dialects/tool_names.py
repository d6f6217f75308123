"""
Names of tools in the letters that providers accept, and back.

Source: the vendors' API references: a tool's name has letters, digits, underscores and dashes, at
most 64 of them at OpenAI and 128 at Anthropic.
"""

from __future__ import annotations

import hashlib
import re
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from gateway.neutral import Ask, ToolCall

#: How many letters the dialects take, the fewest first.
_LENGTHS: Final = (64, 128)
_FOREIGN: Final = re.compile(r"[^a-zA-Z0-9_-]")
_HASH: Final = 8
#: Stands for a name that has no letters at all.
_NAMELESS: Final = "tool"


class ToolNames:
    """
    The names of one request's tools as they are written to a provider.

    Made anew for each request: in a map that requests share, two tenants' ``a.b`` and ``a/b``
    would meet.  The same names in the same order are always written the same, so that prompt
    caches hold and `restored_name` finds the way back.

    Args:
        names: All names of the request, in their order.
        longest: How many letters the provider takes.
    """

    __slots__ = ("_written",)

    def __init__(self, names: Iterable[str], *, longest: int) -> None:
        given = list(dict.fromkeys(names))
        # Good names first: they keep their letters whatever others would turn into.
        self._written = {name: name for name in given if _is_good(name, longest)}
        taken = set(self._written)
        for name in given:
            if name not in self._written:
                spellings = _spellings(name, longest)
                written = next(one for one in spellings if one not in taken)
                taken.add(written)
                self._written[name] = written

    @classmethod
    def of(cls, ask: Ask, *, longest: int) -> ToolNames:
        """
        Name the tools that *ask* offers, and those that its turns call.
        """
        offered = (tool.name for tool in ask.tools if tool.kind != "hosted")
        return cls([*offered, *ask.called_names()], longest=longest)

    def __getitem__(self, name: str) -> str:
        """
        Return how *name* is written; one that the request does not have as it is.
        """
        return self._written.get(name, name)

    @property
    def changed(self) -> tuple[str, ...]:
        """
        The names that could not be written as they are.
        """
        return tuple(name for name, new in self._written.items() if name != new)

    def given(self, written: str) -> str | None:
        """
        Return the name that is written so, or None.
        """
        found = (name for name, new in self._written.items() if new == written)
        return next(found, None)


class OfferedTools:
    """
    The functions and custom tools that a caller offers, by the names that the caller gave.

    Args:
        kinds: Of each tool: ``function`` or ``custom``.
    """

    __slots__ = ("_kinds",)

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._kinds = kinds

    def restored(self, call: ToolCall) -> tuple[str, bool]:
        """
        Return what the caller calls the tool of *call*, and whether it takes free text.
        """
        name = restored_name(call.name, self._kinds)
        return name, self._kinds.get(name, call.kind) == "custom"


def restored_name(name: str, offered: Collection[str]) -> str:
    """
    Return the name of the tool that the caller *offered* and that a provider calls *name*.

    The provider was told the caller's names in other letters where its dialect takes fewer.
    A name that leads to no tool is the model's invention, and returned as it is.
    """
    if name in offered:
        return name
    for longest in _LENGTHS:
        given = ToolNames(offered, longest=longest).given(name)
        if given is not None:
            return given
    # It made way for a tool that only the conversation calls: the hash is its own all the same.
    found = [tool for tool in offered if _is_hash_of(name, tool)]
    return found[0] if len(found) == 1 else name


def _is_good(name: str, longest: int) -> bool:
    return 0 < len(name) <= longest and _FOREIGN.search(name) is None


def _spellings(name: str, longest: int) -> Iterator[str]:
    """
    Yield ever other ways of writing *name*, the plainest first.
    """
    plain = _FOREIGN.sub("_", name) or _NAMELESS
    if len(plain) <= longest:
        yield plain
    for number in count():
        yield f"{plain[: longest - _HASH - 1]}_{_digest(name, number)}"


def _is_hash_of(written: str, name: str) -> bool:
    kept, _, digest = written.rpartition("_")
    plain = _FOREIGN.sub("_", name) or _NAMELESS
    return digest == _digest(name, 0) and plain.startswith(kept)


def _digest(name: str, number: int) -> str:
    salted = name if number == 0 else f"{name} {number}"
    raw = salted.encode("utf-8", "surrogatepass")
    return hashlib.sha256(raw).hexdigest()[:_HASH]
