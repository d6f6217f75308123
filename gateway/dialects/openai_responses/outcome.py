"""
What a response says of its end: what was used and why the model stopped, both ways.

Source: the OpenAI API reference, "The response object".
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from gateway.dialects.lenient import count_at, object_at, objects, string_at
from gateway.dialects.tiers import openai_tier
from gateway.outcomes import Stop, StopReason
from gateway.usage import Usage

_INCOMPLETE: Final[dict[str, StopReason]] = {
    "max_output_tokens": "length",
    "content_filter": "filtered",
}
_ENDED: Final = frozenset({"end", "stop_sequence", "tool"})
_BROKEN: Final = frozenset({"malformed", "error"})
# What provider-run tools are called in an account of their calls, by the items they leave.
_RUN_BY_PROVIDER: Final = {
    "web_search_call": "web_search",
    "file_search_call": "file_search",
    "code_interpreter_call": "code_interpreter",
    "image_generation_call": "image_generation",
}
_CALLS: Final = frozenset({"function_call", "custom_tool_call"})


# --- usage ----------------------------------------------------------------------------------


def read_usage(response: Any) -> Usage | None:
    """
    Read the usage of a response object; None if it has none.

    Cached tokens are part of its input count, reasoning is part of its output count.
    """
    usage = object_at(response, "usage")
    if not usage:
        return None
    told = object_at(usage, "input_tokens_details")
    cached = count_at(told, "cached_tokens")
    written = count_at(told, "cache_write_tokens")
    long = min(
        count_at(object_at(told, "cache_write_tokens_details"), "ttl_12h_tokens"),
        written,
    )
    reasoning = count_at(object_at(usage, "output_tokens_details"), "reasoning_tokens")
    return Usage(
        input=max(count_at(usage, "input_tokens") - cached - written, 0),
        cache_read=cached,
        cache_write_5m=written - long,
        cache_write_1h=long,
        output=max(count_at(usage, "output_tokens") - reasoning, 0),
        reasoning=reasoning,
        server_tool_calls=_server_tool_calls(response),
        service_tier=openai_tier(response.get("service_tier")),
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """
    Write *usage* as the response object's ``usage``.
    """
    told: dict[str, Any] = {
        "cached_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
    }
    if usage.cache_write_1h:
        told["cache_write_tokens_details"] = {
            "ttl_30m_tokens": usage.cache_write_5m,
            "ttl_12h_tokens": usage.cache_write_1h,
        }
    return {
        "input_tokens": usage.total_input,
        "input_tokens_details": told,
        "output_tokens": usage.total_output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total_input + usage.total_output,
    }


def _server_tool_calls(response: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    calls: dict[str, int] = {}
    for item in objects(response.get("output")):
        name = _RUN_BY_PROVIDER.get(string_at(item, "type"))
        if name is not None:
            calls[name] = calls.get(name, 0) + 1
    searches = object_at(object_at(response, "tool_usage"), "web_search")
    if searches:  # the account of what is billed; opening a page is no search
        calls["web_search"] = count_at(searches, "num_requests")
    return tuple((name, count) for name, count in sorted(calls.items()) if count)


# --- stop -----------------------------------------------------------------------------------


def read_stop(response: dict[str, Any]) -> Stop:
    """
    Read why the model stopped; a call among the output makes a complete answer ``tool``.
    """
    status = string_at(response, "status")
    if status == "completed":
        return Stop(reason="tool" if _has_call(response) else "end", raw="completed")
    if status == "incomplete":
        details = object_at(response, "incomplete_details")
        raw = string_at(details, "reason") or "incomplete"
        return Stop(reason=_INCOMPLETE.get(raw, "unknown"), raw=raw)
    if status == "failed":
        error = object_at(response, "error")
        raw = string_at(error, "code") or "failed"
        return Stop(reason="error", raw=raw, detail=error or None)
    if status in {"queued", "in_progress"}:
        return Stop(reason="paused", raw=status)
    return Stop(reason="unknown", raw=status)


def _has_call(response: dict[str, Any]) -> bool:
    items = objects(response.get("output"))
    return any(string_at(item, "type") in _CALLS for item in items)


@attrs.frozen(kw_only=True)
class Ending:
    """
    How a response says that it ended.

    Attributes:
        status: The status of the response; also the name of the closing event.
        incomplete_details: Why it is incomplete.
        error: Why it failed.
    """

    status: str
    incomplete_details: dict[str, Any] | None = None
    error: dict[str, Any] | None = None

    @property
    def item_status(self) -> str:
        """
        The status of an item that was being written when the response ended.
        """
        return "completed" if self.status == "completed" else "incomplete"


def write_stop(stop: Stop) -> Ending:
    """
    Say *stop* in the dialect's words; one that has none is no complete answer.
    """
    if stop.reason in _ENDED:
        return Ending(status="completed")
    if stop.reason in _BROKEN:
        return Ending(
            status="failed",
            error={
                "code": "server_error",
                "message": "The model's answer broke off.",
                "type": stop.raw or stop.reason,
            },
        )
    if stop.reason == "filtered":
        return Ending(
            status="incomplete", incomplete_details={"reason": "content_filter"}
        )
    if stop.reason == "length":
        return Ending(
            status="incomplete", incomplete_details={"reason": "max_output_tokens"}
        )
    # The vendor's list of reasons is closed, and none is true here.
    reason = "max_output_tokens" if stop.reason == "context_full" else None
    return Ending(
        status="incomplete",
        incomplete_details={"reason": reason, "raw": stop.raw or stop.reason},
    )
