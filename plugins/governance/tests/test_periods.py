from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import pytest

from gateway_governance.entities import Period
from gateway_governance.periods import CODES, Window, code_of, find_zone, window_at

DAY_S = 86_400
STEP_S = 6 * 3_600
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CALENDAR_PERIODS = [
    Period.DAY,
    Period.WEEK,
    Period.MONTH,
    Period.QUARTER,
    Period.YEAR,
]
ALL_ZONES = sorted(available_timezones())

#: Clocks put back over midnight, put forward at midnight, days left out or lived twice, offsets
#: of half and quarter hours, transitions at one minute past.
ODD_ZONES = [
    "Africa/Cairo",
    "America/Havana",
    "America/Juneau",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Manila",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kwajalein",
]


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def iso(at: float) -> str:
    return (EPOCH + timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ")


def of_calendar(period: Period, at: float, zone: str) -> Window:
    return window_at(period, at, calendar=zone, anchor=0.0)


def of_anchor(period: Period, at: float, anchor: float) -> Window:
    return window_at(period, at, calendar=None, anchor=anchor)


def label(period: Period, local: datetime) -> tuple[int, int]:
    """
    Number the calendar period that the wall clock *local* shows, the slow and obvious way.
    """
    if period is Period.WEEK:
        year, week, _ = local.isocalendar()
        return year, week
    length = {
        Period.DAY: None,
        Period.MONTH: 1,
        Period.QUARTER: 3,
        Period.YEAR: 12,
    }[period]
    if length is None:
        return local.year, local.timetuple().tm_yday
    return local.year, (local.month - 1) // length


def starts_by_walking(
    zone: str, period: Period, first: float, last: float
) -> list[float]:
    """
    Find where the greatest label so far grows, by looking at the wall clock all the way.

    Around a change of the clocks every minute is looked at, elsewhere every sixth hour.
    """
    tz = find_zone(zone)

    def shown(at: float) -> datetime:
        return (EPOCH + timedelta(seconds=at)).astimezone(tz)

    starts = []
    at, clock = first, shown(first)
    greatest = label(period, clock)
    while at < last:
        following, then = at + STEP_S, shown(at + STEP_S)
        if then.utcoffset() != clock.utcoffset():
            ends = [at + 60 * count for count in range(1, STEP_S // 60 + 1)]
        else:
            ends = [following]
        for end in ends:
            if label(period, shown(end)) > greatest:
                low, high = at, end
                while high - low > 1:
                    middle = (low + high) // 2
                    if label(period, shown(middle)) > greatest:
                        high = middle
                    else:
                        low = middle
                starts.append(high)
                greatest = label(period, shown(high))
            at = end
        clock = then
    return starts


def check_tiling(period: Period, zone: str | None, first: float, last: float) -> None:
    """
    Walk from window to window, looking at both ends and the middle of each.
    """

    def window_of(at: float) -> Window:
        return window_at(period, at, calendar=zone, anchor=-86_399.0)

    window = window_of(first)
    assert window.covers(first)
    while window.start < last:
        middle = (window.start + window.end) // 2
        for at in (window.end - 1, window.start, middle, window.end - 0.25):
            assert window_of(at) == window, (period, zone, iso(at))
        following = window_of(window.end)
        assert following.start == window.end, (period, zone, iso(window.end))
        assert following.end > following.start
        window = following


class TestCodes:
    def test_each_period_has_one_code_and_back(self):
        """
        The management API can say every period, and minutes are not months.
        """
        assert list(CODES.values()) == list(Period)
        assert [CODES[code_of(period)] for period in Period] == list(Period)
        assert (CODES["1m"], CODES["1M"]) == (Period.MINUTE, Period.MONTH)


class TestTumbling:
    @pytest.mark.parametrize("period", list(Period), ids=lambda period: period.name)
    def test_windows_tile_time_around_the_epoch(self, period):
        """
        No instant has two windows or none, before 1970 as after.
        """
        length = of_anchor(period, 0.0, 0.0)
        span = 40 * (length.end - length.start)

        check_tiling(period, None, -span, span)

    def test_the_first_window_begins_at_the_anchor(self):
        """
        What counts from a reset counts from that second on.
        """
        anchor = unix("2026-11-28T14:06:20+00:00")

        windows = [of_anchor(period, anchor, anchor) for period in Period]

        assert [window.start for window in windows] == [anchor] * len(Period)

    @pytest.mark.parametrize(
        ("anchor", "starts"),
        [
            (29, ["01-29", "02-28", "03-29", "04-29", "05-29"]),
            (30, ["01-30", "02-28", "03-30", "04-30", "05-30"]),
            (31, ["01-31", "02-28", "03-31", "04-30", "05-31"]),
        ],
    )
    def test_short_months_do_not_wear_the_anchor_down(self, anchor, starts):
        """
        After February the day of the anchor is back.
        """
        at = unix(f"2026-01-{anchor}T08:30:00+00:00")

        found = []
        for _ in starts:
            window = of_anchor(
                Period.MONTH, at, unix(f"2020-01-{anchor}T08:30:00+00:00")
            )
            found.append(window.start)
            at = window.end

        assert [iso(start) for start in found] == [
            f"2026-{start}T08:30:00Z" for start in starts
        ]

    def test_a_year_from_a_leap_day_ends_on_the_28th_until_the_next_leap_year(self):
        """
        29 February comes back when the year has one.
        """
        anchor = unix("2024-02-29T00:00:00+00:00")

        ends = [
            iso(
                of_anchor(Period.YEAR, unix(f"{year}-06-01T00:00:00+00:00"), anchor).end
            )
            for year in range(2024, 2029)
        ]

        assert [end[:10] for end in ends] == [
            "2025-02-28",
            "2026-02-28",
            "2027-02-28",
            "2028-02-29",
            "2029-02-28",
        ]

    def test_a_quarter_is_three_months_from_the_anchor(self):
        """
        Without a calendar, quarters begin where the anchor says, not in January.
        """
        window = of_anchor(
            Period.QUARTER,
            unix("2026-05-01T00:00:00+00:00"),
            unix("2025-11-30T12:00:00+00:00"),
        )

        assert (iso(window.start), iso(window.end)) == (
            "2026-02-28T12:00:00Z",
            "2026-05-30T12:00:00Z",
        )

    def test_an_anchor_counts_in_whole_seconds(self):
        """
        Adding lengths to a fraction would drift; a window begins at a whole second.
        """
        window = of_anchor(Period.MINUTE, 1_000.3, 1_000.9)

        assert window == Window(1_000.0, 1_060.0)

    def test_an_anchor_may_lie_ahead(self):
        """
        A budget can be declared before its first period begins.
        """
        window = of_anchor(Period.MONTH, 0.0, unix("2026-11-15T00:00:00+00:00"))

        assert (iso(window.start), iso(window.end)) == (
            "1969-12-15T00:00:00Z",
            "1970-01-15T00:00:00Z",
        )

    def test_days_and_months_agree_with_datetime_over_four_centuries(self, rng):
        """
        The calendar's own arithmetic is the standard library's.
        """
        for _ in range(2_000):
            day = datetime(1800, 1, 1, tzinfo=UTC) + timedelta(
                days=rng.randrange(146_097), seconds=rng.randrange(DAY_S)
            )
            first = day.replace(day=1, hour=0, minute=0, second=0)

            window = of_anchor(Period.MONTH, day.timestamp(), 0.0)

            assert window.start == first.timestamp()
            assert window.end == (first + timedelta(days=32)).replace(day=1).timestamp()

    def test_windows_hold_far_beyond_datetime(self):
        """
        A clock gone wild has a window too, exact to the second.
        """
        for at in (9e15, -9e15):
            for period in Period:
                window = of_anchor(period, at, 1.0)

                assert window.covers(at)
                assert of_anchor(period, window.end, 1.0).start == window.end


class TestCalendar:
    @pytest.mark.parametrize("zone", ODD_ZONES)
    @pytest.mark.parametrize("period", CALENDAR_PERIODS, ids=lambda period: period.name)
    def test_windows_begin_when_the_wall_clock_first_shows_them(self, zone, period):
        """
        In every zone with a history, a period begins at its first instant that exists.
        """
        first = unix("2009-06-01T00:30:00+00:00")
        last = unix("2012-03-01T00:00:00+00:00")

        starts = starts_by_walking(zone, period, first, last)

        at, found = of_calendar(period, first, zone).end, []
        while at < last:
            found.append(at)
            at = of_calendar(period, at, zone).end
        assert found == [start for start in starts if start < last]

    @pytest.mark.parametrize("zone", ODD_ZONES)
    @pytest.mark.parametrize("period", CALENDAR_PERIODS, ids=lambda period: period.name)
    def test_windows_tile_time(self, zone, period):
        """
        No instant has two windows or none, however the zone's clocks were moved.
        """
        years = 3 if period in {Period.DAY, Period.WEEK} else 40
        first = unix("2009-12-25T00:00:00+00:00")

        check_tiling(period, zone, first, first + years * 366 * DAY_S)

    def test_a_day_lost_at_the_date_line_has_no_window(self):
        """
        Samoa left 30 December 2011 out: the 29th is followed by the 31st.
        """
        window = of_calendar(
            Period.DAY, unix("2011-12-30T09:59:59+00:00"), "Pacific/Apia"
        )
        following = of_calendar(Period.DAY, window.end, "Pacific/Apia")

        assert iso(window.end) == "2011-12-30T10:00:00Z"
        assert following.end - following.start == DAY_S

    def test_a_day_without_midnight_begins_when_the_clocks_were_put_forward(self):
        """
        In Beirut 00:00 becomes 01:00: the day has 23 hours and begins all the same.
        """
        window = of_calendar(
            Period.DAY, unix("2026-03-29T12:00:00+03:00"), "Asia/Beirut"
        )

        assert iso(window.start) == "2026-03-28T22:00:00Z"
        assert window.end - window.start == 23 * 3_600

    def test_a_midnight_that_comes_twice_begins_one_day(self):
        """
        St. John's put 00:01 back to 23:01: the day has begun, and does not begin again.
        """
        zone, began = "America/St_Johns", unix("2010-11-07T00:00:00-02:30")

        minutes = [
            of_calendar(Period.DAY, began + 60 * minute, zone) for minute in range(90)
        ]

        assert {window.start for window in minutes} == {began}
        assert iso(minutes[0].end) == "2010-11-08T03:30:00Z"

    def test_weeks_begin_on_monday(self):
        """
        ISO 8601, whatever the zone's habits.
        """
        window = of_calendar(
            Period.WEEK, unix("2026-11-29T23:59:59-05:00"), "America/New_York"
        )

        assert iso(window.start) == "2026-11-23T05:00:00Z"
        assert iso(window.end) == "2026-11-30T05:00:00Z"

    def test_quarters_begin_in_january_april_july_october(self):
        """
        Calendar quarters, in local time on both sides of a change of the clocks.
        """
        starts = [
            iso(
                of_calendar(
                    Period.QUARTER,
                    unix(f"2026-{month:02}-20T00:00:00+00:00"),
                    "Europe/Berlin",
                ).start
            )
            for month in range(1, 13)
        ]

        assert [start for start, _ in itertools.groupby(starts)] == [
            "2025-12-31T23:00:00Z",
            "2026-03-31T22:00:00Z",
            "2026-06-30T22:00:00Z",
            "2026-09-30T22:00:00Z",
        ]

    @pytest.mark.parametrize(
        ("period", "length_s"),
        [(Period.MINUTE, 60), (Period.FIVE_MINUTES, 300), (Period.HOUR, 3_600)],
        ids=["minute", "5 minutes", "hour"],
    )
    def test_what_is_shorter_than_a_day_is_cut_in_utc(self, period, length_s):
        """
        An hour of Kathmandu, which is 5:45 ahead, is an hour of everybody's.
        """
        at = unix("2026-11-28T14:06:20+00:00")

        window = of_calendar(period, at, "Asia/Kathmandu")

        assert (window.start % length_s, window.end - window.start) == (0, length_s)
        assert window.covers(at)

    def test_a_clock_put_back_finds_the_same_window_again(self, rng):
        """
        The window of an instant depends on nothing that was asked before.
        """
        instants = [rng.uniform(-2e9, 8e9) for _ in range(500)]
        periods = [rng.choice(CALENDAR_PERIODS) for _ in instants]
        asked = list(zip(periods, instants, strict=True))
        before = [of_calendar(*each, "America/Havana") for each in asked]

        again = [of_calendar(*each, "America/Havana") for each in reversed(asked)]

        assert again[::-1] == before

    def test_windows_hold_far_beyond_datetime(self):
        """
        Years before 1 and after 9999 are those 400 years nearer, clocks and all.
        """
        for at in (-9e15, -5e10, -49_544_438_400.0, 240_779_520_000.0, 3e11, 9e15):
            for period in CALENDAR_PERIODS:
                window = of_calendar(period, at, "Europe/Berlin")

                assert window.covers(at)
                assert of_calendar(period, window.end - 1, "Europe/Berlin") == window
                following = of_calendar(period, window.end, "Europe/Berlin")
                assert following.start == window.end


class TestRefusals:
    @pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "a\0b"])
    def test_what_is_no_zone_is_refused_by_name(self, name):
        """
        A calendar is checked where it is written, with words that help.
        """
        with pytest.raises(ValueError, match="is not an IANA time zone"):
            of_calendar(Period.DAY, 0.0, name)

    @pytest.mark.parametrize("at", [float("nan"), float("inf"), 1e16, -1e16])
    def test_what_is_no_time_is_refused(self, at):
        """
        Nothing is counted in a window that cannot be told exactly.
        """
        for calendar in (None, "Etc/UTC"):
            with pytest.raises(ValueError, match="is not a time"):
                window_at(Period.DAY, at, calendar=calendar, anchor=0.0)


class TestZones:
    def test_a_sample_of_zones_tiles_time_and_begins_where_it_should(self, rng):
        """
        Any zone of the system, any stretch of twenty years.
        """
        for zone in rng.sample(ALL_ZONES, 12):
            first = unix(f"{rng.randrange(1990, 2027)}-01-01T12:00:00+00:00")
            last = first + 400 * DAY_S

            for period in CALENDAR_PERIODS:
                check_zone(zone, period, first, last)

    @pytest.mark.deep
    @pytest.mark.parametrize("zone", ALL_ZONES)
    def test_every_zone_over_twenty_years(self, zone):
        """
        All zones x all month ends x all changes of the clocks, past and foreseen.
        """
        for year in (1985, 2006, 2027):
            first = unix(f"{year}-01-01T12:00:00+00:00")

            for period in CALENDAR_PERIODS:
                check_zone(zone, period, first, first + 20 * 366 * DAY_S)


def check_zone(zone: str, period: Period, first: float, last: float) -> None:
    """
    Compare every window between *first* and *last* with the wall clock, then walk them.
    """
    starts = starts_by_walking(zone, period, first, last)
    at, found = of_calendar(period, first, zone).end, []
    while at < last:
        found.append(at)
        at = of_calendar(period, at, zone).end

    assert found == [start for start in starts if start < last], (zone, period)
    # Each window was found at the end of the one before; inside them two years are enough.
    check_tiling(period, zone, first, min(last, first + 800 * DAY_S))
