"""
What an answer used and why it stopped, in Anthropic's words and in the neutral ones.

Source: Anthropic's API reference: ``input_tokens`` counts neither what was read from the
prompt cache nor what was written to it, ``output_tokens`` includes thinking, and with
``iterations`` the top-level figures leave out what compactions and advisors used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.lenient import count_at, is_count, object_at, objects
from gateway.dialects.tiers import anthropic_region, anthropic_tier
from gateway.outcomes import Stop
from gateway.usage import Usage

if TYPE_CHECKING:
    from gateway.outcomes import Losses, StopReason

_STOPS: Final[dict[str, StopReason]] = {
    "end_turn": "end",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "context_full",
    "tool_use": "tool",
    "refusal": "filtered",
    "pause_turn": "paused",
    "compaction": "paused",
}
_WORDS: Final[dict[str, str]] = {
    "end": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "context_full": "model_context_window_exceeded",
    "tool": "tool_use",
    "filtered": "refusal",
    "paused": "pause_turn",
}
#: What an answer that ended in a way Anthropic has no word for is called: agents take it
#: for neither complete nor to be continued.
_NO_GOOD_END: Final = "refusal"
_LONGEST_WORD: Final = 64

_TIERS: Final = {"standard": "default"}
_WRITTEN_TIERS: Final = {"default": "standard", "standard": "standard"}
_KNOWN_TIERS: Final = ("standard", "priority", "batch")
_CALLS: Final = "_requests"


# --- usage ------------------------------------------------------------------------------


def read_usage(doc: Any) -> Usage | None:
    """
    Read a ``usage`` object; None if there is none.
    """
    if not isinstance(doc, dict) or not any(is_count(doc.get(key)) for key in _SUMS):
        return None
    # Summed they are never less than the top level says; whoever leaves some out is wrong.
    fresh, read, written, long, output = map(max, _buckets(doc), _iterations(doc))
    details = object_at(doc, "output_tokens_details")
    reasoning = min(count_at(details, "thinking_tokens"), output)
    return Usage(
        input=fresh,
        cache_read=read,
        cache_write_5m=written - long,
        cache_write_1h=long,
        output=output - reasoning,
        reasoning=reasoning,
        server_tool_calls=_server_tool_calls(doc),
        service_tier=anthropic_tier(doc.get("service_tier"), doc.get("speed")),
        region=anthropic_region(doc.get("inference_geo")),
    )


_SUMS: Final = (
    "input_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "output_tokens",
)


def _buckets(doc: dict[str, Any]) -> tuple[int, int, int, int, int]:
    """
    Return input, cache read, cache written, that of it with a long lifetime, and output.
    """
    parts = object_at(doc, "cache_creation")
    short = count_at(parts, "ephemeral_5m_input_tokens")
    long = count_at(parts, "ephemeral_1h_input_tokens")
    return (
        count_at(doc, "input_tokens"),
        count_at(doc, "cache_read_input_tokens"),
        # Events restate the sum without its parts: what they do not tell is at the default.
        max(count_at(doc, "cache_creation_input_tokens"), short + long),
        long,
        count_at(doc, "output_tokens"),
    )


def _iterations(doc: dict[str, Any]) -> tuple[int, ...]:
    iterations = doc.get("iterations")
    if not isinstance(iterations, list):
        return (0, 0, 0, 0, 0)
    each = [_buckets(item) for item in iterations if isinstance(item, dict)]
    return tuple(map(sum, zip(*each, strict=True))) or (0, 0, 0, 0, 0)


def _server_tool_calls(doc: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    calls = object_at(doc, "server_tool_use")
    return tuple(
        (name.removesuffix(_CALLS), count)
        for name, count in calls.items()
        if is_count(count) and count
    )


def merge_usage(seen: dict[str, Any], news: Any) -> None:
    """
    Take over into *seen* what a later event of a stream restates; nulls say nothing.
    """
    if isinstance(news, dict):
        seen.update((key, value) for key, value in news.items() if value is not None)


def write_usage(usage: Usage | None, service_tier: str | None = None) -> dict[str, Any]:
    """
    Write a ``usage`` object; without *usage* what the format demands, all zero.
    """
    usage = usage or Usage()
    short, long = usage.cache_write_5m, usage.cache_write_1h
    doc: dict[str, Any] = {
        "input_tokens": usage.input + usage.input_audio + usage.input_image,
        "cache_creation_input_tokens": short + long,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.total_output,
    }
    if short or long:
        doc["cache_creation"] = {
            "ephemeral_5m_input_tokens": short,
            "ephemeral_1h_input_tokens": long,
        }
    if usage.reasoning:
        doc["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    if usage.server_tool_calls:
        calls = {f"{name}{_CALLS}": count for name, count in usage.server_tool_calls}
        doc["server_tool_use"] = {
            "web_search_requests": 0,
            "web_fetch_requests": 0,
            **calls,
        }
    tier = _WRITTEN_TIERS.get(service_tier or "", service_tier)
    if tier in _KNOWN_TIERS:
        doc["service_tier"] = tier
    return doc


def read_tier(usage: Any) -> str | None:
    """
    Read the service tier that an answer's *usage* names.
    """
    tier = usage.get("service_tier") if isinstance(usage, dict) else None
    return _TIERS.get(tier, tier) if isinstance(tier, str) else None


# --- stop reasons -----------------------------------------------------------------------


def stop_of(message: dict[str, Any]) -> Stop:
    """
    Read why the model stopped from a whole *message*.
    """
    blocks = objects(message.get("content"))
    called = any(block.get("type") == "tool_use" for block in blocks)
    return read_stop(message, calls_tool=called)


def read_stop(doc: dict[str, Any], *, calls_tool: bool) -> Stop:
    """
    Read why the model stopped from a message, or from the delta of one.

    Args:
        calls_tool: A tool call stands in the answer, which then is why it ended well.
    """
    raw = doc.get("stop_reason")
    raw = raw if isinstance(raw, str) else ""
    reason = _STOPS.get(raw, "unknown")
    if calls_tool and reason in ("end", "stop_sequence"):
        reason = "tool"
    sequence = doc.get("stop_sequence")
    detail = doc.get("stop_details")
    return Stop(
        reason=reason,
        raw=raw,
        sequence=sequence if isinstance(sequence, str) else None,
        detail=detail if isinstance(detail, dict) else None,
    )


def write_stop(
    stop: Stop, losses: Losses, *, calls_tool: bool, refuses: bool
) -> dict[str, Any]:
    """
    Write the members of a message that say why it ended.

    Args:
        calls_tool: A tool call stands in the answer.
        refuses: The model's own words of refusal stand in it.
    """
    reason = stop.reason
    if calls_tool and reason in ("end", "stop_sequence"):
        reason = "tool"
    elif refuses and reason == "end":
        reason = "filtered"
    sequence = stop.sequence if reason == "stop_sequence" else None
    doc: dict[str, Any] = {
        "stop_reason": _WORDS.get(reason, _NO_GOOD_END),
        "stop_sequence": sequence,
    }
    if reason not in _WORDS:
        raw = stop.raw[:_LONGEST_WORD] or reason
        losses.change("stop_reason", "Anthropic has no word for how the answer ended")
        doc["provider_stop_reason"] = raw
        doc["stop_details"] = {
            "type": "refusal",
            "category": None,
            "explanation": f"the provider did not end the answer properly ({raw})",
        }
    elif reason == "filtered":
        doc["stop_details"] = _refusal(stop.detail)
    return doc


def _refusal(detail: dict[str, Any] | None) -> dict[str, Any]:
    if detail is not None and detail.get("type") == "refusal":
        return detail
    explanation = (detail or {}).get("explanation")
    return {
        "type": "refusal",
        "category": None,
        "explanation": explanation if isinstance(explanation, str) else None,
    }
