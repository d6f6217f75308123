"""
Flights: one upstream try shared by several exchanges, alive while anybody waits for it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self

from gateway.errors import ExchangeError, Unavailable, UpstreamError
from gateway.exchange import Answer, Outcome, StashKey
from gateway.kept import KEPT, Kept
from gateway.raised import without_frames
from gateway.views import Chunk, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from gateway.dialects import Dialect
    from gateway.exchange import Attempt, Exchange
    from gateway.filters import Pipeline
    from gateway.hooks import Hooks
    from gateway.routing.targets import Target

#: Bytes of a stream that nobody has taken yet, above which its provider has to wait.
AHEAD_BYTES: Final = 1024 * 1024
#: Bytes of a stream that are kept for who follows: as many as a whole answer may have.
MAX_STREAM_BYTES: Final = 64 * 1024 * 1024

#: On an exchange: the flights that it began.
BEGUN: Final = StashKey["list[Flight]"]("flights")


class Flight:
    """
    What the inner part of an exchange brings, kept for everyone who follows.

    The first caller's key pays; whoever joins is authorised by itself.  When nobody waits any
    more, the upstream is cancelled.

    Attributes:
        exchange: The exchange inside, with the attempts; the first caller's in every respect
            but its end.
        kept_bytes: How much of the answer is in memory.
        target: Who answers, once somebody does.
    """

    def __init__(self, exchange: Exchange, kept: Kept = KEPT) -> None:
        self.exchange = exchange
        self.target: Target | None = None
        self.kept_bytes = 0
        self._kept = kept
        self._frames: list[bytes] = []
        self._response: tuple[int, dict[str, str], bytes] | None = None
        self._error: ExchangeError | None = None
        self._is_over = False
        self._begun = asyncio.Event()
        self._news = asyncio.Event()
        # Bytes that came, and those that the first among the followers has taken.
        self._came = 0
        self._taken = 0
        self._room = asyncio.Event()
        self._waiting = 0
        self._task: asyncio.Task[None] | None = None

    # --- for the relay ----------------------------------------------------------------------

    def runs_as(self, task: asyncio.Task[None]) -> None:
        """
        Take *task* for the one that brings the answer.
        """
        self._task = task
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if not self._is_over:
            self.fail(ExchangeError("the shared request was abandoned"))

    def bring(self, frames: Sequence[bytes]) -> None:
        """
        Add frames in the callers' dialect.
        """
        if self._error is not None:
            return  # it gave way
        size = sum(map(len, frames))
        self._frames += frames
        self._came += size
        self._tell()
        self._keep(size)

    def _keep(self, size: int) -> None:
        self.kept_bytes += size
        self._kept.add(self, size)

    def give_way(self) -> None:
        """
        Keep nothing any more, and tell whoever follows.
        """
        self._frames = []
        self._response = None
        self.kept_bytes = 0
        self.fail(Unavailable("The answers under way take too much memory."))
        self._room.set()

    async def have_room(self) -> None:
        """
        Wait for the first among the followers, if that one is far behind what came.

        Raises:
            UpstreamError: if more came than is kept.
            Unavailable: if all flights keep too much, and this one the most.
        """
        if self._came > MAX_STREAM_BYTES:
            msg = "The provider's answer is too large."
            raise UpstreamError(msg)
        while self._error is None and self._came - self._taken > AHEAD_BYTES:
            self._room.clear()
            await self._room.wait()
        if self._error is not None:
            raise self._error

    def bring_whole(self, response: Response) -> None:
        """
        Bring the whole answer.
        """
        body = response.encode()
        self._response = (response.status, response.headers, body)
        self.finish()
        self._keep(len(body))

    def finish(self) -> None:
        """
        Say that nothing more comes.
        """
        self._is_over = True
        self._tell()

    def fail(self, error: ExchangeError) -> None:
        """
        Say that nothing more comes, for *error*.
        """
        self._error = without_frames(error)
        self.finish()

    def _tell(self) -> None:
        self._begun.set()
        self._news.set()

    # --- for those who wait -----------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """
        Whether everything came that will come.
        """
        return self._is_over

    @property
    def frames(self) -> Sequence[bytes]:
        """
        The events so far, in the callers' dialect; none of an answer that came whole.
        """
        return self._frames

    @property
    def body(self) -> tuple[int, dict[str, str], bytes] | None:
        """
        Status, headers and body of an answer that came whole.
        """
        return self._response

    async def ended(self) -> None:
        """
        Wait until everything came that will come, and is settled.

        Who waits here keeps nothing in the air.
        """
        while not self._is_over:
            self._news.clear()
            await self._news.wait()
        if self._task is not None:
            await asyncio.wait([self._task])

    @property
    def has_failed(self) -> bool:
        """
        Whether it ended with an error.
        """
        return self._error is not None

    @property
    def cost_nano(self) -> int | None:
        """
        What the attempt that brought the answer cost; None while, or where, nobody knows.
        """
        for attempt in reversed(self.exchange.attempts):
            if attempt.flight is self and not attempt.joined:
                return attempt.cost_nano if self._is_over else None
        return None

    async def begun(self) -> None:
        """
        Wait until the first of the answer is here.

        Raises:
            ExchangeError: if there will be no answer.
        """
        with _Waiting(self):
            await self._begun.wait()
        if self._error is not None and not self._frames:
            raise self._error

    async def answer(self) -> Answer:
        """
        Return the answer as one more follower sees it, in views of its own.

        Raises:
            ExchangeError: if there will be no answer.
        """
        waiting = _Waiting(self)
        waiting.__enter__()
        try:
            await self._begun.wait()
        except BaseException:
            waiting.__exit__(None, None, None)
            raise
        dialect = self.exchange.dialect
        if self._response is not None:
            waiting.__exit__(None, None, None)
            status, headers, body = self._response
            return Answer(
                response=Response(dialect, body, status=status, headers=dict(headers))
            )
        if self._error is not None and not self._frames:
            waiting.__exit__(None, None, None)
            raise self._error
        return Answer(chunks=_Follower(self, dialect, waiting))

    async def frame(self, index: int) -> bytes | None:
        """
        Return frame *index*, or None behind the last.

        Raises:
            ExchangeError: if the stream broke before it.
        """
        while index >= len(self._frames):
            if self._error is not None:
                raise self._error
            if self._is_over:
                return None
            self._news.clear()
            await self._news.wait()
        return self._frames[index]

    def take(self, size: int) -> None:
        """
        Note that some follower has taken *size* bytes.
        """
        if size > self._taken:
            self._taken = size
            self._room.set()

    def enter(self) -> None:
        """
        Count one more who waits.
        """
        self._waiting += 1

    def leave(self) -> None:
        """
        Count one fewer; the last one stops the flight.
        """
        self._waiting -= 1
        if self._waiting == 0 and not self._is_over and self._task is not None:
            self._task.cancel()


class _Waiting:
    """
    Counts one follower as long as it waits.
    """

    __slots__ = ("_flight", "_is_in")

    def __init__(self, flight: Flight) -> None:
        self._flight = flight
        self._is_in = False

    def __enter__(self) -> Self:
        self._is_in = True
        self._flight.enter()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._is_in:
            self._is_in = False
            self._flight.leave()

    def __del__(self) -> None:
        self.__exit__()


class _Follower:
    """
    The chunks of a flight for one follower: fresh views, for edits must not cross.
    """

    def __init__(self, flight: Flight, dialect: Dialect, waiting: _Waiting) -> None:
        self._flight = flight
        self._dialect = dialect
        self._waiting = waiting
        self._index = 0
        self._taken = 0

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        try:
            frame = await self._flight.frame(self._index)
        except BaseException:
            self._waiting.__exit__()
            raise
        if frame is None:
            self._waiting.__exit__()
            raise StopAsyncIteration
        self._index += 1
        self._taken += len(frame)
        self._flight.take(self._taken)
        return Chunk(self._dialect, frame)


class FlightOutlet:
    """
    An `Outlet` that leads into a flight, through the filters inside the plugin that began it.
    """

    def __init__(self, flight: Flight, hooks: Hooks, beyond: int) -> None:
        self._flight = flight
        self._hooks = hooks
        self._beyond = beyond
        self._pipeline: Pipeline | None = None
        self._attempt: Attempt | None = None
        self.is_committed = False

    @property
    def wants_chunks(self) -> bool:
        """
        Whether a filter is open.
        """
        return self._pipeline is not None

    @property
    def passes_at_once(self) -> bool:
        """
        Whether frames go on at once: there is nobody yet to whom they could.
        """
        return False

    async def begin(self, attempt: Attempt | None) -> None:
        """
        Open the inner filters.
        """
        self._attempt = attempt
        self._pipeline = self._hooks.open_filters(
            self._flight.exchange, attempt, self._beyond
        )

    async def frames(self, frames: Sequence[bytes]) -> None:
        """
        Keep frames.
        """
        if self._pipeline is not None:
            dialect = self._flight.exchange.dialect
            await self.chunks([Chunk(dialect, frame) for frame in frames])
        else:
            self._bring(frames)
            await self._flight.have_room()

    def pass_at_once(self, frames: Sequence[bytes], data: bytes) -> bool:
        """
        Take nothing: `frames` keeps it.
        """
        return False

    async def chunks(self, chunks: Sequence[Chunk]) -> None:
        """
        Keep chunks, once the filters let them go.
        """
        if self._pipeline is not None:
            chunks = await self._pipeline.feed(chunks)
        self._bring([chunk.encode() for chunk in chunks])
        await self._flight.have_room()

    def _bring(self, frames: Sequence[bytes]) -> None:
        if not frames:
            return
        if not self.is_committed:
            self.is_committed = True
            if self._attempt is not None:
                self._flight.target = self._attempt.target
        self._flight.bring(frames)

    async def end(self) -> None:
        """
        Flush the filters.
        """
        if self._pipeline is not None:
            self._bring([chunk.encode() for chunk in await self._pipeline.flush()])
            await self._close(Outcome.FINISHED)
        self._flight.finish()

    async def whole(self, response: Response, attempt: Attempt | None) -> None:
        """
        Keep a whole answer.
        """
        self.is_committed = True
        if attempt is not None:
            self._flight.target = attempt.target
        await self.begin(attempt)
        if self._pipeline is not None:
            await self._pipeline.feed_response(response)
            await self._close(Outcome.FINISHED)
        self._flight.bring_whole(response)

    async def discard(self) -> None:
        """
        Drop what the filters hold.
        """
        await self._close(Outcome.FAILED)

    async def _close(self, outcome: Outcome) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            await self._hooks.close_filters(self._flight.exchange, pipeline, outcome)
