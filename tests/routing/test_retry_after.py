from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.retry_after import MAX_RETRY_AFTER_S, read_retry_after

# Wed, 21 Oct 2026 07:28:00 GMT
NOW = 1_792_567_680.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": " 3 "}, 3.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "2500"}, 2.5),
        ({"retry-after-ms": "0.5"}, 0.0005),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, 30.0),
        ({"retry-after": "Wednesday, 21-Oct-26 07:28:30 GMT"}, 30.0),
        ({"retry-after": "Wed Oct 21 07:28:30 2026"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 -0000"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT"}, 0.0),
        ({"retry-after": "1", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "2", "retry-after-ms": "1500"}, 2.0),
        ({"retry-after": "86400"}, MAX_RETRY_AFTER_S),
        ({"retry-after": "Thu, 21 Oct 2027 07:28:00 GMT"}, MAX_RETRY_AFTER_S),
        ({"retry-after": "999999999999"}, MAX_RETRY_AFTER_S),
    ],
)
def test_reads_every_spelling(headers, seconds):
    """
    Seconds, milliseconds and dates are read; the longest wait holds, within a bound.
    """
    assert read_retry_after(headers, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_dates_are_in_gmt_wherever_the_gateway_stands(monkeypatch, zone):
    """
    A date without a zone is not taken for the machine's own time.
    """
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        seconds = read_retry_after({"retry-after": "Wed Oct 21 07:28:30 2026"}, NOW)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert seconds == 30.0


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "-1",
        "1e9",
        "inf",
        "nan",
        "\u0663",
        "9" * 13,
        "1,5",
        "x" * 100,
        "Wed",
    ],
)
def test_nonsense_says_nothing(value):
    """
    What is no time at all is taken for no header, not for zero.
    """
    assert (
        read_retry_after({"retry-after": value, "retry-after-ms": value}, NOW) is None
    )


def test_no_header_says_nothing():
    """
    A provider that does not say when is not said to have said now.
    """
    assert read_retry_after({}, NOW) is None


@given(st.text(max_size=80), st.text(max_size=20))
def test_never_fails(said, said_ms):
    """
    Whatever a provider sends is a bounded number of seconds, or nothing.
    """
    headers = {"retry-after": said, "retry-after-ms": said_ms}

    seconds = read_retry_after(headers, NOW)

    assert seconds is None or 0.0 <= seconds <= MAX_RETRY_AFTER_S
