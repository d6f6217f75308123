"""
What the ledger counts: one limit on one owner, and what an exchange asks of several of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import attrs

from gateway_governance.entities import Limits, Owner, OwnerKind, Period, Unit

#: How units are written in the ids of meters.
UNIT_WORDS: Final = {
    Unit.MONEY: "usd",
    Unit.TOKENS: "tokens",
    Unit.REQUESTS: "requests",
    Unit.IN_FLIGHT: "in_flight",
}
MICROS: Final = 1_000_000


class WindowLike(Protocol):
    """
    A stretch of time, *start* <= t < *end*, in Unix seconds.
    """

    @property
    def start(self) -> float:
        """
        Its first moment.
        """

    @property
    def end(self) -> float:
        """
        The first moment after it.
        """


#: ``window_at(period, at, calendar=…, anchor=…)``, as `periods` has it.
WindowAt = Callable[..., WindowLike]


@attrs.frozen(kw_only=True, cache_hash=True)
class Meter:
    """
    One limit on one owner, as the ledger needs it.  Two with the same id are the same meter.

    Attributes:
        id: Owner, unit and period: ``team/payments/usd/month``.
        limit: In the meter's unit; nano-USD for money.
        period: None for requests in flight, which have no window, and for money that lasts as
            long as its owner.
        calendar: IANA zone whose calendar cuts the windows.
        anchor: Unix seconds from which windows without a calendar are counted; None is the
            moment at which the ledger first saw the meter.
        is_soft: Money that is charged afterwards and never held.
    """

    id: str
    owner: Owner = attrs.field(eq=False)
    unit: Unit = attrs.field(eq=False)
    limit: int = attrs.field(eq=False)
    period: Period | None = attrs.field(default=None, eq=False)
    calendar: str | None = attrs.field(default=None, eq=False)
    anchor: float | None = attrs.field(default=None, eq=False)
    is_soft: bool = attrs.field(default=False, eq=False)

    @property
    def is_backed(self) -> bool:
        """
        Whether the authority keeps its windows: money's, which must survive the machine.
        """
        return self.unit is Unit.MONEY

    @property
    def is_strict(self) -> bool:
        """
        Whether it may be spent only as far as the authority has granted.
        """
        return self.unit is Unit.MONEY and not self.is_soft

    @property
    def has_window(self) -> bool:
        """
        Whether what it counts is of a time; requests in flight are of now.
        """
        return self.unit is not Unit.IN_FLIGHT

    @property
    def only_falls(self) -> bool:
        """
        Whether its limit is never raised: a run's, which workers hear of one after the other.
        """
        return self.owner.kind is OwnerKind.RUN


def meters_of(owner: Owner, limits: Limits, now: float) -> tuple[Meter, ...]:
    """
    Return the meters of *owner*: budgets first, then rates, then requests in flight.

    Args:
        now: Unix seconds; budgets that are raised for a time have the limit of this moment.
    """
    budgets = (
        Meter(
            id=meter_id(owner, Unit.MONEY, budget.period),
            owner=owner,
            unit=Unit.MONEY,
            limit=budget.limit_at(now),
            period=budget.period,
            calendar=budget.calendar,
            anchor=budget.anchor,
            is_soft=budget.mode == "soft",
        )
        for budget in limits.budgets
    )
    rates = (
        Meter(
            id=meter_id(owner, rate.unit, rate.period),
            owner=owner,
            unit=rate.unit,
            limit=rate.amount,
            period=rate.period,
            calendar=rate.calendar,
            anchor=rate.anchor,
        )
        for rate in limits.rate_limits
    )
    if limits.max_parallel is None:
        return (*budgets, *rates)
    parallel = Meter(
        id=meter_id(owner, Unit.IN_FLIGHT, None),
        owner=owner,
        unit=Unit.IN_FLIGHT,
        limit=limits.max_parallel,
    )
    return (*budgets, *rates, parallel)


def meter_id(owner: Owner, unit: Unit, period: Period | None) -> str:
    """
    Write what identifies a meter.
    """
    if period is None:
        return f"{owner}/{UNIT_WORDS[unit]}"
    return f"{owner}/{UNIT_WORDS[unit]}/{period.value}"


def micros(seconds: float) -> int:
    """
    Return *seconds* in whole microseconds, as the pool and the authority count time.
    """
    return round(seconds * MICROS)


# Nobody changes one, nor an `Actual`; not frozen, for that triples the time to make one.
@attrs.define(kw_only=True)
class Demand:
    """
    What an exchange asks for.  Each meter takes the amount of its unit, all or none.

    All strict money meters hold one and the same amount, at most *money_want_nano*, of which no
    hold takes more than the greater of *money_floor_nano* and a sixteenth of what is left.
    Soft money meters hold nothing.

    Attributes:
        money_floor_nano: Less than this is of no use to the caller.
        money_want_nano: The worst case of the request as it came.
    """

    meters: tuple[Meter, ...]
    requests: int = 0
    in_flight: int = 0
    tokens: int = 0
    money_floor_nano: int = 0
    money_want_nano: int = 0


@attrs.define(kw_only=True)
class Actual:
    """
    What an exchange came to.  What was in flight always comes back.
    """

    money_nano: int = 0
    tokens: int = 0
    requests: int = 0


@attrs.frozen(kw_only=True)
class Standing:
    """
    How a meter stands in its window.

    Attributes:
        granted: How much of the limit this machine may use without asking.
        free: Granted, neither held nor spent; negative where truth outran the holds.
        burned: The part of *spent* whose outcome nobody knows.
        starts: Unix microseconds, likewise *ends*; 0 where the meter has no window yet.
    """

    meter: Meter
    limit: int
    granted: int = 0
    free: int = 0
    spent: int = 0
    burned: int = 0
    starts: int = 0
    ends: int = 0

    @property
    def held(self) -> int:
        """
        What open holds have set aside.
        """
        return self.granted - self.free - self.spent

    @property
    def left(self) -> int:
        """
        What could be held now.
        """
        return self.limit - self.granted + self.free

    @property
    def debt(self) -> int:
        """
        How far spending and holds have gone past the limit.
        """
        return max(0, -self.left)


class Short(Exception):
    """
    A meter has not enough.

    Attributes:
        is_spent: It would not be enough even if every open hold came back.
        retry_after_s: When asking again may help: the end of the window where it is spent or a
            rate, otherwise an estimate.
    """

    def __init__(
        self, meter: Meter, *, need: int, standing: Standing, retry_after_s: float
    ) -> None:
        super().__init__(meter.id)
        self.meter = meter
        self.need = need
        self.standing = standing
        self.is_spent = standing.limit - standing.spent < need
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        found = self.standing
        return (
            f"{self.meter.id}: needs {self.need}, of {found.limit} are spent "
            f"{found.spent} and held {found.held}"
        )


class SlotsInUse(Exception):
    """
    A worker has as many open holds as it has room for.
    """

    def __str__(self) -> str:
        return "every hold slot of this worker is in use; raise worker_slots"
