"""
A service on loopback that answers as its script says and notes what breaks its contract.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeService:
    """
    A real HTTP server.

    Attributes:
        url: Where it listens.
        asked: The documents it was sent, in order.
        heads: The headers of each request, by lower-case names.
        violations: What a client did that the service's documentation does not allow.
    """

    def __init__(self, ssl_context: ssl.SSLContext | None = None) -> None:
        self.ssl_context = ssl_context
        self.url = ""
        self.heads: list[dict[str, str]] = []
        self.asked: list[dict[str, Any]] = []
        self.violations: list[str] = []
        self.busiest = 0
        self._busy = 0
        self._fault: Answer | None = None
        self._released = asyncio.Event()
        self._hanging = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    def error(self, status: int, code: str) -> web.Response:
        """
        An error in the service's own form.
        """
        return web.json_response({"message": code}, status=status)

    # --- faults ---------------------------------------------------------------------------------

    def works(self) -> None:
        self._fault = None

    def fails(self, status: int, code: str = "Failed") -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            return self.error(status, code)

        self._fault = answer

    def says(self, body: bytes, content_type: str = "application/json") -> None:
        """
        Answer 200 with just these bytes.
        """

        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(body=body, content_type=content_type)

        self._fault = answer

    def hangs(self) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            self._hanging.set()
            await self._released.wait()
            return self.error(500, "Released")

        self._fault = answer

    def dribbles(self) -> None:
        """
        Send a byte now and then, for ever.
        """

        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"content-type": "application/json"})
            await response.prepare(request)
            while not self._released.is_set():
                try:
                    await response.write(b" ")
                    async with asyncio.timeout(0.02):
                        await self._released.wait()
                except TimeoutError:
                    continue
                except ConnectionError:
                    break
            return response

        self._fault = answer

    def stammers(self) -> None:
        """
        Send a byte of a head now and then, for ever.
        """

        async def answer(request: web.Request) -> web.StreamResponse:
            transport, part = request.transport, b"HTTP/1.1 200 OK\r\nx-slow: "
            while not (transport is None or transport.is_closing()):
                transport.write(part)
                part = b"x"
                try:
                    async with asyncio.timeout(0.02):
                        await self._released.wait()
                    transport.close()
                except TimeoutError:
                    continue
            return self.error(500, "Released")

        self._fault = answer

    async def until_hanging(self) -> None:
        async with asyncio.timeout(10):
            await self._hanging.wait()

    def release(self) -> None:
        """
        Answer those who hang.
        """
        self._released.set()

    # --- serving --------------------------------------------------------------------------------

    async def take(self, request: web.Request) -> dict[str, Any]:
        """
        Read and keep what was sent.
        """
        document = json.loads(await request.read())
        self.asked.append(document)
        return document

    def demand(self, fact: Any, told: str) -> None:
        if not fact:
            self.violations.append(told)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 << 20, middlewares=[self._script])
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.ssl_context)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"{'https' if self.ssl_context else 'http'}://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()
        await self._runner.cleanup()

    @web.middleware
    async def _script(
        self, request: web.Request, handler: Answer
    ) -> web.StreamResponse:
        self.heads.append({name.lower(): one for name, one in request.headers.items()})
        self._busy += 1
        self.busiest = max(self.busiest, self._busy)
        try:
            return await (self._fault or handler)(request)
        finally:
            self._busy -= 1
