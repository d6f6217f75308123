"""
The thread of a spool: takes what stands in its queue, and nothing else.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, Protocol

import attrs
import structlog

from gateway_audit.spool.disk import Disk
from gateway_audit.spool.writer import SegmentWriter

log = structlog.get_logger("gateway.audit.spool")

#: Seconds after which relaxed entries are made durable too, and the disk is looked at.
TICK_S: Final = 1.0
#: Seconds between two tries of a disk that failed.
PAUSE_S: Final = 0.2
#: Tries that a disk which failed has left when the spool is closed.
LAST_TRIES: Final = 5
#: From here on operators are warned of a full disk.
WARN_SHARE: Final = 0.8


@attrs.define(eq=False)
class Record:
    """
    A framed entry on its way to the disk.

    Attributes:
        is_durable: Whether it must outlive a power cut.
    """

    content: bytes
    is_durable: bool


class Listener(Protocol):
    """
    Who is told, from the thread; each call says what is so now.
    """

    def readable(self, count: int) -> None:
        """
        Hear that the next *count* records are in a file, and are going to be made durable.
        """

    def written(self, count: int) -> None:
        """
        Hear that the next *count* records are where they were to be, and the disk is well.
        """

    def failed(self, why: str) -> None:
        """
        Hear that the disk fails; entries are kept and written when it does not.
        """

    def room(self, *, is_nearly_full: bool) -> None:
        """
        Hear how much room there is.
        """


class Scribe:
    """
    Writes records in groups until it reads ``None``.
    """

    def __init__(
        self,
        writer: SegmentWriter,
        queue: SimpleQueue[Record | None],
        listener: Listener,
        *,
        folder: Path,
        disk: Disk,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._writer = writer
        self._queue = queue
        self._listener = listener
        self._folder = folder
        self._disk = disk
        self._pause_s = pause_s
        self._is_ending = False
        self._next_look = 0.0
        self._no_room = ""

    def run(self) -> None:
        """
        Be the thread.
        """
        _come_second(is_second=True)
        try:
            with self._writer.busy:
                self._look_round()
            while not self._is_ending:
                group = self._take(TICK_S)
                with self._writer.busy:
                    if group:
                        self._write(group)
                    if time.monotonic() >= self._next_look:
                        self._look_round()
            with self._writer.busy:
                self._sync()
        finally:
            with self._writer.busy:
                self._writer.close()

    def _take(self, wait_s: float) -> list[Record]:
        """
        Wait for the first record, and take all that came with it.
        """
        group: list[Record] = []
        try:
            record = self._queue.get(timeout=wait_s)
            while record is not None:
                group.append(record)
                record = self._queue.get_nowait()
        except Empty:
            return group
        self._is_ending = True
        return group

    def _write(self, group: list[Record]) -> None:
        durable = sum(record.is_durable for record in group)
        try:
            self._writer.write(_contents(group))
            if durable:
                if durable < len(group):
                    self._listener.readable(len(group))
                # Callers wait for what the disk answers.
                _come_second(is_second=False)
                try:
                    self._writer.sync()
                finally:
                    _come_second(is_second=True)
        except OSError as exc:
            self._recover(exc, len(group))
        else:
            self._listener.written(len(group))
            self._clear_ahead()

    def _clear_ahead(self) -> None:
        try:
            self._writer.clear_ahead()
        except OSError as exc:
            self._recover(exc, 0)

    def _sync(self) -> None:
        try:
            self._writer.sync()
        except OSError as exc:
            self._recover(exc, 0)

    def _recover(self, exc: OSError, owed: int) -> None:
        """
        Start new files until one takes everything; *owed* are told when it did.
        """
        log.warning("spool cannot be written", why=_why(exc))
        tries = LAST_TRIES
        while True:
            try:
                self._writer.rewrite()
            except OSError as again:
                self._listener.failed(_why(again))
            else:
                self._listener.written(owed)
                return
            tries -= self._is_ending
            if not tries:
                return
            time.sleep(self._pause_s)
            late = [] if self._is_ending else self._take(0)
            self._writer.keep(_contents(late))
            owed += len(late)

    def _look_round(self) -> None:
        """
        Make durable what is not yet, and see whether there is room for the next file.
        """
        self._next_look = time.monotonic() + TICK_S
        self._sync()
        try:
            self._writer.prepare_next()
            share = self._disk.used_share(self._folder)
        except OSError as exc:
            why = _why(exc)
            if why != self._no_room:
                log.warning("no room for the next spool file", why=why)
            share, self._no_room = 1.0, why
        else:
            self._no_room = ""
        self._listener.room(is_nearly_full=share >= WARN_SHARE)


def _come_second(*, is_second: bool) -> None:
    """
    Let the event loop go on until it waits for something, where both share a processor.

    Whoever wakes this thread holds the interpreter's lock, so that it could only go back to sleep:
    a thread that takes the processor when it is woken does so several times for each group.  One
    of `SCHED_BATCH` has its turn when the loop waits, or at the end of its slice of a few
    milliseconds (sched(7)), and more has come by then.
    """
    if hasattr(os, "sched_setscheduler"):
        policy = os.SCHED_BATCH if is_second else os.SCHED_OTHER
        with suppress(OSError):  # a container may forbid it
            os.sched_setscheduler(0, policy, os.sched_param(0))


def _contents(group: list[Record]) -> list[bytes]:
    return [record.content for record in group]


def _why(exc: OSError) -> str:
    return exc.strerror or str(exc) or type(exc).__name__
