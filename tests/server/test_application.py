"""
Tests of `gateway.server.application`.
"""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp import web

from gateway.events import CallerTurnedAway
from gateway.server.application import CALLERS, admin_app, make_runner
from gateway.server.health import Health

from .conftest import JSON, Serve, ToyGateway


async def hello(request: web.Request) -> web.Response:
    return web.json_response({"here": True})


async def test_management_may_share_the_listener(serve: Serve) -> None:
    """
    Routes that are handed in stand beside the callers', before whatever takes the rest.
    """
    wire = await (await serve(routes=[web.get("/api/here", hello)])).wire()

    await wire.head("GET", "/api/here")
    known = await wire.read()
    await wire.head("GET", "/api/elsewhere")
    unknown = await wire.read()

    assert known.json == {"here": True}
    assert known.headers["server"] == "gatewright"
    assert unknown.status == 404


async def test_management_may_stand_apart() -> None:
    """
    An application of its own has management and health, and no callers' routes.
    """
    app = admin_app(Health(reason=""), [web.get("/api/here", hello)])
    runner = make_runner(app, ToyGateway())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async with aiohttp.ClientSession() as session:
        answers = []
        for path in ("/api/here", "/readyz", "/v1/models"):
            async with session.get(base + path) as answer:
                answers.append(answer.status)
                assert answer.headers["server"] == "gatewright"

    await runner.cleanup()
    assert answers == [200, 200, 404]
    assert CALLERS not in app


async def test_counts_what_is_under_way(serve: Serve) -> None:
    """
    Between requests nothing is under way.
    """
    served = await serve()
    wire = await served.wire()

    await wire.post()
    await wire.read()

    assert served.in_flight == 0


async def test_management_is_no_proxy_either() -> None:
    """
    Where no callers are, CONNECT is refused in the same words.
    """
    runner = make_runner(admin_app(Health(reason=""), []), ToyGateway())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])

    writer.write(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n")
    answer = await reader.read()

    writer.close()
    await runner.cleanup()
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert b"Allow: GET, HEAD, POST\r\n" in answer
    assert b'"code":"method_not_allowed"' in answer


async def test_every_answer_names_the_server_and_no_version(serve: Serve) -> None:
    """
    Answered or turned away, past the router or through it.
    """
    wire = await (await serve()).wire()

    told = []
    for path in ("/v1/chat/completions", "/v1/chat/completions?a=1", "/nowhere"):
        for headers in (JSON, b""):
            await wire.post(path, headers=headers)
            reply = await wire.read()
            told.append((reply.status, reply.headers["server"]))

    assert [status for status, _ in told] == [200, 415, 200, 415, 404, 404]
    assert {name for _, name in told} == {"gatewright"}


async def test_plugins_hear_of_those_who_were_turned_away(serve: Serve) -> None:
    """
    One event for each error that is told before there is an exchange, and none for an answer.
    """
    served = await serve()
    for method, path in (("GET", "/healthz"), ("GET", "/nowhere")):
        wire = await served.wire()
        await wire.head(method, path)
        await wire.read()

    (event,) = served.gateway.events
    assert isinstance(event, CallerTurnedAway)
    assert (event.status, event.path, event.peer) == (404, "", "127.0.0.1")
