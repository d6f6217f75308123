"""
The server before the real gateway, with the demo provider behind it.
"""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import AsyncIterator

import attrs
import orjson
import pytest
from aiohttp import web

from gateway.app import Gateway
from gateway.metrics import Metrics
from gateway.server.access_log import AccessLog
from gateway.server.application import CALLERS, callers_app, make_runner
from gateway.server.health import Health
from gateway.server.logs import LogOutput
from gateway.settings import settings_from_environment

from .conftest import Wire, until

CHAT = {"model": "demo/echo", "messages": [{"role": "user", "content": "canary-77 hi"}]}
MESSAGES = {**CHAT, "max_tokens": 50}


@attrs.define(eq=False)
class Whole:
    gateway: Gateway
    runner: web.AppRunner
    metrics: Metrics
    log: AccessLog
    file: io.BytesIO

    async def wire(self) -> Wire:
        host, port = self.runner.addresses[0]
        return Wire(*await asyncio.open_connection(host, port))


@pytest.fixture
async def whole() -> AsyncIterator[Whole]:
    """
    Everything that serves callers, wired as a worker wires it.
    """
    file = io.BytesIO()
    async with Gateway(settings_from_environment({}), installed=False) as gateway:
        log = AccessLog(LogOutput(file, is_text=False))
        metrics = Metrics(gateway, lines_lost=lambda: log.lost)
        gateway.observers += [metrics.observe, log.observe]
        watchers = [metrics.turned_away, log.turned_away]
        health = Health()
        runner = make_runner(callers_app(gateway, health, watchers=watchers), gateway)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        health.ready()
        log.start()
        yield Whole(gateway, runner, metrics, log, file)
        await runner.cleanup()
        await log.stop()


@pytest.mark.parametrize(
    ("path", "document", "at", "expected"),
    [
        ("/v1/chat/completions", CHAT, b'"object":"chat.completion"', 200),
        ("/v1/chat/completions", {**CHAT, "stream": True}, b"data: [DONE]", 200),
        ("/anthropic/v1/messages", MESSAGES, b'"type":"message"', 200),
        ("/v1/messages", {**MESSAGES, "stream": True}, b"event: message_stop", 200),
        ("/v1/responses", {"model": "demo/echo", "input": "x"}, b'"response"', 200),
        ("/v1/messages", {**MESSAGES, "model": "none"}, b"not_found_error", 404),
    ],
)
async def test_answers(
    whole: Whole, path: str, document: dict, at: bytes, expected: int
) -> None:
    """
    Each dialect is answered by the demo provider, whole and streamed, with a receipt.
    """
    wire = await whole.wire()

    await wire.post(path, orjson.dumps(document))
    reply = await wire.read()

    wire.leave()
    assert reply.status == expected
    assert at in reply.body
    assert reply.headers["x-gw-request-id"].startswith("req_")


async def test_is_counted_and_logged(whole: Whole) -> None:
    """
    A request is one line and one count, and what it said is in neither.
    """
    wire = await whole.wire()

    await wire.post(body=orjson.dumps(CHAT))
    reply = await wire.read()
    await wire.post("/v1/embeddings", b"{")
    await wire.read()
    await wire.head("GET", "/v1/models")
    await wire.read()
    await whole.log.stop()

    wire.leave()
    lines = [orjson.loads(line) for line in whole.file.getvalue().splitlines()]
    assert [line["path"] for line in lines] == [
        "/v1/chat/completions",
        "/v1/embeddings",
        "/v1/models",
    ]
    assert lines[0]["request_id"] == reply.headers["x-gw-request-id"]
    assert (lines[0]["provider"], lines[0]["model"]) == ("demo", "echo")
    assert lines[0]["bytes_out"] == len(reply.body)
    assert lines[0]["output_tokens"] > 0
    counted = whole.metrics.render()
    assert b'provider="demo",model="echo"' in counted
    assert counted.count(b"\ngatewright_requests_total{") == 3
    assert b"canary" not in counted + whole.file.getvalue()


async def test_callers_who_leave_leave_nothing_behind(whole: Whole) -> None:
    """
    Wherever callers leave, no task, no connection and no exchange stays.
    """
    chance = random.Random(7)
    body = orjson.dumps({**CHAT, "stream": True})
    request = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
    request += b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )
    request += body

    async def come_and_leave() -> None:
        wire = await whole.wire()
        await wire.send(request[: chance.randint(0, 2 * len(request))])
        for _ in range(chance.randint(0, 200)):
            await asyncio.sleep(0)
        wire.leave()

    await asyncio.gather(*(come_and_leave() for _ in range(60)))

    assert whole.runner.server is not None
    await until(lambda: not whole.runner.server.connections)
    await until(lambda: not whole.gateway.in_flight)
    await until(lambda: not len(whole.gateway.tasks))
    assert whole.runner.app[CALLERS].in_flight == 0
