"""
Numbers of Europe, Israel and South Africa.

Sources: the authorities that give them out (named with each kind), and the European Commission's
VIES descriptions of VAT numbers.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks.dates import is_day, is_short_day
from gateway_guardrails.pii.checks.sums import (
    ean,
    is_repeated,
    luhn,
    mod_11_10,
    weighed,
)

__all__ = [
    "ahv",
    "amka",
    "bsn",
    "cif",
    "cnp",
    "codice_fiscale",
    "cpr",
    "de_id_card",
    "de_tax_id",
    "de_vat",
    "dni",
    "driving",
    "egn",
    "fnr",
    "gb_vat",
    "hetu",
    "il_id",
    "it_vat",
    "nhs",
    "nie",
    "nif",
    "nino",
    "nip",
    "nir",
    "pesel",
    "personnummer",
    "pps",
    "rc",
    "regon",
    "rijksregister",
    "siren",
    "siret",
    "svnr",
    "tckn",
    "utr",
    "za_id",
]

_NO_NINO: Final = frozenset({"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"})
_DNI: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_PPS: Final = "WABCDEFGHIJKLMNOPQRSTUV"
_CF_ODD: Final = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21),
            *(
                1,
                0,
                5,
                7,
                9,
                13,
                15,
                17,
                19,
                21,
                2,
                4,
                18,
                20,
                11,
                3,
                6,
                8,
                12,
                14,
                16,
                10,
            ),
            *(22, 25, 24, 23),
        ),
        strict=True,
    )
)
_CF_MONTHS: Final = "ABCDEHLMPRST"


def nino(value: str) -> bool:
    """
    Tell whether the letters are ones that HMRC gives out.
    """
    return (
        value[0] not in "DFIQUV"
        and value[1] not in "DFIOQUV"
        and value[:2] not in _NO_NINO
        and value[8:] in {"A", "B", "C", "D"}
    )


def nhs(value: str) -> bool:
    """
    Tell whether the last digit is that of the NHS: mod 11 of the weights 10 to 2.
    """
    check = 11 - weighed(value[:9], range(10, 1, -1)) % 11
    return not is_repeated(value) and int(value[9]) == (0 if check == 11 else check)


def utr(value: str) -> bool:
    """
    Tell whether the first digit is the check digit of a British taxpayer.
    """
    rest = weighed(value[1:], (6, 7, 8, 9, 10, 5, 4, 3, 2)) % 11
    return not is_repeated(value) and value[0] == "21987654321"[rest]


def gb_vat(value: str) -> bool:
    """
    Tell whether the last two digits are those of a British VAT number, old or new.
    """
    digits = value[2:11]
    rest = weighed(digits, (8, 7, 6, 5, 4, 3, 2, 10, 1)) % 97
    return rest in {0, 42, 55}  # 55 apart: those given out since 2010


def driving(value: str) -> bool:
    """
    Tell whether the digits are a date of birth, as on a British driving licence.
    """
    digits = value[5:11]
    month = int(digits[1:3])
    return is_short_day(digits[0] + digits[5], str(month % 50), digits[3:5])


def dni(value: str) -> bool:
    """
    Tell whether the letter is that of a Spanish identity card.
    """
    return _DNI[int(value[:-1]) % 23] == value[-1]


def nie(value: str) -> bool:
    """
    Tell whether the last letter is that of a foreigner in Spain.
    """
    return value[0] in "XYZ" and dni(str("XYZ".index(value[0])) + value[1:])


def cif(value: str) -> bool:
    """
    Tell whether the last character is that of a Spanish company.
    """
    if value[0] not in "ABCDEFGHJNPQRSUVW":
        return False
    digits = value[1:8]
    odd = sum(2 * int(one) // 10 + 2 * int(one) % 10 for one in digits[::2])
    check = -(odd + sum(int(one) for one in digits[1::2])) % 10
    letter, last = "JABCDEFGHI"[check], value[8]
    return last == str(check) or (value[0] not in "ABEH" and last == letter)


def nir(value: str) -> bool:
    """
    Tell whether the key of a French social security number is right.
    """
    body = value[:13].replace("2A", "19").replace("2B", "18")
    month = int(value[3:5])
    return (
        body.isdigit()
        and value[13:].isdigit()
        and value[0] in "123478"
        and (1 <= month <= 12 or 20 <= month <= 42 or month >= 50)
        and 97 - int(body) % 97 == int(value[13:])
    )


def siren(value: str) -> bool:
    """
    Tell whether *value* may be a French company.
    """
    return luhn(value) and not is_repeated(value)


def siret(value: str) -> bool:
    """
    Tell whether *value* may be a French establishment; those of La Poste add up to a multiple of 5.
    """
    if value.startswith("356000000"):
        return sum(int(digit) for digit in value) % 5 == 0
    return luhn(value) and not is_repeated(value)


def de_tax_id(value: str) -> bool:
    """
    Tell whether *value* is a German tax number: of ten digits one is there twice or thrice.
    """
    ten = value[:10]
    sorts = len(set(ten))
    return (
        value[0] != "0"
        and (sorts == 9 or (sorts == 8 and any(ten.count(one) == 3 for one in ten)))
        and mod_11_10(value)
    )


def de_vat(value: str) -> bool:
    """
    Tell whether the digits behind DE end with their check digit.
    """
    return value[2] != "0" and mod_11_10(value[2:])


def de_id_card(value: str) -> bool:
    """
    Tell whether the tenth character is the check digit of a German document (ICAO 9303: 7-3-1).
    """
    total = sum(int(one, 36) * (7, 3, 1)[at % 3] for at, one in enumerate(value[:9]))
    return len(value) == 9 or (value[9].isdigit() and total % 10 == int(value[9]))


def svnr(value: str) -> bool:
    """
    Tell whether *value* has a date, and the check digit of a German pension number.
    """
    digits = value[:8] + f"{ord(value[8]) - 64:02d}" + value[9:11]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    sums = (
        divmod(weight * int(one), 10)
        for weight, one in zip(weights, digits, strict=True)
    )
    return (
        1 <= int(value[4:6]) <= 12
        and 1 <= int(value[2:4]) <= 31
        and sum(tens + ones for tens, ones in sums) % 10 == int(value[11])
    )


def codice_fiscale(value: str) -> bool:
    """
    Tell whether *value* has a month, and the check letter of an Italian codice fiscale.
    """
    odd = sum(_CF_ODD[one] for one in value[:15:2])
    even = sum(int(one) if one.isdigit() else ord(one) - 65 for one in value[1:15:2])
    return value[8] in _CF_MONTHS and chr(65 + (odd + even) % 26) == value[15]


def it_vat(value: str) -> bool:
    """
    Tell whether *value* may be an Italian partita IVA.
    """
    return luhn(value) and value[:7] != "0000000"


def bsn(value: str) -> bool:
    """
    Tell whether *value* passes the Dutch eleven test.
    """
    return (
        not is_repeated(value)
        and weighed(value, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0
    )


def rijksregister(value: str) -> bool:
    """
    Tell whether *value* has a date, and the check of the Belgian register, before 2000 or since.
    """
    month = int(value[2:4])
    if (
        month not in range(13)
        and month - 20 not in range(13)
        and month - 40 not in range(13)
    ):
        return False
    body, check = int(value[:9]), int(value[9:])
    return int(value[4:6]) <= 31 and check in {
        97 - body % 97,
        97 - (2_000_000_000 + body) % 97,
    }


def pesel(value: str) -> bool:
    """
    Tell whether *value* has a date, its century in the month, and the check digit of Poland.
    """
    century, month = divmod(int(value[2:4]), 20)
    year = {0: 1900, 1: 2000}.get(century, 1800) + int(value[:2])
    return (
        is_day(year, month, int(value[4:6]))
        and weighed(value, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0
    )


def nip(value: str) -> bool:
    """
    Tell whether the last digit is that of a Polish taxpayer.
    """
    rest = weighed(value, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11
    return not is_repeated(value) and rest == int(value[9])


def regon(value: str) -> bool:
    """
    Tell whether the last digit is that of a Polish company, of nine digits or fourteen.
    """
    weights: tuple[int, ...] = (8, 9, 2, 3, 4, 5, 6, 7)
    if len(value) == 14:
        weights = (2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8)
    return weighed(value, weights) % 11 % 10 == int(value[-1]) and not is_repeated(
        value
    )


def nif(value: str) -> bool:
    """
    Tell whether *value* may be a Portuguese taxpayer.
    """
    check = 11 - weighed(value, range(9, 1, -1)) % 11
    return value[0] != "0" and int(value[8]) == (0 if check > 9 else check)


def personnummer(value: str) -> bool:
    """
    Tell whether *value* has a date, sixty added for a coordination number, and Luhn's digit.
    """
    ten = value[-10:]
    day = int(ten[4:6])
    return is_short_day(ten[:2], ten[2:4], str(day - 60 if day > 60 else day)) and luhn(
        ten
    )


def fnr(value: str) -> bool:
    """
    Tell whether *value* has a date, and both check digits of Norway.
    """
    day, month = int(value[:2]), int(value[2:4])
    day, month = day % 40, month % 40
    first = -weighed(value, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    second = -weighed(value, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return is_day(1904, month, day) and value[9:] == f"{first}{second}"


def cpr(value: str) -> bool:
    """
    Tell whether a Danish number begins with a date; its check digit was given up in 2007.
    """
    return is_short_day(value[4:6], value[2:4], value[:2])


def hetu(value: str) -> bool:
    """
    Tell whether *value* has a date, and the check character of Finland.
    """
    digits = value[:6] + value[-4:-1]
    return is_short_day(value[4:6], value[2:4], value[:2]) and (
        _HETU[int(digits) % 31] == value[-1]
    )


def ahv(value: str) -> bool:
    """
    Tell whether *value* is a Swiss insurance number: an EAN-13 of Switzerland.
    """
    return value.startswith("756") and ean(value)


def pps(value: str) -> bool:
    """
    Tell whether the eighth character is the check letter of Ireland.
    """
    total = weighed(value[:7], range(8, 1, -1))
    if len(value) == 9 and value[8] != "W":
        total += 9 * (ord(value[8]) - 64)
    return _PPS[total % 23] == value[7]


def cnp(value: str) -> bool:
    """
    Tell whether *value* has a date, a county, and the check digit of Romania.
    """
    rest = weighed(value, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return (
        value[0] != "0"
        and is_short_day(value[1:3], value[3:5], value[5:7])
        and 1 <= int(value[7:9]) <= 52
        and int(value[12]) == (1 if rest == 10 else rest)
    )


def rc(value: str) -> bool:
    """
    Tell whether *value* has a date, the month moved by sex, and the check of Czechia or Slovakia.
    """
    month = int(value[2:4]) % 50
    month = month - 20 if month > 20 else month
    if not is_short_day(value[:2], str(month), value[4:6]):
        return False
    if len(value) == 9:  # given out before 1954, without a check
        return int(value[:2]) < 54
    return int(value[:9]) % 11 % 10 == int(value[9])


def egn(value: str) -> bool:
    """
    Tell whether *value* has a date, its century in the month, and the check digit of Bulgaria.
    """
    century, month = divmod(int(value[2:4]), 20)
    year = {0: 1900, 1: 1800, 2: 2000}.get(century, 0) + int(value[:2])
    rest = weighed(value, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10
    return is_day(year, month, int(value[4:6])) and rest == int(value[9])


def amka(value: str) -> bool:
    """
    Tell whether *value* has a date and Luhn's digit, as a Greek insurance number.
    """
    return is_short_day(value[4:6], value[2:4], value[:2]) and luhn(value)


def tckn(value: str) -> bool:
    """
    Tell whether both check digits of a Turkish person are right.
    """
    digits = [int(one) for one in value]
    tenth = (sum(digits[0:9:2]) * 7 - sum(digits[1:8:2])) % 10
    return digits[0] != 0 and digits[9] == tenth and digits[10] == sum(digits[:10]) % 10


def za_id(value: str) -> bool:
    """
    Tell whether *value* has a date, a citizenship, and Luhn's digit, as in South Africa.
    """
    return (
        is_short_day(value[:2], value[2:4], value[4:6])
        and value[10] in "012"
        and luhn(value)
    )


def il_id(value: str) -> bool:
    """
    Tell whether *value* may be an Israeli identity number.
    """
    return luhn(value) and not is_repeated(value)
