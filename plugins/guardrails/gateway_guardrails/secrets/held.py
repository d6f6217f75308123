"""
Credentials that callers are let in by, whoever chose them: asked of those who keep their hashes.

A stretch of characters that such a credential is written with is looked at as a whole, without a
name in front of it (``key=…``), and in the parts between ``+``, ``/`` and ``=``.  One that is
written with other characters, a blank for one, is not found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

__all__ = ["LEAST_CHARACTERS", "MOST_CHARACTERS", "held_in"]

#: Shorter and longer ones nobody takes.
LEAST_CHARACTERS: Final = 16
MOST_CHARACTERS: Final = 512

_SET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~+/=-"
#: Those as one letter, all else as a gap: then a long stretch is a plain search.
_STRETCHES: Final = bytes(97 if chr(code) in _SET else 32 for code in range(256))
_LONG: Final = b"a" * LEAST_CHARACTERS
_SEPARATORS: Final = frozenset("+/=")
_PARTS: Final = re.compile(r"[A-Za-z0-9_.~\-]{16,}")


def held_in(
    text: str, start: int, decided: int, knows: Callable[[str], bool]
) -> Iterator[tuple[int, int]]:
    """
    Yield where credentials stand in *text* that begin from *start* on, before *decided*.

    Args:
        knows: Tells whether a text is one; see `gateway.Plugin.knows_credential`.
    """
    for begin, end in _stretches(text, start, decided):
        for first, value in _values(begin, text[begin:end]):
            if (
                start <= first < decided
                and LEAST_CHARACTERS <= len(value) <= MOST_CHARACTERS
                and knows(value)
            ):
                yield first, first + len(value)


def _stretches(text: str, start: int, decided: int) -> Iterator[tuple[int, int]]:
    # One character more than a credential has, so that a longer one is known to be too long.
    reach = MOST_CHARACTERS + 1
    before = text[max(0, start - reach) : start]
    base = start - (len(before) - len(before.rstrip(_SET)))
    piece = text[base : decided + reach]
    # A character beyond ASCII is a gap; of one byte, so that positions stay.
    told = piece.encode("ascii", "replace").translate(_STRETCHES)
    at = told.find(_LONG)
    while 0 <= at < decided - base:
        gap = told.find(b" ", at)
        end = len(told) if gap < 0 else gap
        yield base + at, base + end
        at = told.find(_LONG, end)


def _values(begin: int, stretch: str) -> Iterator[tuple[int, str]]:
    """
    Yield what may be a credential in one *stretch*, with the place where each begins.
    """
    whole = stretch.rstrip(".")
    yield begin, whole
    if not _SEPARATORS.isdisjoint(whole):
        name = whole.rfind("=", 0, len(whole.rstrip("="))) + 1
        if name:
            yield begin + name, whole[name:]
        for part in _PARTS.finditer(whole):
            value = part[0].rstrip(".")
            if value not in (whole, whole[name:]):
                yield begin + part.start(), value
