"""
Time, injected so that tests own it.
"""

from __future__ import annotations

import re
import time
from typing import Final, Protocol

_SPAN: Final = re.compile(r"([1-9][0-9]{0,8})(s|m|min|h|d|w)")
_SECONDS: Final = {
    "s": 1,
    "m": 60,
    "min": 60,
    "h": 3_600,
    "d": 86_400,
    "w": 604_800,
}
#: A thousand years: no span leads out of the calendar.
_MAX_SPAN_S: Final = 1_000 * 365 * 86_400


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


def read_span(text: str) -> int:
    """
    Read a span of time as people write it, ``90s``, ``30m``, ``8h``, ``7d`` or ``2w``, as seconds.

    Raises:
        ValueError: It is none, or of more than a thousand years.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        msg = "write it as 90s, 30m, 8h, 7d or 2w"
        raise ValueError(msg)
    span_s = int(found[1]) * _SECONDS[found[2]]
    if span_s > _MAX_SPAN_S:
        msg = "is more than a thousand years"
        raise ValueError(msg)
    return span_s
