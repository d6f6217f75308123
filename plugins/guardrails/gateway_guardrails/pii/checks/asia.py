"""
Numbers of South and South-East Asia.

Sources: the authorities that give them out, named with each kind.
"""

from __future__ import annotations

from gateway_guardrails.pii.checks.dates import is_short_day

__all__ = ["cccd", "cnic", "lk_nic", "nik"]


def cnic(value: str) -> bool:
    """
    Tell whether *value* begins with a province of Pakistan.
    """
    return value[0] in "12345678"


def nik(value: str) -> bool:
    """
    Tell whether *value* has a province and a date of Indonesia; forty is added to a woman's day.
    """
    day = int(value[6:8])
    return 11 <= int(value[:2]) <= 97 and is_short_day(
        value[10:12], value[8:10], str(day - 40 if day > 40 else day)
    )


def cccd(value: str) -> bool:
    """
    Tell whether *value* has a province and a century of Vietnam.
    """
    return value[0] == "0" and 1 <= int(value[1:3]) <= 96 and value[3] in "0123"


def lk_nic(value: str) -> bool:
    """
    Tell whether *value* has a day of the year, of Sri Lanka: five hundred is added to a woman's.
    """
    if len(value) == 10:
        return value[9] in "VX" and 1 <= int(value[2:5]) % 500 <= 366
    year = int(value[:4])
    return 1900 <= year < 2050 and 1 <= int(value[4:7]) % 500 <= 366
