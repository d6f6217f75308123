"""
Listening to a provider after the caller left, so that its own figures are known.

A provider goes on, and bills, for a while after it was cut off; what it would have said about the
tokens is lost.  Who would rather know than save asks for a `Drain` in `pre_request`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.exchange import Attempt, Drain
    from gateway.outlets import CallerOutlet
    from gateway.views import Chunk, Response


class DrainingOutlet:
    """
    An `Outlet` in front of the caller's own, which takes everything when the caller is gone.

    Attributes:
        is_alone: The caller has left.
    """

    def __init__(self, outlet: CallerOutlet, drain: Drain) -> None:
        self._outlet = outlet
        self._drain = drain
        self._events = 0
        self._work: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.is_alone = False

    def runs_as(self, work: asyncio.Task[None]) -> None:
        """
        Take *work* for the task that brings the answer.
        """
        self._work = work
        work.add_done_callback(self._ended)

    def leave(self) -> None:
        """
        Take note that the caller left; *work* has the time that the drain allows.
        """
        if self.is_alone or self._work is None:
            return
        self.is_alone = True
        self._outlet.fall_silent()
        loop = self._work.get_loop()
        self._timer = loop.call_later(self._drain.max_s, self._work.cancel)

    def _ended(self, _: asyncio.Task[None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- an outlet --------------------------------------------------------------------------

    @property
    def is_committed(self) -> bool:
        """
        Whether the caller was sent anything; nobody is left to be sent anything else.
        """
        return self.is_alone or self._outlet.is_committed

    @property
    def wants_chunks(self) -> bool:
        """
        Whether a filter is open.
        """
        return not self.is_alone and self._outlet.wants_chunks

    @property
    def passes_at_once(self) -> bool:
        """
        Whether frames can go on without anybody's waiting.
        """
        return not self.is_alone and self._outlet.passes_at_once

    async def begin(self, attempt: Attempt | None) -> None:
        """
        Make ready for the stream of *attempt*.
        """
        if not self.is_alone:
            await self._outlet.begin(attempt)

    async def frames(self, frames: Sequence[bytes]) -> None:
        """
        Take frames in the caller's dialect.
        """
        if self.is_alone:
            self._count(len(frames))
            return
        try:
            await self._outlet.frames(frames)
        except ConnectionError:
            self.leave()

    def pass_at_once(self, frames: Sequence[bytes], data: bytes) -> bool:
        """
        Send frames to the caller who is there and takes them.
        """
        return not self.is_alone and self._outlet.pass_at_once(frames, data)

    async def chunks(self, chunks: Sequence[Chunk]) -> None:
        """
        Take chunks in the caller's dialect.
        """
        if self.is_alone:
            self._count(len(chunks))
            return
        try:
            await self._outlet.chunks(chunks)
        except ConnectionError:
            self.leave()

    async def end(self) -> None:
        """
        Take note that the stream ended well.
        """
        if not self.is_alone:
            await self._outlet.end()

    async def whole(self, response: Response, attempt: Attempt | None) -> None:
        """
        Take a whole answer, or a provider's error.
        """
        if not self.is_alone:
            await self._outlet.whole(response, attempt)

    async def discard(self) -> None:
        """
        Drop what the attempt brought so far.
        """
        if not self.is_alone:
            await self._outlet.discard()

    def _count(self, events: int) -> None:
        self._events += events
        most = self._drain.max_events
        if most is not None and self._events >= most:
            msg = "nobody listens, and what was to be heard was heard"
            raise ConnectionResetError(msg)
