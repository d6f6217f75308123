"""
Brings one sink what it has not, in order, and remembers how far it is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import attrs
import structlog

from gateway.clock import Clock
from gateway.tasks import Tasks
from gateway_audit.sinks.backoff import Backoff
from gateway_audit.sinks.cursor import Cursor, Position, Progress
from gateway_audit.sinks.feed import Batch, Feed
from gateway_audit.sinks.outlets.outlet import NotTaken, Outlet, Unfit
from gateway_audit.sinks.records import Record

log = structlog.get_logger("gateway.audit.sinks")

#: Seconds after which the feed is looked at although nobody said that there is more.
LOOK_S: Final = 5.0


class Shipping:
    """
    One sink at work.

    Batches go out side by side where the outlet can take several, and are counted as delivered in
    their order alone: after a fault, all from the first that was not taken go out again.

    Args:
        backfill: Whether a new sink begins with the log's first entry.
    """

    def __init__(
        self,
        name: str,
        outlet: Outlet,
        feed: Feed,
        cursor: Cursor,
        *,
        clock: Clock,
        backoff: Backoff,
        backfill: bool = True,
    ) -> None:
        self.name = name
        self._outlet = outlet
        self._feed = feed
        self._cursor = cursor
        self._clock = clock
        self._backoff = backoff
        self._backfill = backfill
        self._tasks = Tasks()
        self._more = asyncio.Event()
        self._progress: Progress | None = cursor.load()
        #: When the oldest entry that is under way came to be, in Unix milliseconds.
        self._oldest_ms: int | None = None
        self._refused: dict[int, str] = {}
        #: Why the last try failed.
        self.problem: str | None = None

    def wake(self) -> None:
        """
        Say that there may be more.
        """
        self._more.set()

    @property
    def needed_from(self) -> int:
        """
        The first entry that it has not delivered.
        """
        progress = self._progress
        return 0 if progress is None else progress.position.index

    @property
    def is_level(self) -> bool:
        """
        Whether it has all that is signed.
        """
        size, progress = self._feed.size, self._progress
        if progress is None:
            return not size
        position = progress.position
        return min(position.index, position.checkpoint) >= size

    async def run(self) -> None:
        """
        Deliver until cancelled.
        """
        while True:
            try:
                await self._deliver_all()
            except NotTaken as exc:
                await self._pause(str(exc), exc.after_s)
            except Exception as exc:  # noqa: BLE001 - whatever it is, the others go on
                await self._pause(f"failed with {type(exc).__name__}", None)

    async def close(self) -> None:
        """
        Let go of the outlet.
        """
        await self._tasks.join(0)
        await self._outlet.close()

    def document(self) -> dict[str, Any]:
        """
        Tell how it is.
        """
        progress = self._progress
        size = self._feed.size
        oldest = self._oldest_ms
        age = 0.0 if oldest is None else self._clock.now() - oldest / 1000
        told = {
            "index": self.needed_from,
            "lag_entries": max(0, size - self.needed_from),
            "lag_s": round(max(0.0, age), 1),
            "problem": self.problem,
        }
        if progress is not None:
            told["delivered"] = progress.delivered
            told["refused"] = progress.refused
            told["last_refused"] = progress.last_refused
            if self._outlet.stale_after_s is not None:
                told["stale"] = progress.stale
        return told

    async def _deliver_all(self) -> None:
        flying: deque[tuple[asyncio.Task[int], Batch]] = deque()
        try:
            at = self._begin()
            while True:
                at = await self._send_more(flying, at)
                if not flying:
                    self._level()
                    await self._wait()
                    at = self._begin()
                    continue
                task, batch = flying[0]
                refused = await task
                await self._commit(batch, refused)
                flying.popleft()
                if flying:
                    self._oldest_ms = flying[0][1].records[0].at_ms
        finally:
            await _cancel([task for task, _ in flying])

    async def _send_more(
        self, flying: deque[tuple[asyncio.Task[int], Batch]], at: Position
    ) -> Position:
        """
        Send what there is, as far as the outlet takes it; returns where the last of it ends.
        """
        outlet = self._outlet
        while len(flying) < outlet.window:
            batch = await asyncio.to_thread(
                self._feed.batch, at, outlet.max_records, outlet.max_bytes
            )
            if not batch.records:
                break
            if not flying:
                self._oldest_ms = batch.records[0].at_ms
            work = self._deliver(batch.records)
            flying.append((self._tasks.spawn(work, name=f"sink {self.name}"), batch))
            at = batch.end
        return at

    async def _deliver(self, records: Sequence[Record]) -> int:
        """
        Deliver *records*, in parts where they are unfit as a whole; returns how many were refused.
        """
        refused = 0
        while True:
            try:
                delivery = await self._outlet.send(records)
            except Unfit as exc:
                if len(records) == 1:
                    self._refuse(records[0], str(exc))
                    return refused + 1
                middle = len(records) // 2
                refused += await self._deliver(records[:middle])
                records = records[middle:]
                continue
            for record, why in delivery.refused:
                self._refuse(record, why)
            refused += len(delivery.refused)
            records = delivery.left
            if not records:
                return refused
            await self._pause(delivery.why, None)

    def _refuse(self, record: Record, why: str) -> None:
        self._refused[record.index] = why
        log.error(
            "a record will never be taken", to=self.name, index=record.index, why=why
        )

    async def _commit(self, batch: Batch, refused: int) -> None:
        known = self._progress or Progress(position=batch.end)
        limit = self._outlet.stale_after_s
        stale = 0
        if limit is not None:
            before_ms = (self._clock.now() - limit) * 1000
            stale = sum(1 for each in batch.records if each.at_ms < before_ms)
        last = max(self._refused, default=known.last_refused)
        progress = Progress(
            position=batch.end,
            delivered=known.delivered + len(batch.records) - refused,
            refused=known.refused + refused,
            last_refused=last,
            stale=known.stale + stale,
        )
        await asyncio.to_thread(self._cursor.save, progress)
        self._progress = progress
        self._refused.clear()
        self._level()

    def _level(self) -> None:
        """
        Take note that the last thing went well.
        """
        if self.problem is not None:
            log.info("a sink takes entries again", to=self.name)
        self.problem = None
        self._backoff.reset()
        self._oldest_ms = None

    def _begin(self) -> Position:
        """
        Return where to go on.
        """
        origin, progress = self._feed.origin, self._progress
        if origin is None:
            return Position(origin="")
        if progress is not None and progress.position.origin == origin:
            return self._past_moved(progress.position)
        if progress is None and not self._backfill:
            size = self._feed.size
            start = Position(origin=origin, index=size, checkpoint=size)
            self._progress = Progress(position=start)
            self._cursor.save(self._progress)
            return start
        # Another log, which took the place of one that lost entries: all of it.
        return self._past_moved(Position(origin=origin))

    def _past_moved(self, position: Position) -> Position:
        return attrs.evolve(position, index=max(position.index, self._feed.local_from))

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_S):
                await self._more.wait()
        except TimeoutError:
            pass
        self._more.clear()

    async def _pause(self, why: str, after_s: float | None) -> None:
        wait_s = self._backoff.next_s(after_s)
        if self.problem != why:
            log.warning("not exported", to=self.name, why=why)
        self.problem = why
        await asyncio.sleep(wait_s)


async def _cancel(tasks: Sequence[asyncio.Task[int]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
