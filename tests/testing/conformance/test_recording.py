"""
Recorded answers, and the pieces that they are played in.
"""

from __future__ import annotations

import pytest

from gateway import codec
from gateway.testing.conformance.recording import Replay, record, record_cuts


async def test_every_dialect_with_streams_is_recorded():
    """
    Each is a stream that says the text and, where it has tools, a call with it.
    """
    found = await record("the bluebird sings")

    assert {each.dialect for each in found} == {
        "openai_chat",
        "openai_responses",
        "anthropic_messages",
        "openai_completions",
    }
    for each in found:
        assert len(each.frames) > 4
        assert b"".join(each.frames) == each.stream
        assert (b"12345678901234567891" in each.stream) == ("tools" in each.request)


@pytest.mark.parametrize("events", [1, 5, 20])
async def test_reads_bring_so_many_events(events):
    """
    Together they are the stream.
    """
    (found,) = await record("the bluebird sings", ["openai_chat"])

    reads = found.reads(events)

    assert b"".join(reads) == found.stream
    assert len(reads) == -(-len(found.frames) // events)


async def test_a_stream_is_cut_at_every_byte_and_beside_every_border():
    """
    Byte by byte; and in two, at the borders of events and two bytes to either side.
    """
    (found,) = await record("hi", ["openai_completions"])

    halves = list(found.halves())

    assert b"".join(found.bytewise()) == found.stream
    assert {len(part) for part in found.bytewise()} == {1}
    assert all(b"".join(parts) == found.stream and all(parts) for parts in halves)
    borders = {sum(map(len, found.frames[:at])) for at in range(1, len(found.frames))}
    assert {len(parts[0]) for parts in halves} >= {
        border + beside for border in borders for beside in (-2, -1, 0, 1, 2)
    }


async def test_a_text_is_cut_at_every_character():
    """
    One recording for each place.
    """
    async for found in record_cuts("grün", ["anthropic_messages"]):
        assert len(found) == 3
        assert len({each.stream for each in found}) == 3


async def test_the_vendor_that_replays_says_what_it_is_told():
    """
    In the pieces that it is told, and keeps what it was asked.
    """
    replay = Replay(parts=(b"a", b"b"))

    status, _, parts = await replay.answer("generate", b'{"stream": true}')

    assert (status, [part async for part in parts]) == (200, [b"a", b"b"])
    assert replay.asked == [b'{"stream": true}']


async def test_who_asks_for_no_stream_is_told_something_else():
    """
    A plugin that asks a model gets an answer of its own.
    """
    replay = Replay(parts=(b"a",), says="ALLOW")

    _, _, parts = await replay.answer("generate", b"{}")

    (whole,) = [part async for part in parts]
    assert codec.loads(whole)["choices"][0]["message"]["content"] == "ALLOW"
