"""
Telephone numbers.

Source: ITU-T E.164 (at most fifteen digits, no country code begins with zero), E.123 (notation).
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["find_phone", "is_phone", "may_be_phone", "may_grow", "read_international"]

_SEPARATOR: Final = r"(?:\)[ \-]?| ?\(| - |[ ./\-])"
_EXTENSION: Final = r"(?: ?(?:x|ext\.? ?|extension )[0-9]{1,6})?"
_NATIONAL: Final = re.compile(
    rf"\(?[0-9]{{1,15}}(?:{_SEPARATOR}[0-9]{{1,15}}){{0,7}}{_EXTENSION}"
)
_INTERNATIONAL: Final = re.compile(
    rf"\+\(?[1-9][0-9]{{0,14}}(?:{_SEPARATOR}[0-9]{{1,15}}){{0,8}}{_EXTENSION}"
)
_GROWING: Final = re.compile(r"[ ]?(?:[)(./\-]|x|e|ext?|ext\.|exte?n?s?i?o?n?)?[ \-(]?")
_DATE: Final = re.compile(
    r"(?:(?:19|20)[0-9]{2}[-/. ][0-9]{1,2}[-/. ][0-9]{1,2}|[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ]"
    r"(?:19|20)[0-9]{2})(?:[ ][0-9]{1,2})?"
)
_NO_DIGITS: Final = bytes(code for code in range(128) if not chr(code).isdigit())
_LEAST: Final = 7
_MOST: Final = 15
#: What a number goes on with, and what may be seen of it when it ends with an extension.
_FURTHER_PARTS: Final = re.compile(r"[9 ./\-()]*")
_MOST_GROWING: Final = 30
#: A further part begins no farther behind: its digit and what stands before that.
_FURTHER: Final = 4


def may_be_phone(skeleton: str, start: int) -> bool:
    """
    Tell of a piece of a skeleton whether `find_phone` may find a number at *start*.
    """
    if skeleton[start - 1 : start] == "(":
        start -= 1
    match = _NATIONAL.match(skeleton, start)
    if match is None:
        return False
    digits = match.group().count("9")
    is_cut = match.end() + _FURTHER > len(skeleton)
    return digits <= _MOST and (is_cut or digits >= _LEAST)


def may_grow(skeleton: str, end: int) -> bool:
    """
    Tell whether a number with a part that ends at *end* may go on behind the skeleton's end.
    """
    parts = _FURTHER_PARTS.match(skeleton, end)
    behind = end if parts is None else parts.end()
    left = len(skeleton) - behind
    # The word for an extension is of small letters.
    return left == 0 or (left <= _MOST_GROWING and skeleton[behind] == "a")


def find_phone(text: str, start: int, *, final: bool) -> tuple[int, bool]:
    """
    Find what may be a number in national notation; its end, or 0, and whether it could still grow.
    """
    return _find(_NATIONAL, text, start, final=final)


def read_international(text: str, start: int, *, final: bool) -> tuple[int, bool]:
    """
    Read a number that begins with a plus; its end, or 0, and whether it could still grow.
    """
    end, is_open = _find(_INTERNATIONAL, text, start, final=final)
    return end if end and is_phone(text, start, end) else 0, is_open


def is_phone(text: str, start: int, end: int) -> bool:
    """
    Tell whether what was found from *start* to *end* is a number, and no date.
    """
    value = text[start:end]
    number = value.partition("x")[0].partition("e")[0]
    digits = number.encode("ascii").translate(None, _NO_DIGITS)
    return (
        _LEAST <= len(digits) <= _MOST
        and (digits != digits[:1] * len(digits) or _is_sample(value, digits))
        and not text[end : end + 1].isalnum()
        and _DATE.fullmatch(value) is None
    )


def _is_sample(value: str, digits: bytes) -> bool:
    """
    Tell of one digit over and over whether it is grouped as a number: 555-555-5555.
    """
    return len(value) > len(digits) and digits[:1] != b"0"


def _find(
    pattern: re.Pattern[str], text: str, start: int, *, final: bool
) -> tuple[int, bool]:
    match = pattern.match(text, start)
    if match is None:
        return 0, not final and len(text) - start < 3
    end = match.end()
    if not final and len(text) - end <= 12 and _GROWING.fullmatch(text, end):
        return 0, True
    return end if end - start >= _LEAST else 0, False
