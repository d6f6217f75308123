"""
Where one exchange's answer goes: an aiohttp response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.server.connection import BUFFER_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.abc import AbstractStreamWriter


class _Stream(web.StreamResponse):
    """
    A streamed answer whose head leaves in one write with its first frames.
    """

    _send_headers_immediately = False


class HttpSink:
    """
    The answer to one HTTP request.

    A caller who takes nothing of it is dealt with by the connection, which aborts itself and
    so cancels the exchange (`gateway.server.connection`); a sink only waits.

    Args:
        request: The request that is answered.
        closes: The connection ends behind this answer.
    """

    __slots__ = ("_closes", "_request", "_writer", "response")

    def __init__(self, request: web.BaseRequest, *, closes: bool = False) -> None:
        self._request = request
        self._closes = closes
        self._writer: AbstractStreamWriter | None = None
        #: What the route returns to aiohttp.
        self.response: web.StreamResponse | None = None

    def take(self, response: web.Response) -> web.Response:
        """
        Take an answer that aiohttp is to send.
        """
        if self._closes:
            response.force_close()
        self.response = response
        return response

    def answer(self) -> web.StreamResponse:
        """
        Return what was taken, for aiohttp.

        Raises:
            ConnectionError: nothing was, because the caller had left.
        """
        if self.response is None:
            msg = "the caller left before there was an answer"
            raise ConnectionResetError(msg)
        return self.response

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """
        Take a whole answer; a long one is sent here, a short one by aiohttp.

        Raises:
            ConnectionError: the caller has left.
        """
        self.take(web.Response(status=status, headers=headers, body=body))
        if len(body) > BUFFER_BYTES:
            await self.finish()

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """
        Begin a stream; nothing leaves before the first `write`.
        """
        response = _Stream(status=status, headers=headers)
        if self._closes:
            response.force_close()
        self.response = response
        # Never suspends: a keep-alive from another task must find the head in its place.
        self._writer = await response.prepare(self._request)

    async def write(self, data: bytes) -> None:
        """
        Send whole frames in one write; waits while `BUFFER_BYTES` or more wait already.

        Raises:
            ConnectionError: the caller has left.
        """
        writer = self._writer
        if writer is None:
            msg = "a stream is started before it is written to"
            raise RuntimeError(msg)
        await writer.write(data)
        if self._request.protocol.writing_paused:
            await writer.drain()

    async def end(self) -> None:
        """
        Send what marks the end of the stream.

        Raises:
            ConnectionError: the caller has left.
        """
        if self.response is not None:
            await self.response.write_eof()

    async def finish(self) -> None:
        """
        Send the whole answer now; what aiohttp does with it later is nothing.
        """
        if self.response is not None:
            await self.response.prepare(self._request)
            await self.response.write_eof()

    async def finish_and_close(self) -> None:
        """
        Send the whole answer now and close the connection, whatever of the request is to come.
        """
        if self.response is not None:
            self.response.force_close()
            await self.finish()
            self._request.protocol.force_close()
