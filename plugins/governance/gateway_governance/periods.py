"""
Which window an instant falls into: of a period counted from an anchor, or of a calendar.

Windows of one kind tile time: each instant has exactly one, whatever the zone's clocks do, and
the same instant has the same one again when the machine's clock was put back.  All of it is
arithmetic in whole seconds; the floats that go in and out hold them exactly.

Without a calendar, windows follow one another from the anchor on, which counts in whole seconds.
Those of a month and more keep the anchor's day and time of day in UTC; where a month is too
short for that day it is the month's last, found from the anchor each time: 31 January,
28 February, 31 March.

With a calendar, a window begins at the first instant of the local day, Monday, month, quarter or
year that exists in its zone.  Minutes, five minutes and hours are cut in UTC, the same for every
zone.  A day that a zone left out has no window; an hour that is lived through twice around
midnight belongs to the day that has begun.

Zones come from the system, or else from the package ``tzdata``; ``PYTHONTZPATH=`` in the
environment leaves only the package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from gateway_governance.entities import Period

#: Letter codes of the management API; case tells minutes from months.
CODES: Final[Mapping[str, Period]] = MappingProxyType(
    {
        "1m": Period.MINUTE,
        "5m": Period.FIVE_MINUTES,
        "1h": Period.HOUR,
        "1d": Period.DAY,
        "1w": Period.WEEK,
        "1M": Period.MONTH,
        "1Q": Period.QUARTER,
        "1Y": Period.YEAR,
    }
)

_DAY_S: Final = 86_400
_LENGTH_S: Final = {
    Period.MINUTE: 60,
    Period.FIVE_MINUTES: 300,
    Period.HOUR: 3_600,
    Period.DAY: _DAY_S,
    Period.WEEK: 7 * _DAY_S,
}
_MONTHS: Final = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}
#: Cut in UTC also where a calendar is named.
_CUT_IN_UTC: Final = frozenset({Period.MINUTE, Period.FIVE_MINUTES, Period.HOUR})

#: The Gregorian calendar repeats every 400 years, which are whole weeks.
_CYCLE_DAYS: Final = 146_097
_CYCLE_S: Final = _CYCLE_DAYS * _DAY_S
#: 1 January of 400 and of 9600: `datetime` ends at 9999, and a window may be a year long.
_FIRST_S: Final = -49_544_438_400
_LAST_S: Final = 240_779_520_000
#: Beyond, floats of whole seconds are not exact.
_MAX_S: Final = 1 << 53

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: 1970-01-01 was a Thursday.
_FIRST_MONDAY: Final = 4


@attrs.frozen
class Window:
    """
    A stretch of time in Unix seconds: *start* is in it, *end* is not and may be infinite.
    """

    start: float
    end: float

    def covers(self, at: float) -> bool:
        """
        Tell whether *at* is in it.
        """
        return self.start <= at < self.end


def code_of(period: Period) -> str:
    """
    Return the letter code of *period*.
    """
    return _CODE_OF[period]


def window_at(
    period: Period, at: float, *, calendar: str | None, anchor: float
) -> Window:
    """
    Return the window of *period* that *at* falls into.

    Args:
        at: Unix seconds.
        calendar: IANA zone whose calendar cuts the windows; None counts them from *anchor*.
        anchor: Unix seconds, of which the whole ones count; unused with a calendar.

    Raises:
        ValueError: There is no such zone, or a time is not a finite number of seconds within
            2**53.
    """
    if calendar is None:
        return _tumbling(period, _whole(at), _whole(anchor))
    # Thousands of owners share a calendar; the window that was found last is mostly theirs.
    latest = _latest.get((period.value, calendar))
    if latest is not None and latest.start <= at < latest.end:
        return latest
    window = _in_calendar(period, _whole(at), find_zone(calendar))
    _latest[period.value, calendar] = window
    return window


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo:
    """
    Return the IANA zone *name*.

    Raises:
        ValueError: There is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        msg = f"{name!r} is not an IANA time zone; write it as Europe/Berlin or Etc/UTC"
        raise ValueError(msg) from None


_CODE_OF: Final = {period: code for code, period in CODES.items()}

#: The window found last of each calendar; only names of zones that exist get in.
_latest: Final[dict[tuple[str, str], Window]] = {}


def _whole(at: float) -> int:
    if not -_MAX_S < at < _MAX_S:
        msg = f"{at} is not a time in Unix seconds"
        raise ValueError(msg)
    return int(at // 1)


# --- from an anchor on -------------------------------------------------------------------------


def _tumbling(period: Period, at: int, anchor: int) -> Window:
    length = _LENGTH_S.get(period)
    if length is not None:
        start = at - (at - anchor) % length
        return Window(float(start), float(start + length))
    step = _MONTHS[period]
    first, day, second = _date_and_second(anchor)

    def begin(number: int) -> int:
        month = first + number * step
        # The last day of a month is the one before the next month's first.
        last = _day_number(month + 1, 1) - 1
        return min(_day_number(month, day), last) * _DAY_S + second

    number = (_month_and_day(at // _DAY_S)[0] - first) // step
    if begin(number) > at:
        number -= 1
    return Window(float(begin(number)), float(begin(number + 1)))


def _date_and_second(at: int) -> tuple[int, int, int]:
    number, second = divmod(at, _DAY_S)
    month, day = _month_and_day(number)
    return month, day, second


# --- by a calendar -----------------------------------------------------------------------------


def _in_calendar(period: Period, at: int, zone: ZoneInfo) -> Window:
    if period in _CUT_IN_UTC:
        start = at - at % _LENGTH_S[period]
        return Window(float(start), float(start + _LENGTH_S[period]))
    shift = _shift_into_datetime(at)
    start, end = _local(period, at - shift, zone)
    return Window(float(start + shift), float(end + shift))


def _shift_into_datetime(at: int) -> int:
    """
    Return by how many seconds, in whole cycles of the calendar, *at* is out of reach.
    """
    if at < _FIRST_S:
        return (at - _FIRST_S) // _CYCLE_S * _CYCLE_S
    if at >= _LAST_S:
        return (at - _LAST_S + _CYCLE_S) // _CYCLE_S * _CYCLE_S
    return 0


def _local(period: Period, at: int, zone: ZoneInfo) -> tuple[int, int]:
    first, following = _CUTS[period]
    day = first((at + _offset_at(at, zone)) // _DAY_S)
    start = _begin_of_day(day, zone)
    while True:
        day = following(day)
        end = _begin_of_day(day, zone)
        # Clocks put back over midnight show the old day again after the new one has begun.
        if end > at:
            return start, end
        start = end


def _begin_of_day(number: int, zone: ZoneInfo) -> int:
    """
    Return the first instant at which the clocks of *zone* show day *number* or a later one.
    """
    midnight = number * _DAY_S
    naive = (_EPOCH + timedelta(seconds=midnight)).replace(tzinfo=zone)
    # PEP 495: fold 0 is the first of two midnights; in a gap it is the offset before, which
    # leads behind the gap.
    late = midnight - _seconds(naive.utcoffset())
    early = midnight - _seconds(naive.replace(fold=1).utcoffset())
    if late <= early:
        return late
    # No midnight: the day begins where the clocks were put forward, after early, by late.
    while late - early > 1:
        middle = (early + late) // 2
        if middle + _offset_at(middle, zone) >= midnight:
            late = middle
        else:
            early = middle
    return late


def _offset_at(at: int, zone: ZoneInfo) -> int:
    return _seconds((_EPOCH + timedelta(seconds=at)).astimezone(zone).utcoffset())


def _seconds(offset: timedelta | None) -> int:
    if offset is None:  # only of datetimes without a zone
        msg = "the zone tells no offset"
        raise ValueError(msg)
    return offset.days * _DAY_S + offset.seconds


def _month_start(step: int) -> Callable[[int], int]:
    def first(number: int) -> int:
        month = _month_and_day(number)[0]
        return _day_number(month - month % step, 1)

    return first


def _next_month(step: int) -> Callable[[int], int]:
    return lambda number: _day_number(_month_and_day(number)[0] + step, 1)


#: How to find a period's first day from any day in it, and the next period's from that.
_CUTS: Final[Mapping[Period, tuple[Callable[[int], int], Callable[[int], int]]]] = {
    Period.DAY: (lambda number: number, lambda number: number + 1),
    Period.WEEK: (
        lambda number: number - (number - _FIRST_MONDAY) % 7,
        lambda number: number + 7,
    ),
    **{
        period: (_month_start(step), _next_month(step))
        for period, step in _MONTHS.items()
    },
}


# --- the Gregorian calendar, without end in either direction -----------------------------------
# A month is counted as 12 * year + month - 1, a day from 1970-01-01.  A year begins in March
# here, so that the leap day is its last and the months before it have one formula.


def _day_number(month: int, day: int) -> int:
    year, month = divmod(month - 2, 12)
    cycle, year = divmod(year, 400)
    in_year = (153 * month + 2) // 5 + day - 1
    in_cycle = year * 365 + year // 4 - year // 100 + in_year
    return cycle * _CYCLE_DAYS + in_cycle - 719_468


def _month_and_day(number: int) -> tuple[int, int]:
    cycle, in_cycle = divmod(number + 719_468, _CYCLE_DAYS)
    year = (
        in_cycle - in_cycle // 1_460 + in_cycle // 36_524 - in_cycle // 146_096
    ) // 365
    in_year = in_cycle - (365 * year + year // 4 - year // 100)
    month = (5 * in_year + 2) // 153
    day = in_year - (153 * month + 2) // 5 + 1
    return (cycle * 400 + year) * 12 + month + 2, day
