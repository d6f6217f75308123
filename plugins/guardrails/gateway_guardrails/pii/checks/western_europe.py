"""
Numbers of Iceland and Spain, and those of companies that deal across the European Union.

Sources: the authorities that give them out, and the European Commission's VIES descriptions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from gateway_guardrails.pii.checks.central_europe import oib
from gateway_guardrails.pii.checks.dates import is_day
from gateway_guardrails.pii.checks.eastern_europe import afm
from gateway_guardrails.pii.checks.europe import bsn, pps
from gateway_guardrails.pii.checks.sums import luhn, mod_97, weighed, weighted

__all__ = ["eu_vat", "kennitala", "nss"]


def kennitala(value: str) -> bool:
    """
    Tell whether *value* has a date, a century and the check digit of Iceland.
    """
    rest = -weighed(value, (3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (
        value[9] in "890"
        and is_day(2000, int(value[2:4]), int(value[:2]) % 40)
        and rest == int(value[8])
    )


def nss(value: str) -> bool:
    """
    Tell whether the last two digits are those of a person insured in Spain.
    """
    province, number = int(value[:2]), int(value[2:10])
    body = province * (10**8 if number >= 10**7 else 10**7) + number
    return 1 <= province <= 66 and body % 97 == int(value[10:])


def eu_vat(value: str) -> bool:
    """
    Tell whether *value*, a country's letters and a number, passes that country's check.

    Digits alone are a Belgian company's number.
    """
    if value[:2].isdigit():
        return len(value) == 10 and _belgium(value)
    rest = value[2:]
    told = _STATES.get(value[:2])
    return told is not None and len(rest) in told[0] and told[1](rest)


def _austria(value: str) -> bool:
    if value[0] != "U" or not value[1:].isdigit():
        return False
    # Every second digit twice, as Luhn's, but from the left, and four more.
    doubled = (divmod(2 * int(one), 10) for one in value[2:8:2])
    total = 4 + sum(map(int, value[1:8:2])) + sum(map(sum, doubled))
    return -total % 10 == int(value[8])


def _belgium(value: str) -> bool:
    return value[0] in "01" and 97 - int(value[:8]) % 97 == int(value[8:])


def _france(value: str) -> bool:
    siren = value[2:]
    key = (12 + 3 * (int(siren) % 97)) % 97
    return luhn(siren) and value[:2] == f"{key:02d}"


def _netherlands(value: str) -> bool:
    body = value[:9]
    return (
        body.isdigit()
        and value[9] == "B"
        and value[10:].isdigit()
        and (bsn(body) or mod_97(f"NL{value}"))
    )


def _slovenia(value: str) -> bool:
    rest = 11 - weighed(value[:7], range(8, 1, -1)) % 11
    return value[0] != "0" and rest != 11 and rest % 10 == int(value[7])


def _finland(value: str) -> bool:
    return weighed(value, (7, 9, 10, 5, 8, 4, 2, 1)) % 11 == 0


def _sweden(value: str) -> bool:
    return value[10:] != "00" and luhn(value[:10])


def _digits(check: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda value: value.isdigit() and check(value)


#: How long the number is behind the letters, and its check; those with types of their own are not
#: here, nor those that give out no check.
_STATES: Final[Mapping[str, tuple[frozenset[int], Callable[[str], bool]]]] = {
    "AT": (frozenset({9}), _austria),
    "BE": (frozenset({10}), _digits(_belgium)),
    "DK": (frozenset({8}), _digits(weighted((2, 7, 6, 5, 4, 3, 2, 1), 11))),
    "EE": (frozenset({9}), _digits(weighted((3, 7, 1, 3, 7, 1, 3, 7, 1), 10))),
    "EL": (frozenset({9}), _digits(afm)),
    "FI": (frozenset({8}), _digits(_finland)),
    "FR": (frozenset({11}), _digits(_france)),
    "HR": (frozenset({11}), _digits(oib)),
    "HU": (frozenset({8}), _digits(weighted((9, 7, 3, 1, 9, 7, 3, 1), 10))),
    "IE": (frozenset({8, 9}), lambda value: value[:7].isdigit() and pps(value)),
    "LU": (frozenset({8}), _digits(lambda one: int(one[:6]) % 89 == int(one[6:]))),
    "MT": (frozenset({8}), _digits(weighted((3, 4, 6, 7, 8, 9, 10, 1), 37))),
    "NL": (frozenset({12}), _netherlands),
    "SE": (frozenset({12}), _digits(_sweden)),
    "SI": (frozenset({8}), _digits(_slovenia)),
    "SK": (frozenset({10}), _digits(lambda one: int(one) % 11 == 0)),
}
