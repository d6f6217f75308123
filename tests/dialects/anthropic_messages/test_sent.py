"""
What a stream said, what was sent of it, and streams that are cut anywhere.
"""

from __future__ import annotations

import anthropic
import pytest

from gateway import errors
from gateway.neutral import Stop
from gateway.usage import Usage

EVENTS = 29  # of the rich stream


def frames_of(kit, line_end=b"\n"):
    return [
        kit.frame(event).replace(b"\n", line_end) for event in kit.example("stream")
    ]


# --- facts ------------------------------------------------------------------------------


def test_facts_are_in_the_frames_that_tell(kit):
    """
    Reading only frames that pass the byte test gives usage and stop.
    """
    facts = kit.dialect.facts()
    told = [
        event
        for event in kit.example("stream")
        if any(tell in kit.frame(event) for tell in facts.tells)
    ]
    for event in told:
        facts.read(kit.chunk(event))

    assert len(told) == 2
    assert facts.stop == Stop(reason="tool", raw="tool_use")
    assert facts.usage == Usage(
        input=100,
        cache_read=20,
        cache_write_5m=10,
        cache_write_1h=20,
        output=35,
        reasoning=15,
        server_tool_calls=(("web_search", 1),),
        service_tier="default",
    )
    assert facts.fault is None


def test_usage_is_known_from_the_start(kit):
    """
    A stream that breaks off has told at least what it read.
    """
    facts = kit.dialect.facts()

    facts.read(kit.chunk(kit.example("stream")[0]))

    assert facts.usage.total_input == 150
    assert facts.stop is None


def test_words_in_a_text_tell_nothing(kit):
    """
    A model that writes about usage costs no parsing.
    """
    facts = kit.dialect.facts()
    event = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": '{"usage": {"error": 1}}'},
    }

    assert not any(tell in kit.frame(event) for tell in facts.tells)


def test_error_in_mid_stream_is_a_fact(kit):
    """
    The provider's error event is told with its kind.
    """
    facts = kit.dialect.facts()
    event = {"type": "error", "error": {"type": "overloaded_error", "message": "Oh."}}

    assert any(tell in kit.frame(event) for tell in facts.tells)
    facts.read(kit.chunk(event))

    assert (facts.fault.kind, facts.fault.status) == ("overloaded", 529)


# --- cuts -------------------------------------------------------------------------------


@pytest.fixture
def cut(kit):
    def cut_after(frames, error):
        tracker = kit.dialect.tracker(kit.asked())
        for frame in frames:
            tracker.note(frame)
        chunks = kit.dialect.cut(tracker, error)
        return [*frames, *(chunk.encode() for chunk in chunks)]

    return cut_after


def test_stream_has_as_many_events_as_these_tests_cut(kit):
    """
    The cuts below go through the whole stream.
    """
    assert len(kit.example("stream")) == EVENTS


@pytest.mark.parametrize("count", range(EVENTS))
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
def test_blocked_stream_ends_as_a_refusal(kit, cut, count, line_end):
    """
    Cut by a guardrail anywhere, the stream is a valid one that ended as a refusal.
    """
    frames = frames_of(kit, line_end)[:count]

    message = kit.final(cut(frames, errors.Blocked("No cards here.")))

    assert message.stop_reason == "refusal"
    assert message.stop_details.explanation == "No cards here."


@pytest.mark.parametrize("count", range(EVENTS))
def test_blocked_stream_leaves_no_block_open(kit, cut, count):
    """
    What was open is closed, and nothing else.
    """
    frames = cut(frames_of(kit)[:count], errors.Blocked())

    opened = [f for f in frames if b"event: content_block_start" in f]
    closed = [f for f in frames if b"event: content_block_stop" in f]

    assert len(opened) == len(closed)


@pytest.mark.parametrize("count", range(EVENTS))
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.UpstreamError(), "api_error"),
        (errors.UpstreamTimeout(), "timeout_error"),
        (errors.BudgetExceeded(), "billing_error"),
        (errors.PluginFailed("x"), "api_error"),
    ],
    ids=["failed", "timeout", "budget", "plugin"],
)
def test_broken_stream_makes_the_sdk_raise(kit, cut, count, error, kind):
    """
    Cut for any other reason, the SDK raises its error with our code.
    """
    frames = cut(frames_of(kit)[:count], error)

    with pytest.raises(anthropic.APIStatusError) as caught:
        kit.final(frames)

    assert (caught.value.type, caught.value.error_code) == (kind, error.code)


@pytest.mark.parametrize("error", [errors.Blocked(), errors.UpstreamError()], ids=str)
def test_ended_stream_is_not_ended_again(kit, cut, error):
    """
    Behind the last event nothing follows.
    """
    frames = frames_of(kit)

    assert cut(frames, error) == frames


def test_several_open_blocks_are_all_closed(kit, cut):
    """
    A provider that opens blocks beside each other has them closed one by one.
    """
    start = {
        "type": "content_block_start",
        "content_block": {"type": "text", "text": ""},
    }
    frames = [
        kit.frame(kit.example("stream")[0]),
        *(kit.frame({**start, "index": index}) for index in (0, 1, 2)),
        kit.frame({"type": "content_block_stop", "index": 1}),
    ]

    ended = cut(frames, errors.Blocked())[len(frames) :]

    indexes = [frame for frame in ended if b"content_block_stop" in frame]
    assert [b'"index":0' in indexes[0], b'"index":2' in indexes[1]] == [True, True]
    assert len(indexes) == 2


def test_words_in_a_text_open_nothing(kit, cut):
    """
    A model that writes about events changes nothing of what is known to be open.
    """
    text = {"type": "text_delta", "text": "event: content_block_start\nmessage_stop"}
    frames = [
        *frames_of(kit)[:1],
        kit.frame({"type": "content_block_delta", "index": 0, "delta": text}),
    ]

    ended = cut(frames, errors.Blocked())[len(frames) :]

    assert not any(b"content_block_stop" in frame for frame in ended)
    assert b"message_stop" in ended[-1]


def test_pieces_sent_are_counted(kit, cut):
    """
    The caller is told at least as many tokens as it got pieces.
    """
    message = kit.final(cut(frames_of(kit)[:5], errors.Blocked()))

    assert message.usage.output_tokens == 2


def test_frame_that_is_broken_opens_a_block_all_the_same(kit, cut):
    """
    A start whose data nobody can read is closed as the first block.
    """
    broken = b"event: content_block_start\ndata: {oops\n\n"

    ended = cut([broken, broken, broken], errors.Blocked())[3:]

    assert b"content_block_stop" in b"".join(ended)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message_start", "message": None},
        {"type": "message_delta", "delta": None, "usage": None},
        {"type": "a_new_event"},
    ],
    ids=lambda event: event["type"],
)
def test_events_that_say_nothing_are_no_facts(kit, event):
    """
    An event without figures changes none.
    """
    facts = kit.dialect.facts()

    facts.read(kit.chunk(event))

    assert (facts.usage, facts.stop, facts.fault) == (None, None, None)
