"""
Requests of plugins to others than providers.
"""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from aiohttp import web

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.outbound import Outbound
from gateway.secrets import Secrets
from gateway.settings import settings_from_dict


@contextlib.asynccontextmanager
async def listener(handler):
    """
    Serve *handler* on loopback; yields the URL.
    """
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def way_out(egress=None, environ=None):
    """
    Open the way out as a process without a gateway does.
    """
    settings = settings_from_dict({"egress": egress or {}})
    async with Outbound.open(settings.egress, Secrets(environ or {})) as outbound:
        yield outbound


async def echo(request):
    body = await request.read()
    headers = {"X-Method": request.method, "X-Told": request.headers.get("x-tell", "")}
    return web.Response(status=207, body=body, headers=headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_a_request_brings_its_method_headers_and_body(method):
    """
    Status, headers by lower-case name and the whole body come back.
    """
    async with listener(echo) as url, way_out() as outbound:
        reply = await outbound.ask(
            method, url, headers={"x-tell": "yes"}, body=b"{}", timeout_s=5
        )

    assert (reply.status, reply.body) == (207, b"{}")
    assert (reply.headers["x-method"], reply.headers["x-told"]) == (method, "yes")


async def test_a_redirect_is_an_answer_and_is_not_followed():
    """
    What was asked decides where the request goes, nothing that is answered.
    """

    async def away(request):
        raise web.HTTPFound("http://127.0.0.1:1/")

    async with listener(away) as url, way_out() as outbound:
        reply = await outbound.ask("GET", url, timeout_s=5)

    assert reply.status == 302


async def test_an_answer_longer_than_allowed_is_an_error():
    """
    Every outside byte is bounded.
    """

    async def long(request):
        return web.Response(body=b"x" * 2000)

    async with listener(long) as url, way_out() as outbound:
        with pytest.raises(UpstreamError, match="too large"):
            await outbound.ask("GET", url, timeout_s=5, max_bytes=1000)


async def test_who_says_nothing_in_time_is_a_timeout():
    """
    The time is for all of it.
    """

    async def hang(reader, writer):
        await reader.read()
        writer.close()

    async with way_out() as outbound:
        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            with pytest.raises(UpstreamTimeout):
                await outbound.ask("GET", f"http://127.0.0.1:{port}/", timeout_s=0.2)


async def test_others_are_asked_through_the_proxy_of_the_settings():
    """
    With its credentials; the machine itself is asked directly.
    """
    seen = []

    async def proxy(request):
        seen.append((str(request.url), request.headers.get("Proxy-Authorization")))
        return web.Response(text="through")

    async with listener(proxy) as url:
        egress = {"proxy": {"url": url, "user": "u", "secret": "env.P"}}
        async with way_out(egress, {"P": "p"}) as outbound:
            reply = await outbound.ask("GET", "http://guard.example/check", timeout_s=5)
            direct = await outbound.ask("GET", f"{url}/direct", timeout_s=5)

    assert (reply.body, direct.body) == (b"through", b"through")
    assert seen[0] == ("http://guard.example/check", "Basic dTpw")
    assert seen[1][1] is None
