"""
Telling plugins how things ended: exactly once, whoever leaves.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.exchange import AttemptState

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from gateway.errors import ExchangeError
    from gateway.exchange import Attempt, Exchange
    from gateway.flights import Flight
    from gateway.hooks import Hooks
    from gateway.tasks import Tasks

T = TypeVar("T")


class Settlement:
    """
    Runs `after_attempt` and `on_complete` of one exchange, shielded from its cancellation.

    The work is done in tracked tasks: a caller who leaves while one runs does not stop it, and
    whoever asks again waits for the same task.  Where no plugin waits for anything there is no
    moment at which a caller could leave, and it is done at once.
    """

    __slots__ = (
        "_attempts",
        "_complete",
        "_drain",
        "_exchange",
        "_hooks",
        "_refusal",
        "_tasks",
        "is_complete",
    )

    def __init__(self, hooks: Hooks, exchange: Exchange, tasks: Tasks) -> None:
        self._hooks = hooks
        self._exchange = exchange
        self._tasks = tasks
        self._attempts: dict[int, asyncio.Task[None] | None] = {}
        self._complete: asyncio.Task[ExchangeError | None] | None = None
        self._refusal: ExchangeError | None = None
        self._drain: asyncio.Task[None] | None = None
        #: Whether `complete` was begun.
        self.is_complete = False

    async def attempt(self, attempt: Attempt) -> None:
        """
        Settle one attempt, if it was not.
        """
        task = self._begin(attempt)
        if task is not None:
            await asyncio.shield(task)

    def drains(self, work: asyncio.Task[None]) -> None:
        """
        Take note that *work* goes on without the caller.
        """
        self._drain = work

    async def drained(self) -> None:
        """
        Wait for the end of what goes on without the caller, however it ends.
        """
        if self._drain is not None:
            await asyncio.wait([self._drain])

    async def complete(self) -> ExchangeError | None:
        """
        Settle every attempt that was not, then the exchange.

        Returns:
            What a plugin says must not be passed over, or None.
        """
        at_once = self._hooks.settles_at_once and self._complete is None
        if at_once and (self.is_complete or not self._over()):
            if not self.is_complete:
                self.is_complete = True
                self._complete_at_once()
            return self._refusal
        self.is_complete = True
        if self._complete is None:
            self._complete = self._tasks.spawn(self._finish(), name="settle exchange")
        return await asyncio.shield(self._complete)

    def _own_attempts(self) -> list[Attempt]:
        """
        Return the attempts that this settlement settles: a flight settles its own.
        """
        return [attempt for attempt in self._exchange.attempts if _is_own(attempt)]

    def _begin(self, attempt: Attempt) -> asyncio.Task[None] | None:
        if attempt.number in self._attempts:
            return self._attempts[attempt.number]
        attempt.ended_at = self._exchange.clock.monotonic()
        if attempt.state is AttemptState.PLANNED:
            attempt.state = AttemptState.NOT_SENT
        elif attempt.state is AttemptState.SENT:
            attempt.state = AttemptState.BROKEN
        elif attempt.charge_of is not None:
            _charge_followed(self._exchange, attempt)
        task = None
        if self._hooks.has_after_attempt:
            work = self._hooks.after_attempt(self._exchange, attempt)
            if self._hooks.settles_attempts_at_once:
                _at_once(work)
            else:
                task = self._tasks.spawn(work, name="settle attempt")
        self._attempts[attempt.number] = task
        return task

    def _complete_at_once(self) -> None:
        exchange = self._exchange
        for attempt in exchange.attempts:
            if attempt.number not in self._attempts and _is_own(attempt):
                self._begin(attempt)
        _take_cost(exchange)
        if self._hooks.has_on_complete:
            self._refusal = _at_once(self._hooks.on_complete(exchange))

    def _over(self) -> list[Flight]:
        """
        Return the flights of this exchange, and those that it followed, that are over.
        """
        return [
            flight
            for attempt in self._exchange.attempts
            if (flight := attempt.flight) is not None and flight.is_over
        ]

    async def _finish(self) -> ExchangeError | None:
        # What they cost is known once they are settled, which may take a moment.
        for flight in self._over():
            await flight.ended()
        for attempt in self._own_attempts():
            task = self._begin(attempt)
            if task is not None:
                await task
        _take_cost(self._exchange)
        return await self._hooks.on_complete(self._exchange)


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    """
    Run *work*, which waits for nothing.
    """
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    msg = "a hook that is written with def has waited"
    raise RuntimeError(msg)


def charge(exchange: Exchange, attempt: Attempt) -> None:
    """
    Put down what an answer costs that nobody was asked for, and that is given.
    """
    if attempt.charge_nano:
        attempt.cost_nano = attempt.charge_nano
        exchange.cost_nano = (exchange.cost_nano or 0) + attempt.charge_nano


def _charge_followed(exchange: Exchange, attempt: Attempt) -> None:
    """
    Charge what following a flight costs, if it is over and that is known.

    Not more than was held: who began it may have had other prices.
    """
    flight, charge_of = attempt.flight, attempt.charge_of
    cost_nano = None if flight is None else flight.cost_nano
    if cost_nano is not None and charge_of is not None:
        due = charge_of(cost_nano)
        attempt.charge_nano = min(due, attempt.hold_nano or due)
        charge(exchange, attempt)


def _take_cost(exchange: Exchange) -> None:
    """
    Put down on *exchange* what the flight cost that it began, for it pays.
    """
    for attempt in exchange.attempts:
        flight = attempt.flight
        if flight is not None and not attempt.joined:
            exchange.cost_nano = flight.exchange.cost_nano


def _is_own(attempt: Attempt) -> bool:
    return attempt.flight is None or attempt.joined
