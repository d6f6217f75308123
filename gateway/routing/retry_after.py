"""
When a provider says that it may be asked again, in any of the three spellings.

``retry-after-ms: 1500`` (OpenAI, Anthropic), ``retry-after: 2`` and ``retry-after: Wed,
21 Oct 2026 07:28:00 GMT`` (RFC 9110 section 10.2.3).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

#: Whoever asks for longer is asked again after this all the same: a broken clock, or a
#: broken proxy, must not take a provider away for a day.
MAX_RETRY_AFTER_S: Final = 900.0

_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")


def read_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """
    Return in how many seconds the provider may be asked again; None if it says nothing.

    Where several spellings came the longest wait holds.

    Args:
        headers: With names in any case, or in lower case.
        now: Unix seconds.
    """
    said = headers.get("retry-after", "").strip()
    found = [
        seconds
        for seconds in (
            _number(headers.get("retry-after-ms", "").strip(), 0.001),
            _number(said, 1.0),
            _date(said, now),
        )
        if seconds is not None
    ]
    return min(max(found), MAX_RETRY_AFTER_S) if found else None


def _number(text: str, scale: float) -> float | None:
    return float(text) * scale if _NUMBER.fullmatch(text) else None


def _date(text: str, now: float) -> float | None:
    if not text or text[0].isdigit() or len(text) > 64:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000"; HTTP dates are in GMT whatever they say
        moment = moment.replace(tzinfo=UTC)
    seconds = moment.timestamp() - now
    return max(seconds, 0.0) if math.isfinite(seconds) else None
