"""
Anthropic's stream, read into neutral events.
"""

from __future__ import annotations

import pytest

from gateway.neutral import (
    Annotation,
    Close,
    Delta,
    End,
    Failed,
    Finish,
    Opaque,
    Open,
    Ping,
    ReasoningBlock,
    Seal,
    SealDelta,
    Start,
    Stop,
    TextBlock,
    ToolCall,
    Used,
)
from gateway.usage import Usage

OWN = "anthropic_messages"


def test_rich_stream_is_read(kit):
    """
    Every event of a rich stream has its neutral ones, in order, each once.
    """
    events = kit.stream_events(kit.example("stream"))

    hosted = kit.example("stream")[13]["content_block"]
    citation = kit.example("stream")[17]["delta"]["citation"]
    assert events == [
        Start("msg_1", "claude-sonnet-5", service_tier="default"),
        Ping(),
        Open(0, ReasoningBlock()),
        Delta(0, "Let me "),
        Delta(0, "see."),
        SealDelta(0, Seal(dialect=OWN, data="c2lnbmVk")),
        Close(0),
        Open(1, ReasoningBlock(is_redacted=True)),
        SealDelta(1, Seal(dialect=OWN, data="aGlkZGVu")),
        Close(1),
        Open(
            2,
            Opaque(
                dialect=OWN,
                raw={
                    "type": "server_tool_use",
                    "id": "srvtoolu_1",
                    "name": "web_search",
                    "input": {"query": "weather"},
                },
            ),
        ),
        Close(2),
        Open(3, Opaque(dialect=OWN, raw=hosted)),
        Close(3),
        Open(4, TextBlock(text="")),
        Delta(4, "It is "),
        Annotation(4, citation),
        Delta(4, "cold."),
        Close(4),
        Open(5, ToolCall(id="toolu_1", name="get_weather")),
        Delta(5, '{"city":'),
        Delta(5, ' "Oslo"}'),
        Close(5),
        Open(6, ToolCall(id="toolu_2", name="get_time")),
        Close(6),
        Finish(Stop(reason="tool", raw="tool_use")),
        Used(
            Usage(
                input=100,
                cache_read=20,
                cache_write_5m=10,
                cache_write_1h=20,
                output=35,
                reasoning=15,
                server_tool_calls=(("web_search", 1),),
                service_tier="default",
            )
        ),
        End(),
    ]


def block(start, *deltas, index=0):
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": d} for d in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def test_text_in_the_start_is_not_lost(kit):
    """
    Some providers send the first words, or all arguments, with the start of a block.
    """
    events = kit.stream_events(
        [
            *block({"type": "text", "text": "Hi"}),
            *block(
                {"type": "tool_use", "id": "t", "name": "go", "input": {"a": 1}},
                index=1,
            ),
            *block({"type": "thinking", "thinking": "Hm", "signature": "cw"}, index=2),
        ]
    )

    assert Delta(0, "Hi") in events
    assert Delta(1, '{"a":1}') in events
    assert Delta(2, "Hm") in events
    assert SealDelta(2, Seal(dialect=OWN, data="cw")) in events


@pytest.mark.parametrize(
    ("delta", "raw"),
    [
        (
            {"type": "input_json_delta", "partial_json": "{oops"},
            {"input": {"_raw": "{oops"}},
        ),
        (
            {"type": "compaction_delta", "content": "They met."},
            {"content": "They met."},
        ),
        ({"type": "a_new_delta", "verse": "la"}, {"verse": "la"}),
    ],
    ids=["broken", "compaction", "unknown"],
)
def test_blocks_of_the_vendors_own_are_put_together(kit, delta, raw):
    """
    A block that only the vendor understands comes whole, when it is complete.
    """
    events = kit.stream_events(block({"type": "own", "input": {}}, delta))

    assert events == [
        Open(0, Opaque(dialect=OWN, raw={"type": "own", "input": {}, **raw})),
        Close(0),
    ]


def test_begun_answer_in_the_start_of_a_message_is_read(kit):
    """
    Content that a message starts with is content.
    """
    start = kit.example("stream")[0]
    start["message"]["content"] = [{"type": "text", "text": "The answer:"}]

    events = kit.stream_events([start])

    assert events[1:] == [
        Open(0, TextBlock(text="")),
        Delta(0, "The answer:"),
        Close(0),
    ]


@pytest.mark.parametrize(
    ("kind", "status", "read"),
    [
        ("overloaded_error", 529, "overloaded"),
        ("rate_limit_error", 429, "rate_limit"),
        ("api_error", 500, "server"),
        ("a_new_error", 500, "server"),
    ],
)
def test_error_in_mid_stream_is_a_fault(kit, kind, status, read):
    """
    An error event says which status the error would have had.
    """
    event = {"type": "error", "error": {"type": kind, "message": "Oh."}}

    (failed,) = kit.stream_events([event])

    assert isinstance(failed, Failed)
    assert (failed.fault.status, failed.fault.kind) == (status, read)


def test_stream_without_a_reason_did_not_end_well(kit):
    """
    A message that stops without saying why is not taken for a complete one.
    """
    delta = {"type": "message_delta", "delta": {"stop_reason": None}, "usage": None}

    events = kit.stream_events([delta, {"type": "message_stop"}])

    assert events == [Finish(Stop(reason="unknown")), End()]


def test_reason_is_told_once(kit):
    """
    Further message deltas restate usage, and give no second reason.
    """
    delta = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 1},
    }
    later = {**delta, "usage": {"output_tokens": 2}}

    events = kit.stream_events([delta, later])

    assert [e for e in events if isinstance(e, Finish)] == [
        Finish(Stop(reason="end", raw="end_turn"))
    ]
    assert events[-1] == Used(Usage(output=2))


@pytest.mark.parametrize(
    "event",
    [
        {"type": "a_new_event", "x": 1},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "a_new_delta"}},
        {"type": "content_block_delta", "index": None, "delta": None},
    ],
    ids=["event", "delta", "nothing"],
)
def test_what_nobody_knows_is_passed_over(kit, event):
    """
    A new event breaks nothing.
    """
    assert kit.stream_events([event]) == []


def test_call_is_why_a_stream_ended_well(kit):
    """
    A provider that says end_turn behind a tool call means the call.
    """
    call = {"type": "tool_use", "id": "t", "name": "go", "input": {}}
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}

    events = kit.stream_events([*block(call), delta])

    assert events[-1] == Finish(Stop(reason="tool", raw="end_turn"))
