"""
Numbers and bytes in text, each in its one spelling.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from gateway_audit.tlog.errors import Malformed

#: More leaves than any tree has; the format's timestamps end there too.
MAX_NUMBER: Final = 2**63 - 1
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")


def read_number(text: str, what: str) -> int:
    """
    Read a decimal number without sign, spaces or leading zeros.

    Raises:
        Malformed: It is none, or larger than `MAX_NUMBER`.
    """
    if _NUMBER.fullmatch(text) is None or int(text) > MAX_NUMBER:
        raise Malformed(f"{what} is no number")
    return int(text)


def read_base64(text: str, what: str) -> bytes:
    """
    Read standard base64 with padding (RFC 4648 section 4), nothing else in it.

    Raises:
        Malformed: It is not, or its last bits are not zero.
    """
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f"{what} is not base64") from None
    if write_base64(content) != text:
        raise Malformed(f"{what} is not base64 as it is written")
    return content


def write_base64(content: bytes) -> str:
    """
    Write standard base64 with padding.
    """
    return base64.b64encode(content).decode()


def read_text(content: bytes, what: str) -> str:
    """
    Read UTF-8 without control characters but line feeds.

    Raises:
        Malformed: It is something else.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise Malformed(f"{what} is not UTF-8") from None
    if any(char < " " and char != "\n" for char in text):
        raise Malformed(f"{what} has control characters")
    return text
