from __future__ import annotations

import pytest

from gateway.clock import SystemClock, read_span, utc_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000.25, "2023-11-14T22:13:20.250Z"),
    ],
)
def test_times_are_written_as_rfc_3339(seconds, text):
    """
    UTC, with milliseconds, without any locale.
    """
    assert utc_text(seconds) == text


def test_the_system_clock_goes_on():
    """
    The monotonic clock never goes back.
    """
    clock = SystemClock()

    assert clock.monotonic() <= clock.monotonic()
    assert clock.now() > 1_700_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("30min", 1800), ("8h", 28_800), ("7d", 604_800)],
)
def test_spans_are_read_as_people_write_them(text, seconds):
    """
    A whole number and its unit.
    """
    assert read_span(text) == seconds
    assert read_span("2w") == 1_209_600


@pytest.mark.parametrize("text", ["", "8", "h", "0s", "-1h", "1.5h", "8 h", "9999999d"])
def test_what_is_no_span_is_refused(text):
    """
    Nothing is guessed, and none leads out of the calendar.
    """
    with pytest.raises(ValueError, match=r"write it as|thousand years"):
        read_span(text)
