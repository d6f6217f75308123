"""
Names of tools in the letters that the vendor accepts, and back.

Source: the OpenAI API reference, ``tools``: ``[a-zA-Z0-9_-]``, at most 64 of them.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from gateway import codec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.neutral import ToolCall

_LONGEST: Final = 64
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_FOREIGN: Final = re.compile(r"[^a-zA-Z0-9_-]")
_HASHED: Final = re.compile(r"(.+)_[0-9a-f]{6,16}", re.DOTALL)


class ToolNames:
    """
    The tool names of one request as they are written to the provider.

    One map a request: two callers' ``a.b`` and ``a/b`` never meet in it.
    """

    __slots__ = ("_written", "changed")

    def __init__(self, names: Iterable[str]) -> None:
        self._written: dict[str, str] = {}
        #: Whether a name could not be written as it is.
        self.changed = False
        given = list(dict.fromkeys(names))
        taken = {name for name in given if _NAME.fullmatch(name)}
        for name in given:
            self._written[name] = name if name in taken else self._fit(name, taken)

    def __getitem__(self, name: str) -> str:
        return self._written[name]

    def get(self, name: str) -> str:
        """
        Return how *name* is written; one that the request does not have as it is.
        """
        return self._written.get(name, name)

    def _fit(self, name: str, taken: set[str]) -> str:
        self.changed = True
        plain = _FOREIGN.sub("_", name)
        if not plain or len(plain) > _LONGEST or plain in taken:
            digest = hashlib.blake2b(
                name.encode("utf-8", "surrogatepass"), digest_size=4
            )
            plain = f"{plain[: _LONGEST - 9]}_{digest.hexdigest()}"
        taken.add(plain)
        return plain


class OfferedTools:
    """
    The functions and custom tools that a request offers, by the names that it gave them.

    Args:
        asked: The request's document.
    """

    __slots__ = ("_kinds",)

    def __init__(self, asked: dict[str, Any]) -> None:
        self._kinds: dict[str, str] = {}
        tools = asked.get("tools")
        for tool in tools if isinstance(tools, list) else ():
            name = tool.get("name") if isinstance(tool, dict) else None
            if isinstance(name, str):
                self._kinds[name] = str(tool.get("type"))

    def restored(self, call: ToolCall) -> tuple[str, bool]:
        """
        Return the name that the caller gave the tool of *call*, and whether it is a custom one.

        Whatever a provider's dialect made of a name, the letters that all dialects share are
        still there, perhaps cut off with a hash behind them.  Where that leads to no tool, or
        to two, the name stands.
        """
        name = call.name
        if name not in self._kinds:
            name = self._original(name)
        kind = self._kinds.get(name, call.kind)
        return name, kind == "custom"

    def _original(self, name: str) -> str:
        plain = {tool: _FOREIGN.sub("_", tool) for tool in self._kinds}
        found = [tool for tool, spelt in plain.items() if spelt == name]
        if not found:
            stem = _HASHED.fullmatch(name)
            if stem is not None:
                found = [
                    tool for tool, spelt in plain.items() if spelt.startswith(stem[1])
                ]
        return found[0] if len(found) == 1 else name


def free_text(call: ToolCall, arguments: str) -> str:
    """
    Return the input of a custom tool's call.

    A provider without custom tools was offered a function instead, whose one argument is the
    input.
    """
    if call.kind == "custom":
        return arguments
    try:
        given = codec.loads(arguments.encode("utf-8", "surrogatepass"))
    except codec.JsonError:
        return arguments
    text = given.get("input") if isinstance(given, dict) and len(given) == 1 else None
    return text if isinstance(text, str) else arguments
