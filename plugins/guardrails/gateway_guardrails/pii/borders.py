"""
What stands at the borders of a run of digits, as far as it tells where values in it begin and end.

All of it is written as in a skeleton.  What tells the same is written the same, so that runs which
differ in nothing else are one to whoever remembers them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

__all__ = [
    "BEFORE",
    "BEHIND",
    "FAR_BEFORE",
    "GOES_ON",
    "LETTERS",
    "MOST_LETTERS",
    "PAIRS",
    "SEPARATORS",
    "alike_before",
    "alike_behind",
    "may_begin",
    "lead",
]

LETTERS: Final = "Aa"
#: What a token goes on with.
GOES_ON: Final = "9Aa"
#: With more letters left of its first digit a token is no number.
MOST_LETTERS: Final = 8
#: How much of what stands before a run tells where in it values begin: mostly, and at most.
BEFORE: Final = 2
FAR_BEFORE: Final = 24
#: How much of what stands behind it mostly tells where they end.
BEHIND: Final = 5
_NOT_BEFORE: Final = "+@$%"
#: What stands between the groups of a shape, or of a telephone number: one, or two of them.
SEPARATORS: Final = frozenset(" -./()+")
PAIRS: Final = frozenset({" /", " (", " -", "/ ", ") ", ")-"})
_FILLED: Final = "," * BEHIND
_MOST_REMEMBERED: Final = 4096


def lead(skeleton: str, low: int) -> int:
    """
    Return how much of what stands left of *low* tells where values begin.
    """
    one = skeleton[low - 1]
    if one not in LETTERS and not (one in " -." and skeleton[low - 2] == "A"):
        return BEFORE
    before = skeleton[low - FAR_BEFORE : low]
    stem = before.rstrip(LETTERS)
    letters = len(before) - len(stem)
    if letters > MOST_LETTERS or stem[-1:] not in " -." or stem[-2:-1] != "A":
        return min(letters, MOST_LETTERS + 1) + BEFORE
    stem = stem[:-1]
    capitals = len(stem) - len(stem.rstrip("A"))
    return letters + 1 + min(capitals, MOST_LETTERS) + BEFORE


@lru_cache(_MOST_REMEMBERED)
def alike_before(before: str) -> str:
    """
    Return, for two characters, those that stand for all of which `may_begin` tells the same.
    """
    one = before[1]
    if one.isalnum() or one in "_(" or one in _NOT_BEFORE:
        return f" {one}"
    if one in "-./":
        return before
    return "  "


@lru_cache(_MOST_REMEMBERED)
def alike_behind(behind: str) -> str:
    """
    Return what stands for all that tells the same as *behind* of where values end.
    """
    one, two = behind[0], behind[1]
    if one not in SEPARATORS:
        return (one if one in "@%" else ",") + _FILLED[1:]
    if two in GOES_ON:
        rest = behind[1:].lstrip("Aa")
        if not rest:
            return one + "a" * len(behind[1:])
        if rest[0] not in SEPARATORS and rest[0] not in "9@%":
            return behind[: -len(rest)] + _FILLED[-len(rest) :]
        return behind
    if one + two in PAIRS:
        return behind
    return one + _FILLED[1:]


def may_begin(skeleton: str, start: int) -> bool | None:
    """
    Tell whether a value may begin at *start*; False if a word must tell so, None if it may not.
    """
    if not start:
        return True
    before = skeleton[start - 1]
    if before.isalnum() or before in _NOT_BEFORE:
        return None
    if before in "-./":
        further = skeleton[start - 2 : start - 1]
        if further.isdigit():
            return None
        if further.isalpha():
            return before == "."
    return before != "_"
