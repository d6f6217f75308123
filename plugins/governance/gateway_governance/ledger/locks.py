"""
A lock that one worker of the machine has at a time, waited for without blocking the loop.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from gateway_governance.ledger.authority import AuthorityFailed

_LOOK_S: Final = 0.002


class Stuck(AuthorityFailed):
    """
    Somebody has had the lock for too long.
    """


class MachineLock:
    """
    A lock between processes, by a file; and between the tasks of this one.

    Tried again and again rather than waited for in a thread: a thread could not be called
    back, and would get the lock for a caller that has left.
    """

    def __init__(self, path: Path, *, patience_s: float = 30.0) -> None:
        self._path = path
        self._patience_s = patience_s
        self._mine = asyncio.Lock()

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[None]:
        """
        Have the lock.

        Raises:
            Stuck: if a process that is alive does not let go of it.
        """
        async with self._mine:
            descriptor = os.open(
                self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                await self._wait(descriptor)
                yield
            finally:
                os.close(descriptor)

    async def _wait(self, descriptor: int) -> None:
        tries = int(self._patience_s / _LOOK_S)
        for _ in range(tries):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                await asyncio.sleep(_LOOK_S)
            else:
                return
        msg = f"{self._path}: another worker has held this lock for {self._patience_s:.0f} s"
        raise Stuck(msg)
