"""
Tests of `gateway.server.sink`.
"""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from gateway.exchange import Exchange
from gateway.server.connection import BUFFER_BYTES
from gateway.server.sink import HttpSink
from gateway.sinks import Sink

from .conftest import JSON, Serve, until


async def test_a_long_answer_is_whole(serve: Serve) -> None:
    """
    An answer beyond the buffer is sent by the sink itself, once.
    """

    async def answer(exchange: Exchange, sink: Sink) -> None:
        await sink.whole(201, {"x-a": "1"}, b"0" * (BUFFER_BYTES + 1))

    wire = await (await serve(answer)).wire()

    for _ in range(2):
        await wire.post()
        reply = await wire.read()

        assert (reply.status, reply.headers["x-a"]) == (201, "1")
        assert len(reply.body) == BUFFER_BYTES + 1


async def test_the_head_leaves_with_the_first_frames(serve: Serve) -> None:
    """
    Nothing of a stream is sent before its first frames, and those in one piece with it.
    """
    go_on = asyncio.Event()

    async def answer(exchange: Exchange, sink: Sink) -> None:
        await sink.start(200, {})
        await go_on.wait()
        await sink.write(b"data: 1\n\n")
        await sink.end()

    served = await serve(answer)
    wire = await served.wire()
    await wire.post()
    await until(lambda: served.gateway.exchanges)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wire.reader.readexactly(1), 0.05)
    go_on.set()

    assert (await wire.read()).body == b"data: 1\n\n"


async def test_waits_for_a_slow_caller(serve: Serve) -> None:
    """
    Once the buffer is full a write waits, so that a slow caller slows the provider down.
    """
    written = 0

    async def answer(exchange: Exchange, sink: Sink) -> None:
        nonlocal written
        await sink.start(200, {})
        while True:
            await sink.write(b"0" * 1000)
            written += 1000
            if not written % 50_000:
                await asyncio.sleep(0)

    served = await serve(answer)
    wire = await served.wire()
    wire.reader._transport.pause_reading()  # type: ignore[attr-defined]
    await wire.post()

    before = -1
    while written != before:
        before = written
        await asyncio.sleep(0.05)

    (connection,) = served.runner.server.connections
    assert connection.transport.get_write_buffer_size() <= BUFFER_BYTES + 2000
    assert written < 50_000_000  # what the system's own buffers take is not ours


async def test_a_stream_to_http_1_0_ends_with_its_connection(serve: Serve) -> None:
    """
    A caller who knows no chunks gets a stream without them.
    """

    async def answer(exchange: Exchange, sink: Sink) -> None:
        await sink.start(200, {})
        await sink.write(b"data: 1\n\n")
        await sink.end()

    wire = await (await serve(answer)).wire()

    await wire.send(
        b"POST /v1/messages HTTP/1.0\r\nHost: localhost\r\nContent-Length: 13\r\n"
        b'Content-Type: application/json\r\n\r\n{"model":"m"}'
    )
    head, _, body = (await wire.reader.read()).partition(b"\r\n\r\n")

    assert body == b"data: 1\n\n"
    assert b"chunked" not in head


async def test_closes_behind_a_stream_while_draining(serve: Serve) -> None:
    """
    A stream that begins while the worker drains says that its connection ends.
    """

    async def answer(exchange: Exchange, sink: Sink) -> None:
        await sink.start(200, {})
        await sink.write(b"1")
        await sink.end()

    served = await serve(answer)
    served.health.drain()
    wire = await served.wire()

    await wire.post()
    reply = await wire.read()

    assert reply.headers["connection"] == "close"
    assert await wire.at_end()


async def test_the_last_frames_leave_with_the_end(serve: Serve) -> None:
    """
    A stream that is told at once is one chunk and the last one.
    """

    async def answer(exchange: Exchange, sink: Sink) -> None:
        await sink.start(200, {})
        await sink.end(b"data: 1\n\n")

    wire = await (await serve(answer)).wire()

    await wire.post()
    await wire.read_head()

    assert await wire.read_chunk() == b"data: 1\n\n"
    assert await wire.read_chunk() == b""


async def test_nothing_written_ends_no_stream(serve: Serve) -> None:
    """
    An empty chunk would be the last one, so that none is ever sent before the end.
    """

    async def answer(exchange: Exchange, sink: Sink) -> None:
        await sink.start(200, {})
        for data in (b"", b"1", b"", b"2"):
            await sink.write(data)
        await sink.end()

    wire = await (await serve(answer)).wire()

    await wire.post()

    assert (await wire.read()).body == b"12"


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_has_no_length(
    serve: Serve, status: int
) -> None:
    """
    What must have no body has none, and the connection serves on.
    """

    async def answer(exchange: Exchange, sink: Sink) -> None:
        await sink.whole(status, {}, b"never sent")

    wire = await (await serve(answer)).wire()

    for _ in range(2):
        await wire.post()
        told, headers = await wire.read_head()

        assert told == status
        assert not headers.keys() & {"content-length", "transfer-encoding"}


async def test_a_stream_left_unended_ends_the_connection(serve: Serve) -> None:
    """
    A stream that was not ended must not look as if it was.
    """

    async def answer(exchange: Exchange, sink: Sink) -> None:
        await sink.start(200, {})
        await sink.write(b"half")

    wire = await (await serve(answer)).wire()

    await wire.post()
    await wire.read_head()

    assert await wire.read_chunk() == b"half"
    assert await wire.at_end()


async def test_requests_of_one_read_are_answered_in_turn(serve: Serve) -> None:
    """
    Pipelined requests get their answers in order, each with its own framing.
    """
    wire = await (await serve()).wire()
    bodies = [b'{"model":"%d"}' % number for number in range(5)]

    await wire.send(
        b"".join(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
            for body in bodies
        )
    )

    assert [(await wire.read()).body for _ in bodies] == bodies


async def test_a_caller_who_wants_the_connection_closed_is_told_so(
    serve: Serve,
) -> None:
    """
    ``Connection: close`` is answered with itself, and kept.
    """
    wire = await (await serve()).wire()

    await wire.post(headers=JSON + b"Connection: close\r\n")
    reply = await wire.read()

    assert reply.headers["connection"] == "close"
    assert await wire.at_end()


async def test_a_write_needs_a_start(serve: Serve) -> None:
    """
    Writing before the head is a fault of ours, not the caller's leaving.
    """
    faults = []

    async def answer(exchange: Exchange, sink: Sink) -> None:
        for each in (sink, HttpSink(None)):  # type: ignore[arg-type]
            with pytest.raises(RuntimeError):
                await each.write(b"1")
            faults.append(each)
        await sink.whole(200, {}, b"")

    wire = await (await serve(answer)).wire()

    await wire.post()
    await wire.read()

    assert len(faults) == 2


def test_no_answer_means_the_caller_left() -> None:
    """
    A sink that took nothing has nobody to answer.
    """
    sink = HttpSink(None)  # type: ignore[arg-type]

    with pytest.raises(ConnectionError):
        sink.answer()


def test_takes_an_answer_as_it_is() -> None:
    """
    What a route made itself is what aiohttp gets.
    """
    sink = HttpSink(None, closes=True)  # type: ignore[arg-type]
    made = web.Response(text="a")

    assert sink.take(made) is made
    assert sink.answer() is made
    assert made.keep_alive is False
