"""
A worker's own file of what happened: what is acknowledged is on the disk.

The event loop only puts entries into a queue.  One thread takes whatever stands there, writes it
with one call, makes it durable with another, and tells the loop in one go; so a hundred requests
that come together wait for the disk once, and wake the thread once: until the loop lets go of the
interpreter, the thread cannot take the first, and the others stand there by then.  (A turn of some
milliseconds may be taken in two; see `sys.setswitchinterval`.)  Who need not wait for the disk is
told before it is asked, and what need not wait is written by the loop itself where the thread has
nothing to do.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import attrs
import structlog

from gateway.clock import Clock, SystemClock
from gateway_audit.spool.disk import Disk
from gateway_audit.spool.frames import MAX_ENTRY_BYTES, encode
from gateway_audit.spool.names import new_worker
from gateway_audit.spool.scribe import PAUSE_S, Record, Scribe
from gateway_audit.spool.writer import SegmentWriter

log = structlog.get_logger("gateway.audit.spool")

#: Seconds that an entry may wait for the disk until its caller is told no.
PATIENCE_S: Final = 0.8
#: Seconds that the disk has for the rest when the spool is closed.
CLOSE_S: Final = 10.0
SEGMENT_BYTES: Final = 16 * 1024 * 1024
QUEUE_ENTRIES: Final = 16_384
QUEUE_BYTES: Final = 64 * 1024 * 1024


class AuditUnavailable(Exception):
    """
    An entry is not durable, and may never be: whoever fails closed must say no.
    """


@attrs.define(eq=False)
class _Awaited(Record):
    """
    An entry, and who waits for it.

    Attributes:
        due: When who waits is told no.
    """

    told: asyncio.Future[None]
    due: float


class Spool:
    """
    Writes one worker's entries; belongs to one event loop.

    Args:
        folder: Made if it is not there.
        on_change: Called in the event loop whenever `is_failing` or `is_nearly_full` changed.
        segment_bytes: How large one file grows; as much again is always set aside.
        queue_entries: How many entries may wait for the disk.
        queue_bytes: How many bytes of them.
        patience_s: How long an entry may wait for it.
        pause_s: How long it is left alone after it failed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock | None = None,
        on_change: Callable[[], None] | None = None,
        disk: Disk | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        queue_entries: int = QUEUE_ENTRIES,
        queue_bytes: int = QUEUE_BYTES,
        patience_s: float = PATIENCE_S,
        pause_s: float = PAUSE_S,
    ) -> None:
        disk = disk or Disk()
        self._on_change = on_change
        self._queue_entries = queue_entries
        self._queue_bytes = queue_bytes
        self._patience_s = patience_s
        #: This worker's name in every entry: no other, before or after, has it.
        self.worker = new_worker((clock or SystemClock()).now())
        #: The number that the next entry gets.
        self.next_seq = 0
        self._is_failing = False
        self._is_nearly_full = False
        self._is_closed = False
        self._why = ""
        self._waiting: deque[_Awaited] = deque()
        self._waiting_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Record | None] = SimpleQueue()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        writer = self._writer = SegmentWriter(
            folder, self.worker, disk=disk, segment_bytes=segment_bytes
        )
        scribe = Scribe(
            writer,
            self._queue,
            _FromThread(self),
            folder=folder,
            disk=disk,
            pause_s=pause_s,
        )
        self._thread = threading.Thread(
            target=scribe.run, name="audit-spool", daemon=True
        )
        self._thread.start()

    @property
    def is_failing(self) -> bool:
        """
        Tell whether entries do not reach the disk; ends by itself when they do again.
        """
        return self._is_failing

    @property
    def is_nearly_full(self) -> bool:
        """
        Tell whether four fifths of the disk are in use, or no room for the next file is left.
        """
        return self._is_nearly_full

    @property
    def queued(self) -> int:
        """
        How many entries wait for the disk.
        """
        return len(self._waiting)

    def append(self, entry: bytes) -> asyncio.Future[None]:
        """
        Write *entry*; the future is done when it is durable.

        While the disk fails, an entry is turned away at once and is not written later.

        Returns:
            A future, which raises `AuditUnavailable` if the entry is not durable in time.  It
            may be found in the log all the same.

        Raises:
            ValueError: The entry is empty or larger than the log takes.
        """
        if self._is_failing:
            return self._refused(entry)
        return self._enqueue(entry, is_durable=True)

    def append_relaxed(self, entry: bytes) -> asyncio.Future[None]:
        """
        Write *entry* as far as the page cache: it outlives this process, not a power cut.

        While the disk fails, an entry is kept for as long as the queue has room.

        Returns:
            A future, which raises `AuditUnavailable` as that of `append`; who does not care
            need not wait for it.

        Raises:
            ValueError: The entry is empty or larger than the log takes.
        """
        if not self._waiting and not self._is_closed:
            # Nothing is before it, and the thread has perhaps nothing to do.
            _check(entry)
            if self._writer.slip_in(encode(self.next_seq, entry)):
                self.next_seq += 1
                told: asyncio.Future[None] = self._loop.create_future()
                told.set_result(None)
                return told
        waiting = self._enqueue(entry, is_durable=False)
        waiting.add_done_callback(_take_note)
        return waiting

    async def close(self) -> None:
        """
        Write all that was accepted, and let go of the files.

        Raises:
            AuditUnavailable: The disk did not take it.
        """
        if not self._is_closed:
            self._is_closed = True
            self._queue.put(None)
        await self._loop.run_in_executor(None, self._thread.join, CLOSE_S)
        # What the thread said last stands in the loop's queue before this.
        await asyncio.sleep(0)
        self._stop_timer()
        if self._waiting:
            why = self._why or "the spool was closed"
            for awaited in self._waiting:
                self._turn_away(awaited, why)
            raise AuditUnavailable(f"{self.queued} entries not written: {why}")

    def _enqueue(self, entry: bytes, *, is_durable: bool) -> asyncio.Future[None]:
        if (
            self._is_closed
            or len(self._waiting) >= self._queue_entries
            or self._waiting_bytes >= self._queue_bytes
        ):
            return self._refused(entry)
        _check(entry)
        content = encode(self.next_seq, entry)
        self.next_seq += 1
        told: asyncio.Future[None] = self._loop.create_future()
        due = self._loop.time() + self._patience_s
        awaited = _Awaited(content, is_durable, told, due)
        self._waiting.append(awaited)
        self._waiting_bytes += len(content)
        self._queue.put(awaited)
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._look_at_clock)
        return told

    def _refused(self, entry: bytes) -> asyncio.Future[None]:
        _check(entry)
        refused: asyncio.Future[None] = self._loop.create_future()
        if self._is_closed:
            why = "the spool is closed"
        else:
            why = self._why if self._is_failing else "the disk is too slow"
        refused.set_exception(AuditUnavailable(why))
        return refused

    def _look_at_clock(self) -> None:
        """
        Turn those away who waited too long; what they brought is written all the same.
        """
        # Later in this turn of the loop: where it was the loop that did not come round, what
        # the thread said meanwhile is heard first.
        self._timer = None
        self._loop.call_soon(self._turn_away_the_late)

    def _turn_away_the_late(self) -> None:
        self._stop_timer()
        now = self._loop.time()
        for awaited in self._waiting:
            if awaited.due > now:
                self._timer = self._loop.call_at(awaited.due, self._look_at_clock)
                return
            self._turn_away(awaited, "the disk does not answer")

    def _turn_away(self, awaited: _Awaited, why: str) -> None:
        self._why = why
        if not awaited.told.done():
            awaited.told.set_exception(AuditUnavailable(why))
        self._change(is_failing=True)

    # --- what the thread says, in the loop --------------------------------------------------

    def _readable(self, count: int) -> None:
        for awaited in islice(self._waiting, count):
            if not awaited.is_durable and not awaited.told.done():
                awaited.told.set_result(None)

    def _written(self, count: int) -> None:
        for _ in range(count):
            awaited = self._waiting.popleft()
            self._waiting_bytes -= len(awaited.content)
            if not awaited.told.done():
                awaited.told.set_result(None)
        self._change(is_failing=False)

    def _failed(self, why: str) -> None:
        self._why = why
        self._change(is_failing=True)
        for awaited in self._waiting:
            self._turn_away(awaited, why)

    def _change(
        self, *, is_failing: bool | None = None, is_nearly_full: bool | None = None
    ) -> None:
        before = (self._is_failing, self._is_nearly_full)
        if is_failing is not None:
            self._is_failing = is_failing
        if is_nearly_full is not None:
            self._is_nearly_full = is_nearly_full
        if before == (self._is_failing, self._is_nearly_full):
            return
        log.warning(
            "spool changed",
            is_failing=self._is_failing,
            is_nearly_full=self._is_nearly_full,
            why=self._why if self._is_failing else None,
        )
        if self._on_change is not None:
            self._on_change()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _FromThread:
    """
    Carries what the thread says into the event loop.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def readable(self, count: int) -> None:
        self._call(self._spool._readable, count)  # noqa: SLF001 - two halves of one thing

    def written(self, count: int) -> None:
        self._call(self._spool._written, count)  # noqa: SLF001

    def failed(self, why: str) -> None:
        self._call(self._spool._failed, why)  # noqa: SLF001

    def room(self, *, is_nearly_full: bool) -> None:
        change = partial(self._spool._change, is_nearly_full=is_nearly_full)  # noqa: SLF001
        self._call(change)

    def _call(self, told: Callable[..., None], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._spool._loop.call_soon_threadsafe(told, *arguments)  # noqa: SLF001


def _check(entry: bytes) -> None:
    if not 0 < len(entry) <= MAX_ENTRY_BYTES:
        raise ValueError(f"an entry of {len(entry)} bytes; 1 to {MAX_ENTRY_BYTES} fit")


def _take_note(told: asyncio.Future[None]) -> None:
    if not told.cancelled():
        told.exception()
