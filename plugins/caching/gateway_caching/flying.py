"""
Requests under way, by the names under which others may follow them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import attrs

from gateway import Answer, Exchange
from gateway.errors import ExchangeError, UpstreamError
from gateway.tasks import Tasks
from gateway_caching.purges import Purges

if TYPE_CHECKING:
    from gateway import Flight

__all__ = ["Flights", "ended_well"]

_CLOSING_S: Final = 2.0
#: Flights that one request follows at the most, where those before it brought nothing.
_FOLLOWED: Final = 16
_OK: Final = 200


@attrs.define(eq=False)
class Flights:
    """
    The flights of one worker.

    Args:
        purges: What is let go of while they are under way.
    """

    purges: Purges
    _flights: dict[str, Flight] = attrs.field(factory=dict, init=False)
    _marks: WeakKeyDictionary[Flight, int] = attrs.field(
        factory=WeakKeyDictionary, init=False
    )
    _tasks: Tasks = attrs.field(factory=Tasks, init=False)

    def __len__(self) -> int:
        return len(self._flights)

    def find(self, name: str) -> Flight | None:
        """
        Return the flight under *name* that may still be joined.

        One that ended well may be until its answer is kept, so that nobody falls in between,
        unless something was purged since.
        """
        flight = self._flights.get(name)
        if flight is None or not flight.is_over:
            return flight
        is_today = self.mark_of(flight) == self.purges.mark()
        return flight if is_today and ended_well(flight) else None

    async def follow(
        self,
        name: str,
        exchange: Exchange,
        may_follow: Callable[[Flight], bool],
        charge: Callable[[int], int] | None = None,
    ) -> tuple[Answer, Flight] | None:
        """
        Let *exchange* follow the flight under *name*; None if there is none that it can follow.

        What befell the first caller alone, whose key was refused or who left, befalls nobody
        else: the next one flies, and the others follow that one.

        Args:
            charge: See `Exchange.join`.

        Raises:
            UpstreamError: There is no answer, for nobody.
            Refused: This exchange may not use who answers, or cannot pay.
        """
        for _ in range(_FOLLOWED):
            flight = self.find(name)
            if flight is None or not may_follow(flight):
                return None
            try:
                return await exchange.join(flight, charge=charge), flight
            except UpstreamError:
                raise
            except ExchangeError:
                if not _brought_nothing(flight):
                    raise
        return None

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
        self._marks[flight] = self.purges.mark()
        for name in names:
            self._flights[name] = flight
        self.watch(flight, keep, names)
        return flight

    def mark_of(self, flight: Flight) -> int:
        """
        Return when *flight* began, for `Purges`.
        """
        return self._marks[flight]

    def watch(
        self,
        flight: Flight,
        keep: Callable[[Flight], Awaitable[None]],
        names: Sequence[str] = (),
    ) -> None:
        """
        Have *keep* told of *flight* once it is over, and take it from under *names*.
        """
        self._tasks.spawn(self._see_off(flight, names, keep), name="keep an answer")

    def beside(self, keeping: Coroutine[Any, Any, None]) -> None:
        """
        Have something kept beside the answer that is given.
        """
        self._tasks.spawn(keeping, name="keep an answer")

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


def ended_well(flight: Flight) -> bool:
    """
    Tell whether *flight* brought all of an answer that is no error.
    """
    status, *_ = flight.body or (_OK,)
    return flight.is_over and not flight.has_failed and status == _OK


def _brought_nothing(flight: Flight) -> bool:
    return flight.has_failed and not flight.frames and flight.body is None
