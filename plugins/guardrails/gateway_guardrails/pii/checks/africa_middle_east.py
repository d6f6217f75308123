"""
Numbers of Africa and the Middle East.

Sources: the authorities that give them out, named with each kind.
"""

from __future__ import annotations

from gateway_guardrails.pii.checks.dates import is_day
from gateway_guardrails.pii.checks.sums import is_repeated, luhn

__all__ = ["ae_id", "eg_id", "sa_id"]


def ae_id(value: str) -> bool:
    """
    Tell whether *value* is of the Emirates: their number in ISO 3166-1, and a year of birth.
    """
    return value.startswith("784") and 1900 <= int(value[3:7]) < 2050


def eg_id(value: str) -> bool:
    """
    Tell whether *value* has a century, a date and a governorate of Egypt.
    """
    year = {"2": 1900, "3": 2000}.get(value[0], 0) + int(value[1:3])
    governorate = int(value[7:9])
    return is_day(year, int(value[3:5]), int(value[5:7])) and (
        1 <= governorate <= 35 or governorate == 88
    )


def sa_id(value: str) -> bool:
    """
    Tell whether *value* is of a citizen or a resident of Saudi Arabia.
    """
    return value[0] in "12" and luhn(value) and not is_repeated(value[1:])
