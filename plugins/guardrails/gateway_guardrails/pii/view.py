"""
A text as the scanners see it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from gateway_guardrails.pii.candidate import Candidate
from gateway_guardrails.pii.hearing import Hearing

__all__ = ["View", "fold", "skeleton"]


class View:
    """
    A text as the scanners see it; positions are those of the text itself.

    Attributes:
        text: With digits, capitals, spaces and hyphens of all scripts as ASCII writes them.
        ascii: The same with ``?`` for what is not ASCII; the same length.
        skeleton: The same with 9 for each digit, A for each capital and a for each small letter.
        start: Where to begin.
        final: Nothing follows.
        hearing: What its words say of values.
        met: What little stands around numbers that were looked at.
        known: Where numbers stand and what was found of them, by what stands around them.
        marked: Where, in order, something was found by its mark: no number is read in it.
    """

    def __init__(
        self, text: str, plain: str, start: int, hearing: Hearing, *, final: bool
    ) -> None:
        self.text = text
        self.ascii = plain
        self.skeleton = skeleton(plain)
        self.start = start
        self.final = final
        self.hearing = hearing
        self.met: set[str] = set()
        self.known: dict[tuple[str, int, int], tuple[int, Sequence[Candidate]]] = {}
        self.marked: list[tuple[int, int]] = []


_SKELETON: Final = bytes.maketrans(
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    b"9" * 10 + b"A" * 26 + b"a" * 26,
)


def skeleton(text: str) -> str:
    """
    Return *text*, which is ASCII, with 9 for each digit, A for each capital, a for other letters.
    """
    return text.encode("ascii").translate(_SKELETON).decode("ascii")


#: Unicode has given its planes from the third on to what are no digits.
_NO_DIGITS_FROM: Final = 0x20000


def _folds() -> dict[str, str]:
    folds = {chr(code): " " for code in (0xA0, 0x202F, 0x2007, 0x2009, 0x200A, 0x3000)}
    folds |= {
        chr(code): "-" for code in (0x2010, 0x2011, 0x2012, 0x2013, 0x2212, 0xFE63)
    }
    for one in map(chr, range(0x80, _NO_DIGITS_FROM)):
        if one.isdecimal():
            folds[one] = str(unicodedata.digit(one))
    folds["\u0130"] = "I"  # the one whose small letter is two characters
    for code in range(0xFF01, 0xFF5F):  # fullwidth forms
        folds[chr(code)] = chr(code - 0xFEE0)
    for code in range(0x1D400, 0x1D6A4):  # mathematical letters
        plain = unicodedata.normalize("NFKC", chr(code))
        if len(plain) == 1 and plain.isascii():
            folds[chr(code)] = plain
    return folds


_FOLDS: Final = _folds()
#: Of the basic plane, and beyond it: a set of both is slow.
_FOLDABLE: Final = re.compile(
    "[" + "".join(one for one in sorted(_FOLDS) if one <= "\uffff") + "]"
)
#: So many are replaced one after the other.
_FEW: Final = 8
_ASCII: Final = bytes(range(128))
_FOLDED: Final = frozenset(_FOLDS)
_FARTHER_FOLDED: Final = frozenset(one for one in _FOLDS if one > "\uffff")
_FARTHER: Final = re.compile("[\U00010000-\U0010ffff]")


def fold(text: str) -> tuple[str, str]:
    """
    Return *text* with what stands for ASCII written so, and the same with nothing but ASCII.

    Each character stays one character, so that positions stay right.
    """
    if text.isascii():
        return text, text
    beyond = text.encode("utf-8", "replace").translate(None, _ASCII).decode("utf-8")
    folded = text
    foldable = _FOLDED.intersection(beyond)
    if len(foldable) <= _FEW:
        for one in foldable:
            folded = folded.replace(one, _FOLDS[one])
    else:
        folded = _FOLDABLE.sub(_written, text)
        if not _FARTHER_FOLDED.isdisjoint(beyond):
            folded = _FARTHER.sub(_written, folded)
    return folded, folded.encode("ascii", "replace").decode("ascii")


def _written(match: re.Match[str]) -> str:
    return _FOLDS.get(match.group(), match.group())
