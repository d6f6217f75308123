"""
The folder of the ledger: the pool's file, who has which seat in it, and what a start finds.

Each worker holds a lock on the file of its seat for as long as it lives; the kernel lets go of it
when the worker is dead, whatever killed it.  Whoever gets the lock of somebody else's seat knows.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from gateway_governance.ledger import journal as journals
from gateway_governance.ledger.cells import Cells
from gateway_governance.ledger.layout import (
    H_BOOT,
    H_CLEAN,
    H_EPOCH,
    H_LAYOUT,
    H_MAGIC,
    H_ROWS,
    H_SEATS,
    H_SLOTS,
    HEADER,
    LAYOUT,
    MAGIC,
    ROWS_STEP,
    SEATS,
    WORD,
    Geometry,
    Region,
)
from gateway_governance.ledger.roster import FileRoster

log = structlog.get_logger("gateway.governance.ledger")

#: Epochs have so many bits, with which the ids of holds begin: seconds of a clock, at first.
_EPOCHS: Final = 0x3FFFFFFF
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Premises:
    """
    A worker's place in the folder; made by `enter`.

    Attributes:
        seat: The slots that are this worker's.
        epoch: Unlike any other worker's, ever.
        is_new: The pool was made anew: what it knew is with the authority.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journals = folder / "journal"
        self.journals.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._seats: dict[int, int] = {}
        self.seat = -1
        self.epoch = 0
        self.is_new = False
        self._lock = _opened(folder / "pool.lock")

    @classmethod
    def enter(cls, folder: Path, geometry: Geometry, *, now: float) -> Premises:
        """
        Take a seat; make the pool if there is none that can be trusted.

        Raises:
            OSError: if the disk is full.
            RuntimeError: if another version of the gateway is at work here, or every seat is
                taken.
        """
        found = cls(folder)
        with found.door():
            found._enter(geometry, now)
        return found

    @contextmanager
    def door(self) -> Iterator[None]:
        """
        Be the only one who enters or leaves.
        """
        descriptor = _opened(self.folder / "door.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _enter(self, geometry: Geometry, now: float) -> None:
        pool, names = self.folder / "pool", self.folder / "pool.meters"
        head = _read_head(pool)
        is_alone = not self.others()
        geometry = self._geometry(head, geometry, is_alone=is_alone)
        if head is None or not self._trusts(head, geometry, is_alone=is_alone):
            self.is_new = True
            pool.unlink(missing_ok=True)
            names.unlink(missing_ok=True)
            # No slot will name what these settle: only the authority has to know.  Here, at
            # the door: a moment later another worker may be writing one.
            journals.disown_all(self.journals)
            Region.create(
                pool,
                geometry,
                rows=ROWS_STEP,
                boot=_boot(),
                epoch=max(int(now) & _EPOCHS, _last_epoch(head)),
            )
        self.region = Region(pool, geometry)
        self.roster = FileRoster(names)
        self.cells = Cells(
            self.region,
            partial(fcntl.flock, self._lock, fcntl.LOCK_EX),
            partial(fcntl.flock, self._lock, fcntl.LOCK_UN),
        )
        self._sit(geometry)

    def _geometry(
        self, head: list[int] | None, wanted: Geometry, *, is_alone: bool
    ) -> Geometry:
        """
        Return what the file has, unless a new one can be made as it is wanted.
        """
        if head is None or head[H_MAGIC] != MAGIC or head[H_LAYOUT] != LAYOUT:
            if not is_alone:
                msg = f"{self.folder}: another version of the gateway is at work here"
                raise RuntimeError(msg)
            return wanted
        if is_alone and head[H_CLEAN]:
            return wanted
        return Geometry(seats=head[H_SEATS], slots=head[H_SLOTS])

    def _trusts(self, head: list[int], geometry: Geometry, *, is_alone: bool) -> bool:
        """
        Say whether the pool says what its workers last stored.

        It does as long as the machine has not lost power: memory that is shared by a file
        outlives every process.  After that, only if its last worker left in good order.
        """
        is_ours = (
            head[H_MAGIC] == MAGIC
            and head[H_LAYOUT] == LAYOUT
            and (head[H_SEATS], head[H_SLOTS]) == (geometry.seats, geometry.slots)
        )
        size = (self.folder / "pool").stat().st_size
        if not is_ours or size < geometry.words(head[H_ROWS]) * WORD:
            return False
        if not (self.folder / "pool.meters").exists():
            return False
        boot = _boot()
        is_same_boot = boot != (0, 0) and tuple(head[H_BOOT : H_BOOT + 2]) == boot
        return not is_alone or is_same_boot or bool(head[H_CLEAN])

    def _sit(self, geometry: Geometry) -> None:
        for seat in range(geometry.seats):
            if self.take(seat):
                break
        else:
            msg = f"{self.folder}: all {geometry.seats} seats of the ledger are taken"
            raise RuntimeError(msg)
        self.seat = seat
        self.region.claim(seat)
        with self.cells as words:
            self.epoch = words[H_EPOCH] + 1
            boot = _boot()
            self.cells.commit(
                [
                    *(H_EPOCH, self.epoch, SEATS + seat, self.epoch),
                    *(H_CLEAN, 0, H_BOOT, boot[0], H_BOOT + 1, boot[1]),
                ]
            )
        # From here on the disk may say anything: it must not say "clean" beside it.
        self.region.flush()

    def take(self, seat: int) -> bool:
        """
        Get the lock of a seat, if nobody who is alive has it.
        """
        descriptor = _opened(self.folder / f"seat-{seat:03d}.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._seats[seat] = descriptor
        return True

    def others(self) -> list[int]:
        """
        Return the seats whose workers are alive, without this one's.
        """
        found = []
        for path in sorted(self.folder.glob("seat-*.lock")):
            seat = int(path.stem.removeprefix("seat-"))
            if seat in self._seats:
                continue
            if self.take(seat):
                os.close(self._seats.pop(seat))
            else:
                found.append(seat)
        return found

    def dead(self) -> list[int]:
        """
        Return the seats whose workers died; they are this worker's until it leaves them.
        """
        words = self.cells.words
        return [
            seat
            for seat in range(self.cells.geometry.seats)
            if words[SEATS + seat] and seat not in self._seats and self.take(seat)
        ]

    def leave(self, seat: int) -> None:
        """
        Let go of a seat whose holds are cleared up.
        """
        with self.cells:
            self.cells.commit([SEATS + seat, 0])
        os.close(self._seats.pop(seat))

    def close(self, *, is_clean: bool) -> None:
        """
        Leave, at the door.

        Args:
            is_clean: Nobody else is here, and what was free went back: the file says all.
        """
        self.leave(self.seat)
        if is_clean:
            self.roster.flush()
            self.region.flush()
            self.cells.words[H_CLEAN] = 1
            self.region.flush()
        self.abandon()

    def abandon(self) -> None:
        """
        Let go of every file, as a process that dies does.
        """
        for descriptor in self._seats.values():
            os.close(descriptor)
        self._seats.clear()
        self.roster.close()
        self.region.close()
        os.close(self._lock)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _read_head(pool: Path) -> list[int] | None:
    try:
        with pool.open("rb") as file:
            raw = file.read(HEADER * WORD)
    except FileNotFoundError:
        return None
    return memoryview(raw).cast("q").tolist() if len(raw) == HEADER * WORD else None


def _last_epoch(head: list[int] | None) -> int:
    """
    Return the newest epoch that a pool says it had, however little it is trusted for the rest.

    The clock alone would do, were it never put back: a machine may begin at the same second
    of 1970 after each loss of power, and the database ignores a hold whose id it knows.
    """
    if head is None or head[H_MAGIC] != MAGIC or not 0 < head[H_EPOCH] <= _EPOCHS:
        return 0
    return head[H_EPOCH]


def _boot() -> tuple[int, int]:
    """
    Return what is different after each start of the machine; zeros where nobody says.
    """
    try:
        text = _BOOT_ID.read_bytes()
    except OSError:  # pragma: no cover - not Linux: only a clean pool is trusted then
        return 0, 0
    digest = hashlib.blake2b(text, digest_size=16).digest()
    return (
        int.from_bytes(digest[:8], "little") >> 1,
        int.from_bytes(digest[8:], "little") >> 1,
    )
