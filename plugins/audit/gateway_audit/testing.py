"""
What tests of the audit plugin need: a disk that fails when it is told to.
"""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Literal

from gateway_audit.spool.disk import Disk

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
