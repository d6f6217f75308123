"""
Reads what begins with a token that has a digit: accounts, wallets, addresses of networks, places.

Each reader is given a text and where the token begins, and returns where the value ends, 0 if
there is none, and whether the text must go on to say so.
"""

from __future__ import annotations

import re
from typing import Final

from gateway_guardrails.pii.checks.finance import (
    IBAN_LENGTHS,
    base58,
    bech32,
    iban,
)
from gateway_guardrails.pii.shapes import compact

__all__ = ["read_coordinates", "read_iban", "read_ipv4", "read_wallet"]

_TOKEN: Final = re.compile(r"[0-9A-Za-z]+")
_IBAN_PART: Final = re.compile(r"[A-Za-z]{2}[0-9]{2}(?:[ \-]?[A-Za-z0-9]){0,30}")
#: Whole ones, by how many letters and digits they have.
_IBANS: Final = {
    size: re.compile(rf"[A-Za-z]{{2}}[0-9]{{2}}(?:[ \-]?[A-Za-z0-9]){{{size - 4}}}")
    for size in set(IBAN_LENGTHS.values())
}
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_LATITUDE: Final = r"(?:90(?:\.0+)?|[0-8]?[0-9]\.[0-9]{4,16})"
_LONGITUDE: Final = r"(?:180(?:\.0+)?|(?:1[0-7][0-9]|[0-9]?[0-9])\.[0-9]{4,16})"
_COORDINATES: Final = re.compile(
    rf"{_LATITUDE}[ ]?(?:°[ ]?)?[NS]?[ ]?[,;/ ][ ]?[-+]?{_LONGITUDE}(?:[ ]?[EW]\b)?"
)
_COORDINATES_BEGUN: Final = re.compile(
    r"[0-9]{1,2}\.[0-9]{4,16}[ ]?[NS]?[ ]?[,;/]?[ ]?[-+]?[0-9]{0,3}\.?[0-9]{0,16}[ ]?[EW]?"
)
_HEX: Final = re.compile(r"0[xX][0-9A-Fa-f]{40}")
#: First letters of Base58Check addresses: Litecoin, Dogecoin, Dash, Tron.
_OTHER_COINS: Final = frozenset("LMDXTA9")
_SEGWIT: Final = {
    "bc": "BTC_ADDRESS",
    "ltc": "CRYPTO_ADDRESS",
    "addr": "CRYPTO_ADDRESS",
}


def read_iban(text: str, start: int, *, final: bool) -> tuple[int, bool]:
    """
    Read an IBAN, whose country says how long it is.
    """
    wanted = IBAN_LENGTHS.get(text[start : start + 2].upper(), 0)
    if not wanted:
        return 0, False
    match = _IBANS[wanted].match(text, start)
    if match is None:
        begun = _IBAN_PART.match(text, start)
        is_open = begun is not None and begun.end() >= len(text) - 1
        return 0, is_open and not final
    end = match.end()
    if end == len(text) and not final:
        return 0, True
    if text[end : end + 1].isalnum() or not iban(compact(match.group())):
        return 0, False
    return end, False


def read_wallet(text: str, start: int) -> tuple[int, str]:
    """
    Read an address of a block chain: where it ends, and which kind it is.
    """
    match = _TOKEN.match(text, start)
    if match is None or match.end() - start < 26:
        return 0, ""
    value = match.group()
    if _HEX.fullmatch(value):
        return match.end(), "ETH_ADDRESS"
    head = value[0]
    if 26 <= len(value) <= 35:
        if head in "13" and base58(value):
            return match.end(), "BTC_ADDRESS"
        if head in _OTHER_COINS and base58(value):
            return match.end(), "CRYPTO_ADDRESS"
    prefix = value[: value.find("1")].lower()
    if prefix in _SEGWIT and len(value) <= 120 and bech32(value):
        return match.end(), _SEGWIT[prefix]
    return 0, ""


def read_ipv4(text: str, start: int) -> int:
    """
    Read an address of IPv4 that could be somebody's.
    """
    match = _IPV4.match(text, start)
    if match is None:
        return 0
    end = match.end()
    after = text[end : end + 2]
    if after[:1].isalnum() or (after[:1] in {".", "-"} and after[1:].isalnum()):
        return 0
    octets = match.group().split(".")
    first = int(octets[0])
    if first in {0, 127} or first >= 224 or octets[:2] == ["169", "254"]:
        return 0
    if after[:1] == "/" and octets[3] == "0":  # a network, no host
        return 0
    return end


def read_coordinates(text: str, start: int, *, final: bool) -> tuple[int, bool]:
    """
    Read a latitude and a longitude in decimal degrees.
    """
    if not final:
        begun = _COORDINATES_BEGUN.match(text, start)
        if begun is not None and begun.end() == len(text):
            return 0, True
    match = _COORDINATES.match(text, start)
    return (match.end() if match else 0), False
