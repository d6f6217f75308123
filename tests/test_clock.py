from __future__ import annotations

import pytest

from gateway.clock import SystemClock, utc_text


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
