"""
Wait until something became true, woken by events, in this thread or another.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import attrs

__all__ = ["Watch"]

Predicate = Callable[[], object]


@attrs.frozen(eq=False)
class _Waiter:
    is_met: Predicate
    wake: Callable[[], None]


@attrs.define(eq=False)
class Watch:
    """
    Those who wait for a change, and what wakes them.
    """

    _waiters: list[_Waiter] = attrs.field(factory=list)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def changed(self) -> None:
        """
        Look again at what is waited for: something changed.
        """
        if not self._waiters:
            return
        with self._lock:
            met = [waiter for waiter in self._waiters if waiter.is_met()]
            for waiter in met:
                self._waiters.remove(waiter)
        for waiter in met:
            waiter.wake()

    async def wait(self, is_met: Predicate, timeout_s: float) -> None:
        """
        Wait on the running loop.

        Raises:
            TimeoutError: after *timeout_s* seconds.
        """
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(done.set)

        waiter = _Waiter(is_met, wake)
        if self._is_met_now(waiter):
            return
        try:
            async with asyncio.timeout(timeout_s):
                await done.wait()
        finally:
            self._forget(waiter)

    def wait_here(self, is_met: Predicate, timeout_s: float) -> None:
        """
        Wait in a thread that runs no loop.

        Raises:
            TimeoutError: after *timeout_s* seconds.
        """
        done = threading.Event()
        waiter = _Waiter(is_met, done.set)
        if self._is_met_now(waiter):
            return
        try:
            if not done.wait(timeout_s):
                raise TimeoutError
        finally:
            self._forget(waiter)

    def _is_met_now(self, waiter: _Waiter) -> bool:
        """
        Look once; enter the list in the same breath, so that no change is missed.
        """
        with self._lock:
            if waiter.is_met():
                return True
            self._waiters.append(waiter)
            return False

    def _forget(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
