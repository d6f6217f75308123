from __future__ import annotations

import asyncio
import gc

import pytest

from gateway import Refused
from gateway.errors import Unavailable, UpstreamError
from gateway.flights import AHEAD_BYTES, MAX_STREAM_BYTES, Flight
from gateway.kept import Kept
from gateway.testing import make_exchange, make_response

LONG = b"data: %b\n\n" % (b"0" * AHEAD_BYTES)
FRAMES = [b'data: {"choices":[]}\n\n', b"data: [DONE]\n\n"]


async def read(answer) -> list[bytes]:
    """
    Read the chunks of an answer.
    """
    return [chunk.encode() async for chunk in answer.chunks]


async def test_who_comes_late_gets_everything():
    """
    A follower that joins in the middle reads from the start, in views of its own.
    """
    flight = Flight(make_exchange())
    flight.bring(FRAMES[:1])
    early = asyncio.ensure_future(read(await flight.answer()))
    await asyncio.sleep(0)
    late = await flight.answer()
    flight.bring(FRAMES[1:])
    flight.finish()

    assert await early == FRAMES
    assert await read(late) == FRAMES


async def test_it_waits_for_a_follower_who_is_far_behind():
    """
    A caller who reads slowly slows the provider down, and fills no memory.
    """
    flight = Flight(make_exchange())
    frame = b"data: %b\n\n" % (b"0" * AHEAD_BYTES)
    flight.bring([frame])
    answer = await flight.answer()
    waiting = asyncio.ensure_future(flight.have_room())
    await asyncio.sleep(0)
    has_waited = not waiting.done()

    await anext(answer.chunks)

    assert has_waited
    await asyncio.wait_for(waiting, 1)


async def test_it_waits_for_the_first_of_its_followers_alone():
    """
    One who stalls holds up nobody else.
    """
    flight = Flight(make_exchange())
    flight.bring([b"data: %b\n\n" % (b"0" * AHEAD_BYTES)])
    reads, stalls = await flight.answer(), await flight.answer()

    await anext(reads.chunks)

    await asyncio.wait_for(flight.have_room(), 1)
    assert (await anext(stalls.chunks)).data


async def test_a_stream_without_end_is_cut():
    """
    It is kept for those who follow, and what is kept is bounded.
    """
    flight = Flight(make_exchange())
    size = MAX_STREAM_BYTES // 4
    frame = b"data: %b\n\n" % (b"0" * size)
    flight.bring([frame])
    answer = await flight.answer()

    with pytest.raises(UpstreamError, match="too large"):
        for _ in range(5):
            await anext(answer.chunks)
            await flight.have_room()
            flight.bring([frame])


async def test_all_flights_together_are_bounded():
    """
    The one that keeps most ends, its provider too, and whoever follows hears why; no other does.
    """
    kept = Kept(3 * len(LONG))
    short, long, whole = (Flight(make_exchange(), kept) for _ in range(3))
    answers = {flight: await _begun(flight) for flight in (short, long)}
    long.bring([LONG])
    waiting = asyncio.ensure_future(long.have_room())
    await asyncio.sleep(0)

    whole.bring_whole(make_response({"choices": [LONG.decode()]}))

    with pytest.raises(Unavailable):
        await waiting
    with pytest.raises(Unavailable):
        await read(answers[long])
    long.bring([LONG])
    assert (long.has_failed, long.frames, long.kept_bytes) == (True, [], 0)
    assert (await whole.answer()).response is not None
    short.finish()
    assert await read(answers[short]) == [LONG]


async def _begun(flight):
    flight.bring([LONG])
    return await flight.answer()


async def test_a_whole_answer_is_copied_for_each():
    """
    Edits of one follower do not reach another.
    """
    flight = Flight(make_exchange())
    flight.bring_whole(make_response({"choices": []}))

    one, two = await flight.answer(), await flight.answer()
    one.response.doc["edited"] = True
    one.response.touch()

    assert b"edited" not in two.response.encode()


async def test_a_failure_before_the_first_byte_reaches_all():
    """
    Everyone who waits hears why there is no answer.
    """
    flight = Flight(make_exchange())
    waiting = [asyncio.ensure_future(flight.answer()) for _ in range(3)]
    await asyncio.sleep(0)

    flight.fail(UpstreamError("no"))

    for one in waiting:
        with pytest.raises(UpstreamError):
            await one
    with pytest.raises(UpstreamError):
        await flight.begun()
    assert flight.has_failed


async def test_a_failure_in_the_middle_comes_behind_what_was_brought():
    """
    What arrived is shown, then the failure.
    """
    flight = Flight(make_exchange())
    flight.bring(FRAMES[:1])
    answer = await flight.answer()
    flight.fail(Refused("cut"))
    seen = []

    with pytest.raises(Refused):
        async for chunk in answer.chunks:
            seen += [chunk.encode()]

    assert seen == FRAMES[:1]


async def test_it_stops_when_the_last_one_leaves():
    """
    The upstream is cancelled only when nobody waits any more.
    """
    flight = Flight(make_exchange())
    task = asyncio.ensure_future(asyncio.Event().wait())
    flight.runs_as(task)
    flight.bring(FRAMES[:1])
    one, two = await flight.answer(), await flight.answer()

    del one
    gc.collect()
    stays = not task.cancelling()
    del two
    gc.collect()

    assert stays
    with pytest.raises(asyncio.CancelledError):
        await task
    assert flight.is_over


async def test_a_flight_that_dies_tells_its_followers():
    """
    A task that ends without an answer leaves nobody waiting for ever.
    """

    async def dies():
        return None

    flight = Flight(make_exchange())
    flight.runs_as(asyncio.ensure_future(dies()))

    with pytest.raises(Exception, match="abandoned"):
        await asyncio.wait_for(flight.answer(), 1)
