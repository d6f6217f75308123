"""
Every checkpoint that was signed: who saw one can ask for it, and the exports bring each.

Lines of JSON below ``log/checkpoints``, in files named by the size of the tree of their first.
They copy what ``log/checkpoint`` said at the time, and a line that a power cut took is no loss of
evidence: the newest is there in any case.
"""

from __future__ import annotations

import bisect
import errno
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from gateway import codec
from gateway_audit.tlog.checkpoints import Signed
from gateway_audit.tlog.errors import TlogError

log = structlog.get_logger("gateway.audit.sequencer")

FOLDER: Final = "checkpoints"
#: Checkpoints of one file, and those that are kept in memory.
_PER_FILE: Final = 1000
_RECENT: Final = 2000


class Past(NamedTuple):
    """
    A checkpoint, and when it was signed in Unix milliseconds.
    """

    at_ms: int
    signed: Signed

    @property
    def size(self) -> int:
        """
        How many entries it counts.
        """
        return self.signed.checkpoint.size


class History:
    """
    The checkpoints of one log; one thread adds, others read.

    Args:
        folder: The log's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._lock = threading.Lock()
        self._recent: deque[Past] = deque(maxlen=_RECENT)
        self._file: Path | None = None
        self._in_file = 0
        self._open()

    @property
    def size(self) -> int:
        """
        The size that the newest one counts; 0 if there is none.
        """
        with self._lock:
            return self._recent[-1].size if self._recent else 0

    def add(self, signed: Signed, at_ms: int) -> None:
        """
        Add one, unless it is there.

        Raises:
            OSError: The disk did not take it.
        """
        past = Past(at_ms, signed)
        if past.size <= self.size:
            return
        if self._file is None or self._in_file >= _PER_FILE:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file, self._in_file = self._folder / f"{past.size:020d}.jsonl", 0
        line = codec.dumps({"at": at_ms, "note": bytes(signed).decode()}) + b"\n"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._file, flags, 0o600)
        size = os.fstat(descriptor).st_size
        try:
            if os.write(descriptor, line) < len(line):
                os.ftruncate(descriptor, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)
        self._in_file += 1
        with self._lock:
            self._recent.append(past)

    def after(self, size: int) -> list[Past]:
        """
        Return those that count more than *size*, the oldest first: the next ones, not all.
        """
        with self._lock:
            recent = list(self._recent)
        # What is in memory has no gaps: the one before tells that nothing was left out.
        if not recent or recent[0].size <= size or self._is_first(recent[0]):
            return [past for past in recent if past.size > size]
        for path in self._files_after(size):
            found = [past for past in _read(path) if past.size > size]
            if found:
                return found
        return recent

    def size_before(self, at_ms: int) -> int:
        """
        Return how many entries the last checkpoint counts that was signed at *at_ms* or before.

        Where the clock was set back in between, those before count that were signed earlier all
        the way: a lesser number, never a larger one.
        """
        files = sorted(self._folder.glob("*.jsonl"))
        begun = bisect.bisect_right(files, at_ms, key=_begins)
        size = 0
        for path in files[max(0, begun - 1) : begun]:
            for past in _read(path):
                if past.at_ms > at_ms:
                    break
                size = past.size
        return size

    def _is_first(self, past: Past) -> bool:
        files = sorted(self._folder.glob("*.jsonl"))
        return bool(files) and int(files[0].stem) >= past.size

    def _files_after(self, size: int) -> list[Path]:
        """
        Return the files that may hold larger ones: the last that begins before, and those behind.
        """
        files = sorted(self._folder.glob("*.jsonl"))
        before = [at for at, path in enumerate(files) if int(path.stem) <= size]
        return files[before[-1] if before else 0 :]

    def _open(self) -> None:
        files = sorted(self._folder.glob("*.jsonl"))
        for path in files[-3:]:
            found = list(_read(path))
            self._recent.extend(found)
            self._file, self._in_file = path, len(found)
        if self._file is not None and not self._file.read_bytes().endswith(b"\n"):
            # Half a line, left by a power cut: the next one begins another file.
            self._file = None


def _begins(path: Path) -> int:
    """
    Tell when the first checkpoint of a file was signed.
    """
    first = next(_read(path), None)
    return sys.maxsize if first is None else first.at_ms


def _read(path: Path) -> Iterator[Past]:
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            told = codec.loads(line)
            yield Past(int(told["at"]), Signed.parse(told["note"].encode()))
        except (codec.JsonError, TlogError, KeyError, TypeError, ValueError):
            log.warning("a checkpoint of the past cannot be read", file=path.name)
