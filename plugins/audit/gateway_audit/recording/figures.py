"""
What the sequencer says in numbers, for the gateway's metrics.

Metrics of workers are summed up and the sequencer is one for all of them, so one worker shows its
numbers: whoever holds a lock, which somebody else takes when that one ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.clock import Clock
from gateway_audit.places import Places
from gateway_audit.recording.standing import Standing, standing_of
from gateway_audit.sequencing.status import Status, read_status
from gateway_audit.spool.disk import Disk

LOCK_FILE: Final = "figures.lock"
#: Seconds for which a status that was read is good for several numbers.
FRESH_S: Final = 0.5


class Figures:
    """
    One worker's view of the sequencer's status; all of it is nothing where another one shows it.
    """

    def __init__(self, places: Places, clock: Clock) -> None:
        self._places = places
        self._clock = clock
        self._disk = Disk()
        self._lock: int | None = None
        self._status: Status | None = None
        self._read_at: float | None = None

    def problems(self) -> int:
        """
        Count what is wrong with the log, the exports and the witnesses.
        """
        return len(standing_of(self._look()).problems) if self._is_mine() else 0

    def standing(self) -> Standing:
        """
        Judge the log, the exports and the witnesses, whoever shows the numbers.
        """
        return standing_of(self._look())

    def lag_entries(self) -> dict[tuple[str, ...], float]:
        """
        Tell by sink how many entries it is behind.
        """
        return {(name,): told.get("lag_entries", 0) for name, told in self._sinks()}

    def lag_s(self) -> dict[tuple[str, ...], float]:
        """
        Tell by sink how old the oldest entry is that it has not delivered.
        """
        return {(name,): told.get("lag_s", 0) for name, told in self._sinks()}

    def close(self) -> None:
        """
        Leave the numbers to another worker.
        """
        if self._lock is not None:
            self._disk.close(self._lock)
            self._lock = None

    def _sinks(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        status = self._look() if self._is_mine() else None
        if status is not None:
            yield from status.companions.get("sinks", {}).items()

    def _is_mine(self) -> bool:
        if self._lock is None:
            try:
                self._lock = self._disk.lock(self._places.root / LOCK_FILE)
            except OSError:
                return False
        return True

    def _look(self) -> Status | None:
        now = self._clock.monotonic()
        if self._read_at is None or now - self._read_at > FRESH_S:
            self._read_at = now
            self._status = read_status(self._places.root, self._clock.now())
        return self._status
