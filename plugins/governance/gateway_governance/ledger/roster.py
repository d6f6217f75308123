"""
Which row of the pool is which meter.

A file beside the pool, one line a row: its number and the meter's id, the last line of a number
counts.  A line is written before the pool says that the row is in use, so whatever a killed worker
left half written names a row that is not, and the next one to use that row writes its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol


class Roster(Protocol):
    """
    The rows of a pool by meter.
    """

    def number(self, meter_id: str) -> int | None:
        """
        Find the row of a meter, as far as this worker has heard.
        """

    def name(self, number: int) -> str | None:
        """
        Find the meter of a row, likewise.
        """

    def refresh(self) -> None:
        """
        Hear what other workers have written; called with the pool's lock held.
        """

    def write(self, number: int, meter_id: str) -> None:
        """
        Make a row a meter's, or with "" nobody's; called with the pool's lock held.
        """


class MemoryRoster:
    """
    A roster that lasts as long as the process.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def number(self, meter_id: str) -> int | None:
        """
        Find the row of a meter.
        """
        return self._numbers.get(meter_id)

    def name(self, number: int) -> str | None:
        """
        Find the meter of a row.
        """
        return self._names.get(number)

    def refresh(self) -> None:
        """
        Nobody else writes.
        """

    def write(self, number: int, meter_id: str) -> None:
        """
        Make a row a meter's, or nobody's.
        """
        before = self._names.pop(number, None)
        if before is not None and self._numbers.get(before) == number:
            del self._numbers[before]
        if meter_id:
            self._names[number] = meter_id
            self._numbers[meter_id] = number


class FileRoster(MemoryRoster):
    """
    A roster that all workers of the machine share.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        self._read_to = 0

    def refresh(self) -> None:
        """
        Read the lines that were added since.
        """
        size = os.fstat(self._descriptor).st_size
        if size <= self._read_to:
            return
        added = os.pread(self._descriptor, size - self._read_to, self._read_to)
        whole = added.rfind(b"\n") + 1
        self._read_to += whole
        for line in added[:whole].decode("utf-8", "replace").split("\n"):
            number, separator, meter_id = line.partition("\t")
            if separator and number.isdecimal():
                super().write(int(number), meter_id)

    def write(self, number: int, meter_id: str) -> None:
        """
        Append a line; the line break before it ends what a killed worker left unfinished.

        Raises:
            ValueError: if *meter_id* cannot stand on a line.
            OSError: if the line could not be written whole.
        """
        if not meter_id.isprintable():
            msg = f"{meter_id!r} cannot name a meter"
            raise ValueError(msg)
        line = f"\n{number}\t{meter_id}\n".encode()
        if os.write(self._descriptor, line) != len(line):
            msg = "the roster of the pool could not be written: is the disk full?"
            raise OSError(msg)
        self.refresh()

    def flush(self) -> None:
        """
        Have it on the disk.
        """
        os.fsync(self._descriptor)

    def close(self) -> None:
        """
        Let go of the file.
        """
        os.close(self._descriptor)
