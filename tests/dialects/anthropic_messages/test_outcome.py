"""
Usage in buckets that do not overlap, and why an answer ended: golden tables.
"""

from __future__ import annotations

import pytest

from gateway.dialects.anthropic_messages.outcome import (
    merge_usage,
    read_stop,
    read_tier,
    read_usage,
    write_stop,
    write_usage,
)
from gateway.neutral import Losses, Stop
from gateway.usage import Usage

PLAIN = {"input_tokens": 100, "output_tokens": 50}
SPLIT = {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}
MAIN = {
    "type": "message",
    "input_tokens": 5,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 7,
    "output_tokens": 9,
}
OTHER = {
    "type": "compaction",
    "input_tokens": 1000,
    "cache_creation_input_tokens": 3,
    "cache_creation": {"ephemeral_1h_input_tokens": 3},
    "cache_read_input_tokens": 0,
    "output_tokens": 200,
}


@pytest.mark.parametrize(
    ("doc", "usage"),
    [
        (PLAIN, Usage(input=100, output=50)),
        (
            {**PLAIN, "cache_read_input_tokens": 20},
            Usage(input=100, cache_read=20, output=50),
        ),
        (
            {**PLAIN, "cache_creation_input_tokens": 30},
            Usage(input=100, cache_write_5m=30, output=50),
        ),
        (
            {**PLAIN, "cache_creation_input_tokens": 30, "cache_creation": SPLIT},
            Usage(input=100, cache_write_5m=10, cache_write_1h=20, output=50),
        ),
        (
            {**PLAIN, "cache_creation": SPLIT},
            Usage(input=100, cache_write_5m=10, cache_write_1h=20, output=50),
        ),
        (
            {**PLAIN, "output_tokens_details": {"thinking_tokens": 15}},
            Usage(input=100, output=35, reasoning=15),
        ),
        (
            {**PLAIN, "output_tokens_details": {"thinking_tokens": 99}},
            Usage(input=100, output=0, reasoning=50),
        ),
        (
            {
                **PLAIN,
                "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
            },
            Usage(input=100, output=50, server_tool_calls=(("web_search", 2),)),
        ),
        (
            {**MAIN, "iterations": [MAIN, OTHER]},
            Usage(input=1005, cache_read=7, cache_write_1h=3, output=209),
        ),
        (
            {
                **MAIN,
                "cache_creation_input_tokens": 30,
                "cache_creation": SPLIT,
                "iterations": [{**MAIN, "cache_creation_input_tokens": 30}],
            },
            Usage(
                input=5, cache_read=7, cache_write_5m=10, cache_write_1h=20, output=9
            ),
        ),
        ({**PLAIN, "iterations": []}, Usage(input=100, output=50)),
        ({**PLAIN, "iterations": [MAIN]}, Usage(input=100, cache_read=7, output=50)),
        ({"input_tokens": 0, "output_tokens": 0}, Usage()),
        ({"input_tokens": None, "output_tokens": 5}, Usage(output=5)),
        ({"input_tokens": "many", "output_tokens": True}, None),
        ({}, None),
        (None, None),
    ],
    ids=[
        *("plain", "cache read", "cache write", "write 5m 1h", "parts only"),
        *("thinking", "more thinking than output", "server tools", "iterations"),
        "iterations without lifetimes",
        *("no iterations", "iterations too small", "zero", "null", "no numbers"),
        *("empty", "missing"),
    ],
)
def test_usage_is_read_into_buckets(doc, usage):
    """
    Every token stands in exactly one bucket, whatever the vendor counts into which.
    """
    assert read_usage(doc) == usage


def test_later_figures_win_and_nulls_say_nothing():
    """
    A stream's last event restates what it knows; what it does not say stays.
    """
    seen = {}
    merge_usage(seen, {**PLAIN, "output_tokens": 1, "cache_creation": SPLIT})
    merge_usage(seen, {"input_tokens": None, "output_tokens": 50})
    merge_usage(seen, None)

    usage = read_usage(seen)

    assert usage == Usage(input=100, cache_write_5m=10, cache_write_1h=20, output=50)


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input=1, output=2),
        Usage(input=1, cache_read=2, cache_write_5m=3, cache_write_1h=4, output=5),
        Usage(input=1, output=5, reasoning=7, server_tool_calls=(("web_search", 2),)),
    ],
    ids=["plain", "cached", "thought"],
)
def test_usage_goes_there_and_back(usage):
    """
    What is written is read as it was; input_tokens has the uncached ones only.
    """
    doc = write_usage(usage)

    assert doc["input_tokens"] == usage.input
    assert doc["output_tokens"] == usage.total_output
    assert read_usage(doc) == usage


def test_audio_is_input_too():
    """
    Tokens for which Anthropic has no bucket are still counted.
    """
    doc = write_usage(Usage(input=10, input_audio=5, output=1, output_audio=2))

    assert (doc["input_tokens"], doc["output_tokens"]) == (15, 3)


def test_usage_is_demanded_even_if_nobody_told_it():
    """
    The format has no answer without the two counts.
    """
    doc = write_usage(None)

    assert (doc["input_tokens"], doc["output_tokens"]) == (0, 0)


@pytest.mark.parametrize(
    ("word", "tier"),
    [("standard", "default"), ("priority", "priority"), ("batch", "batch")],
)
def test_tier_goes_there_and_back(word, tier):
    """
    The tier that served the answer has a neutral word.
    """
    assert read_tier({"service_tier": word}) == tier
    assert write_usage(None, tier)["service_tier"] == word


def test_tier_of_others_is_left_out():
    """
    Anthropic's enumeration stays closed.
    """
    assert "service_tier" not in write_usage(None, "flex")
    assert read_tier(None) is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", "end"),
        ("stop_sequence", "stop_sequence"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "context_full"),
        ("tool_use", "tool"),
        ("refusal", "filtered"),
        ("pause_turn", "paused"),
        ("compaction", "paused"),
        ("a_new_one", "unknown"),
        (None, "unknown"),
        (["end_turn"], "unknown"),
    ],
)
def test_stop_is_read(raw, reason):
    """
    Every word has its meaning, and one that nobody knows is never taken for an end.
    """
    stop = read_stop({"stop_reason": raw}, calls_tool=False)

    assert stop.reason == reason
    assert stop.raw == (raw if isinstance(raw, str) else "")


def test_stop_keeps_what_is_said_beside_it():
    """
    The sequence that was met and the details of a refusal are kept.
    """
    doc = {
        "stop_reason": "refusal",
        "stop_sequence": "The end.",
        "stop_details": {"type": "refusal", "category": "bio"},
    }

    stop = read_stop(doc, calls_tool=False)

    assert (stop.sequence, stop.detail) == ("The end.", doc["stop_details"])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", "tool"),
        ("stop_sequence", "tool"),
        ("max_tokens", "length"),
        ("refusal", "filtered"),
        ("pause_turn", "paused"),
        ("a_new_one", "unknown"),
    ],
)
def test_tool_call_is_why_an_answer_ended_well(raw, reason):
    """
    With a tool call an end is a call, but what was cut off stays cut off.
    """
    assert read_stop({"stop_reason": raw}, calls_tool=True).reason == reason


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("end", "end_turn"),
        ("stop_sequence", "stop_sequence"),
        ("length", "max_tokens"),
        ("context_full", "model_context_window_exceeded"),
        ("tool", "tool_use"),
        ("filtered", "refusal"),
        ("paused", "pause_turn"),
        ("malformed", "refusal"),
        ("error", "refusal"),
        ("unknown", "refusal"),
    ],
)
def test_stop_is_written(reason, word):
    """
    Every neutral reason has a word, and none but a good end is written as one.
    """
    doc = write_stop(Stop(reason=reason), Losses(), calls_tool=False, refuses=False)

    assert doc["stop_reason"] == word


def test_unknown_word_is_kept():
    """
    The provider's own word stands beside the one that Anthropic's SDK knows.
    """
    losses = Losses()
    stop = Stop(reason="unknown", raw="too_many_moons" * 10)

    doc = write_stop(stop, losses, calls_tool=False, refuses=False)

    assert doc["provider_stop_reason"].startswith("too_many_moons")
    assert len(doc["provider_stop_reason"]) == 64
    assert [loss.field for loss in losses.found] == ["stop_reason"]


@pytest.mark.parametrize(
    ("reason", "calls_tool", "refuses", "word"),
    [
        ("end", True, False, "tool_use"),
        ("length", True, False, "max_tokens"),
        ("end", False, True, "refusal"),
        ("tool", True, True, "tool_use"),
    ],
)
def test_content_decides_what_a_good_end_is(reason, calls_tool, refuses, word):
    """
    A call or a refusal in the answer is why it ended.
    """
    doc = write_stop(
        Stop(reason=reason), Losses(), calls_tool=calls_tool, refuses=refuses
    )

    assert doc["stop_reason"] == word


def test_sequence_is_written_only_where_it_ended_the_answer():
    """
    stop_sequence is null unless it is the reason.
    """
    met = Stop(reason="stop_sequence", sequence="The end.")

    alone = write_stop(met, Losses(), calls_tool=False, refuses=False)
    with_call = write_stop(met, Losses(), calls_tool=True, refuses=False)

    assert alone["stop_sequence"] == "The end."
    assert with_call["stop_sequence"] is None


def test_refusal_has_details():
    """
    A refusal says what the provider said of it, in Anthropic's shape.
    """
    own = {"type": "refusal", "category": "bio", "explanation": "No."}

    kept = write_stop(
        Stop(reason="filtered", detail=own), Losses(), calls_tool=False, refuses=False
    )
    made = write_stop(
        Stop(reason="filtered", detail={"filter": 3}),
        Losses(),
        calls_tool=False,
        refuses=False,
    )

    assert kept["stop_details"] == own
    assert made["stop_details"] == {
        "type": "refusal",
        "category": None,
        "explanation": None,
    }
