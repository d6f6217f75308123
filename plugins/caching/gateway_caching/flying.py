"""
Requests under way, by the names under which others may follow them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from gateway import Exchange
from gateway.tasks import Tasks

if TYPE_CHECKING:
    from gateway import Flight

__all__ = ["Flights"]

_CLOSING_S: Final = 2.0


@attrs.define(eq=False)
class Flights:
    """
    The flights of one worker.
    """

    _flights: dict[str, Flight] = attrs.field(factory=dict, init=False)
    _tasks: Tasks = attrs.field(factory=Tasks, init=False)

    def __len__(self) -> int:
        return len(self._flights)

    def find(self, name: str) -> Flight | None:
        """
        Return the flight under *name* that may still be joined.
        """
        flight = self._flights.get(name)
        return None if flight is None or flight.is_over else flight

    def launch(
        self,
        exchange: Exchange,
        names: Sequence[str],
        keep: Callable[[Flight], Awaitable[None]],
    ) -> Flight:
        """
        Let *exchange* fly, to be found under *names*.

        Args:
            keep: Told of the flight once everything came that will come.
        """
        flight = exchange.forward()
        for name in names:
            self._flights[name] = flight
        self._tasks.spawn(self._see_off(flight, names, keep), name="keep an answer")
        return flight

    async def close(self) -> None:
        """
        Let what is being kept be kept.
        """
        await self._tasks.join(_CLOSING_S)

    async def _see_off(
        self,
        flight: Flight,
        names: Sequence[str],
        keep: Callable[[Flight], Awaitable[None]],
    ) -> None:
        try:
            await flight.ended()
            # Before it can be found no more: who comes now finds what is kept, or follows.
            await keep(flight)
        finally:
            for name in names:
                if self._flights.get(name) is flight:
                    del self._flights[name]
