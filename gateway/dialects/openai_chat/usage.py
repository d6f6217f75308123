"""
Tokens as OpenAI and the vendors that speak its dialect count them, and the buckets they mean.

OpenAI's ``prompt_tokens`` holds the cached tokens and ``completion_tokens`` the reasoning; the
buckets of `Usage` overlap nowhere.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.dialects.tiers import openai_tier
from gateway.usage import Usage

_OPENAIS: Final = frozenset(
    {
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
    }
)
_NOTHING: Final[dict[str, Any]] = {}


def read_usage(raw: Any, tier: str | None = None) -> Usage | None:
    """
    Read a ``usage`` object, of an answer at the service *tier*; None if it counts nothing.

    Deviations known: DeepSeek's ``prompt_cache_hit_tokens``, caches counted as Anthropic names
    them, ``cached_tokens`` and ``reasoning_tokens`` beside the totals, xAI's and Perplexity's
    reasoning that is not part of ``completion_tokens``.
    """
    if not isinstance(raw, dict):
        return None
    if raw.keys() <= _OPENAIS:
        usage = _as_openai_counts(raw, tier)
        if usage is not None:
            return usage
    prompt = _count(raw, "prompt_tokens", "input_tokens")
    completion = _count(raw, "completion_tokens", "output_tokens")
    total = _count(raw, "total_tokens")
    if prompt is None and completion is None and total is None:
        return None
    if prompt is None:
        prompt = max((total or 0) - (completion or 0), 0)
    return _buckets(raw, prompt, completion or 0, total, tier)


def read_any_usage(doc: Any) -> Usage | None:
    """
    Read the usage of an answer or of a chunk, wherever the vendor puts it.
    """
    if not isinstance(doc, dict):
        return None
    tier = openai_tier(doc.get("service_tier"))
    usage = read_usage(doc.get("usage"), tier)
    if usage is None and isinstance(doc.get("x_groq"), dict):
        usage = read_usage(doc["x_groq"].get("usage"), tier)
    return usage


def write_usage(usage: Usage) -> dict[str, Any]:
    """
    Write *usage* as a ``usage`` object.
    """
    written = usage.cache_write_5m + usage.cache_write_1h
    prompt: dict[str, int] = {
        "cached_tokens": usage.cache_read,
        "audio_tokens": usage.input_audio,
    }
    if written:
        prompt["cache_write_tokens"] = written
    if usage.input_image:
        prompt["image_tokens"] = usage.input_image
    return {
        "prompt_tokens": usage.total_input,
        "completion_tokens": usage.total_output,
        "total_tokens": usage.total_input + usage.total_output,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.output_audio,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _as_openai_counts(raw: dict[str, Any], tier: str | None) -> Usage | None:
    """
    Read what OpenAI itself writes; None if anything in it is not as documented.
    """
    prompt: Any = raw.get("prompt_tokens")
    completion: Any = raw.get("completion_tokens")
    spent: Any = raw.get("prompt_tokens_details") or _NOTHING
    made: Any = raw.get("completion_tokens_details") or _NOTHING
    try:
        cached = spent.get("cached_tokens") or 0
        written = spent.get("cache_write_tokens") or 0
        audio_in = spent.get("audio_tokens") or 0
        reasoning = made.get("reasoning_tokens") or 0
        audio_out = made.get("audio_tokens") or 0
        if spent.get("image_tokens") or made.get("image_tokens"):
            return None  # rare, and cached ones are in two counts
        plain_in = prompt - cached - written - audio_in
        plain_out = completion - reasoning - audio_out
        counts = (plain_in, cached, written, audio_in, plain_out, reasoning, audio_out)
        for count in counts:
            if count.__class__ is not int or count < 0:
                return None
    except (TypeError, AttributeError):
        return None
    if reasoning and raw.get("total_tokens") == prompt + completion + reasoning:
        return None  # counted beside the completion: not OpenAI's own
    return Usage(
        input=plain_in,
        cache_read=cached,
        cache_write_5m=written,
        input_audio=audio_in,
        output=plain_out,
        reasoning=reasoning,
        output_audio=audio_out,
        service_tier=tier,
    )


def _buckets(
    raw: dict[str, Any],
    prompt: int,
    completion: int,
    total: int | None,
    tier: str | None,
) -> Usage:
    spent = _details(raw, "prompt_tokens_details", "input_tokens_details")
    made = _details(raw, "completion_tokens_details", "output_tokens_details")
    cached = _first(
        _count(spent, "cached_tokens"),
        _count(
            raw, "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens"
        ),
    )
    written = _first(
        _count(spent, "cache_write_tokens"), _count(raw, "cache_creation_input_tokens")
    )
    reasoning = _first(
        _count(made, "reasoning_tokens"), _count(raw, "reasoning_tokens")
    )
    audio_in = _first(_count(spent, "audio_tokens"))
    audio_out = _first(_count(made, "audio_tokens"))
    images_in = _first(_count(spent, "image_tokens"))
    images_out = _first(_count(made, "image_tokens"))
    shown = completion
    # All tokens add up only if the reasoning is counted beside the completion.
    if not (reasoning and total == prompt + completion + reasoning):
        reasoning = min(reasoning, completion)
        shown = completion - reasoning
    # What a vendor counts twice is counted once, in the bucket that was named first.
    cached = min(cached, prompt)
    written = min(written, prompt - cached)
    audio_in = min(audio_in, prompt - cached - written)
    images_in = min(images_in, prompt - cached - written - audio_in)
    audio_out = min(audio_out, shown)
    images_out = min(images_out, shown - audio_out)
    return Usage(
        input=prompt - cached - written - audio_in - images_in,
        cache_read=cached,
        cache_write_5m=written,
        input_audio=audio_in,
        input_image=images_in,
        output=shown - audio_out - images_out,
        reasoning=reasoning,
        output_audio=audio_out,
        output_image=images_out,
        server_tool_calls=_server_tools(raw),
        service_tier=tier,
    )


def _server_tools(raw: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """
    Count what the provider's own tools did: Perplexity's searches, OpenRouter's by name.
    """
    calls = {}
    searches = _count(raw, "num_search_queries")
    if searches:
        calls["web_search"] = searches
    for name in _details(raw, "server_tool_use"):
        count = _count(raw["server_tool_use"], name)
        if count:
            calls[name.removesuffix("_requests")] = count
    return tuple(calls.items())


def _details(raw: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        found = raw.get(key)
        if isinstance(found, dict):
            return found
    return {}


def _count(raw: dict[str, Any], *keys: str) -> int | None:
    """
    Return the first count at *keys*; None if there is none.
    """
    for key in keys:
        value = raw.get(key)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def _first(*counts: int | None) -> int:
    return next((count for count in counts if count is not None), 0)
