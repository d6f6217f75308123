"""
The calibrator: the least that an aiohttp proxy can do.  No policy, no log, no errors.

``python calibrator.py UPSTREAM_URL PORT [BURN_US]``; the last makes it slow by so many
microseconds of CPU a request, which proves the bench.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

UPSTREAM, PORT = sys.argv[1], int(sys.argv[2])
BURN_S = float(sys.argv[3]) / 1e6 if len(sys.argv) > 3 else 0.0
SENT = ("Accept", "Authorization", "Content-Type")
SESSION = web.AppKey("session", aiohttp.ClientSession)


async def relay(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    if BURN_S:
        burn()
    headers = {name: request.headers[name] for name in SENT if name in request.headers}
    url = UPSTREAM + request.path
    async with request.app[SESSION].post(url, data=body, headers=headers) as answer:
        kind = {"Content-Type": answer.headers["Content-Type"]}
        if not kind["Content-Type"].startswith("text/event-stream"):
            whole = await answer.read()
            return web.Response(status=answer.status, body=whole, headers=kind)
        response = web.StreamResponse(status=answer.status, headers=kind)
        await response.prepare(request)
        async for read in answer.content.iter_any():
            await response.write(read)
        await response.write_eof()
        return response


def burn() -> None:
    until = time.thread_time() + BURN_S
    while time.thread_time() < until:
        pass


async def application() -> web.Application:
    async def session(app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
        ) as app[SESSION]:
            yield

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.cleanup_ctx.append(session)
    app.router.add_get("/healthz", ready)
    app.router.add_post("/{path:.*}", relay)
    return app


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        loop = None
    else:
        loop = uvloop.new_event_loop()
    web.run_app(
        application(),
        host="127.0.0.1",
        port=PORT,
        access_log=None,
        handler_cancellation=True,  # or streams that nobody reads stay open
        print=None,
        loop=loop,
    )
