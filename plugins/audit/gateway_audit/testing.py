"""
What tests of the audit plugin need: a disk that fails, a log that they write, and reading both.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from gateway import codec
from gateway_audit.sequencing.files import Files
from gateway_audit.sequencing.keys import SigningKeys
from gateway_audit.sequencing.log import Log
from gateway_audit.spool.disk import Disk
from gateway_audit.spool.frames import frames
from gateway_audit.spool.names import segments
from gateway_audit.tlog.tiles import WIDTH, Read, Tree

ORIGIN: Final = "gw.test/log"

Fault = Literal["eio", "enospc", "short"]
_NUMBERS = {"eio": errno.EIO, "enospc": errno.ENOSPC}


class FaultyDisk(Disk):
    """
    A disk whose *fail_at*-th call fails, counted from 1 over all that may fail.

    Attributes:
        calls: What was called, in order.
        is_broken: While it is set, every call fails.
        gate: While it is cleared, a sync does not return.

    Args:
        lasts: How many calls in a row fail.
        fault: How a write fails: with nothing or, ``short``, with half of it written before.
    """

    def __init__(
        self, *, fail_at: int = 0, lasts: int = 1, fault: Fault = "eio"
    ) -> None:
        self._failing = range(fail_at, fail_at + lasts) if fail_at else range(0)
        self._fault: Fault = fault
        self.calls: list[str] = []
        self.is_broken = False
        self.share = 0.1
        self.gate = threading.Event()
        self.gate.set()

    @property
    def has_failed(self) -> bool:
        """
        Tell whether it came to that.
        """
        return bool(self._failing) and len(self.calls) >= self._failing.start

    def create(self, path: Path, size: int) -> int:
        """
        Make a file, or fail.
        """
        self._count("create")
        return super().create(path, size)

    def write(self, descriptor: int, content: bytes, at: int) -> int:
        """
        Write all of it, or fail having written half or nothing.
        """
        try:
            self._count("write")
        except OSError:
            if self._fault == "short":
                super().write(descriptor, content[: len(content) // 2], at)
            raise
        return super().write(descriptor, content, at)

    def sync(self, descriptor: int) -> None:
        """
        Wait for the gate, then sync, or fail.
        """
        self.gate.wait()
        self._count("sync")
        super().sync(descriptor)

    def sync_folder(self, folder: Path) -> None:
        """
        Sync names, or fail.
        """
        self._count("sync_folder")
        super().sync_folder(folder)

    def rename(self, old: Path, new: Path) -> None:
        """
        Rename, or fail.
        """
        self._count("rename")
        super().rename(old, new)

    def used_share(self, folder: Path) -> float:
        """
        Return what the test set.
        """
        return self.share

    def _count(self, call: str) -> None:
        self.calls.append(call)
        if self.is_broken or len(self.calls) in self._failing:
            number = _NUMBERS.get(self._fault, errno.EIO)
            raise OSError(number, os.strerror(number))


class WrittenLog:
    """
    A log that a test writes, without spools and without a sequencer.

    Attributes:
        at_ms: When the next checkpoint is signed, in Unix milliseconds.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.at_ms = 1_790_000_000_000
        self.log = self.open()

    def open(self) -> Log:
        """
        Open it, as a process would that begins.
        """
        keys = SigningKeys(self.folder / "keys", self.folder / "log" / "keys", ORIGIN)
        return Log.open(
            Files(self.folder / "log"), Files(self.folder), origin=ORIGIN, keys=keys
        )

    def write(self, count: int = 1, **members: Any) -> None:
        """
        Append *count* outcomes and sign a checkpoint.
        """
        size = self.log.size
        self.append([outcome(size + at, **members) for at in range(count)])

    def append(self, entries: Sequence[bytes]) -> None:
        """
        Append *entries* and sign a checkpoint.
        """
        self.log.append(entries, {})
        signed = self.log.publish()
        self.log.history.add(signed, self.at_ms)
        self.at_ms += 1000


def outcome(number: int, **members: Any) -> bytes:
    """
    Make the entry of a request, as the plugin would, in short.
    """
    told = {
        "v": 1,
        "id": f"01J{number:023d}",
        "at": 1_790_000_000_000 + number,
        "type": "outcome",
        "worker": "w",
        "seq": number,
        "request": f"req_{number}",
        "status": 200,
        "target": "openai/gpt-5",
        **members,
    }
    return codec.dumps(told)


def entries_in(folder: Path) -> list[bytes]:
    """
    Read the spools in *folder* as the sequencer does: files in their order, no number twice.
    """
    found: list[bytes] = []
    last: dict[str, int] = {}
    for segment in segments(folder):
        for frame in frames(segment.path.read_bytes()):
            if frame.seq > last.get(segment.worker, -1):
                found.append(frame.entry)
                last[segment.worker] = frame.seq
    return found


def entries_of(read: Read, size: int) -> list[bytes]:
    """
    Read every entry of a log of *size* entries.
    """
    tree = Tree(size, read)
    return [entry for at in range(-(-size // WIDTH)) for entry in tree.bundle(at)]
