"""
What is said of a request beside who asks whom: numbers and words of a list, never text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway import Request

#: Numbers above this say something else than how a model is to answer.
_MOST: Final = 10**9

_NUMBERS: Final = frozenset(
    {
        "best_of",
        "dimensions",
        "frequency_penalty",
        "logprobs",
        "max_completion_tokens",
        "max_output_tokens",
        "max_tokens",
        "max_tool_calls",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "store",
        "stream",
        "temperature",
        "top_k",
        "top_logprobs",
        "top_p",
    }
)
_EFFORTS: Final = frozenset(
    {"none", "minimal", "low", "medium", "high", "xhigh", "max"}
)
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "encoding_format": frozenset({"float", "base64"}),
    "reasoning_effort": _EFFORTS,
    "service_tier": frozenset(
        {"auto", "default", "flex", "priority", "scale", "standard_only"}
    ),
    "tool_choice": frozenset({"auto", "none", "required", "any"}),
    "truncation": frozenset({"auto", "disabled"}),
    "verbosity": frozenset({"low", "medium", "high"}),
}
#: Members of objects: (key, member) and the words that it may be; None is a number.
_INNER: Final[Mapping[str, Mapping[str, frozenset[str] | None]]] = {
    "output_config": {"effort": _EFFORTS},
    "reasoning": {"effort": _EFFORTS},
    "response_format": {"type": frozenset({"text", "json_object", "json_schema"})},
    "thinking": {
        "budget_tokens": None,
        "type": frozenset({"enabled", "disabled", "adaptive"}),
    },
    "tool_choice": {
        "type": frozenset({"auto", "any", "tool", "none", "function", "allowed_tools"})
    },
}
#: Lists of which the length is said.
_COUNTED: Final = frozenset({"input", "messages", "prompt", "stop", "tools"})


def parameters(request: Request) -> dict[str, Any]:
    """
    Return what may be said of how *request* asks, its keys in order.
    """
    found: dict[str, Any] = {}
    for key, value in request.members.items():
        kind = type(value)
        if key in _NUMBERS:
            if kind is bool or (kind in (int, float) and -_MOST < value < _MOST):
                found[key] = value
        elif kind is list:
            if key in _COUNTED:
                found[f"{key}_count"] = len(value)
        elif kind is str:
            if value in _WORDS.get(key, ()):
                found[key] = value
        elif kind is dict and key in _INNER:
            _inner(found, key, value)
    return dict(sorted(found.items())) if len(found) > 1 else found


def _inner(found: dict[str, Any], key: str, value: dict[str, Any]) -> None:
    for member, words in _INNER[key].items():
        inner = value.get(member)
        is_said = (
            type(inner) is int and 0 <= inner < _MOST
            if words is None
            else isinstance(inner, str) and inner in words
        )
        if is_said:
            found[f"{key}.{member}"] = inner
