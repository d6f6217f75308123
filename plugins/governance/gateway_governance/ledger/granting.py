"""
Asking the authority, by one worker of the machine at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.tasks import Tasks
    from gateway_governance.ledger.authority import Authority
    from gateway_governance.ledger.meters import Meter
    from gateway_governance.ledger.rows import Rows

#: Held while windows are opened and grants installed, by one worker of the machine.
Exclusive = Callable[[], AbstractAsyncContextManager[None]]


class Granter:
    """
    Opens windows and takes grants.

    Between what the pool is found to want and what is made usable in it lies a durable commit
    of the authority.  Nobody else of the machine may ask for the same in between, so all of
    it is done under the lock *exclusive*.
    """

    def __init__(self, rows: Rows, authority: Authority, exclusive: Exclusive) -> None:
        self.authority = authority
        self.exclusive = exclusive
        self._rows = rows

    async def supply(self, needs: Mapping[Meter, int]) -> None:
        """
        Open the windows of *needs* and have so much free of each, if the limits allow it.
        """
        async with self.exclusive():
            await self.round(needs)

    async def round(self, needs: Mapping[Meter, int]) -> None:
        """
        Do the same, with the lock held.
        """
        rows = self._rows
        await self._anchor(needs)
        by_id = {meter.id: meter for meter in needs}
        asks, returns = rows.over(needs)
        begun = set()
        for record in await self.authority.look(asks) if asks else ():
            rows.begin(by_id[record.meter], record)
            begun.add(record.meter)
        wants = [
            want
            for want in rows.wanted(needs)
            if by_id[want.meter].is_strict or want.meter in begun
        ]
        if wants or returns:
            for record in await self.authority.open(wants, returns):
                rows.install(by_id[record.meter], record)

    async def _anchor(self, needs: Mapping[Meter, int]) -> None:
        """
        Find out from where meters count their windows that do not say it.
        """
        rows = self._rows
        meters = [meter for meter in rows.unanchored(needs) if meter.is_backed]
        if meters:
            now = rows.now()
            first = await self.authority.anchors({meter.id: now for meter in meters})
            rows.set_anchors({meter: first[meter.id] for meter in meters})

    async def reset(self, meter: Meter) -> None:
        """
        Begin the window of *meter* anew, with nothing spent.
        """
        if not meter.is_backed:
            self._rows.reset(meter)
            return
        async with self.exclusive():
            await self.round({meter: 0})
            (ask,) = self._rows.asks([meter])
            self._rows.begin(meter, await self.authority.reset(ask))


class Rounds:
    """
    Puts into one round what is asked for until it can begin.

    A round is a task of its own: a caller that leaves must not leave a grant half installed.
    """

    def __init__(self, granter: Granter, tasks: Tasks) -> None:
        self._granter = granter
        self._tasks = tasks
        self._wanted: dict[Meter, int] = {}
        self._next: asyncio.Task[None] | None = None

    def want(self, needs: Mapping[Meter, int]) -> asyncio.Task[None]:
        """
        Ask for *needs* in the next round.
        """
        for meter, need in needs.items():
            self._wanted[meter] = self._wanted.get(meter, 0) + need
        if self._next is None:
            self._next = self._tasks.spawn(self._run(), name="ledger-grant")
        return self._next

    async def supply(self, needs: Mapping[Meter, int]) -> None:
        """
        Ask for *needs* and wait for the round.

        Raises:
            AuthorityFailed: if the authority could not do it.
        """
        await asyncio.shield(self.want(needs))

    async def _run(self) -> None:
        try:
            async with self._granter.exclusive():
                wanted, self._wanted, self._next = self._wanted, {}, None
                await self._granter.round(wanted)
        finally:
            if self._next is asyncio.current_task():  # it never got the lock
                self._wanted, self._next = {}, None
