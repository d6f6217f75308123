"""
Dates inside of numbers.
"""

from __future__ import annotations

from typing import Final

__all__ = ["is_day", "is_short_day"]

_DAYS: Final = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_day(year: int, month: int, day: int) -> bool:
    """
    Tell whether there is such a day, and somebody alive may have been born on it.
    """
    if not (1 <= month <= 12 and 1 <= day <= _DAYS[month] and 1900 <= year < 2050):
        return False
    return not (month == 2 and day == 29) or (year % 4 == 0 and year != 1900)


def is_short_day(year: str, month: str, day: str) -> bool:
    """
    Tell the same where the century is not said.
    """
    two = int(year)
    return is_day(2000 + two if two < 50 else 1900 + two, int(month), int(day))
