"""
What a request offers and allows: tools, caps, counts, and whether usage is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.lenient import objects
from gateway.dialects.tool_names import OfferedTools
from gateway.errors import InvalidRequest
from gateway.views import Tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.views import Chunk, Request

_OWN_TOOLS: Final = ("function", "custom")
_MAX_NAME: Final = 512


def check_counts(request: Request, caps: Sequence[str]) -> None:
    """
    Check the members that bound what a request can cost.

    A provider might read ``"100"`` or ``1e9`` as a number where this gateway read none.

    Raises:
        InvalidRequest: if one of them is no integer.
    """
    doc = request.doc
    for key in (*caps, "n", "best_of"):
        value = doc.get(key)
        if value is not None and value.__class__ is not int:
            raise InvalidRequest(f"{key}: must be an integer")
    for key in ("n", "best_of"):
        value = doc.get(key)
        if value is not None and value < 1:
            raise InvalidRequest(f"{key}: must be at least 1")
    if not isinstance(doc.get("stream_options"), dict | None):
        raise InvalidRequest("stream_options: must be an object")


def output_cap(request: Request, caps: Sequence[str]) -> int | None:
    """
    Return the largest cap among the members *caps*; None if there is none.

    A cap of zero or less is none: some servers read -1 as "without end".
    """
    most: int | None = None
    for key in caps:
        cap = request.peek(key)
        if isinstance(cap, int):
            if cap <= 0:
                return None
            most = cap if most is None else max(most, cap)
    return most


def set_output_cap(request: Request, tokens: int, caps: Sequence[str]) -> None:
    """
    Set those of *caps* that are there, or the first.
    """
    present = [key for key in caps if request.peek(key) is not None]
    for key in present or caps[:1]:
        request.patch(key, tokens)


def ask_for_usage(request: Request) -> bool:
    """
    Have the stream of *request* end with its usage.

    Returns:
        Whether the caller had not asked for it.
    """
    if request.peek("stream") is not True:
        return False
    options = request.peek("stream_options") or {}
    if options.get("include_usage") is True:
        return False
    request.patch("stream_options", {**options, "include_usage": True})
    return True


def is_usage_only(chunk: Chunk) -> bool:
    """
    Tell whether *chunk* says what was used and nothing else.
    """
    if chunk.data and b'"usage"' not in chunk.data:
        return False
    doc = chunk.doc
    return (
        isinstance(doc, dict)
        and doc.get("choices") == []
        and bool(doc.get("usage"))
        and doc.keys() <= _BESIDE_USAGE
    )


_BESIDE_USAGE: Final = frozenset(
    "id object created model service_tier system_fingerprint choices usage obfuscation "
    "x_groq provider".split()
)


def offered_tools(request: Request) -> list[Tool]:
    """
    List the tools that *request* offers, functions of the days before tools among them.
    """
    out = [_tool(raw) for raw in objects(request.peek("tools"))]
    out += [
        Tool(name=_name(raw), kind="function", is_hosted=False)
        for raw in objects(request.peek("functions"))
    ]
    if request.peek("web_search_options") is not None:
        out.append(Tool(name="web_search", kind="web_search", is_hosted=True))
    return out


def callers_tools(request: Request) -> OfferedTools:
    """
    Return the tools whose calls come back to the caller, by their names as they stand.
    """
    offered = [
        (raw.get(kind), kind)
        for raw in objects(request.peek("tools"))
        if (kind := raw.get("type", "function")) in _OWN_TOOLS
    ]
    offered += [(raw, "function") for raw in objects(request.peek("functions"))]
    return OfferedTools(
        {
            raw["name"]: kind
            for raw, kind in offered
            if isinstance(raw, dict) and isinstance(raw.get("name"), str)
        }
    )


def _tool(raw: dict[str, Any]) -> Tool:
    kind = raw.get("type", "function")
    kind = kind[:_MAX_NAME] if isinstance(kind, str) else ""
    if kind in _OWN_TOOLS:
        inner = raw.get(kind)
        name = _name(inner if isinstance(inner, dict) else {})
        return Tool(name=name, kind=kind, is_hosted=False)
    return Tool(name=_name(raw) or kind, kind=kind, is_hosted=True)


def _name(raw: dict[str, Any]) -> str:
    name = raw.get("name")
    return name[:_MAX_NAME] if isinstance(name, str) else ""
