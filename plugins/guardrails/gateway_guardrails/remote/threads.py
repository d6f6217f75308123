"""
Threads of a detector's own, for a client that waits.

Never asyncio's default ones: names are resolved and files are read there, and a service that hangs
would hold up both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from gateway.detecting import DetectorFailed

__all__ = ["Threads"]

T = TypeVar("T")


class Threads:
    """
    So many calls at a time, each in a thread.

    Args:
        size: How many.
        name: What the threads are called.
    """

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._executor = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._free = asyncio.Semaphore(size)

    async def run(self, call: Callable[[], T]) -> T:
        """
        Run *call* in a thread, as soon as one is free.

        Cancelled, it leaves the thread to itself: the place is free when the call has ended, not
        when nobody waits for it any more.

        Raises:
            DetectorFailed: Nothing is taken any more.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        try:
            future = self._executor.submit(call)
        except RuntimeError:
            self._free.release()
            raise DetectorFailed("unavailable", "the detector was closed") from None
        future.add_done_callback(lambda ended: self._give_back(ended, loop))
        return await asyncio.wrap_future(future)

    async def close(self, timeout_s: float) -> bool:
        """
        Take no more calls, and wait for those that run.

        Returns:
            Whether all have ended within *timeout_s*.
        """
        self._executor.shutdown(wait=False, cancel_futures=True)
        try:
            async with asyncio.timeout(timeout_s):
                for _ in range(self._size):
                    await self._free.acquire()
        except TimeoutError:
            return False
        return True

    def _give_back(self, ended: Future[Any], loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.call_soon_threadsafe(self._free.release)
        except RuntimeError:  # the loop has ended, and with it everybody who waits
            return
