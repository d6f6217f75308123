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

from .conftest import Serve, until


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


async def test_a_write_needs_a_start() -> None:
    """
    Writing before the head is a fault of ours, not the caller's leaving.
    """
    sink = HttpSink(None)  # type: ignore[arg-type]

    with pytest.raises(RuntimeError):
        await sink.write(b"1")


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
