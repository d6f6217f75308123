"""
Where each integer of the pool stands, and the file that they stand in.

A file of 64-bit integers: a header with a redo record, the hold slots of every seat, and rows, one
for each meter.  Rows stand last, so the file can grow while it is used.  It is sparse: of the
seats that nobody took nothing is on the disk.
"""

from __future__ import annotations

import mmap
import os
from array import array
from collections.abc import MutableSequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

WORD: Final = 8
#: "GWLEDGER", read as an integer.
MAGIC: Final = int.from_bytes(b"GWLEDGER", "little")
LAYOUT: Final = 1

# The header.
H_MAGIC: Final = 0
H_LAYOUT: Final = 1
H_SEATS: Final = 2
H_SLOTS: Final = 3
#: How many rows the file has room for.
H_ROWS: Final = 4
#: How many of them were ever handed out.
H_USED: Final = 5
#: The first of the rows that were handed back; 0 is none, otherwise its word.
H_FREED: Final = 6
#: Counts up when a row comes to mean another meter.
H_TABLE: Final = 7
#: The epoch of the worker that took a seat last.
H_EPOCH: Final = 8
#: 1 when the last worker left in good order.
H_CLEAN: Final = 9
H_BOOT: Final = 10  # two words
#: Counts up with every settlement: who waits looks at it.
H_RELEASES: Final = 12
#: How many places of the redo record are to be stored again; 0 is none.
H_REDO: Final = 13
REDO: Final = 64
REDO_WORDS: Final = 448
#: The epoch of each seat's worker.
SEATS: Final = REDO + REDO_WORDS
MAX_SEATS: Final = 32
HEADER: Final = 1024

# A slot: one open hold.
S_STATE: Final = 0
S_HOLD: Final = 1
S_COUNT: Final = 2
#: When it was taken, in Unix microseconds.
S_AT: Final = 3
#: Four words a part: the row's word and the unit in one (`tag`), GEN, the amount, STARTS.
S_PARTS: Final = 4
PART: Final = 4
MAX_PARTS: Final = 31
SLOT: Final = S_PARTS + PART * MAX_PARTS

EMPTY: Final = 0
HELD: Final = 1
SENT: Final = 2

# A row: one meter.
R_META: Final = 0
R_KIND: Final = 1
R_GEN: Final = 2
R_STARTS: Final = 3
R_ENDS: Final = 4
R_LIMIT: Final = 5
R_GRANTED: Final = 6
R_FREE: Final = 7
R_SPENT: Final = 8
R_BURNED: Final = 9
#: Up to where the authority is known to have granted, durably; strict money only.
R_MARK: Final = 10
#: From where windows are counted, for a meter that does not say.
R_ANCHOR: Final = 11
ROW: Final = 16
#: R_GEN to R_BURNED, which are read together.
ROW_READ: Final = "8q"

#: Of R_KIND: the unit is in the lowest two bits.
IS_SOFT: Final = 4
IS_USED: Final = 8

#: The beginning and the end of a window that is always open.
ALWAYS: Final = 1 << 62
#: Rows by which a full file grows at least.
ROWS_STEP: Final = 1024

if TYPE_CHECKING:
    Words = MutableSequence[int]


@attrs.frozen(kw_only=True)
class Geometry:
    """
    How many seats a pool has, and how many hold slots each.
    """

    seats: int = MAX_SEATS
    slots: int = 4096

    @property
    def first_row(self) -> int:
        """
        The word where rows begin.
        """
        return HEADER + self.seats * self.slots * SLOT

    def seat(self, number: int) -> int:
        """
        Return the word where the slots of a seat begin.
        """
        return HEADER + number * self.slots * SLOT

    def row(self, number: int) -> int:
        """
        Return the word where a row begins.
        """
        return self.first_row + number * ROW

    def row_number(self, word: int) -> int:
        """
        Return the number of the row that begins at *word*.
        """
        return (word - self.first_row) // ROW

    def words(self, rows: int) -> int:
        """
        Return how many words a pool with room for *rows* has.
        """
        return self.first_row + rows * ROW


def tag(word: int, unit: int) -> int:
    """
    Write a row's word and unit as one.
    """
    return word << 2 | unit


class Region:
    """
    The pool's file, mapped.

    Attributes:
        words: All its integers.
        buffer: The same memory, for `struct`.
        rows: For how many rows there is room in what is mapped.
    """

    words: Words
    buffer: Any

    def __init__(self, path: Path, geometry: Geometry) -> None:
        self.geometry = geometry
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self.remap()
        except BaseException:
            os.close(self._descriptor)
            raise

    @staticmethod
    def create(
        path: Path, geometry: Geometry, *, rows: int, boot: tuple[int, int], epoch: int
    ) -> None:
        """
        Put a new, empty pool at *path*, at once or not at all.
        """
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(
            draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        try:
            os.ftruncate(descriptor, geometry.words(rows) * WORD)
            _allocate(descriptor, geometry.first_row, rows * ROW)
            head = _header(geometry, rows=rows, boot=boot, epoch=epoch)
            os.pwrite(descriptor, array("q", head).tobytes(), 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(path)

    def remap(self) -> None:
        """
        Map the file as long as it is now.
        """
        size = os.fstat(self._descriptor).st_size
        mapped = mmap.mmap(self._descriptor, size)
        self.buffer = mapped
        self.words = memoryview(mapped).cast("q")  # type: ignore[assignment]
        self.rows = (size // WORD - self.geometry.first_row) // ROW

    def grow(self, rows: int) -> None:
        """
        Make room for *rows*; called with the lock held.

        Raises:
            OSError: if the disk is full, and nothing has changed.
        """
        more = (rows - self.rows) * ROW
        if more > 0:
            _allocate(self._descriptor, self.geometry.row(self.rows), more)
        self.remap()
        self.words[H_ROWS] = rows

    def claim(self, seat: int) -> None:
        """
        Have the slots of *seat* on the disk: a full one must not be noticed while storing.
        """
        _allocate(
            self._descriptor, self.geometry.seat(seat), self.geometry.slots * SLOT
        )

    def flush(self) -> None:
        """
        Have everything on the disk.
        """
        self.buffer.flush()

    def close(self) -> None:
        """
        Let go of the file.
        """
        self.words.release()  # type: ignore[attr-defined]
        self.buffer.close()
        os.close(self._descriptor)


class MemoryRegion:
    """
    A pool that lasts as long as the process, for simulations; it does not grow.
    """

    words: Words

    def __init__(self, geometry: Geometry, *, rows: int) -> None:
        self.geometry = geometry
        self.rows = rows
        self.buffer = bytearray(geometry.words(rows) * WORD)
        self.words = memoryview(self.buffer).cast("q")  # type: ignore[assignment]
        head = array("q", _header(geometry, rows=rows, boot=(0, 0), epoch=0))
        self.buffer[: len(head) * WORD] = head.tobytes()

    def remap(self) -> None:
        """
        Nobody makes it longer.
        """

    def grow(self, rows: int) -> None:
        """
        Refuse.
        """
        raise OSError("memory for so many meters was not set aside")


def _header(
    geometry: Geometry, *, rows: int, boot: tuple[int, int], epoch: int
) -> list[int]:
    head = [0] * HEADER
    head[H_MAGIC], head[H_LAYOUT] = MAGIC, LAYOUT
    head[H_SEATS], head[H_SLOTS] = geometry.seats, geometry.slots
    head[H_ROWS], head[H_EPOCH] = rows, epoch
    head[H_BOOT : H_BOOT + 2] = boot
    return head


def allocate(descriptor: int, begin: int, length: int) -> None:
    """
    Have bytes of a file on the disk, so that a full one is not noticed while storing.

    Raises:
        OSError: if the disk is full.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, begin, length)
    else:  # pragma: no cover - macOS
        end = begin + length
        if os.fstat(descriptor).st_size < end:
            os.ftruncate(descriptor, end)


def _allocate(descriptor: int, word: int, words: int) -> None:
    allocate(descriptor, word * WORD, words * WORD)
