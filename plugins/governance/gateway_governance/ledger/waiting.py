"""
Waiting for what others hold: first come, first served, within bounds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from gateway_governance.ledger.meters import Demand, Meter, Short
    from gateway_governance.ledger.pool import Hold


@attrs.define(eq=False)
class Waiter:
    """
    Somebody who waits.

    Attributes:
        meter: The one that was short when it was last tried.
    """

    demand: Demand
    short: Short
    served: asyncio.Future[Hold]

    @property
    def meter(self) -> Meter:
        """
        What it waits for.
        """
        return self.short.meter


class Line:
    """
    Those of this worker who wait.

    Who comes first for a meter is served first: nobody passes who asks for the same meter, even
    where less would do for him.  Those who wait for other meters are not in his way.

    Args:
        attempt: Takes what a demand asks for, or says what is short; None is to ask again.
        release: Gives back what somebody was served who has left.
        most: How many may wait at once.
    """

    def __init__(
        self,
        attempt: Callable[[Demand], Hold | Short | None],
        release: Callable[[Hold], None],
        *,
        most: int,
    ) -> None:
        self._attempt = attempt
        self._release = release
        self._most = most
        #: Those who wait, the first one first.
        self.waiters: deque[Waiter] = deque()

    def ahead_of(self, demand: Demand) -> Waiter | None:
        """
        Find somebody who waits for a meter that *demand* asks for.
        """
        if not self.waiters:
            return None
        meters = set(demand.meters)
        return next((each for each in self.waiters if each.meter in meters), None)

    async def wait(self, demand: Demand, short: Short, *, wait_s: float) -> Hold:
        """
        Wait at the end of the line.

        Raises:
            Short: after *wait_s*, as it stood last; at once if the line is full.
        """
        if len(self.waiters) >= self._most:
            raise short
        waiter = Waiter(demand, short, asyncio.get_running_loop().create_future())
        self.waiters.append(waiter)
        try:
            await asyncio.wait([waiter.served], timeout=wait_s)
        except asyncio.CancelledError:
            if waiter.served.done() and waiter.served.exception() is None:
                self._release(waiter.served.result())
            raise
        finally:
            if waiter in self.waiters:
                self.waiters.remove(waiter)
        if not waiter.served.done():
            raise waiter.short
        return waiter.served.result()

    def serve(self) -> None:
        """
        Give to those who can be given to.
        """
        blocked: set[Meter] = set()
        for waiter in tuple(self.waiters):
            if not blocked.isdisjoint(waiter.demand.meters):
                continue
            found = self._try(waiter)
            if found is not None:
                blocked.add(found)

    def _try(self, waiter: Waiter) -> Meter | None:
        """
        Try to serve *waiter*; return what it still waits for.
        """
        found = self._attempt(waiter.demand)
        if found is None:
            return waiter.meter
        if not isinstance(found, Exception):
            waiter.served.set_result(found)
            self.waiters.remove(waiter)
            return None
        waiter.short = found
        if found.is_spent:
            waiter.served.set_exception(found)
            self.waiters.remove(waiter)
            return None
        return found.meter
