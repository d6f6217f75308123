"""
Folds texts so that spelling does not matter: diacritics, full width, case; places stay.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from gateway_guardrails.characters import beyond_ascii

__all__ = ["folded"]

#: With more different characters than this, a table is quicker than one replacement each.
_FEW: Final = 48
_ASCII: Final = 127


class _Table(dict[int, str]):
    """
    What each character becomes: one character, so that places stay.
    """

    def __missing__(self, code: int) -> str:
        folded_one = self[code] = _folded_one(chr(code)) if code > _ASCII else chr(code)
        return folded_one


def _folded_one(one: str) -> str:
    parts = unicodedata.normalize("NFKD", one)
    if all(unicodedata.combining(mark) for mark in parts[1:]):
        one = parts[:1] or one
    lowered = one.lower()
    return lowered if len(lowered) == 1 else one


_TABLE: Final = _Table()


def folded(text: str) -> str:
    """
    Fold *text*, character by character: ``É`` becomes ``e``, a wide ``A`` becomes ``a``.

    Letters of ASCII keep their case, which costs less to even out where it is looked at.  A mark
    that stands by itself behind its letter stays, and so hides the word.
    """
    if text.isascii():
        return text
    others = beyond_ascii(text)
    if len(others) > _FEW:
        return text.translate(_TABLE)
    for one in others:
        folded_one = _TABLE[ord(one)]
        if folded_one != one:
            text = text.replace(one, folded_one)
    return text
