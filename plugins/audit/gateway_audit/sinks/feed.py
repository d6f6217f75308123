"""
What there is to export, in the order in which it was signed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

import attrs

from gateway_audit.sequencing.history import History
from gateway_audit.sequencing.log import Log
from gateway_audit.sinks.cursor import Position
from gateway_audit.sinks.records import Record
from gateway_audit.tlog.tiles import WIDTH, Read, Tree

#: Bytes and records of one batch, unless told otherwise.
MAX_RECORDS: Final = 500
MAX_BYTES: Final = 1024 * 1024


@attrs.frozen(kw_only=True)
class Batch:
    """
    Records that go out together, and where a sink is that has them.
    """

    records: Sequence[Record]
    end: Position


@attrs.frozen(kw_only=True)
class _View:
    """
    The log as it was when somebody last looked.
    """

    origin: str
    size: int
    read: Read


class Feed:
    """
    Reads signed entries from the log's files; the sequencer tells it that there are more.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self._lock = threading.Lock()
        self._view: _View | None = None
        #: The first entry whose bytes are here.
        self.local_from = 0

    def look(self, source: Log) -> bool:
        """
        Take notice of how far the log is signed; tell whether that has changed.
        """
        self.local_from = source.local_from
        if source.signed is None:
            return False
        point = source.signed.checkpoint
        with self._lock:
            known = self._view
            if known is not None and (known.origin, known.size) == (
                point.origin,
                point.size,
            ):
                return False
            self._view = _View(origin=point.origin, size=point.size, read=source.read)
        return True

    @property
    def size(self) -> int:
        """
        How many entries are signed.
        """
        view = self._view
        return view.size if view is not None else 0

    @property
    def origin(self) -> str | None:
        """
        Whose they are; None while nothing is signed.
        """
        view = self._view
        return view.origin if view is not None else None

    def batch(self, after: Position, records: int, size_bytes: int) -> Batch:
        """
        Read what follows *after*; nothing if nothing does.

        Args:
            records: How many at most.
            size_bytes: How many bytes of entries at most, but for one that is larger.

        Raises:
            TlogError: A file of the log is missing or malformed.
        """
        view = self._view
        if view is None:
            return Batch(records=(), end=after)
        reader = _Reader(view, after, records, size_bytes)
        for past in self.history.after(after.checkpoint):
            if past.size > view.size or not reader.has_room:
                break
            reader.take_until(past.size)
            if reader.has_room:
                reader.take_checkpoint(Record.of_checkpoint(past.signed, past.at_ms))
        return reader.batch()


class _Reader:
    """
    Gathers one batch.
    """

    def __init__(
        self, view: _View, after: Position, records: int, size_bytes: int
    ) -> None:
        self._view = view
        self._tree = Tree(view.size, view.read)
        self._end = attrs.evolve(after, origin=view.origin)
        self._records: list[Record] = []
        self._left = records
        self._left_bytes = size_bytes

    @property
    def has_room(self) -> bool:
        """
        Whether more may come in.
        """
        return self._left > 0 and self._left_bytes > 0

    def take_until(self, size: int) -> None:
        """
        Take entries up to *size*, as far as there is room.
        """
        at = self._end.index
        while at < size and self.has_room:
            bundle = self._tree.bundle(at // WIDTH)
            stop = min(size - at // WIDTH * WIDTH, WIDTH)
            for raw in bundle[at % WIDTH : stop]:
                if self.has_room:
                    self._take(Record.of_entry(self._view.origin, at, raw))
                    at += 1
        self._end = attrs.evolve(self._end, index=at)

    def take_checkpoint(self, record: Record) -> None:
        """
        Take a checkpoint, whose entries are all taken.
        """
        self._take(record)
        self._end = attrs.evolve(self._end, checkpoint=record.index)

    def batch(self) -> Batch:
        """
        Return what was gathered.
        """
        return Batch(records=self._records, end=self._end)

    def _take(self, record: Record) -> None:
        self._records.append(record)
        self._left -= 1
        self._left_bytes -= len(record.raw)
