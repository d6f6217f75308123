"""
The upstream: a server that sends constant bytes, so that it is never what is measured.

Started as a program of its own: tells its port on standard output, and ends with its
standard input.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import sys
from collections.abc import Iterator
from time import perf_counter
from typing import Final, cast

from bench import messages
from bench.loops import new_runner

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_MODEL = re.compile(rb'"model"\s*:\s*"(?:[^"/]*/)*([a-z]+)"')
_TIMER_S: Final = 0.001  # what libuv's timers resolve
_ASKS_USAGE: Final = b'"include_usage":true'
_MOST_BYTES: Final = 4 * 1024 * 1024
_SORRY: Final = b'{"error":{"message":"this model is not one of the bench\'s"}}'
_BAD_REQUEST: Final = (
    b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_SORRY), _SORRY)
)
_READY: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Answers:
    """
    All bytes that are ever sent, written once.
    """

    def __init__(self) -> None:
        frames = messages.stream_events()
        tails = {False: [messages.DONE], True: [messages.usage_event(), messages.DONE]}
        self.whole = messages.whole_answer()
        self.first = messages.STREAM_HEAD + messages.chunked(frames[0])
        #: By whether usage was asked for: the writes of a stream, and all in one.
        self.drip: dict[bool, tuple[bytes, ...]] = {}
        self.burst: dict[bool, bytes] = {}
        for asks, tail in tails.items():
            writes = [messages.chunked(frame) for frame in frames]
            end = messages.chunked(b"".join(tail)) + messages.STREAM_END
            self.drip[asks] = (messages.STREAM_HEAD + writes[0], *writes[1:], end)
            everything = messages.chunked(b"".join((*frames, *tail)))
            self.burst[asks] = messages.STREAM_HEAD + everything + messages.STREAM_END


class Upstream(asyncio.Protocol):
    """
    One connection: answers request after request by what its model is called.

    Args:
        pauses_s: how long each stream waits between events, in turn; not all alike, or
            all streams would come at the same moment.
    """

    def __init__(self, answers: Answers, pauses_s: Iterator[float]) -> None:
        self._answers = answers
        self._pauses_s = pauses_s
        self._loop = asyncio.get_running_loop()
        self._got = b""
        self._writes: Iterator[bytes] = iter(())
        self._pause_s = 0.0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's, but for their methods.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = request_end(self._got)
        if end is None:
            if len(self._got) > _MOST_BYTES:
                self._transport.abort()
            return
        request, self._got = self._got[:end], self._got[end:]
        self._answer(request)

    def _answer(self, request: bytes) -> None:
        if request.startswith(b"GET "):
            self._transport.write(_READY)
            return
        found = _MODEL.search(request)
        kind = found[1].decode() if found else ""
        asks = _ASKS_USAGE in request
        if kind == messages.WHOLE:
            self._transport.write(self._answers.whole)
        elif kind == messages.BURST:
            self._transport.write(self._answers.burst[asks])
        elif kind == messages.STALL:
            self._transport.write(self._answers.first)
        elif kind == messages.DRIP:
            self._writes = iter(self._answers.drip[asks])
            self._pause_s = next(self._pauses_s)
            self._due = 0.0
            self._next_write()
        else:
            self._transport.write(_BAD_REQUEST)

    def _next_write(self) -> None:
        now = perf_counter()
        # libuv's timers count from when its loop woke up, and are early by as long as
        # this process has not run since: events would pile up on a busy machine.
        if now < self._due:
            left = max(self._due - now, _TIMER_S)
            self._timer = self._loop.call_later(left, self._next_write)
            return
        write = next(self._writes, None)
        if write is None:
            self._timer = None
            return
        self._transport.write(write)
        self._due = now + self._pause_s
        self._timer = self._loop.call_later(self._pause_s, self._next_write)


def request_end(got: bytes) -> int | None:
    """
    Return where the first request in *got* ends; None while it is not whole.
    """
    head_end = got.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    body_at = head_end + 4
    length = _LENGTH.search(got, 0, body_at)
    if length is not None:
        end = body_at + int(length[1])
        return end if len(got) >= end else None
    if _CHUNKED.search(got, 0, body_at):
        end = got.find(b"\r\n0\r\n\r\n", body_at)
        return end + 7 if end >= 0 else None
    return body_at


async def serve(port: int) -> None:
    """
    Serve until standard input ends.
    """
    answers = Answers()
    pauses_s = itertools.cycle((0.003, 0.004, 0.002))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Upstream(answers, pauses_s), "127.0.0.1", port, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    with new_runner() as runner:
        runner.run(serve(int(sys.argv[1])))
