"""
Cards, accounts, and wallets.

Sources: ISO/IEC 7812 (issuer numbers), ISO 13616 and the IBAN registry (lengths), ISO 9362,
ISO 3166-1, ABA routing number policy, BIP 13, BIP 173, BIP 350, EIP-55.
"""

from __future__ import annotations

import hashlib
from typing import Final

from gateway_guardrails.pii.checks.sums import is_repeated, luhn, mod_97, weighed

__all__ = [
    "COUNTRIES",
    "IBAN_LENGTHS",
    "aba",
    "base58",
    "bech32",
    "bic",
    "card",
    "card_expiry",
    "iban",
    "not_trivial",
]

_LENGTHS: Final = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 "
    "DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 "
    "HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 "
    "MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 "
    "RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 "
    "VA22 VG24 XK20 YE30"
)
#: How long an IBAN is, country by country.
IBAN_LENGTHS: Final = {one[:2]: int(one[2:]) for one in _LENGTHS.split()}
COUNTRIES: Final = frozenset(
    (
        "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO "
        "BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ "
        "DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP "
        "GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG "
        "KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML "
        "MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE "
        "PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL "
        "SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM "
        "US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
    ).split()
)


def card(value: str) -> bool:
    """
    Tell whether an issuer may have given out *value*.
    """
    if not luhn(value) or is_repeated(value):
        return False
    size = len(value)
    two, three, four = int(value[:2]), int(value[:3]), int(value[:4])
    if value[0] == "4":
        return size in {13, 16, 19}
    if two in {34, 37}:
        return size == 15
    if two in {36, 38, 39} or 300 <= three <= 305 or three == 309:
        return 14 <= size <= 19
    if 3528 <= four <= 3589:
        return 16 <= size <= 19
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return size == 16
    if four == 6011 or 644 <= three <= 649 or two in {62, 65, 81}:
        return 16 <= size <= 19
    return (two == 50 or 56 <= two <= 69) and 12 <= size <= 19


def iban(value: str) -> bool:
    """
    Tell whether *value* has its country's length and its check digits.
    """
    return IBAN_LENGTHS.get(value[:2]) == len(value) and mod_97(value[4:] + value[:4])


def bic(value: str) -> bool:
    """
    Tell whether *value* may name a bank.
    """
    return (
        len(value) in {8, 11}
        and value[:4].isalpha()
        and value[4:6] in COUNTRIES
        and value[6] != "0"
    )


def aba(value: str) -> bool:
    """
    Tell whether *value* may be a routing number.
    """
    first = int(value[:2])
    is_given_out = first <= 12 or 21 <= first <= 32 or 61 <= first <= 72 or first == 80
    return (
        is_given_out
        and not is_repeated(value)
        and weighed(value, (3, 7, 1) * 3) % 10 == 0
    )


def not_trivial(value: str) -> bool:
    """
    Tell whether *value* is more than one digit over and over.
    """
    return not is_repeated(value)


def card_expiry(value: str) -> bool:
    """
    Tell whether *value* is a month and a year; leading zeros may be left out.
    """
    return 1 <= int(value[:2]) <= 12


_BASE58: Final = {
    letter: place
    for place, letter in enumerate(
        "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    )
}
_BECH32: Final = {
    letter: place for place, letter in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")
}
_BECH32_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def base58(value: str) -> bool:
    """
    Tell whether *value* is a version, a hash of 20 bytes, and the check of both (Base58Check).
    """
    number = 0
    for letter in value:
        place = _BASE58.get(letter)
        if place is None:
            return False
        number = number * 58 + place
    if number >> 200:
        return False
    raw = number.to_bytes(25, "big")
    inner = hashlib.sha256(raw[:-4]).digest()
    return hashlib.sha256(inner).digest()[:4] == raw[-4:]


def bech32(value: str) -> bool:
    """
    Tell whether *value* has the check of Bech32 (BIP 173) or Bech32m (BIP 350).
    """
    if value not in {value.lower(), value.upper()}:
        return False
    prefix, _, rest = value.lower().rpartition("1")
    values = [ord(one) >> 5 for one in prefix]
    values += [0, *(ord(one) & 31 for one in prefix)]
    state = 1
    for one in rest:
        place = _BECH32.get(one)
        if place is None:
            return False
        values.append(place)
    for place in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ place
        for bit, generator in enumerate(_BECH32_GENERATOR):
            if top >> bit & 1:
                state ^= generator
    return state in {1, 0x2BC830A3}
