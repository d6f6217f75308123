"""
What a worker does beside holding: move journals into the database, clear up after the dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

import structlog

from gateway_governance.ledger import journal as journals
from gateway_governance.ledger.authority import (
    Authority,
    AuthorityFailed,
    Burned,
    Crossed,
    Settled,
)
from gateway_governance.ledger.locks import MachineLock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.tasks import Tasks
    from gateway_governance.ledger.authority import Return
    from gateway_governance.ledger.premises import Premises
    from gateway_governance.ledger.till import Till

log = structlog.get_logger("gateway.governance.ledger")

#: How soon a dead worker is noticed.
_LOOK_S: Final = 0.2
#: How soon a settlement stands in the database.
_FLUSH_S: Final = 0.5
#: Records that the authority takes over in one transaction.
_BATCH: Final = 1000
#: How long a stop waits for what is under way at the authority.
_END_S: Final = 10.0


class Keeping:
    """
    One worker's housekeeping.

    Args:
        tell: Hears of thresholds and burned holds.
        freed: Called when something came back that others may wait for.
    """

    def __init__(
        self,
        premises: Premises,
        till: Till,
        journal: journals.Journal,
        authority: Authority,
        *,
        tasks: Tasks,
        tell: Callable[[Crossed | Burned], None],
        freed: Callable[[], None],
    ) -> None:
        self._premises = premises
        self._till = till
        self._journal = journal
        self._authority = authority
        self._tasks = tasks
        self._tell = tell
        self._freed = freed
        self._door = MachineLock(premises.folder / "door.lock")
        self._flushing = asyncio.Lock()

    async def begin(self) -> None:
        """
        Clear up after who had this seat before, and move what is written.
        """
        self._clear_up(self._premises.seat)
        await self.flush()

    async def flush_often(self) -> None:
        """
        Flush until cancelled.
        """
        while True:
            await asyncio.sleep(_FLUSH_S)
            try:
                await self.flush()
            except (AuthorityFailed, OSError) as exc:
                log.warning("settlements wait for the database", why=str(exc))

    async def look_often(self) -> None:
        """
        Look for dead workers until cancelled.
        """
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                self.look_for_dead()
            except OSError as exc:
                log.warning("cannot clear up after a dead worker yet", why=str(exc))

    async def flush(self) -> None:
        """
        Move what is written down into the database.

        Raises:
            AuthorityFailed: if it takes nothing; what is written down stays.
        """
        async with self._flushing:
            own = self._journal.seal()
            for path in [*own, *journals.orphans(self._premises.journals)]:
                entries = self._journal.written(path)
                if entries is None:
                    entries = await asyncio.to_thread(journals.read, path)
                await self._move(entries)
                self._journal.moved(path)
            unwritten = self._journal.unwritten
            count = len(unwritten)
            await self._move(unwritten[:count])
            del unwritten[:count]

    async def _move(self, entries: Iterable[Settled | Burned]) -> None:
        source = iter(entries)
        while batch := list(islice(source, _BATCH)):
            for crossed in await self._authority.settle(batch):
                self._tell(crossed)

    def look_for_dead(self) -> bool:
        """
        Clear up after every worker that is dead; say whether there was one.
        """
        dead = self._premises.dead()
        for seat in dead:
            self._clear_up(seat)
            self._premises.leave(seat)
        if dead:
            self._freed()
        return bool(dead)

    def _clear_up(self, seat: int) -> None:
        files = journals.files_of(self._premises.journals, seat)
        entries = [entry for path in files for entry in journals.read(path)]
        swept = self._till.sweep(seat, entries, self._burn)
        # Only now: a sweeper that dies before leaves them for the next one to read.
        for path in files:
            journals.disown(path)
        self.give_back(swept.returns)
        if swept.total:
            log.warning(
                "cleared up after a worker that died",
                seat=seat,
                settled=swept.settled,
                released=swept.released,
                burned=swept.burned,
                burned_nano=swept.burned_nano,
            )

    def _burn(self, burned: Burned) -> None:
        self._journal.write(burned)
        self._tell(burned)

    def give_back(self, returns: Sequence[Return]) -> None:
        """
        Give back to windows that are over, beside.
        """
        if returns:
            self._tasks.spawn(
                self._authority.give_back(returns), name="ledger-give-back"
            )

    async def end(self) -> None:
        """
        Leave; the last one gives back what is free.

        Holds that are open yet end as if this worker had been killed.
        """
        async with self._door():
            self.look_for_dead()
            self._till.leave(self._burn)
            await self._tasks.join(timeout_s=_END_S)
            is_clean = False
            with suppress(AuthorityFailed):
                await self.flush()
                if not self._premises.others():
                    # One may have been killed while this one left; from here on nobody can.
                    self.look_for_dead()
                    await self._tasks.join(timeout_s=_END_S)
                    await self.flush()
                    self._till.rows.unused()
                    await self._authority.square()
                    is_clean = True
            self._premises.close(is_clean=is_clean)
