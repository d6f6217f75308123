"""
A text as the scanners see it.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Final, NamedTuple

__all__ = ["View", "fold"]


class View(NamedTuple):
    """
    A text as the scanners see it; positions are those of the text itself.

    Attributes:
        text: With digits, capitals, spaces and hyphens of all scripts as ASCII writes them.
        ascii: The same with ``?`` for what is not ASCII; the same length.
        start: Where to begin.
        final: Nothing follows.
    """

    text: str
    ascii: str
    start: int
    final: bool


def _folds() -> dict[str, str]:
    folds = {chr(code): " " for code in (0xA0, 0x202F, 0x2007, 0x2009, 0x200A, 0x3000)}
    folds |= {
        chr(code): "-" for code in (0x2010, 0x2011, 0x2012, 0x2013, 0x2212, 0xFE63)
    }
    for code in range(0x80, sys.maxunicode + 1):
        one = chr(code)
        if unicodedata.category(one) == "Nd":
            folds[one] = str(unicodedata.digit(one))
    for code in range(0xFF01, 0xFF5F):  # fullwidth forms
        folds[chr(code)] = chr(code - 0xFEE0)
    for code in range(0x1D400, 0x1D6A4):  # mathematical letters
        plain = unicodedata.normalize("NFKC", chr(code))
        if len(plain) == 1 and plain.isascii():
            folds[chr(code)] = plain
    return folds


_FOLDS: Final = _folds()
_FOLDABLE: Final = re.compile(
    "[" + "".join(re.escape(one) for one in sorted(_FOLDS)) + "]"
)


def fold(text: str) -> tuple[str, str]:
    """
    Return *text* with what stands for ASCII written so, and the same with nothing but ASCII.

    Each character stays one character, so that positions stay right.
    """
    if text.isascii():
        return text, text
    folded = _FOLDABLE.sub(_written, text)
    return folded, folded.encode("ascii", "replace").decode("ascii")


def _written(match: re.Match[str]) -> str:
    return _FOLDS[match.group()]
