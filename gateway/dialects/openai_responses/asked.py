"""
What is read of a request, or taken out of it, without translating it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.lenient import objects
from gateway.dialects.openai_responses.wire import LOGPROBS, MADE_HERE
from gateway.dialects.tool_names import OfferedTools
from gateway.errors import InvalidRequest
from gateway.outcomes import Seal
from gateway.views import Tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.views import Request

# Whose calls come back to the caller; the provider runs all others.
_RUN_BY_CALLER: Final = frozenset(
    {
        "function",
        "custom",
        "local_shell",
        "apply_patch",
        "computer",
        "computer_use_preview",
    }
)


def check(doc: dict[str, Any]) -> None:
    """
    Check the types of what routing and metering read.

    Raises:
        InvalidRequest: if one is wrong, or if a response is named that is stored nowhere.
    """
    if not isinstance(doc.get("input"), str | list | None):
        raise InvalidRequest("input: must be a string or a list of items")
    cap = doc.get("max_output_tokens")
    if cap is not None and (cap.__class__ is not int or cap < 0):
        raise InvalidRequest("max_output_tokens: must be a positive integer")
    tools = doc.get("tools")
    if tools is not None and not _are_objects(tools):
        raise InvalidRequest("tools: must be a list of objects")
    before = doc.get("previous_response_id")
    if isinstance(before, str) and before.startswith(MADE_HERE):
        raise InvalidRequest(
            "previous_response_id: this response was translated and is stored nowhere;"
            " send the conversation as input"
        )


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def tools_of(doc: dict[str, Any]) -> Sequence[Tool]:
    """
    List the tools that a request offers, those of a namespace one by one.
    """
    return tuple(tool for raw in doc.get("tools") or () for tool in _tools(raw))


def _tools(raw: dict[str, Any]) -> list[Tool]:
    kind = str(raw.get("type"))
    if kind == "namespace":
        inner = raw.get("tools")
        members = inner if isinstance(inner, list) and _are_objects(inner) else []
        return [tool for one in members for tool in _tools(one)]
    name = raw.get("name") or raw.get("server_label") or kind
    return [Tool(name=str(name), kind=kind, is_hosted=_is_hosted(kind, raw))]


def _is_hosted(kind: str, raw: dict[str, Any]) -> bool:
    if kind == "shell":
        environment = raw.get("environment")
        return not (
            isinstance(environment, dict) and environment.get("type") == "local"
        )
    if kind == "tool_search":
        return raw.get("execution") != "client"
    return kind not in _RUN_BY_CALLER


def callers_tools(doc: dict[str, Any]) -> OfferedTools:
    """
    Return the functions and custom tools that a request offers.
    """
    given = [*objects(doc.get("tools"))]
    for item in objects(doc.get("input")):
        if item.get("type") == "additional_tools":
            given += objects(item.get("tools"))
    return OfferedTools(
        {
            tool["name"]: str(tool.get("type"))
            for tool in given
            if isinstance(tool.get("name"), str)
        }
    )


def wants_logprobs(doc: dict[str, Any]) -> bool:
    """
    Tell whether a request asks for the likelihoods of the answer's tokens.
    """
    included = doc.get("include")
    return isinstance(included, list) and LOGPROBS in included


def drop_foreign_seals(request: Request) -> int:
    """
    Take reasoning out of *request* that another vendor sealed, which this one would refuse.

    Returns:
        How many items were taken out.
    """
    given = request.peek("input")
    if not isinstance(given, list) or not any(map(_is_foreign, given)):
        return 0
    items = request.doc["input"]
    kept = [item for item in items if not _is_foreign(item)]
    dropped = len(items) - len(kept)
    items[:] = kept
    request.touch()
    return dropped


def _is_foreign(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and item.get("type") == "reasoning"
        and Seal.is_wrapped(item.get("encrypted_content"))
    )
