"""
Usage and ends: golden tables.
"""

from __future__ import annotations

import pytest

from gateway.dialects.openai_responses.outcome import (
    read_stop,
    read_usage,
    write_stop,
    write_usage,
)
from gateway.neutral import Stop
from gateway.usage import Usage

CALL = {"type": "function_call"}


def usage(given, got, **details):
    return {"input_tokens": given, "output_tokens": got, **details}


@pytest.mark.parametrize(
    ("doc", "wanted"),
    [
        (usage(9, 4), Usage(input=9, output=4)),
        (
            usage(9, 4, input_tokens_details={"cached_tokens": 5}),
            Usage(input=4, cache_read=5, output=4),
        ),
        (
            usage(
                9, 4, input_tokens_details={"cached_tokens": 5, "cache_write_tokens": 3}
            ),
            Usage(input=1, cache_read=5, cache_write_5m=3, output=4),
        ),
        (
            usage(
                9,
                4,
                input_tokens_details={
                    "cache_write_tokens": 8,
                    "cache_write_tokens_details": {
                        "ttl_30m_tokens": 6,
                        "ttl_12h_tokens": 2,
                    },
                },
            ),
            Usage(input=1, cache_write_5m=6, cache_write_1h=2, output=4),
        ),
        (
            usage(9, 4, output_tokens_details={"reasoning_tokens": 3}),
            Usage(input=9, output=1, reasoning=3),
        ),
        (usage(0, 0), Usage()),
        (
            usage(2, 1, input_tokens_details={"cached_tokens": 5}),
            Usage(cache_read=5, output=1),
        ),
        (usage("x", -4, input_tokens_details=7), Usage()),
        ({}, None),
        (None, None),
        ("x", None),
    ],
)
def test_read_usage(doc, wanted):
    """
    Every token stands in one bucket: what is cached and what is reasoned is taken out.
    """
    assert read_usage({"usage": doc}) == wanted


@pytest.mark.parametrize(
    ("response", "calls"),
    [
        ({"output": [{"type": "web_search_call"}] * 2}, (("web_search", 2),)),
        (
            {
                "output": [{"type": "web_search_call"}] * 2,
                "tool_usage": {"web_search": {"num_requests": 1}},
            },
            (("web_search", 1),),
        ),
        (
            {
                "output": [
                    {"type": "code_interpreter_call"},
                    {"type": "file_search_call"},
                ]
            },
            (("code_interpreter", 1), ("file_search", 1)),
        ),
        ({"output": [CALL, 1, {"type": []}]}, ()),
    ],
)
def test_calls_of_hosted_tools(response, calls):
    """
    Calls that the provider made are counted; where it accounts for them, as it says.
    """
    assert read_usage({"usage": usage(1, 1), **response}).server_tool_calls == calls


@pytest.mark.parametrize(
    "buckets",
    [
        Usage(),
        Usage(input=5, output=7),
        Usage(input=1, cache_read=2, cache_write_5m=3, output=5, reasoning=6),
        Usage(input=1, cache_write_5m=3, cache_write_1h=4, output=5),
    ],
)
def test_written_usage_reads_back(kit, buckets):
    """
    What is written adds up, and comes back in the same buckets.
    """
    doc = write_usage(buckets)

    assert read_usage({"usage": doc}) == buckets
    assert doc["total_tokens"] == buckets.total_input + buckets.total_output


@pytest.mark.parametrize(
    ("response", "reason", "raw"),
    [
        ({"status": "completed"}, "end", "completed"),
        ({"status": "completed", "output": [CALL]}, "tool", "completed"),
        (
            {"status": "completed", "output": [{"type": "custom_tool_call"}]},
            "tool",
            "completed",
        ),
        (
            {"status": "completed", "output": [{"type": "web_search_call"}]},
            "end",
            "completed",
        ),
        (
            {
                "status": "incomplete",
                "incomplete_details": {"reason": "max_output_tokens"},
                "output": [CALL],
            },
            "length",
            "max_output_tokens",
        ),
        (
            {
                "status": "incomplete",
                "incomplete_details": {"reason": "content_filter"},
            },
            "filtered",
            "content_filter",
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "steered"}},
            "unknown",
            "steered",
        ),
        ({"status": "incomplete"}, "unknown", "incomplete"),
        (
            {"status": "failed", "error": {"code": "server_error"}},
            "error",
            "server_error",
        ),
        ({"status": "failed"}, "error", "failed"),
        ({"status": "in_progress"}, "paused", "in_progress"),
        ({"status": "queued"}, "paused", "queued"),
        ({"status": "cancelled"}, "unknown", "cancelled"),
        ({"status": "never heard"}, "unknown", "never heard"),
        ({"status": 3}, "unknown", ""),
        ({}, "unknown", ""),
    ],
)
def test_read_stop(response, reason, raw):
    """
    Each status has its reason; one that nobody has heard of is never an end.
    """
    stop = read_stop(response)

    assert (stop.reason, stop.raw) == (reason, raw)


@pytest.mark.parametrize("reason", ["paused", "unknown", "context_full"])
def test_reason_without_a_word_keeps_the_providers_own(reason):
    """
    What the dialect has no word for is incomplete, and the provider's word goes with it.
    """
    ending = write_stop(Stop(reason=reason, raw="pause_turn"))

    assert ending.status == ending.item_status == "incomplete"
    assert ending.incomplete_details["raw"] == "pause_turn"


def test_broken_answer_keeps_the_providers_word():
    """
    A failed response says in its error's type what the provider called it.
    """
    ending = write_stop(Stop(reason="malformed", raw="MALFORMED_FUNCTION_CALL"))

    assert ending.error["type"] == "MALFORMED_FUNCTION_CALL"
