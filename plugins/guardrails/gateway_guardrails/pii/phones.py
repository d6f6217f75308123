"""
Telephone numbers.

Source: ITU-T E.164 (at most fifteen digits, no country code begins with zero), E.123 (notation).
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["may_be_phone", "read_international", "read_phone"]

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
_NOT_DIGITS: Final = re.compile(r"[^0-9]+")
_LEAST: Final = 7
_MOST: Final = 15
#: A further part begins no farther behind: its digit and what stands before that.
_FURTHER: Final = 4


def may_be_phone(skeleton: str, start: int) -> bool:
    """
    Tell of a piece of a skeleton whether `read_phone` may find something at *start*.
    """
    if skeleton[start - 1 : start] == "(":
        start -= 1
    match = _NATIONAL.match(skeleton, start)
    if match is None:
        return False
    is_cut = match.end() + _FURTHER > len(skeleton)
    return is_cut or _LEAST <= match.group().count("9") <= _MOST


def read_phone(text: str, start: int, *, final: bool) -> tuple[int, bool]:
    """
    Read a number in national notation; its end, or 0, and whether it could still grow.
    """
    return _read(_NATIONAL, text, start, final=final)


def read_international(text: str, start: int, *, final: bool) -> tuple[int, bool]:
    """
    Read a number that begins with a plus; its end, or 0, and whether it could still grow.
    """
    return _read(_INTERNATIONAL, text, start, final=final)


def _read(
    pattern: re.Pattern[str], text: str, start: int, *, final: bool
) -> tuple[int, bool]:
    match = pattern.match(text, start)
    if match is None:
        return 0, not final and len(text) - start < 3
    end = match.end()
    if not final and len(text) - end <= 12 and _GROWING.fullmatch(text, end):
        return 0, True
    if end - start < _LEAST:
        return 0, False
    value = match.group()
    digits = _NOT_DIGITS.sub("", value.partition("x")[0].partition("e")[0])
    if not _LEAST <= len(digits) <= _MOST or _DATE.fullmatch(value):
        return 0, False
    if digits == digits[0] * len(digits) or text[end : end + 1].isalnum():
        return 0, False
    return end, False
