"""
Send an answer as its script wants it sent: late, in pieces, broken, or well.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn

import attrs
from aiohttp import web

from gateway.testing.fake.frames import Event, Frame, encode
from gateway.testing.fake.script import Ending, Script
from gateway.testing.fake.tokens import count_bytes

__all__ = ["Delivery"]

_ENDLESS_PACE_S = 0.001  # a stream without end leaves others room to breathe
_AT_ONCE = 65536  # a body up to here goes to the kernel in one piece
_NO_FRAMES: Iterator[Frame] = iter(())
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, no time: close sends RST


@attrs.define(eq=False, kw_only=True)
class Delivery:
    """
    The sending of one answer.

    *settle* is called when all but the last bytes went out, so that what it records
    is there when the caller has read the answer; it is told whether those bytes are
    the answer's own end.

    Args:
        patience_s: how long a stall, or a stream without end, goes on for a
            caller who stays.
        on_error: makes the vendor's error event, from the number of events sent.
    """

    request: web.BaseRequest
    script: Script
    headers: dict[str, str]
    patience_s: float
    clock: Callable[[], float]
    settle: Callable[[bool], None]
    on_error: Callable[[int], Event] | None = None

    events_sent: int = 0
    bytes_generated: int = 0  # by the model, not on the wire
    is_finished: bool = False
    was_cut: bool = False  # by us: the caller did not leave, it was left
    _frames: Iterator[Frame] = _NO_FRAMES
    _kept: list[bytes] = attrs.field(factory=list)  # for the next write

    async def send_whole(self, body: bytes) -> web.StreamResponse:
        """
        Send *body* as one document.
        """
        script = self.script
        await self._wait(script.latency_ms)
        if script.gzip:
            self.headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, mtime=0)
        if script.malformed_after is not None:
            body = body[: len(body) // 2]
        if script.chunk_bytes or script.ending or len(body) > _AT_ONCE:
            return await self._send_in_parts(body)
        self.settle(True)
        self.is_finished = True
        return web.Response(status=script.status, body=body, headers=self.headers)

    async def send_stream(self, frames: Iterable[Frame]) -> web.StreamResponse:
        """
        Send *frames* one by one, until the script ends it.
        """
        script = self.script
        self._frames = iter(frames)
        await self._wait(script.latency_ms)
        response = web.StreamResponse(status=script.status, headers=self.headers)
        await response.prepare(self.request)
        if not script.one_write:
            await response.write(b"")  # the headers alone
        await self._send_frames(response)
        return response

    async def stay_silent(self) -> NoReturn:
        """
        Answer nothing until the caller leaves or patience runs out.
        """
        await asyncio.sleep(self.patience_s)
        await self.cut()

    async def cut(self) -> NoReturn:
        """
        Reset the connection.
        """
        self.was_cut = True
        transport = self.request.transport
        if transport is not None:
            sock = transport.get_extra_info("socket")
            with contextlib.suppress(AttributeError, OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()
            # The server cancels us as soon as it knows; this waits for that.
            await asyncio.sleep(self.patience_s)
        raise asyncio.CancelledError

    async def generate_on(self) -> None:
        """
        Go on where the caller left, for nobody.
        """
        end = self.clock() + self.patience_s
        for frame in self._frames:
            await self._wait(self.script.event_latency_ms)
            self.bytes_generated += count_bytes(frame.text)
            if self.script.never_end:
                await asyncio.sleep(_ENDLESS_PACE_S)
                if self.clock() > end:
                    return

    async def _send_in_parts(self, body: bytes) -> web.StreamResponse:
        """
        Send *body* in pieces, or half of it before the script's trouble.
        """
        script = self.script
        response = web.StreamResponse(status=script.status, headers=self.headers)
        ending = script.ending
        if script.chunk_bytes is None:
            response.content_length = len(body)
        await response.prepare(self.request)
        if ending is not None and ending[0] in {Ending.BREAK, Ending.STALL}:
            await response.write(body[: len(body) // 2])
            await self._end_early(response, ending[0])
        size = script.chunk_bytes or _AT_ONCE
        last = max(0, (len(body) - 1) // size * size)
        for at in range(0, last, size):
            await response.write(body[at : at + size])
            await asyncio.sleep(0)  # so that a reader may see each piece alone
        self.settle(True)
        await response.write_eof(body[last:])
        self.is_finished = True
        return response

    async def _send_frames(self, response: web.StreamResponse) -> None:
        ending = self.script.ending
        last_at = -1 if ending is None else ending[1]
        end = self.clock() + self.patience_s
        frame = next(self._frames, None)
        while frame is not None:
            if ending is not None and self.events_sent == last_at:
                await self._leave_half(response, frame)
                await self._end_early(response, ending[0])
                return
            await self._wait(self.script.event_latency_ms)
            following = next(self._frames, None)
            await self._send(response, frame, is_last=following is None)
            if self.script.never_end:
                await self._check_patience(end)
            frame = following

    async def _send(
        self, response: web.StreamResponse, frame: Frame, *, is_last: bool
    ) -> None:
        # Counted before it is sent: it was generated, whoever may read it.
        self.bytes_generated += count_bytes(frame.text)
        if is_last:
            self.events_sent += 1
            self.settle(True)
            await self._put(response, frame.data, is_last=True)
            self.is_finished = True
            return
        await self._put(response, frame.data)
        self.events_sent += 1

    async def _put(
        self, response: web.StreamResponse, data: bytes, *, is_last: bool = False
    ) -> None:
        """
        Write *data*, or keep it until it makes a piece of the wanted size.
        """
        script = self.script
        if script.one_write:
            self._kept.append(data)
            if is_last:
                await response.write_eof(self._take_kept())
        elif script.chunk_bytes is not None:
            self._kept.append(data)
            await self._put_pieces(response, script.chunk_bytes, is_last=is_last)
        elif is_last:
            await response.write_eof(data)
        else:
            await response.write(data)

    async def _put_pieces(
        self, response: web.StreamResponse, size: int, *, is_last: bool
    ) -> None:
        data = self._take_kept()
        at = 0
        while len(data) - at > size:
            await response.write(data[at : at + size])
            at += size
            await asyncio.sleep(0)  # so that a reader may see each piece alone
        if is_last:
            await response.write_eof(data[at:])
        else:
            self._kept.append(data[at:])

    def _take_kept(self) -> bytes:
        data = b"".join(self._kept)
        self._kept.clear()
        return data

    async def _leave_half(self, response: web.StreamResponse, frame: Frame) -> None:
        data = self._take_kept()
        if self.script.half_frame:
            data += frame.data[: len(frame.data) // 2]
        if data:
            await response.write(data)

    async def _end_early(self, response: web.StreamResponse, ending: Ending) -> None:
        match ending:
            case Ending.BREAK:
                # What was written is read before the reset arrives.
                await asyncio.sleep(_ENDLESS_PACE_S)
                await self.cut()
            case Ending.STALL:
                await self.stay_silent()
            case Ending.ERROR:
                self.settle(False)
                await response.write_eof(self._error())
            case Ending.END:
                self.settle(False)
                await response.write_eof()

    def _error(self) -> bytes:
        if self.on_error is None:
            return b""
        return encode(self.on_error(self.events_sent), self.script)

    async def _check_patience(self, end: float) -> None:
        await asyncio.sleep(_ENDLESS_PACE_S)
        if self.clock() > end:
            await self.cut()

    async def _wait(self, milliseconds: float) -> None:
        if milliseconds:
            await asyncio.sleep(milliseconds / 1000)
