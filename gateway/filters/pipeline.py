"""
Filters in series, each under its plugin's failure policy.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from time import perf_counter_ns
from typing import TypeVar

import attrs

from gateway.errors import ExchangeError, PluginFailed, Refused
from gateway.exchange import Outcome
from gateway.filters.stream import ResponseFilter, StreamFilter
from gateway.raised import FAULTS
from gateway.views import Chunk, Response

T = TypeVar("T")


@attrs.define(eq=False, kw_only=True)
class Stage:
    """
    One filter in a pipeline, and what it cost.

    Attributes:
        name: The plugin's name.
        fails_open: The operator lets chunks pass if it fails; counts only if the filter does
            not hold chunks.
        timeout_s: How long one call may take, or None.
        calls: How often it was called.
        ns: Nanoseconds spent in it.
        started_ns: When the last call began, by `time.perf_counter_ns`.
        failed: The exception that took it out or cut the stream, or None.
        is_closed: It was told how the stream ended.
    """

    filter: StreamFilter
    name: str = ""
    fails_open: bool = False
    timeout_s: float | None = None
    calls: int = 0
    ns: int = 0
    started_ns: int = 0
    failed: BaseException | None = None
    is_closed: bool = False


#: Told of every exception that a stage raises, refusals included, before the policy is
#: applied; what it raises itself goes on in the exception's place.
OnError = Callable[[Stage, BaseException], None]


class Pipeline:
    """
    The filters of one answer, innermost first.

    A stage that fails open is taken out and the chunks pass it by.  Any other failure cuts the
    stream: `feed` and `flush` raise, and nothing that was held is sent.

    A pipeline without stages passes chunks on; a relay need not parse anything for it.

    Args:
        stages: Filters, or stages where a plugin's name and policy are known.
        on_error: See `OnError`.
    """

    def __init__(
        self,
        stages: Iterable[Stage | StreamFilter],
        on_error: OnError | None = None,
    ) -> None:
        self.stages = tuple(
            stage
            if isinstance(stage, Stage)
            else Stage(filter=stage, name=type(stage).__name__)
            for stage in stages
        )
        self._running = self.stages
        self._on_error = on_error

    @property
    def is_empty(self) -> bool:
        """
        Whether chunks pass unseen.
        """
        return not self._running

    @property
    def holds_chunks(self) -> bool:
        """
        Whether any stage may keep chunks for later.
        """
        return any(stage.filter.holds_chunks for stage in self._running)

    async def feed(self, chunks: Sequence[Chunk]) -> list[Chunk]:
        """
        Send the chunks of one read through the stages; return those that may leave.

        Raises:
            Refused: if a stage refuses.
            PluginFailed: if a stage fails and may not fail open.
        """
        for stage in self._running:
            if not chunks:
                break
            if stage.timeout_s is not None:
                feed = stage.filter.feed
                chunks = await self._call(stage, feed, chunks, instead=chunks)
                continue
            # As `_call` does, without a coroutine of its own for every event.
            stage.calls += 1
            started = stage.started_ns = perf_counter_ns()
            try:
                chunks = await stage.filter.feed(chunks)
            except FAULTS as exc:  # the failure policy is here
                may_pass = stage.fails_open and not stage.filter.holds_chunks
                await self._fail(stage, exc, may_pass=may_pass)
            finally:
                stage.ns += perf_counter_ns() - started
        return chunks if isinstance(chunks, list) else list(chunks)

    async def flush(self) -> list[Chunk]:
        """
        Return what the stages held; what one lets go of passes those after it.

        Raises:
            Refused: if a stage refuses.
            PluginFailed: if a stage fails and may not fail open.
        """
        chunks: Sequence[Chunk] = ()
        for stage in self._running:
            if chunks:
                feed = stage.filter.feed
                chunks = await self._call(stage, feed, chunks, instead=chunks)
            if stage.failed is None:
                nothing: Sequence[Chunk] = ()
                rest = await self._call(stage, stage.filter.flush, instead=nothing)
                chunks = [*chunks, *rest]
        return list(chunks)

    async def feed_response(self, response: Response) -> None:
        """
        Send a whole answer through those stages that take one; the others see streams only.

        Raises:
            Refused: if a stage refuses.
            PluginFailed: if a stage fails and may not fail open.
        """
        if self._running:
            response.say_once()
        for stage in self._running:
            if isinstance(stage.filter, ResponseFilter):
                # Nothing is held here, so that every filter may fail open.
                call = stage.filter.feed_response
                await self._call(stage, call, response, instead=0, holds=False)

    async def close(self, outcome: Outcome) -> None:
        """
        Tell every stage how the stream ended: each once, also if another one fails at it.
        """
        cancelled = None
        for stage in self.stages:
            try:
                await self._close(stage, outcome)
            except asyncio.CancelledError as exc:
                cancelled = exc
        self._running = ()
        if cancelled is not None:
            raise cancelled

    async def _call(
        self,
        stage: Stage,
        call: Callable[..., Awaitable[T]],
        *arguments: object,
        instead: T,
        holds: bool | None = None,
    ) -> T:
        """
        Call a stage, or return *instead* if it fails open.
        """
        stage.calls += 1
        started = stage.started_ns = perf_counter_ns()
        try:
            if stage.timeout_s is None:
                return await call(*arguments)
            async with asyncio.timeout(stage.timeout_s):
                return await call(*arguments)
        except FAULTS as exc:  # the failure policy is here
            holds = stage.filter.holds_chunks if holds is None else holds
            await self._fail(stage, exc, may_pass=stage.fails_open and not holds)
            return instead
        finally:
            stage.ns += perf_counter_ns() - started

    async def _fail(self, stage: Stage, exc: BaseException, *, may_pass: bool) -> None:
        stage.failed = exc
        if self._on_error is not None:
            self._on_error(stage, exc)
        if isinstance(exc, Refused):
            raise exc
        if not may_pass:
            if isinstance(exc, ExchangeError):
                raise exc
            raise PluginFailed(stage.name, hook="open_filter") from exc
        self._running = tuple(one for one in self._running if one is not stage)
        await self._close(stage, Outcome.FAILED)

    async def _close(self, stage: Stage, outcome: Outcome) -> None:
        if stage.is_closed:
            return
        stage.is_closed = True
        try:
            async with asyncio.timeout(stage.timeout_s):
                await stage.filter.close(outcome)
        except FAULTS as exc:  # the others are still to be told
            stage.failed = stage.failed or exc
            if self._on_error is not None:
                with contextlib.suppress(Exception):  # there is no stream left to cut
                    self._on_error(stage, exc)
