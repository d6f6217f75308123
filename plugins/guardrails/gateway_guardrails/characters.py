"""
The characters of a text that are not ASCII, which most texts have few of.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["beyond_ascii", "without_halves"]

_ASCII: Final = bytes(range(128))
_HALVES: Final = re.compile(r"[\ud800-\udfff]")


def beyond_ascii(text: str) -> set[str]:
    """
    Return the different characters of *text* that are not ASCII, lone halves of a pair among them.

    Those of ASCII are taken out as bytes, which is quicker than to ask each.
    """
    raw = text.encode("utf-8", "surrogatepass").translate(None, _ASCII)
    return set(raw.decode("utf-8", "surrogatepass"))


def without_halves(text: str) -> str:
    """
    Return *text* with U+FFFD, which takes as much room, for each half of a surrogate pair.

    JSON can write half a pair, which has no UTF-8: RE2 could not be told of it.
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _HALVES.sub("\ufffd", text)
    return text
