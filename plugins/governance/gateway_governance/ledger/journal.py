"""
What a worker writes down before it counts: one line of bytes for each settlement.

A journal is a folder of files that are only ever appended to, each by one worker: length,
checksum and content of a record, one after the other, and zeros behind the last.  Each is mapped
into memory while it is written: a process that is killed has written what it wrote, and a record
that was cut off is not one.  Files move into the database whole and are removed
afterwards, so a crash in between moves a file twice, and the database knows each record by what it
settles.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog

from gateway import codec
from gateway_governance.ledger.authority import Burned, Charge, Settled
from gateway_governance.ledger.layout import allocate

log = structlog.get_logger("gateway.governance.ledger")

_FRAME: Final = struct.Struct("<II")
#: More is no record of ours: an exchange has few meters, and its names are bounded.
_LONGEST: Final = 1 << 20
_SETTLED, _BURNED = 1, 2
#: Bytes of a file: what a busy worker writes in half a second.
ROOM: Final = 1 << 20
#: Records that a worker remembers until they are moved: what a busy one writes in seconds.
REMEMBERED: Final = 20_000


class Journal:
    """
    The files of one worker.

    Args:
        seat: Whose it is; `files_of` finds it by this when the worker is dead.
        epoch: Unlike any other worker's.
    """

    def __init__(self, folder: Path, *, seat: int, epoch: int) -> None:
        self._folder = folder
        self._stem = f"{seat:03d}-{epoch}"
        self._number = 0
        self._mapped: Any = None
        #: How long the open file is; 0 is none.
        self._room = 0
        self._end = 0
        self._sealed: list[Path] = []
        self._path = folder
        #: What stands in the files, to be moved without reading it again; not of all, where
        #: the database takes nothing for long.
        self._written: dict[Path, list[Settled | Burned]] = {}
        self._current: list[Settled | Burned] | None = None
        self._remembered = 0
        #: What could not be written; it goes to the database from here.
        self.unwritten: list[Settled | Burned] = []

    def write(self, entry: Settled | Burned) -> None:
        """
        Append *entry*.

        Where the disk takes no more, it is kept in memory: what was spent still counts, and
        the row still reaches the database unless this process is killed.
        """
        record = encode(entry)
        begin, end = self._end, self._end + len(record)
        if end > self._room:
            try:
                self._begin(len(record))
            except OSError as exc:
                self._keep(entry, exc.strerror or type(exc).__name__)
                return
            begin, end = 0, len(record)
        # Into memory that the kernel shares with the file: to append by a call takes ten times
        # as long, and a killed process has stored what it stored all the same.
        self._mapped[begin:end] = record
        self._end = end
        if self._current is not None:
            self._remember(entry, self._current)

    def _remember(
        self, entry: Settled | Burned, current: list[Settled | Burned]
    ) -> None:
        if self._remembered >= REMEMBERED:
            # Whoever moves the file reads it.
            self._remembered -= len(current)
            self._current = None
            return
        current.append(entry)
        self._remembered += 1

    def _begin(self, least: int) -> None:
        """
        Have another file, with room for *least* bytes and more.

        Raises:
            OSError: if the disk is full, and nothing has changed but that no file is open.
        """
        self.seal()
        self._number += 1
        path = self._folder / f"{self._stem}-{self._number}.log"
        room = max(ROOM, least)
        descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        try:
            # A full disk must be noticed now, not while storing.
            allocate(descriptor, 0, room)
            self._mapped = mmap.mmap(descriptor, room)
        except BaseException:
            path.unlink()
            raise
        finally:
            os.close(descriptor)
        self._path, self._room, self._end = path, room, 0
        self._current = []

    def _keep(self, entry: Settled | Burned, why: str) -> None:
        log.error("journal cannot be written", folder=str(self._folder), why=why)
        self.unwritten.append(entry)

    def seal(self) -> list[Path]:
        """
        End the current file; return those that can be moved into the database.
        """
        if self._room:
            self._mapped.close()
            self._room = 0
            # What is left over is given back, for a sealed file may have to wait for long.
            with suppress(OSError):
                os.truncate(self._path, self._end)
            self._end = 0
            self._sealed.append(self._path)
            if self._current is not None:
                self._written[self._path] = self._current
                self._current = None
        return list(self._sealed)

    def written(self, path: Path) -> Sequence[Settled | Burned] | None:
        """
        Return the records of a sealed file as they were written; None where it must be read.
        """
        return self._written.get(path)

    def moved(self, path: Path) -> None:
        """
        Remove a file whose records the database has, durably.
        """
        path.unlink(missing_ok=True)
        self._remembered -= len(self._written.pop(path, ()))
        if path in self._sealed:
            self._sealed.remove(path)


def encode(entry: Settled | Burned) -> bytes:
    """
    Write *entry* as a record.
    """
    charges = [*map(tuple, entry.charges)]
    if isinstance(entry, Settled):
        content = codec.dumps(
            (_SETTLED, entry.hold_id, charges, entry.actual, entry.row)
        )
    else:
        content = codec.dumps((_BURNED, entry.hold_id, charges, entry.at))
    return _FRAME.pack(len(content), zlib.crc32(content)) + content


def decode(content: bytes) -> Settled | Burned:
    """
    Read the content of a record.
    """
    kind, hold_id, charges, *rest = codec.loads(content)
    charged = tuple([Charge(*charge) for charge in charges])
    if kind == _BURNED:
        return Burned(hold_id=hold_id, charges=charged, at=rest[0])
    actual, row = rest
    return Settled(
        hold_id=hold_id, charges=charged, actual=tuple(actual), row=tuple(row)
    )


def read(path: Path) -> list[Settled | Burned]:
    """
    Read the records of a file, up to its end or the first that is not whole.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    return [decode(record) for record in _records(content)]


def _records(content: bytes) -> Iterator[bytes]:
    at = 0
    while at + _FRAME.size <= len(content):
        length, checksum = _FRAME.unpack_from(content, at)
        at += _FRAME.size
        record = content[at : at + length]
        if not 0 < length <= _LONGEST or zlib.crc32(record) != checksum:
            return
        yield record
        at += length


def files_of(folder: Path, seat: int) -> list[Path]:
    """
    Find the files that the dead worker of *seat* left, the oldest first.
    """
    return _in_order(folder.glob(f"{seat:03d}-*.log"))


def all_files(folder: Path) -> list[Path]:
    """
    Find every file, whoever writes it.
    """
    return sorted(folder.glob("*.log"))


def orphans(folder: Path) -> list[Path]:
    """
    Find the files that nobody writes any more and anybody may move.
    """
    return _in_order(folder.glob("orphan-*.log"))


def disown(path: Path) -> None:
    """
    Let anybody move the file of a dead worker, whose holds are cleared up.
    """
    path.rename(path.with_name(f"orphan-{path.name}"))


def disown_all(folder: Path) -> None:
    """
    Let anybody move every file, for no slot names what they settle; nobody may be writing.
    """
    for path in folder.glob("[0-9]*.log"):
        disown(path)


def _in_order(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: [int(part) for part in _numbers(path)])


def _numbers(path: Path) -> list[str]:
    return path.stem.removeprefix("orphan-").split("-")
