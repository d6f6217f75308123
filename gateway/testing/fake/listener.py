"""
aiohttp's low-level server, with a count of connections and a cap on bodies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from gateway.testing.fake.state import Records

__all__ = ["CountingServer"]

_LARGEST_BODY = 64 * 1024 * 1024


class CountingServer(web.Server):
    """
    Serves without routes or middlewares, and tells *records* of connections.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        records: Records,
    ) -> None:
        # Cancelled when the caller leaves: that is how a departure is noticed.
        super().__init__(
            handler,
            request_factory=self._make_capped_request,
            handler_cancellation=True,
            access_log=None,
        )
        self._records = records

    def connection_made(
        self, handler: RequestHandler, transport: asyncio.Transport
    ) -> None:
        """
        Count a connection that was opened.
        """
        super().connection_made(handler, transport)
        self._records.connections += 1
        self._records.connections_made += 1
        self._records.watch.changed()

    def connection_lost(
        self, handler: RequestHandler, exc: BaseException | None = None
    ) -> None:
        """
        Count a connection that was closed.
        """
        super().connection_lost(handler, exc)
        self._records.connections -= 1
        self._records.watch.changed()

    def _make_capped_request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: Any,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        return web.BaseRequest(
            message,
            payload,
            protocol,
            writer,
            task,
            self._loop,
            client_max_size=_LARGEST_BODY,
        )
