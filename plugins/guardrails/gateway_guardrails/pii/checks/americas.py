"""
Numbers of the Americas.

Sources: SSA (POMS RM 10201), IRS (publications on ITIN and EIN), CMS (NPI check digit, MBI
format), 21 CFR 1301 (DEA), CRA, Receita Federal, SAT and RENAPO, AFIP, SII, DIAN, and the
authorities named with the other kinds.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks.dates import is_short_day
from gateway_guardrails.pii.checks.sums import is_repeated, luhn, weighed

__all__ = [
    "clabe",
    "cnpj",
    "co_cedula",
    "cpf",
    "cuit",
    "curp",
    "dea",
    "ec_ci",
    "ein",
    "itin",
    "mbi",
    "nit",
    "npi",
    "pe_ruc",
    "pis",
    "rfc",
    "rut",
    "sin",
    "ssn",
    "uy_ci",
]

#: Numbers that were printed in advertisements.
_PRINTED: Final = frozenset({"078051120", "219099999"})
_NO_EIN: Final = frozenset(
    {0, 7, 8, 9, 17, 18, 19, 28, 29, 49, 69, 70, 78, 79, 89, 96, 97}
)
_MBI_NUMERIC: Final = (0, 3, 6, 9, 10)
_MBI_ALPHA: Final = (1, 4, 7, 8)
_CURP: Final = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
_STATES: Final = frozenset(
    "AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL QT QR SP SL SR TC TS TL VZ "
    "YN ZS NE".split()
)


def ssn(value: str) -> bool:
    """
    Tell whether the SSA may have given out *value*.
    """
    return (
        value[:3] not in {"000", "666"}
        and value[0] != "9"
        and value[3:5] != "00"
        and value[5:] != "0000"
        and value not in _PRINTED
    )


def itin(value: str) -> bool:
    """
    Tell whether the IRS may have given out *value* to a person without a social security number.
    """
    group = int(value[3:5])
    return value[0] == "9" and (
        50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99
    )


def ein(value: str) -> bool:
    """
    Tell whether the first two digits are a campus of the IRS, and the rest not one digit.
    """
    return int(value[:2]) not in _NO_EIN and not is_repeated(value[2:])


def npi(value: str) -> bool:
    """
    Tell whether *value* has the check digit of a provider's number: Luhn behind 80840.
    """
    return value[0] in "12" and luhn("80840" + value)


def dea(value: str) -> bool:
    """
    Tell whether *value* has a registrant's letter and the check digit of the DEA.
    """
    digits = [int(one) for one in value[2:]]
    total = sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])
    return value[0] in "ABCDEFGHJKLMPRSTUX" and total % 10 == digits[6]


def mbi(value: str) -> bool:
    """
    Tell whether each place of *value* holds what the format of Medicare allows there.
    """
    return (
        value[0] != "0"
        and all(value[at].isdigit() for at in _MBI_NUMERIC)
        and all(value[at].isalpha() for at in _MBI_ALPHA)
        and not any(letter in "SLOIBZ" for letter in value)
    )


def sin(value: str) -> bool:
    """
    Tell whether *value* may be a Canadian insurance number; a 0 begins those of examples.
    """
    return value[0] != "8" and luhn(value) and not is_repeated(value)


def cpf(value: str) -> bool:
    """
    Tell whether both check digits of a Brazilian person are right.
    """
    if is_repeated(value):
        return False
    first = weighed(value, range(10, 1, -1)) * 10 % 11 % 10
    second = weighed(value, range(11, 1, -1)) * 10 % 11 % 10
    return value[9:] == f"{first}{second}"


def cnpj(value: str) -> bool:
    """
    Tell whether both check digits of a Brazilian company are right, letters counted as ASCII - 48.
    """
    if is_repeated(value) or not value[12:].isdigit():
        return False
    places = [ord(one) - 48 for one in value]
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    first = _check_of(places[:12], weights[1:])
    second = _check_of(places[:13], weights)
    return value[12:] == f"{first}{second}"


def _check_of(places: list[int], weights: tuple[int, ...]) -> int:
    rest = sum(w * p for w, p in zip(weights, places, strict=True)) % 11
    return 0 if rest < 2 else 11 - rest


def curp(value: str) -> bool:
    """
    Tell whether *value* has a date, a state, and the check digit of a Mexican person.
    """
    total = sum((18 - at) * _CURP.find(one) for at, one in enumerate(value[:17]))
    return (
        is_short_day(value[4:6], value[6:8], value[8:10])
        and value[10] in "HMX"
        and value[11:13] in _STATES
        and value[17].isdigit()
        and (10 - total % 10) % 10 == int(value[17])
    )


def rfc(value: str) -> bool:
    """
    Tell whether *value* has a date as a Mexican taxpayer's; not all have a right check character.
    """
    return is_short_day(value[-9:-7], value[-7:-5], value[-5:-3])


def cuit(value: str) -> bool:
    """
    Tell whether *value* has a kind of person and the check digit of Argentina's AFIP.
    """
    if value[:2] not in {"20", "23", "24", "25", "26", "27", "30", "33", "34"}:
        return False
    rest = 11 - weighed(value, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return int(value[10]) == {11: 0, 10: 9}.get(rest, rest)


def rut(value: str) -> bool:
    """
    Tell whether the last character, a digit or K, is that of a Chilean RUT.
    """
    total = sum(
        (at % 6 + 2) * int(digit) for at, digit in enumerate(reversed(value[:-1]))
    )
    return not is_repeated(value[:-1]) and "0K987654321"[total % 11] == value[-1]


def nit(value: str) -> bool:
    """
    Tell whether the last digit is that of a Colombian NIT.
    """
    weights = (3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71)
    rest = weighed(value[-2::-1], weights) % 11
    return int(value[-1]) == (rest if rest < 2 else 11 - rest)


def pis(value: str) -> bool:
    """
    Tell whether the last digit is that of a Brazilian worker.
    """
    check = -weighed(value, (3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return not is_repeated(value) and int(value[10]) == check % 10


def clabe(value: str) -> bool:
    """
    Tell whether the last digit is that of a Mexican account: weights 3, 7, 1, each modulo ten.
    """
    total = sum(int(one) * (3, 7, 1)[at % 3] % 10 for at, one in enumerate(value[:17]))
    return not is_repeated(value) and -total % 10 == int(value[17])


def co_cedula(value: str) -> bool:
    """
    Tell whether *value* may be of Colombia, where those of ten digits begin with 1.
    """
    return value[0] != "0" and (len(value) < 10 or value[0] == "1")


def ec_ci(value: str) -> bool:
    """
    Tell whether *value* has a province, and the check digit of a person in Ecuador.
    """
    province = int(value[:2])
    return (1 <= province <= 24 or province == 30) and value[2] < "7" and luhn(value)


def pe_ruc(value: str) -> bool:
    """
    Tell whether *value* is of a Peruvian taxpayer, by its first two digits and its last.
    """
    rest = weighed(value, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return value[:2] in {"10", "15", "16", "17", "20"} and (
        (11 - rest) % 10 == int(value[10])
    )


def uy_ci(value: str) -> bool:
    """
    Tell whether the last digit is that of a person in Uruguay.
    """
    digits = value.zfill(8)
    total = weighed(digits, (2, 9, 8, 7, 6, 3, 4))
    return not is_repeated(value) and -total % 10 == int(digits[7])
