"""
Asking the authority, by one worker of the machine at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway_governance.ledger.authority import Authority
    from gateway_governance.ledger.meters import Meter
    from gateway_governance.ledger.rows import Rows

#: Held while windows are opened and grants installed, by one worker of the machine.
Exclusive = Callable[[], AbstractAsyncContextManager[None]]


class Granter:
    """
    Opens windows and takes grants; what is asked for meanwhile goes in one round.

    Between what the pool is found to want and what is made usable in it lies a durable commit
    of the authority.  Nobody else of the machine may ask for the same in between, so a round
    holds the lock *exclusive*.
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
        Do one round, with the lock held.
        """
        rows = self._rows
        unanchored = [meter for meter in rows.unanchored(needs) if meter.is_backed]
        if unanchored:
            now = rows.now()
            first = await self.authority.anchors(
                {meter.id: now for meter in unanchored}
            )
            rows.set_anchors({meter: first[meter.id] for meter in unanchored})
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
