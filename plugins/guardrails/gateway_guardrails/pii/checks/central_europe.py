"""
Numbers of Austria, Switzerland, Germany's insurers, Poland's cards, Hungary and the Balkans.

Sources: the authorities that give them out, named with each kind.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks.dates import is_day, is_short_day
from gateway_guardrails.pii.checks.sums import is_repeated, mod_11_10, weighed

__all__ = [
    "adoazonosito",
    "at_svnr",
    "emso",
    "jmbg",
    "kvnr",
    "oib",
    "pl_card",
    "swiss_company",
    "taj",
]

_SLOVENIA: Final = range(50, 60)


def at_svnr(value: str) -> bool:
    """
    Tell whether *value* has the check digit of Austria, its fourth, and a date.
    """
    rest = weighed(value, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11
    return (
        value[0] != "0"
        and rest == int(value[3])
        and is_short_day(value[8:], value[6:8], value[4:6])
    )


def swiss_company(value: str) -> bool:
    """
    Tell whether the digits behind CHE end with their check digit.
    """
    rest = -weighed(value[3:11], (5, 4, 3, 2, 7, 6, 5, 4)) % 11
    return value.startswith("CHE") and str(rest) == value[11]


def kvnr(value: str) -> bool:
    """
    Tell whether the last digit is that of a German health insurance's member.
    """
    digits = f"{ord(value[0]) - 64:02d}{value[1:9]}"
    total = 0
    for at, one in enumerate(digits):
        tens, ones = divmod(int(one) * (1 + at % 2), 10)
        total += tens + ones
    return total % 10 == int(value[9])


def pl_card(value: str) -> bool:
    """
    Tell whether the first digit is the check digit of a Polish identity card.
    """
    counted = (int(one, 36) for one in value)
    weights = (7, 3, 1, 9, 7, 3, 1, 7, 3)
    return sum(map(int.__mul__, weights, counted)) % 10 == 0


def taj(value: str) -> bool:
    """
    Tell whether the last digit is that of a person insured in Hungary.
    """
    return not is_repeated(value) and (
        weighed(value, (3, 7, 3, 7, 3, 7, 3, 7)) % 10 == int(value[8])
    )


def adoazonosito(value: str) -> bool:
    """
    Tell whether *value* is a Hungarian taxpayer: an 8, days since 1867, and a check digit.
    """
    return value[0] == "8" and weighed(value, range(1, 10)) % 11 == int(value[9])


def oib(value: str) -> bool:
    """
    Tell whether the last digit is that of a person in Croatia (ISO 7064 mod 11,10).
    """
    return not is_repeated(value) and mod_11_10(value)


def emso(value: str) -> bool:
    """
    Tell whether *value* is one of Slovenia, by its region.
    """
    return int(value[7:9]) in _SLOVENIA and jmbg(value)


def jmbg(value: str) -> bool:
    """
    Tell whether *value* has a date, and the check digit of what was Yugoslavia.
    """
    year = int(value[4:7]) + (1000 if value[4] == "9" else 2000)
    rest = -weighed(value, (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return is_day(year, int(value[2:4]), int(value[:2])) and str(rest % 10) == value[12]
