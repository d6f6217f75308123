"""
Limits in JSON: read over those that hold, and written with what is used of them.

Bifrost's ``rate_limit`` has one limit of requests and one of tokens; ``rate_limits`` beside it is
the whole list.  ``calendar_aligned`` belongs to the owner there: it gives each of the owner's
limits the calendar of UTC, unless a limit names a calendar of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar

import attrs

from gateway.clock import utc_text
from gateway_governance.api import wire
from gateway_governance.api.bodies import Body
from gateway_governance.entities import (
    NO_LIMITS,
    Budget,
    Limits,
    Override,
    Owner,
    Period,
    RateLimit,
    Unit,
)
from gateway_governance.ledger.meters import MICROS, Standing, meter_id
from gateway_governance.periods import CODES, code_of

Mode = Literal["strict", "soft"]
Rated = Literal[Unit.TOKENS, Unit.REQUESTS]

UTC: Final = "UTC"
_MODES: Final[Mapping[str, Mode]] = {"strict": "strict", "soft": "soft"}
_UNITS: Final[Mapping[str, Rated]] = {
    "token": Unit.TOKENS,
    "request": Unit.REQUESTS,
}
_LONG_UNITS: Final[Mapping[str, Rated]] = {
    "tokens": Unit.TOKENS,
    "requests": Unit.REQUESTS,
}
#: A raise that ends then was to hold until somebody ends it.
FOR_EVER: Final = 253_402_300_799.0

L = TypeVar("L", Budget, RateLimit)


# --- reading --------------------------------------------------------------------------------


def is_aligned(limits: Limits) -> bool:
    """
    Tell whether *limits* go by a calendar.
    """
    calendars = [budget.calendar for budget in limits.budgets]
    calendars += [rate.calendar for rate in limits.rate_limits]
    return any(calendar is not None for calendar in calendars)


def read_limits(
    body: Body, before: Limits = NO_LIMITS, *, aligned: bool | None = None
) -> Limits:
    """
    Read the limits in *body*; what it does not speak of, or says null of, stays as it was.

    Args:
        aligned: What the owner says of calendars, where *body* is of a part of it.
    """
    told = body.flag("calendar_aligned", aligned)
    utc = is_aligned(before) if told is None else told
    budgets = _budgets(body, before, UTC if utc else None)
    rates = _rates(body, before, UTC if utc else None)
    if told is not None:
        budgets = [_in_calendar(one, told) for one in budgets]
        rates = [_in_calendar(one, told) for one in rates]
    limits = Limits(
        budgets=tuple(limit for limit, _ in budgets),
        rate_limits=tuple(limit for limit, _ in rates),
        max_parallel=body.whole("max_parallel", before.max_parallel),
    )
    return NO_LIMITS if limits == NO_LIMITS else limits


def _in_calendar(one: tuple[L, bool], aligned: bool) -> tuple[L, bool]:
    limit, says_itself = one
    if says_itself or (aligned and limit.calendar is not None):
        return one
    return attrs.evolve(limit, calendar=UTC if aligned else None), False


def _budgets(
    body: Body, before: Limits, calendar: str | None
) -> list[tuple[Budget, bool]]:
    """
    Read budgets, each with whether it names its calendar itself.
    """
    single, many = body.table("budget"), body.tables("budgets")
    if single is not None and many is not None:
        body.blame("budget", "write budgets alone: it is the list")
    if single is not None:
        # An empty one takes it away, as in Bifrost.
        many = (
            [single] if single.has("max_limit") or single.has("reset_duration") else []
        )
        if not many:
            single.close()
    if many is None:
        return [(budget, False) for budget in before.budgets]
    known = {budget.period: budget for budget in before.budgets}
    return [_budget(each, known, calendar) for each in many]


def _budget(
    body: Body, known: Mapping[Period, Budget], calendar: str | None
) -> tuple[Budget, bool]:
    period = _period(body, "reset_duration")
    if not body.has("max_limit") or body.is_null("max_limit"):
        body.blame("max_limit", "is required")
    before = known.get(period)
    says_itself, calendar = _calendar(body, before, calendar)
    budget = Budget(
        limit_nano=body.nano("max_limit", 0) or 0,
        period=period,
        calendar=calendar,
        anchor=before.anchor if before else None,
        mode=body.choice("mode", _MODES, before.mode if before else "strict"),
        overrides=before.overrides if before else (),
    )
    body.close()
    return budget, says_itself


def _calendar(
    body: Body, before: Budget | RateLimit | None, calendar: str | None
) -> tuple[bool, str | None]:
    aligned = body.flag("calendar_aligned")
    if body.has("calendar"):
        return True, body.name("calendar", None)
    if aligned is not None:
        return True, UTC if aligned else None
    return False, before.calendar if before else calendar


def _period(body: Body, key: str) -> Period:
    if not body.has(key) or body.is_null(key):
        body.blame(key, f"is required: one of {' '.join(CODES)}")
        return Period.DAY
    return body.choice(key, CODES, Period.DAY)


def _rates(
    body: Body, before: Limits, calendar: str | None
) -> list[tuple[RateLimit, bool]]:
    single, many = body.table("rate_limit"), body.tables("rate_limits")
    if single is not None and many is not None:
        body.blame("rate_limit", "write rate_limits alone: it is the whole list")
    known = {(rate.unit, rate.period): rate for rate in before.rate_limits}
    if single is not None:
        return _rate_pair(single, known, calendar)
    if many is None:
        return [(rate, False) for rate in before.rate_limits]
    return [_rate(each, known, calendar) for each in many]


_KnownRates = Mapping[tuple[Rated, Period], RateLimit]


def _rate_pair(
    body: Body, known: _KnownRates, calendar: str | None
) -> list[tuple[RateLimit, bool]]:
    """
    Read Bifrost's object of two limits; one that is not there is none.
    """
    rates = []
    for word, unit in _UNITS.items():
        most, duration = f"{word}_max_limit", f"{word}_reset_duration"
        amount = body.whole(most)
        if amount is None:
            is_told = body.has(duration) and not body.is_null(duration)
            if is_told and (not body.has(most) or body.is_null(most)):
                body.blame(duration, f"without {most} it limits nothing")
            continue
        period = _period(body, duration)
        before = known.get((unit, period))
        rates.append((_rate_of(unit, amount, period, before, calendar), False))
    body.close()
    return rates


def _rate(
    body: Body, known: _KnownRates, calendar: str | None
) -> tuple[RateLimit, bool]:
    if not body.has("unit"):
        body.blame("unit", "is required: tokens or requests")
    unit = body.choice("unit", _LONG_UNITS, Unit.REQUESTS)
    amount = body.whole("max_limit")
    if amount is None:
        body.blame("max_limit", "is required")
    period = _period(body, "reset_duration")
    before = known.get((unit, period))
    says_itself, calendar = _calendar(body, before, calendar)
    body.close()
    rate = _rate_of(unit, amount or 0, period, before, calendar)
    return attrs.evolve(rate, calendar=calendar), says_itself


def _rate_of(
    unit: Rated,
    amount: int,
    period: Period,
    before: RateLimit | None,
    calendar: str | None,
) -> RateLimit:
    if before is not None:
        return attrs.evolve(before, amount=amount)
    return RateLimit(unit=unit, amount=amount, period=period, calendar=calendar)


# --- writing --------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class LimitWriter:
    """
    Writes the limits of owners.

    Attributes:
        standings: What is used, by the meters' ids.
        now: Unix seconds.
        for_callers: Whether it leaves out who raised a budget, and why.
    """

    standings: Mapping[str, Standing]
    now: float
    for_callers: bool = False

    def limits(
        self, owner: Owner, limits: Limits, times: tuple[float, float]
    ) -> dict[str, Any]:
        """
        Write everything that limits *owner*.

        Args:
            times: When it was created and changed.
        """
        rates = [self.rate(owner, rate) for rate in limits.rate_limits]
        document = {
            "budgets": [self.budget(owner, one, times) for one in limits.budgets],
            "rate_limit_id": wire.rate_limit_id(owner) if rates else None,
            "rate_limit": self.rate_limit(owner, limits, times),
            "calendar_aligned": is_aligned(limits),
            "rate_limits": rates,
            "max_parallel": limits.max_parallel,
        }
        if limits.max_parallel is not None:
            found = self.standings.get(meter_id(owner, Unit.IN_FLIGHT, None))
            document["in_flight"] = found.held if found else 0
        return wire.without_empty(document, "budgets", "rate_limit_id", "rate_limit")

    def budget(
        self, owner: Owner, budget: Budget, times: tuple[float, float]
    ) -> dict[str, Any]:
        """
        Write one budget.
        """
        standing = self.standings.get(meter_id(owner, Unit.MONEY, budget.period))
        raises = [extra for extra in budget.overrides if extra.until > self.now]
        created, updated = times
        document: dict[str, Any] = {
            "id": wire.budget_id(owner, budget.period),
            "max_limit": wire.usd(budget.limit_nano),
            "reset_duration": code_of(budget.period),
            **self._window(standing, created),
            "current_usage": wire.usd(standing.spent if standing else 0),
            wire.OWNER_FIELDS[owner.kind]: wire.owner_ref(owner),
            "calendar_aligned": budget.calendar is not None,
            "config_hash": wire.hash_of(budget),
            "created_at": utc_text(created),
            "updated_at": utc_text(updated),
            "owner": str(owner),
            "effective_limit": wire.usd(budget.limit_at(self.now)),
            "held": wire.usd(max(0, standing.held) if standing else 0),
            "burned": wire.usd(standing.burned if standing else 0),
            "calendar": budget.calendar,
            "mode": budget.mode,
            "overrides": [self._override(extra) for extra in raises],
        }
        if raises:
            raised = sum(extra.amount for extra in raises)
            document["override_amount"] = wire.usd(raised)
        return document

    def rate_limit(
        self, owner: Owner, limits: Limits, times: tuple[float, float]
    ) -> dict[str, Any] | None:
        """
        Write the first limit of tokens and of requests as Bifrost's one object.
        """
        if not limits.rate_limits:
            return None
        created, updated = times
        document: dict[str, Any] = {"id": wire.rate_limit_id(owner)}
        for word, unit in _UNITS.items():
            rate = next((one for one in limits.rate_limits if one.unit is unit), None)
            standing = None if rate is None else self._standing(owner, rate)
            if rate is not None:
                document[f"{word}_max_limit"] = rate.amount
                document[f"{word}_reset_duration"] = code_of(rate.period)
            window = self._window(standing, created)
            document[f"{word}_current_usage"] = standing.spent if standing else 0
            document[f"{word}_last_reset"] = window["last_reset"]
        return {
            **document,
            "calendar_aligned": any(rate.calendar for rate in limits.rate_limits),
            "config_hash": wire.hash_of(limits.rate_limits),
            "created_at": utc_text(created),
            "updated_at": utc_text(updated),
        }

    def rate(self, owner: Owner, rate: RateLimit) -> dict[str, Any]:
        """
        Write one rate limit.
        """
        standing = self._standing(owner, rate)
        return {
            "unit": "tokens" if rate.unit is Unit.TOKENS else "requests",
            "max_limit": rate.amount,
            "reset_duration": code_of(rate.period),
            "calendar": rate.calendar,
            **self._window(standing, None),
            "current_usage": standing.spent if standing else 0,
            "held": max(0, standing.held) if standing else 0,
        }

    def _standing(self, owner: Owner, rate: RateLimit) -> Standing | None:
        return self.standings.get(meter_id(owner, rate.unit, rate.period))

    @staticmethod
    def _window(standing: Standing | None, begun: float | None) -> dict[str, Any]:
        if standing is None or not standing.ends:
            return {"last_reset": wire.moment(begun), "resets_at": None}
        return {
            "last_reset": utc_text(standing.starts / MICROS),
            "resets_at": utc_text(standing.ends / MICROS),
        }

    def _override(self, extra: Override) -> dict[str, Any]:
        told: dict[str, Any] = {
            "amount": wire.usd(extra.amount),
            "until": None if extra.until >= FOR_EVER else utc_text(extra.until),
        }
        if not self.for_callers:
            told |= {"reason": extra.reason, "actor": extra.actor}
        return told
