"""
Tests of `gateway.server.connection`: deadlines, stalls, and what is no HTTP.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys

import pytest
from aiohttp import web

from gateway.exchange import Exchange
from gateway.server.connection import require_c_parser
from gateway.sinks import Sink

from .conftest import BODY, JSON, Serve, Served, Wire, until

PATH = "/v1/chat/completions"
CANARY = b"canary-5f3a"


# --- heads ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", [b"", b"POST /v1/res", b"POST / HTTP/1.1\r\nHost: a\r\n"]
)
async def test_a_first_head_must_come_in_time(serve: Serve, sent: bytes) -> None:
    """
    A connection on which no whole head comes is closed after header_timeout_s.
    """
    wire = await (await serve(header_timeout_s=0.05)).wire()

    await wire.send(sent)

    answer = await asyncio.wait_for(wire.reader.read(), 1)
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_dribbled_head_does_not_gain_time(serve: Serve) -> None:
    """
    Bytes of a head that keep coming do not move its deadline.
    """
    wire = await (await serve(header_timeout_s=0.1)).wire()

    async def dribble() -> None:
        await wire.send(b"POST / HTTP/1.1\r\nX-A: ")
        while True:
            await wire.send(b"a")
            await asyncio.sleep(0.01)

    dribbling = asyncio.get_running_loop().create_task(dribble())
    answer = await asyncio.wait_for(wire.reader.readline(), 1)

    dribbling.cancel()
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_later_head_must_come_in_time(serve: Serve) -> None:
    """
    So must every further head, from its first byte on.
    """
    wire = await (await serve(header_timeout_s=0.05)).wire()
    await wire.post()
    await wire.read()

    await wire.send(b"POST /v1/res")

    answer = await asyncio.wait_for(wire.reader.read(), 1)
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_an_idle_connection_is_kept_longer(serve: Serve) -> None:
    """
    Between requests the time for headers does not run, the one for idling does.
    """
    wire = await (await serve(header_timeout_s=0.05, keep_alive_s=0.3)).wire()
    await wire.post()
    await wire.read()

    await asyncio.sleep(0.15)  # three times the time for a head
    await wire.post()
    again = await wire.read()

    assert again.status == 200
    assert await asyncio.wait_for(wire.at_end(), 2)


async def test_a_slow_answer_is_not_cut(serve: Serve) -> None:
    """
    The times for headers and for idling do not run while a request is answered.
    """

    async def late(exchange: Exchange, sink: Sink) -> None:
        await asyncio.sleep(0.2)
        await sink.whole(200, {}, b"late")

    wire = await (await serve(late, header_timeout_s=0.05, keep_alive_s=0.05)).wire()

    await wire.post()

    assert (await wire.read()).body == b"late"


# --- callers who take nothing ---------------------------------------------------------------


async def small_buffers(served: Served) -> Wire:
    """
    Connect with a receive buffer that is soon full.
    """
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", served.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=4096)
    wire = Wire(reader, writer)
    served.wires.append(wire)
    return wire


async def pour(exchange: Exchange, sink: Sink) -> None:
    """
    Stream without end.
    """
    await sink.start(200, {"Content-Type": "text/event-stream"})
    while True:
        await sink.write(b"data: " + b"0" * 10_000 + b"\n\n")
        await asyncio.sleep(0)


async def a_lot(exchange: Exchange, sink: Sink) -> None:
    """
    Answer with more than any buffer holds.
    """
    await sink.whole(200, {}, b"0" * 30_000_000)


@pytest.mark.parametrize("answers", [pour, a_lot], ids=["stream", "whole"])
async def test_a_caller_who_takes_nothing_is_dropped(serve: Serve, answers) -> None:
    """
    Nothing taken for write_stall_s aborts the connection and cancels the exchange.
    """
    served = await serve(answers, write_stall_s=0.1)
    wire = await small_buffers(served)

    await wire.post()
    await asyncio.wait_for(served.gateway.cancelled.wait(), 3)

    await until(lambda: not served.in_flight)


async def test_a_pipelining_caller_who_takes_nothing_is_dropped(serve: Serve) -> None:
    """
    So is a caller whose many short answers wait.
    """
    served = await serve(write_stall_s=0.1)
    body = b'{"model":"%s"}' % (b"m" * 500)
    request = (
        b"POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n"
        % len(body)
        + JSON
        + b"\r\n"
        + body
    )
    wire = await small_buffers(served)

    async def send_on() -> None:
        while True:
            await wire.send(request * 50)

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(send_on(), 10)


async def test_a_slow_caller_is_waited_for(serve: Serve) -> None:
    """
    A caller who takes a little again and again is kept, also while no buffer of ours moves.
    """
    served = await serve(pour, write_stall_s=0.1)
    wire = await small_buffers(served)
    await wire.post()
    (connection,) = served.runner.server.connections
    await until(lambda: connection.writing_paused)

    for _ in range(60):
        await wire.reader.readexactly(1000)
        await asyncio.sleep(0.01)

    assert not served.gateway.cancelled.is_set()


# --- what is no HTTP ------------------------------------------------------------------------

MALFORMED = {
    "no http": b"\x16\x03\x01" + CANARY + b"\r\n\r\n",
    "no method": b"FOO" + CANARY + b" / HTTP/1.1\r\nHost: a\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\nX: " + CANARY + b"\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: " + CANARY + b"\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
    b"Content-Length: 2\r\n\r\n" + CANARY,
    "length and chunks": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n" + CANARY,
    "no chunks": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x"
    + CANARY
    + b"\r\n\r\n",
    "signed length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n"
    + CANARY,
    "space before colon": b"GET / HTTP/1.1\r\nHost: a\r\nX : " + CANARY + b"\r\n\r\n",
    "folded header": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n " + CANARY + b"\r\n\r\n",
    "NUL in header": b"GET / HTTP/1.1\r\nHost: a\r\nX: \0" + CANARY + b"\r\n\r\n",
    "bare CR": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb" + CANARY + b"\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + CANARY * 2000 + b"\r\n\r\n",
    "long target": b"GET /" + CANARY * 2000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: canary\r\n" * 200 + b"\r\n",
    "other version": b"GET / HTTP/3.7\r\nHost: " + CANARY + b"\r\n\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_is_no_http_is_told_little(serve: Serve, capfd, sent: bytes) -> None:
    """
    A request that the parser refuses is answered 400 once, echoes nothing, and is counted.
    """
    served = await serve()
    wire = await served.wire()

    await wire.send(sent)
    answer = await asyncio.wait_for(wire.reader.read(), 1)

    assert answer.startswith(b"HTTP/1.")
    assert answer.split()[1] == b"400"
    assert answer.count(b"HTTP/1.") == 1
    assert b"canary" not in answer.lower()
    assert b"aiohttp" not in answer.lower()
    assert "canary" not in "".join(capfd.readouterr())
    assert [away.status for away in served.turned_away] == [400]


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + b"x" * 20_000,
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a",
    ],
    ids=["header", "target"],
)
async def test_a_head_that_is_too_long_is_told(serve: Serve, sent: bytes) -> None:
    """
    Who sends a token or a cookie of many kilobytes hears which limit it passed.
    """
    wire = await (await serve()).wire()

    await wire.send(sent + b"\r\n\r\n")

    answer = await asyncio.wait_for(wire.reader.read(), 5)
    assert answer.split(b" ")[1] == b"400"
    assert b"is longer than 16384 bytes" in answer
    assert b"xxx" not in answer


async def test_a_fault_in_a_route_tells_nothing(serve: Serve) -> None:
    """
    A management route that fails is a 500 that says nothing of why.
    """

    async def fail(request: web.Request) -> web.Response:
        raise LookupError(CANARY.decode())

    wire = await (await serve(routes=[web.get("/api/x", fail)])).wire()

    await wire.head("GET", "/api/x", b"Accept: text/html\r\n")
    reply = await wire.read()

    assert (reply.status, reply.code) == (500, "internal_error")
    assert CANARY not in reply.body


async def test_a_fault_within_an_answer_ends_the_connection(serve: Serve) -> None:
    """
    If an answer has begun, the connection ends; no second head is written into it.
    """

    async def fail(exchange: Exchange, sink: Sink) -> None:
        await sink.start(200, {})
        await sink.write(b"half")
        raise LookupError(CANARY.decode())

    wire = await (await serve(fail)).wire()

    await wire.post(body=BODY)
    answer = await asyncio.wait_for(wire.reader.read(), 1)

    assert answer.count(b"HTTP/1.1") == 1
    assert answer.endswith(b"half\r\n")


# --- the parser -----------------------------------------------------------------------------


def test_the_c_parser_is_there() -> None:
    """
    Where these tests run, aiohttp has its compiled parser.
    """
    require_c_parser()


def test_refuses_the_parser_in_python() -> None:
    """
    Without the compiled parser the gateway does not start, and says what to do.
    """
    code = (
        "from gateway.server.connection import require_c_parser\n"
        "from gateway.errors import ConfigError\n"
        "try:\n    require_c_parser()\n"
        "except ConfigError as error:\n    print(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "AIOHTTP_NO_EXTENSIONS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "unset AIOHTTP_NO_EXTENSIONS" in done.stdout
