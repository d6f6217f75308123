"""
Why the model stopped: finish reasons of OpenAI and of the vendors that speak its dialect.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from gateway.dialects.lenient import object_at, objects, string_at
from gateway.outcomes import Stop, StopReason

_READ: Final[dict[str, StopReason]] = {
    "stop": "end",
    "eos": "end",  # Together
    "end_turn": "end",
    "stop_sequence": "stop_sequence",
    "length": "length",
    "max_tokens": "length",
    "model_length": "context_full",  # Mistral
    "tool_calls": "tool",
    "function_call": "tool",
    "tool_use": "tool",
    "content_filter": "filtered",
    "error": "error",
    "insufficient_system_resource": "error",  # DeepSeek
    "abort": "error",  # vLLM and SGLang
}

#: The words of the dialect; ``error`` is none of OpenAI's own, but of Mistral's and OpenRouter's,
#: and unlike ``stop`` nobody takes it for a complete answer.
_WRITTEN: Final[dict[StopReason, str]] = {
    "end": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "context_full": "length",
    "tool": "tool_calls",
    "filtered": "content_filter",
    "paused": "stop",
    "malformed": "error",
    "error": "error",
    "unknown": "error",
}
#: Reasons that OpenAI's words tell in full; of any other the provider's word is sent along.
_TOLD: Final = frozenset(("end", "length", "tool", "filtered"))

_MAX_WORD: Final = 200
#: The better comes first; of several choices the worst counts.
_SEVERITY: Final[tuple[StopReason, ...]] = (
    "end",
    "stop_sequence",
    "tool",
    "paused",
    "length",
    "context_full",
    "filtered",
    "malformed",
    "unknown",
    "error",
)


def read_stop(
    choice: dict[str, Any], *, has_calls: bool, has_refused: bool = False
) -> Stop | None:
    """
    Read why *choice* ended; None if it has not, or does not say.

    Any call in the output makes it a stop for tools, unless it was cut short: some vendors say
    ``stop``.
    """
    raw = choice.get("finish_reason")
    if raw is None or raw == "":
        return None
    word = str(raw)[:_MAX_WORD]
    reason: StopReason = _READ.get(word, "unknown")
    if has_calls and reason in ("end", "stop_sequence"):
        reason = "tool"
    elif has_refused and reason == "end":
        reason = "filtered"
    met = _sequence(choice) if reason == "end" else None
    if met is not None:
        reason = "stop_sequence"
    return _stop(reason, _raw_word(choice, word), met)


@lru_cache(maxsize=64)
def _stop(reason: StopReason, raw: str, sequence: str | None) -> Stop:
    # Nearly all answers of a provider stop for one of three reasons.
    return Stop(reason=reason, raw=raw, sequence=sequence)


def _raw_word(choice: dict[str, Any], word: str) -> str:
    native = choice.get("native_finish_reason")
    return native[:_MAX_WORD] if isinstance(native, str) and native else word


def _sequence(choice: dict[str, Any]) -> str | None:
    """
    Return the stop sequence that vLLM and SGLang say was met; a token's number is none.
    """
    for key in ("stop_reason", "matched_stop"):
        met = choice.get(key)
        if isinstance(met, str) and met:
            return met
    return None


def worst(stops: list[Stop]) -> Stop | None:
    """
    Return the worst of the *stops* of several choices.
    """
    return max(stops, key=lambda stop: _SEVERITY.index(stop.reason), default=None)


def stops_of(doc: Any) -> Stop | None:
    """
    Return why a whole answer stopped; with several choices the worst.
    """
    choices = objects(doc.get("choices") if isinstance(doc, dict) else None)
    found = [stop_of(choice) for choice in choices]
    return found[0] if len(found) == 1 else worst(found)


def stop_of(choice: dict[str, Any]) -> Stop:
    """
    Return why *choice*, which has ended, stopped.
    """
    message = object_at(choice, "message")
    has_calls = _has_calls(message)
    stop = read_stop(choice, has_calls=has_calls, has_refused=_has_refused(message))
    if stop is None:  # xAI ends calls with an empty reason
        stop = Stop(reason="tool" if has_calls else "unknown")
    return stop


def _has_calls(message: dict[str, Any]) -> bool:
    if isinstance(message.get("function_call"), dict):
        return True
    calls = message.get("tool_calls")  # mostly there are none
    return bool(calls) and any(map(_is_call, objects(calls)))


def _is_call(raw: dict[str, Any]) -> bool:
    """
    Tell whether *raw* calls a tool of the caller's, rather than one that the vendor runs.
    """
    return any(isinstance(raw.get(key), dict) for key in ("function", "custom"))


def _has_refused(message: dict[str, Any]) -> bool:
    if string_at(message, "refusal"):
        return True
    content = message.get("content")  # mostly a string
    return isinstance(content, list) and any(
        part.get("type") == "refusal" for part in objects(content)
    )


def write_stop(
    stop: Stop, *, has_refused: bool = False, is_legacy: bool = False
) -> dict[str, Any]:
    """
    Write *stop* as the members of a choice.

    Args:
        has_refused: The answer has a refusal in the model's words, which OpenAI ends as any
            other.
        is_legacy: The caller offered ``functions`` rather than ``tools``.
    """
    word = _WRITTEN[stop.reason]
    if stop.reason == "filtered" and has_refused:
        word = "stop"
    elif stop.reason == "tool" and is_legacy:
        word = "function_call"
    members: dict[str, Any] = {"finish_reason": word}
    if stop.reason not in _TOLD and stop.raw and stop.raw != word:
        members["native_finish_reason"] = stop.raw
    if stop.sequence is not None:
        members["stop_reason"] = stop.sequence
    return members
