"""
Sees whether anybody makes the log of what the workers write.

Where ``gatewright serve`` runs, its supervisor runs the sequencer.  A gateway inside of another
program has none: its entries are safe in the spool, which grows until the disk is full.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from gateway.clock import Clock
from gateway_audit.places import Places
from gateway_audit.sequencing.status import read_status
from gateway_audit.spool.names import segments

log = structlog.get_logger("gateway.audit")

#: Seconds between two looks, and between two warnings of the same.
LOOK_S: Final = 30.0
AGAIN_S: Final = 3600.0


class Watch:
    """
    Looks now and then, and warns; belongs to one event loop.
    """

    def __init__(self, places: Places, clock: Clock, *, look_s: float = LOOK_S) -> None:
        self._places = places
        self._clock = clock
        self._look_s = look_s
        self._warned_at: float | None = None
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(look_s, self._look_later)

    def spool_bytes(self) -> int:
        """
        Return what the spool takes of the disk, with what is set aside.
        """
        total = 0
        for segment in segments(self._places.spool):
            try:
                total += segment.path.stat().st_size
            except FileNotFoundError:  # taken into the log meanwhile
                continue
        return total

    def look(self) -> bool:
        """
        Warn if nobody takes entries out of the spool; tell whether somebody does.
        """
        at = self._clock.now()
        status = read_status(self._places.root, at)
        if status is not None and status.is_current(at):
            self._warned_at = None
            return True
        now = self._clock.monotonic()
        if self._warned_at is None or now - self._warned_at >= AGAIN_S:
            self._warned_at = now
            log.warning(
                "no sequencer runs: entries stay in the spool, which grows; "
                "`gatewright serve` runs one",
                spool_bytes=self.spool_bytes(),
            )
        return False

    def close(self) -> None:
        """
        Look no more.
        """
        self._timer.cancel()

    def _look_later(self) -> None:
        self._timer = self._loop.call_later(self._look_s, self._look_later)
        self._loop.run_in_executor(None, self.look)
