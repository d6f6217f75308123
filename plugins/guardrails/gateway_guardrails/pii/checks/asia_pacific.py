"""
Numbers of Asia and the Pacific.

Sources: the authorities that give them out (named with each kind); GB 11643 and GB 32100 (China).
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks.dates import is_day, is_short_day
from gateway_guardrails.pii.checks.sums import (
    is_repeated,
    luhn,
    mod_11_2,
    verhoeff,
    weighed,
)

__all__ = [
    "aadhaar",
    "abn",
    "acn",
    "epic",
    "gstin",
    "hk_id",
    "ird",
    "jp_number",
    "kr_company",
    "medicare",
    "mykad",
    "nhi",
    "nric",
    "pan",
    "resident",
    "rrn",
    "tfn",
    "th_pin",
    "tw_id",
    "vehicle",
]

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NHI: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_NRIC: Final = {
    "S": "JZIHGFEDCBA",
    "T": "GFEDCBAJZIH",
    "F": "XWUTRQPNMLK",
    "G": "RQPNMLKXWUT",
    "M": "KLJNPQRTUWX",
}
_TAIWAN: Final = dict(zip("ABCDEFGHJKLMNPQRSTUVXYWZIO", range(10, 36), strict=True))
_MALAYSIA: Final = frozenset({*range(1, 17), *range(21, 60), 82})
_RTO: Final = frozenset(
    "AN AP AR AS BR CG CH DD DL DN GA GJ HP HR JH JK KA KL LA LD MH ML MN MP MZ NL OD OR PB PY "
    "RJ SK TN TR TS UK UP UT WB".split()
)


def tfn(value: str) -> bool:
    """
    Tell whether *value* may be an Australian tax file number.
    """
    if is_repeated(value):
        return False
    if len(value) == 8 and weighed(value, (10, 7, 8, 4, 6, 3, 5, 1)) % 11 == 0:
        return True
    return weighed(value, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def abn(value: str) -> bool:
    """
    Tell whether *value* may be an Australian business.
    """
    weights = (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)
    return value[0] != "0" and (weighed(value, weights) - 10) % 89 == 0


def acn(value: str) -> bool:
    """
    Tell whether the last digit is that of an Australian company.
    """
    return not is_repeated(value) and -weighed(value, range(8, 0, -1)) % 10 == int(
        value[8]
    )


def medicare(value: str) -> bool:
    """
    Tell whether the ninth digit is the check digit of an Australian Medicare card.
    """
    return value[0] in "23456" and weighed(value, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(
        value[8]
    )


def ird(value: str) -> bool:
    """
    Tell whether the last digit is that of a New Zealand taxpayer, by either set of weights.
    """
    if not 10_000_000 < int(value) < 200_000_000:
        return False
    body = value[:-1].rjust(8, "0")
    check = -weighed(body, (3, 2, 7, 6, 5, 4, 3, 2)) % 11
    if check == 10:
        check = -weighed(body, (7, 4, 3, 2, 5, 2, 7, 6)) % 11
    return check == int(value[-1])


def nhi(value: str) -> bool:
    """
    Tell whether the last character is that of a New Zealand patient, of the old form or the new.
    """
    places = [_NHI.find(one) + 1 if one.isalpha() else int(one) for one in value[:6]]
    if not all(one.isdigit() or one in _NHI for one in value):
        return False
    total = sum((7 - at) * place for at, place in enumerate(places))
    if value[6].isdigit():
        rest = total % 11
        return rest != 0 and (11 - rest) % 10 == int(value[6])
    return _NHI[23 - total % 24] == value[6]


def aadhaar(value: str) -> bool:
    """
    Tell whether *value* may be an Indian Aadhaar number.
    """
    return value[0] not in "01" and not is_repeated(value) and verhoeff(value)


def pan(value: str) -> bool:
    """
    Tell whether the fourth letter is a kind of Indian taxpayer.
    """
    return value[3] in "ABCFGHJLPT" and value[5:9] != "0000"


def gstin(value: str) -> bool:
    """
    Tell whether *value* holds a PAN, and the check character of an Indian GSTIN.
    """
    if not 1 <= int(value[:2]) <= 38 or value[12] == "0" or not pan(value[2:12]):
        return False
    total = 0
    for at, one in enumerate(value[:14]):
        tens, ones = divmod(_ALPHABET.index(one) * (at % 2 + 1), 36)
        total += tens + ones
    return _ALPHABET[-total % 36] == value[14]


def epic(value: str) -> bool:
    """
    Tell whether the digits of an Indian voter's card end with Luhn's.
    """
    return luhn(value[3:])


def vehicle(value: str) -> bool:
    """
    Tell whether *value* begins with an Indian state.
    """
    return value[:2] in _RTO


def nric(value: str) -> bool:
    """
    Tell whether the last letter is that of a Singaporean or a foreigner in Singapore.
    """
    letters = _NRIC.get(value[0])
    if letters is None:
        return False
    total = weighed(value[1:8], (2, 7, 6, 5, 4, 3, 2))
    total += {"T": 4, "G": 4, "M": 3}.get(value[0], 0)
    if value[0] == "M":
        return letters[10 - total % 11] == value[8]
    plain = {"T": "S", "G": "F"}.get(value[0], value[0])
    return _NRIC[plain][total % 11] == value[8]


def rrn(value: str) -> bool:
    """
    Tell whether *value* has a date and a sex; the check digit ended in October 2020.
    """
    return is_short_day(value[:2], value[2:4], value[4:6]) and value[6] in "12345678"


def jp_number(value: str) -> bool:
    """
    Tell whether the last digit is that of a Japanese individual number.
    """
    body = value[10::-1]
    total = sum((at % 6 + 2) * int(digit) for at, digit in enumerate(body))
    check = 11 - total % 11
    return not is_repeated(value) and int(value[11]) == (0 if check > 9 else check)


def resident(value: str) -> bool:
    """
    Tell whether *value* has a province, a date, and the check character of China.
    """
    return (
        "11" <= value[:2] <= "82"
        and is_day(int(value[6:10]), int(value[10:12]), int(value[12:14]))
        and mod_11_2(value)
    )


def tw_id(value: str) -> bool:
    """
    Tell whether *value* has the check digit of Taiwan; letters in the second place are residents.
    """
    tens, ones = divmod(_TAIWAN[value[0]], 10)
    second = int(value[1]) if value[1].isdigit() else _TAIWAN.get(value[1], 0) % 10
    if value[1].isdigit() and value[1] not in "1289":
        return False
    total = tens + 9 * ones + 8 * second + weighed(value[2:], (7, 6, 5, 4, 3, 2, 1, 1))
    return total % 10 == 0


def hk_id(value: str) -> bool:
    """
    Tell whether the last character is that of Hong Kong.
    """
    letters = value[:-7]
    first = 36 if len(letters) == 1 else ord(letters[0]) - 55
    total = (
        9 * first + 8 * (ord(letters[-1]) - 55) + weighed(value[-7:-1], range(7, 1, -1))
    )
    check = -total % 11
    return value[-1] == ("A" if check == 10 else str(check))


def th_pin(value: str) -> bool:
    """
    Tell whether the last digit is that of a Thai person.
    """
    check = (11 - weighed(value, range(13, 1, -1)) % 11) % 10
    return value[0] != "0" and not is_repeated(value) and check == int(value[12])


def mykad(value: str) -> bool:
    """
    Tell whether *value* has a date and a place of birth of Malaysia.
    """
    return (
        is_short_day(value[:2], value[2:4], value[4:6]) and int(value[6:8]) in _MALAYSIA
    )


def kr_company(value: str) -> bool:
    """
    Tell whether the last digit is that of a Korean company.
    """
    total = weighed(value, (1, 3, 7, 1, 3, 7, 1, 3, 5)) + int(value[8]) * 5 // 10
    return value[:3] >= "101" and -total % 10 == int(value[9])
