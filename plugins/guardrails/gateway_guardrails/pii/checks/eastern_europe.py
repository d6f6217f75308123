"""
Numbers of the Baltic states, Greece, Kazakhstan, Russia and Ukraine.

Sources: the authorities that give them out, named with each kind.
"""

from __future__ import annotations

from gateway_guardrails.pii.checks.dates import is_day, is_short_day
from gateway_guardrails.pii.checks.sums import is_repeated, weighed

__all__ = ["afm", "iin", "inn", "isikukood", "personas_kods", "rntrc", "snils"]


def isikukood(value: str) -> bool:
    """
    Tell whether *value* has a century, a date and the check digit of Estonia and Lithuania.
    """
    if value[0] not in "123456":
        return False
    year = 1800 + (int(value[0]) - 1) // 2 * 100 + int(value[1:3])
    return is_day(year, int(value[3:5]), int(value[5:7])) and _twice_weighed(
        value, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1), (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)
    )


def personas_kods(value: str) -> bool:
    """
    Tell whether *value* has a date and the check digit of Latvia, or is of 2017 and later: 32.
    """
    if value[:2] == "32":
        return True
    rest = (1 + weighed(value, (10, 5, 8, 4, 2, 1, 6, 3, 7, 9))) % 11 % 10
    return (
        value[6] in "012"
        and is_short_day(value[4:6], value[2:4], value[:2])
        and rest == int(value[10])
    )


def afm(value: str) -> bool:
    """
    Tell whether the last digit is that of a Greek taxpayer.
    """
    weights = (256, 128, 64, 32, 16, 8, 4, 2)
    return not is_repeated(value) and weighed(value, weights) % 11 % 10 == int(value[8])


def inn(value: str) -> bool:
    """
    Tell whether *value* is a Russian taxpayer: a company of ten digits, a person of twelve.
    """
    if is_repeated(value):
        return False
    if len(value) == 10:
        rest = weighed(value, (2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
        return rest == int(value[9])
    first = weighed(value, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    second = weighed(value, (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return value[10:] == f"{first}{second}"


def snils(value: str) -> bool:
    """
    Tell whether the last two digits are those of a person insured in Russia.
    """
    rest = weighed(value, range(9, 0, -1)) % 101 % 100
    return not is_repeated(value[:9]) and rest == int(value[9:])


def rntrc(value: str) -> bool:
    """
    Tell whether the last digit is that of a Ukrainian taxpayer.
    """
    rest = weighed(value, (-1, 5, 7, 9, 4, 6, 10, 5, 7)) % 11 % 10
    return not is_repeated(value) and rest == int(value[9])


def iin(value: str) -> bool:
    """
    Tell whether *value* has a date and the check digit of Kazakhstan.
    """
    return is_short_day(value[:2], value[2:4], value[4:6]) and _twice_weighed(
        value, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
    )


def _twice_weighed(
    value: str, weights: tuple[int, ...], again: tuple[int, ...]
) -> bool:
    rest = weighed(value, weights) % 11
    if rest == 10:
        rest = weighed(value, again) % 11
    return rest % 10 == int(value[-1])
