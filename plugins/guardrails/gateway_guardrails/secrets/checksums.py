"""
Checksums that credentials carry; one that is right tells an issued token from a look-alike.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from typing import Final
from zlib import crc32

__all__ = [
    "CHECKSUMS",
    "base62_crc32",
    "has_base58_check",
    "is_github_token",
    "is_numbered_pair",
]

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_CRC_CHARACTERS: Final = 6


def base62_crc32(text: str) -> str:
    """
    Return the CRC-32 of *text* as six characters in base 62.
    """
    rest = crc32(text.encode("ascii"))
    digits = ""
    for _ in range(_CRC_CHARACTERS):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def is_github_token(token: str) -> bool:
    """
    Tell whether the last six characters are the checksum of those behind the prefix.

    npm took the form over.  Source:
    https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
    """
    body = token.rpartition("_")[2]
    return body[-_CRC_CHARACTERS:] == base62_crc32(body[:-_CRC_CHARACTERS])


def is_virtual_key(token: str) -> bool:
    """
    Tell whether the last six characters are the checksum of all before them.
    """
    return token[-_CRC_CHARACTERS:] == base62_crc32(token[:-_CRC_CHARACTERS])


def is_numbered_pair(token: str) -> bool:
    """
    Tell whether base64 hides twelve digits, a colon and bytes: Atlassian's Data Center tokens.
    """
    try:
        raw = base64.b64decode(token, validate=True)
    except (ValueError, binascii.Error):
        return False
    number, colon, rest = raw.partition(b":")
    return bool(colon) and number.isdigit() and len(rest) >= 16


def has_base58_check(token: str) -> bool:
    """
    Tell whether the last four bytes of what *token* is in base 58 are the check of those before.

    Source: https://en.bitcoin.it/wiki/Base58Check_encoding
    """
    number = 0
    for letter in token:
        place = _BASE58.find(letter)
        if place < 0:
            return False
        number = number * len(_BASE58) + place
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    first = hashlib.sha256(raw[:-4]).digest()
    return hashlib.sha256(first).digest()[:4] == raw[-4:]


#: By the word in ``check``.
CHECKSUMS: Final[Mapping[str, Callable[[str], bool]]] = {
    "github": is_github_token,
    "virtual_key": is_virtual_key,
    "colon": is_numbered_pair,
    "base58": has_base58_check,
}
