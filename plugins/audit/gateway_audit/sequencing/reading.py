"""
Follows the spools of every worker, in the order of each.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import attrs
import structlog

from gateway_audit.spool.disk import Disk
from gateway_audit.spool.frames import (
    HEAD_BYTES,
    MAX_ENTRY_BYTES,
    Frame,
    find_frame,
    frames,
)
from gateway_audit.spool.names import (
    Segment,
    lock_path,
    lock_paths,
    segments,
    spare_path,
)

log = structlog.get_logger("gateway.audit.sequencer")

#: More than the longest frame, so that what does not fit is what is not there.
READ_BYTES: Final = 1 << 18
assert READ_BYTES > HEAD_BYTES + MAX_ENTRY_BYTES  # noqa: S101 - of two constants


class Taken(NamedTuple):
    """
    An entry out of a spool.
    """

    worker: str
    seq: int
    entry: bytes


class Missing(NamedTuple):
    """
    Entries that should be in a spool and are not: from *first* to before *end*.
    """

    worker: str
    first: int
    end: int


@attrs.define(kw_only=True)
class _Tail:
    """
    How far one worker's files were read.
    """

    worker: str
    next_seq: int
    folder: Path
    number: int = 0
    at: int = 0
    descriptor: int | None = None
    finished: list[Path] = attrs.field(factory=list)
    is_over: bool = False


class SpoolReader:
    """
    Reads what is new in the spools.

    Args:
        folders: Where spools are; a worker's files are all in one.
        cursors: The next number of each worker: what is below is in the log already.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        cursors: Mapping[str, int],
        disk: Disk | None = None,
    ) -> None:
        self._folders = tuple(folders)
        self._disk = disk or Disk()
        self._tails: dict[tuple[Path, str], _Tail] = {}
        self._known = dict(cursors)
        #: What was read; kept here, so that a fault on the way loses none of it.
        self._taken: list[Taken] = []
        self.missing: list[Missing] = []
        #: Why a worker's files are not read, by the worker.
        self.problems: dict[str, str] = {}

    def take(self, most: int) -> list[Taken]:
        """
        Return up to *most* new entries, or a few more; those of one worker in their order.
        """
        found = self._segments()
        for place in found:
            self._tail(place)
        # A share for each, so that a busy worker does not keep the others waiting.
        share = max(1, most // max(1, len(self._tails)))
        for place, tail in self._tails.items():
            if len(self._taken) < most and not tail.is_over:
                self._try(tail, found.get(place, []), len(self._taken) + share)
        taken, self._taken = self._taken, []
        return taken

    def cursors(self) -> dict[str, int]:
        """
        Return the next number of each worker whose files are there.
        """
        return {tail.worker: tail.next_seq for tail in self._tails.values()}

    def forget(self) -> None:
        """
        Remove files that were read to their end; what was taken must be in the log, durably.
        """
        for place, tail in list(self._tails.items()):
            for path in tail.finished:
                self._disk.remove(path)
            if tail.finished:
                self._disk.sync_folder(tail.folder)
                tail.finished.clear()
            if tail.is_over:
                del self._tails[place]
        self._clear_up()

    def close(self) -> None:
        """
        Let go of the files.
        """
        for tail in self._tails.values():
            self._leave(tail)

    def _segments(self) -> dict[tuple[Path, str], list[Segment]]:
        found: dict[tuple[Path, str], list[Segment]] = defaultdict(list)
        for folder in self._folders:
            for segment in segments(folder):
                found[folder, segment.worker].append(segment)
        return found

    def _tail(self, place: tuple[Path, str]) -> None:
        folder, worker = place
        if place not in self._tails:
            next_seq = self._known.pop(worker, 0)
            self._tails[place] = _Tail(worker=worker, next_seq=next_seq, folder=folder)

    def _try(self, tail: _Tail, found: list[Segment], most: int) -> None:
        """
        Read on; what one worker's file does is no reason to keep the others waiting.
        """
        try:
            self._read(tail, found, most)
        except OSError as exc:
            why = f"the spool of {tail.worker} cannot be read: {exc.strerror or exc}"
            self.problems[tail.worker] = why
        else:
            self.problems.pop(tail.worker, None)

    def _read(self, tail: _Tail, found: list[Segment], most: int) -> None:
        ahead = [each for each in found if each.number >= tail.number]
        while ahead:
            segment = ahead.pop(0)
            self._enter(tail, segment)
            self._rest(tail, most)
            if len(self._taken) >= most:
                return
            # Nothing more stands there; is anything to come?  Another file was begun after
            # the last write to this one, and before these names were read.
            if not ahead:
                if not self._is_left(tail):
                    return
                self._rest(tail, sys.maxsize)
                while self._skip_damage(tail):
                    self._rest(tail, sys.maxsize)
                tail.is_over = True
            self._leave(tail)
            tail.finished.append(segment.path)
            tail.number = segment.number + 1

    def _enter(self, tail: _Tail, segment: Segment) -> None:
        if tail.descriptor is None or tail.number != segment.number:
            self._leave(tail)
            tail.number = segment.number
            tail.descriptor = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)

    def _leave(self, tail: _Tail) -> None:
        descriptor, tail.descriptor, tail.at = tail.descriptor, None, 0
        if descriptor is not None:
            os.close(descriptor)

    def _rest(self, tail: _Tail, most: int) -> None:
        """
        Read on in the file, up to its end.
        """
        end = -1
        while end and len(self._taken) < most and tail.descriptor is not None:
            content = os.pread(tail.descriptor, READ_BYTES, tail.at)
            end = 0
            for frame in frames(content):
                self._accept(tail, frame)
                end = frame.end
                if len(self._taken) >= most:
                    break
            tail.at += end

    def _skip_damage(self, tail: _Tail) -> bool:
        """
        Go on behind what is no frame in the last file of a worker that is gone.

        What was torn when it ended has nothing behind it; what has was written, and is missing.
        In any other file nothing is skipped: what was not synced stands again in the next one.

        Returns:
            Whether there was a frame behind it.
        """
        if tail.descriptor is None:
            return False
        size = os.fstat(tail.descriptor).st_size
        content = os.pread(tail.descriptor, size - tail.at, tail.at).rstrip(b"\0")
        found = find_frame(content, 1, tail.next_seq) if content else None
        if found is None:
            return False
        log.error("a spool is damaged", worker=tail.worker, at=tail.at, bytes=found)
        tail.at += found
        return True

    def _accept(self, tail: _Tail, frame: Frame) -> None:
        if frame.seq < tail.next_seq:
            return  # written again after a failure, or in the log already
        if frame.seq > tail.next_seq:
            gap = Missing(tail.worker, tail.next_seq, frame.seq)
            log.error("entries are missing from a spool", **gap._asdict())
            self.missing.append(gap)
        self._taken.append(Taken(tail.worker, frame.seq, frame.entry))
        tail.next_seq = frame.seq + 1

    def _clear_up(self) -> None:
        """
        Remove what workers left that are gone and have no file to read.
        """
        for folder in self._folders:
            for path in lock_paths(folder):
                if (folder, path.stem) in self._tails:
                    continue
                try:
                    held = self._disk.lock(path)
                except OSError:
                    continue
                if not any(folder.glob(f"{path.stem}-*")):
                    self._disk.remove(spare_path(folder, path.stem))
                    self._disk.remove(path)
                self._disk.close(held)

    def _is_left(self, tail: _Tail) -> bool:
        """
        Tell whether the worker is gone: ended well, or holds its lock no more.
        """
        path = lock_path(tail.folder, tail.worker)
        if not path.exists():
            return True
        try:
            self._disk.close(self._disk.lock(path))
        except OSError:
            return False
        return True
