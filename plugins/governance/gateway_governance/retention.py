"""
Forgets usage that is older than the operator wants to keep, a little at a time.

What windows of budgets came to is kept as long: a clock that is set back must find them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import attrs
import structlog

from gateway.clock import Clock

log = structlog.get_logger("gateway.governance")

DAY_S: Final = 86_400
#: Between two looks; each worker looks, and finds little to do after another one.
LOOK_S: Final = 3_600.0
#: Between two batches, so that who writes finds the database free.
_PAUSE_S: Final = 0.05

#: Removes some of what is older than a moment, Unix seconds; returns how much it removed.
Prune = Callable[[float], Awaitable[int]]


@attrs.frozen(kw_only=True)
class Retention:
    """
    Removes what is too old.

    Args:
        prunes: What removes something of each kind, called until it finds nothing more.
        keep_days: How old usage may become.
    """

    prunes: Iterable[Prune]
    keep_days: int
    clock: Clock

    async def run(self) -> None:
        """
        Remove what is too old, again and again, for as long as nobody cancels.
        """
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.prune()
            except Exception as exc:  # noqa: BLE001 - tried again, and nothing depends on it
                log.warning("old usage not removed", error=type(exc).__name__)

    async def prune(self) -> int:
        """
        Remove all that is too old now; returns how much that was.
        """
        before = self.clock.now() - self.keep_days * DAY_S
        removed = 0
        for prune in self.prunes:
            while gone := await prune(before):
                removed += gone
                await asyncio.sleep(_PAUSE_S)
        return removed
