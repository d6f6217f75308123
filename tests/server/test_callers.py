"""
Tests of `gateway.server.callers`: the way of a request for a model.
"""

from __future__ import annotations

import asyncio

import pytest
from multidict import CIMultiDictProxy

from gateway.errors import InvalidRequest
from gateway.exchange import Exchange
from gateway.server.callers import BYTES_IN
from gateway.sinks import Sink

from .conftest import BODY, JSON, Serve, echo, until

PATHS = [
    "/v1/chat/completions",
    "/openai/v1/chat/completions",
    "/openai/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/messages?beta=true",
    "/anthropic/v1/messages",
    "/v1/messages/count_tokens",
]


async def stream_for_ever(exchange: Exchange, sink: Sink) -> None:
    """
    Begin a stream and stay in it.
    """
    await sink.start(200, {"Content-Type": "text/event-stream"})
    await sink.write(b"data: 1\n\n")
    await asyncio.Event().wait()


async def never_answer(exchange: Exchange, sink: Sink) -> None:
    """
    Keep the caller waiting.
    """
    await asyncio.Event().wait()


@pytest.mark.parametrize("path", PATHS)
async def test_answers_on_every_prefix(serve: Serve, path: str) -> None:
    """
    Each operation is answered at /v1 and below its vendor's own prefix.
    """
    wire = await (await serve()).wire()

    await wire.post(path)

    reply = await wire.read()
    assert (reply.status, reply.body) == (200, BODY)


async def test_the_exchange_knows_its_caller(serve: Serve) -> None:
    """
    Route, operation, peer, size and read-only headers reach the exchange.
    """
    served = await serve()
    wire = await served.wire()

    await wire.post("/v1/messages/count_tokens?beta=true", headers=JSON + b"X-A: 1\r\n")
    await wire.read()

    (exchange,) = served.gateway.exchanges
    assert exchange.path == "/v1/messages/count_tokens"
    assert exchange.operation == "count_tokens"
    assert exchange.peer == "127.0.0.1"
    assert exchange.stash[BYTES_IN] == len(BODY)
    assert exchange.headers["x-a"] == "1"
    assert isinstance(exchange.headers, CIMultiDictProxy)


async def test_one_connection_serves_many(serve: Serve) -> None:
    """
    A connection is kept, and requests sent ahead are answered in their order.
    """
    wire = await (await serve()).wire()

    for number in range(3):
        await wire.post(body=b'{"model":"m%d"}' % number)
    replies = [await wire.read() for _ in range(3)]

    assert [reply.json["model"] for reply in replies] == ["m0", "m1", "m2"]


async def test_streams(serve: Serve) -> None:
    """
    A stream's frames reach the caller, each write at once, and its end is told.
    """

    async def stream(exchange: Exchange, sink: Sink) -> None:
        await sink.start(200, {"Content-Type": "text/event-stream"})
        for number in range(3):
            await sink.write(b"data: %d\n\n" % number)
        await sink.end()

    wire = await (await serve(stream)).wire()

    await wire.post()
    reply = await wire.read()

    assert reply.headers["content-type"] == "text/event-stream"
    assert reply.body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


@pytest.mark.parametrize(
    "answers", [never_answer, stream_for_ever], ids=["waiting", "streaming"]
)
async def test_a_caller_who_leaves_cancels(serve: Serve, answers) -> None:
    """
    The exchange is cancelled when its caller leaves, and nothing of it stays.
    """
    served = await serve(answers)
    wire = await served.wire()
    await wire.post()
    if answers is stream_for_ever:
        await wire.read_head()
    else:
        await until(lambda: served.gateway.exchanges)

    wire.leave()
    await asyncio.wait_for(served.gateway.cancelled.wait(), 1)

    await until(lambda: not served.in_flight)


async def test_a_caller_who_leaves_in_the_body(serve: Serve) -> None:
    """
    A caller who leaves before the body is whole leaves nothing behind.
    """
    served = await serve()
    wire = await served.wire()
    await wire.head("POST", "/v1/responses", JSON + b"Content-Length: 50\r\n")
    await until(lambda: served.in_flight)

    wire.leave()

    await until(lambda: not served.in_flight)
    assert served.gateway.exchanges == []


async def test_sheds_before_the_body(serve: Serve) -> None:
    """
    Beyond max_in_flight a request is refused before its body is there, and may try again.
    """
    served = await serve(never_answer, max_in_flight=1)
    await (await served.wire()).post()
    await until(lambda: served.gateway.exchanges)
    wire = await served.wire()

    await wire.head("POST", "/v1/messages", JSON + b"Content-Length: 50\r\n")
    reply = await wire.read()

    assert (reply.status, reply.code) == (503, "overloaded")
    assert reply.headers["retry-after"] == "1"
    assert reply.json["type"] == "error"
    assert served.in_flight == 1


@pytest.mark.parametrize(
    "body",
    [b'{"model":"m","model":"n"}', b"{", b"[]", b'{"model":"\xff"}', b""],
    ids=["duplicate key", "broken", "no object", "no utf-8", "empty"],
)
async def test_refuses_what_is_no_request(serve: Serve, body: bytes) -> None:
    """
    A body that two readers could read differently, or not at all, never becomes an exchange.
    """
    served = await serve()
    wire = await served.wire()

    await wire.post(body=body)
    reply = await wire.read()

    assert (reply.status, reply.code) == (400, InvalidRequest.code)
    assert served.gateway.exchanges == []
    assert served.turned_away[0].code == InvalidRequest.code


async def test_closes_behind_answers_while_draining(serve: Serve) -> None:
    """
    While the worker drains, answers are given and connections end behind them.
    """
    served = await serve()
    wire = await served.wire()
    served.health.drain()

    await wire.post()
    reply = await wire.read()

    assert (reply.status, reply.headers["connection"]) == (200, "close")
    assert await wire.at_end()


async def test_a_fault_of_ours_tells_nothing(serve: Serve) -> None:
    """
    What fails unexpectedly is a 500 without a trace of why.
    """

    async def fail(exchange: Exchange, sink: Sink) -> None:
        raise ZeroDivisionError("the prompt was: canary")

    wire = await (await serve(fail)).wire()

    await wire.post()
    reply = await wire.read()

    assert (reply.status, reply.code) == (500, "internal_error")
    assert b"canary" not in reply.body
    assert b"ZeroDivision" not in reply.body


async def test_an_upgrade_to_http2_is_passed_over(serve: Serve) -> None:
    """
    Java's client offers h2c with its first request, and gets its answer in HTTP/1.1.
    """
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n"
    wire = await (await serve()).wire()

    await wire.post(headers=JSON + offer)
    reply = await wire.read()
    await wire.post()

    assert (reply.status, reply.body) == (200, BODY)
    assert (await wire.read()).status == 200


async def test_the_server_names_no_version(serve: Serve) -> None:
    """
    Neither aiohttp's nor Python's version is told.
    """
    wire = await (await serve(echo)).wire()

    await wire.post()

    assert (await wire.read()).headers["server"] == "gatewright"
