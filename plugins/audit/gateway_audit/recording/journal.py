"""
Writes entries to the spool, by the operator's word for when it fails.

``closed`` refuses whatever is not recorded.  ``{spill: PATH}`` writes to a second spool, on another
disk, and refuses where that fails too.  ``open`` goes on, counts, and says in an entry of type
``gap`` what is missing, once entries are written again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter, deque
from typing import Any, Final

import structlog

from gateway.clock import Clock
from gateway_audit.entries import canonical
from gateway_audit.entries.exchanges import Head
from gateway_audit.entries.happenings import entry as make_entry
from gateway_audit.spool.spool import AuditUnavailable, Spool

log = structlog.get_logger("gateway.audit")

#: Entries of events that wait for a disk that fails.
_MAX_WAITING: Final = 1000


class Journal:
    """
    Writes one worker's entries.

    Args:
        spill: The second spool, where there is one.
        is_open: Goes on where nothing can be written.
        max_bytes: Of one entry.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        clock: Clock,
        max_bytes: int,
        spill: Spool | None = None,
        is_open: bool = False,
    ) -> None:
        self._spool = spool
        self._spill = spill
        self._is_open = is_open
        self._clock = clock
        self._max_bytes = max_bytes
        self._mark = secrets.token_hex(5)
        self._count = 0
        self._events: deque[dict[str, Any]] = deque()
        self._noting: set[asyncio.Future[None]] = set()
        #: What is missing since the last gap entry, by type.
        self._missing: Counter[str] = Counter()
        self._missing_since = 0
        #: What was ever missing, and what went to the second spool.
        self.lost = 0
        self.spilled = 0

    @property
    def is_failing(self) -> bool:
        """
        Whether entries do not reach the first spool's disk.
        """
        return self._spool.is_failing

    @property
    def refuses(self) -> bool:
        """
        Whether entries reach no disk, so that what they tell of must not go on.
        """
        if self._is_open or not self._spool.is_failing:
            return False
        return self._spill is None or self._spill.is_failing

    @property
    def waiting(self) -> int:
        """
        How many entries wait for a disk.
        """
        return self._spool.queued + len(self._events)

    @property
    def is_nearly_full(self) -> bool:
        """
        Whether the first spool's disk has little room left.
        """
        return self._spool.is_nearly_full

    @property
    def worker(self) -> str:
        """
        Whose entries these are.
        """
        return self._spool.worker

    def head(self) -> Head:
        """
        Return when it is, and the id of an entry that is about to be made.

        Ids sort by time, and no two are alike: milliseconds, eighty bits that this worker drew
        and its count, as in a ULID.
        """
        at = int(self._clock.now() * 1000)
        self._count += 1
        return at, f"{at:012x}{self._mark}{self._count:08x}"

    async def write(self, entry: dict[str, Any], *, is_durable: bool) -> None:
        """
        Write *entry*, and wait until it is where it is to be.

        Raises:
            AuditUnavailable: It is not, and what it tells of must not go on.
        """
        before = self._spool.next_seq
        told = self._put(self._spool, entry, is_durable=is_durable)
        # What the spool has taken comes late, with the disk; it is not missing.
        is_taken = self._spool.next_seq != before
        try:
            await told
        except AuditUnavailable:
            if await self._spill_over(entry, is_durable=is_durable):
                return
            if not is_taken:
                self._miss(entry)
            if not self._is_open:
                raise
            return
        if self._missing:
            self._tell_gap()

    def note(self, entry: dict[str, Any]) -> None:
        """
        Write *entry* of what happened already, durably; nobody waits for it.

        While the disk fails it waits here for the disk, as long as there is room.
        """
        if self._spool.is_failing and self._spill is not None:
            self._note(self._spill, entry)
        else:
            self._note(self._spool, entry)

    def _note(self, spool: Spool, entry: dict[str, Any]) -> None:
        before = spool.next_seq
        told = self._put(spool, entry, is_durable=True)
        # What the spool has taken it writes when the disk is well: again would be twice.
        is_taken = spool.next_seq != before
        self._noting.add(told)

        def done(told: asyncio.Future[None]) -> None:
            self._noting.discard(told)
            if told.cancelled() or told.exception() is None:
                return
            if self._spill is not None and spool is self._spool:
                self._note(self._spill, entry)
            elif not is_taken:
                self._keep(entry)

        told.add_done_callback(done)

    async def noted(self) -> None:
        """
        Wait until all that was noted is on the disk.

        Raises:
            AuditUnavailable: Some of it waits for the disk.
        """
        while self._noting:
            await asyncio.wait(self._noting)
        is_late = bool(self._events) or (self._spill is None and self.is_failing)
        if is_late and not self._is_open:
            raise AuditUnavailable("events wait for the disk")

    def mend(self) -> None:
        """
        Write what waited, and what is missing, once the disk takes entries again.
        """
        if self._spool.is_failing:
            return
        waiting, self._events = self._events, deque()
        for entry in waiting:
            self.note(entry)
        if self._missing:
            self._tell_gap()

    async def close(self) -> None:
        """
        Write what waits, and let go of the files.
        """
        self.mend()
        for spool in (self._spool, self._spill):
            if spool is None:
                continue
            try:
                await spool.close()
            except AuditUnavailable as exc:
                log.error("entries were not written", why=str(exc))  # noqa: TRY400

    def _put(
        self, spool: Spool, entry: dict[str, Any], *, is_durable: bool
    ) -> asyncio.Future[None]:
        entry["seq"] = spool.next_seq
        entry["worker"] = spool.worker
        raw = canonical.encode(entry, self._max_bytes)
        return spool.append(raw) if is_durable else spool.append_relaxed(raw)

    async def _spill_over(self, entry: dict[str, Any], *, is_durable: bool) -> bool:
        if self._spill is None:
            return False
        try:
            await self._put(self._spill, entry, is_durable=is_durable)
        except AuditUnavailable:
            return False
        self.spilled += 1
        return True

    # --- what is missing --------------------------------------------------------------------

    def _keep(self, entry: dict[str, Any]) -> None:
        if len(self._events) < _MAX_WAITING:
            self._events.append(entry)
        else:
            self._miss(entry)

    def _miss(self, entry: dict[str, Any]) -> None:
        self.lost += 1
        if not self._missing:
            self._missing_since = entry["at"]
            log.error("entries are not recorded", type=entry["type"])
        self._missing[entry["type"]] += 1

    def _tell_gap(self) -> None:
        missing, self._missing = self._missing, Counter()
        head = self.head()
        lost = dict(sorted(missing.items()))
        self.note(make_entry("gap", head, missing=lost, since=self._missing_since))
