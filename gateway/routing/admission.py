"""
How many requests a provider gets at once from this process.

aiohttp's connector has a limit of its own, 100 for everybody, behind which requests
wait for ever; this one is per provider, waits for a bounded time, and then says so.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from gateway.errors import UpstreamBusy

#: Beyond so many in line a request is turned away at once: it could only wait in vain.
MAX_WAITING: Final = 10_000


class Admission:
    """
    Places at one provider, given first come first served.

    ``async with admission:`` holds one; any number of requests may do so at once.

    Args:
        provider: Its name, for the error.
        limit: Places.
        queue_timeout_s: How long a request waits for one.
    """

    __slots__ = ("_in_use", "_waiting", "limit", "provider", "queue_timeout_s")

    def __init__(self, provider: str, limit: int, queue_timeout_s: float) -> None:
        self.provider = provider
        self.limit = limit
        self.queue_timeout_s = queue_timeout_s
        self._in_use = 0
        # Ordered, and a waiter in the middle leaves in constant time.
        self._waiting: OrderedDict[asyncio.Future[bool], None] = OrderedDict()

    @property
    def in_use(self) -> int:
        """
        Places taken.
        """
        return self._in_use

    @property
    def waiting(self) -> int:
        """
        Requests in line.
        """
        return len(self._waiting)

    def try_enter(self) -> bool:
        """
        Take a place if one is free and nobody waits for it.
        """
        if self._in_use < self.limit and not self._waiting:
            self._in_use += 1
            return True
        return False

    async def enter(self, timeout_s: float | None = None) -> None:
        """
        Take a place, waiting for it if need be.

        Args:
            timeout_s: The most to wait, where that is less than the queue timeout.

        Raises:
            UpstreamBusy: None came free in time.
        """
        if self.try_enter():
            return
        patience = self.queue_timeout_s
        if timeout_s is not None:
            patience = min(patience, timeout_s)
        if patience <= 0.0 or len(self._waiting) >= MAX_WAITING:
            raise self._busy()
        if not await self._wait(patience):
            raise self._busy()

    def leave(self) -> None:
        """
        Give a place back: to the first in line, who then has it.
        """
        while self._waiting and self._in_use <= self.limit:
            future, _ = self._waiting.popitem(last=False)
            if not future.done():
                future.set_result(True)
                return
        self._in_use -= 1

    async def __aenter__(self) -> None:
        await self.enter()

    async def __aexit__(self, *exc_info: object) -> None:
        self.leave()

    def resize(self, limit: int, queue_timeout_s: float) -> None:
        """
        Take over another limit; who has a place keeps it.
        """
        self.limit = limit
        self.queue_timeout_s = queue_timeout_s
        while self._waiting and self._in_use < limit:
            future, _ = self._waiting.popitem(last=False)
            if not future.done():
                self._in_use += 1
                future.set_result(True)

    async def _wait(self, patience: float) -> bool:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        self._waiting[future] = None
        timer = loop.call_later(patience, _give_up, future)
        try:
            return await future
        except asyncio.CancelledError:
            # The place may have been given in the moment of the cancellation.
            if future.done() and not future.cancelled() and future.result():
                self.leave()
            raise
        finally:
            timer.cancel()
            self._waiting.pop(future, None)

    def _busy(self) -> UpstreamBusy:
        return UpstreamBusy(provider=self.provider, retry_after_s=1.0)


def _give_up(future: asyncio.Future[bool]) -> None:
    if not future.done():
        future.set_result(False)
