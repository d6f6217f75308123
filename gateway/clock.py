"""
Time, injected so that tests own it.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """
    Two ways to tell the time.
    """

    def now(self) -> float:
        """
        Return Unix seconds; may jump.
        """

    def monotonic(self) -> float:
        """
        Return seconds since some moment; never goes back.
        """


class SystemClock:
    """
    The machine's clocks.
    """

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


def utc_text(seconds: float) -> str:
    """
    Write Unix *seconds* as RFC 3339 in UTC with milliseconds.
    """
    whole = int(seconds)
    parts = time.gmtime(whole)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', parts)}.{int((seconds - whole) * 1000):03d}Z"
