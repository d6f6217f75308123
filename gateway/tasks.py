"""
Tasks that somebody holds on to, so that none vanishes or is left behind.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

T = TypeVar("T")
log = structlog.get_logger("gateway.tasks")


class Tasks:
    """
    The tasks of one gateway.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def spawn(self, work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """
        Run *work* beside the caller; a failure that nobody awaits is logged.
        """
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.debug("task ended", task=task.get_name(), error=type(exc).__name__)

    async def join(self, timeout_s: float) -> int:
        """
        Wait for all of them; cancel those that are not done in time.

        Returns:
            How many had to be cancelled.
        """
        running = set(self._running)
        if not running:
            return 0
        _, late = await asyncio.wait(running, timeout=timeout_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1)
        return len(late)


@asynccontextmanager
async def running(*loops: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """
    Run what never ends by itself beside the block, and cancel it at its end.

    For the lifespan of a plugin: the gateway's own tasks are waited for before it is left.
    """
    tasks = Tasks()
    begun = [tasks.spawn(loop, name=name) for loop in loops]
    try:
        yield
    finally:
        for task in begun:
            task.cancel()
        await tasks.join(1.0)
