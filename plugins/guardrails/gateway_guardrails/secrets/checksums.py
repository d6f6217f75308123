"""
Checksums that credentials carry; one that is right tells an issued token from a look-alike.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final
from zlib import crc32

__all__ = ["CHECKSUMS", "base62_crc32", "is_github_token", "is_numbered_pair"]

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
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


#: By the word in ``check``.
CHECKSUMS: Final[Mapping[str, Callable[[str], bool]]] = {
    "github": is_github_token,
    "virtual_key": is_virtual_key,
    "colon": is_numbered_pair,
}
