"""
What must be there of a text for a pattern: literals, and how often texts have them.

They are those of a text that is sifted: letters of ASCII in lower case, and one blank for what is
between words.  What has other letters, or signs that texts seldom have, is looked for in
the text as it is.
"""

from __future__ import annotations

import math
import re
import string
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import accumulate
from typing import Final, NamedTuple

from gateway_guardrails.commonest import commonest_words

__all__ = [
    "EDGE",
    "GAP",
    "GAP_WIDTH",
    "LETTERS",
    "SIGNS",
    "Literal",
    "blanked",
    "cost_of",
    "is_wide",
    "literals_of",
    "shortened",
]

#: Signs that ordinary texts have seldom: what has one is looked for in the text as it is.
SIGNS: Final = b"<>[]{}|#!*@=:$`/\\"
#: Stands where a blank stands if a letter follows, or went before.
EDGE: Final = "\0"
#: Stands for the signs and blanks between two words.
GAP: Final = "\1"
#: How wide a gap is at most.
GAP_WIDTH: Final = 3
LETTERS: Final = string.ascii_letters + string.digits
#: A shorter literal is cut no more.
_LEAST_OF_LITERAL: Final = 9
#: A longer literal says no more, and makes the automaton larger.
_MOST_OF_LITERAL: Final = 14
#: How much likelier a word of a phrase is behind the others.
_FOLLOWING: Final = 20
#: What so small a share of words has is seldom.
_SELDOM: Final = 3e-4
#: So many blanks in a row are left one where it is sifted, and no more.
_MOST_BLANKS: Final = 4
_SIGNS: Final = frozenset(SIGNS.decode())
_NO_GAP: Final = str.maketrans("", "", EDGE + GAP)
_SIFTED: Final = bytes(
    ord(chr(code).lower()) if chr(code) in LETTERS else ord(" ") for code in range(256)
)


def blanked(raw: bytes) -> bytes:
    """
    Return *raw* with a blank for all that is no letter or digit of ASCII, in lower case.
    """
    return raw.translate(_SIFTED)


class Literal(NamedTuple):
    """
    What must be there, in the text as it is, in lower case, or in the text as it is sifted.
    """

    text: str
    is_sifted: bool


def literals_of(told: Sequence[str]) -> list[frozenset[Literal]]:
    """
    Make literals of what may stand in a row, those of a kind together.

    Returns:
        Nothing if one of them says nothing.
    """
    foreign = [_unsifted(one) for one in told if not one.isascii()]
    ascii_ = [_rarer(one) for one in told if one.isascii()]
    kinds = (
        frozenset(foreign),
        frozenset(one for one in ascii_ if one.is_sifted),
        frozenset(one for one in ascii_ if not one.is_sifted),
    )
    made = [kind for kind in kinds if kind]
    return made if all(all(map(_is_telling, one)) for one in made) else []


def shortened(literals: frozenset[Literal]) -> frozenset[Literal]:
    """
    Cut literals where that makes them no commoner, and leave out what has another inside.
    """
    cut = frozenset(map(_cut, literals))
    return frozenset(
        one for one in cut if not any(other.text in one.text for other in cut - {one})
    )


def cost_of(literals: Iterable[Literal]) -> float:
    """
    Return about how many of a text's words have one of *literals*.
    """
    return sum(
        _share(one.text)
        if one.is_sifted
        else _SELDOM / 100
        if any(map(str.isalnum, one.text))
        else _SELDOM
        for one in literals
    )


def _rarer(told: str) -> Literal:
    """
    Choose for one text how it is sought: a sign beside a word is rarer than the word.
    """
    sifted, other = _sifted(told), _unsifted(told)
    if not _is_telling(other):
        return sifted if _is_telling(sifted) else other
    is_rarer = not _is_telling(sifted) or cost_of([other]) < cost_of([sifted])
    return other if is_rarer else sifted


def _sifted(told: str) -> Literal:
    if not told.isascii():
        return Literal("", is_sifted=True)
    return Literal(min(map(_plain, _apart(told)), key=_share), is_sifted=True)


def _apart(told: str) -> list[str]:
    """
    Split where more may stand between two words than is sifted to one blank.
    """
    parts = [""]
    for one in re.split(f"([^{LETTERS}]+)", told):
        if one and one[0] not in LETTERS and is_wide(one):
            parts[-1] += EDGE
            parts.append(EDGE)
        else:
            parts[-1] += one
    return parts


def is_wide(signs: str) -> bool:
    """
    Tell whether *signs* may be more than is sifted to one blank.
    """
    width = signs.count(GAP) * GAP_WIDTH + len(signs.translate(_NO_GAP))
    return width > _MOST_BLANKS


def _plain(told: str) -> str:
    if told.startswith(EDGE):
        told = told.lstrip(EDGE)
        told = " " + told if told and told[0] in LETTERS else told
    if told.endswith(EDGE):
        told = told.rstrip(EDGE)
        told = told + " " if told and told[-1] in LETTERS else told
    text = re.sub(" +", " ", blanked(told.replace(EDGE, "").encode()).decode())
    return text[:_MOST_OF_LITERAL]


def _unsifted(told: str) -> Literal:
    parts = re.split(f"[{EDGE}{GAP}]+", told.lower())
    return Literal(max(parts, key=_worth), is_sifted=False)


def _worth(part: str) -> tuple[bool, int]:
    return not part.isascii() or not _SIGNS.isdisjoint(part), len(part)


def _is_telling(one: Literal) -> bool:
    if one.is_sifted:
        return len(one.text.strip()) > 1
    return not one.text.isascii() or (
        len(one.text) > 1 and not _SIGNS.isdisjoint(one.text)
    )


def _cut(one: Literal) -> Literal:
    if not one.is_sifted:
        return one
    most = _SELDOM / 100 + 1.2 * _share(one.text)
    for size in range(_LEAST_OF_LITERAL, len(one.text)):
        if _share(one.text[:size]) <= most:
            return Literal(one.text[:size], is_sifted=True)
    return one


@cache
def _share(literal: str) -> float:
    """
    Return about what share of words have *literal*; of several words, how often they follow.
    """
    words = literal.split()
    if not words:
        return 1.0
    begins, ends = literal.startswith(" "), literal.endswith(" ")
    last = len(words) - 1
    each = [
        _word_share(word, begins=begins or at > 0, ends=ends or at < last)
        for at, word in enumerate(words)
    ]
    following = (min(1.0, _FOLLOWING * one) for one in each[1:])
    return min(*each, each[0] * math.prod(following))


def _word_share(told: str, *, begins: bool, ends: bool) -> float:
    if begins and ends:
        return _shares().get(told, 1e-5)
    if begins:
        found = _ranked().starting(told)
    elif ends:
        found = _ranked(is_backward=True).starting(told[::-1])
    else:
        found = sum(share for word, share in _shares().items() if told in word)
    return 0.1 / 8.0 ** len(told) + 1.3 * found


class _Ranked:
    """
    Words in order, each with the share of it and all before it.
    """

    def __init__(self, shares: Mapping[str, float]) -> None:
        self._words = sorted(shares)
        self._until = [0.0, *accumulate(shares[word] for word in self._words)]

    def starting(self, told: str) -> float:
        """
        Return the share of words that start with *told*.
        """
        first = bisect_left(self._words, told)
        last = bisect_left(self._words, told + "\x7f", first)
        return self._until[last] - self._until[first]


@cache
def _ranked(*, is_backward: bool = False) -> _Ranked:
    shares = _shares()
    if is_backward:
        shares = {word[::-1]: share for word, share in shares.items()}
    return _Ranked(shares)


@cache
def _shares() -> Mapping[str, float]:
    """
    Return the commonest words with their shares.

    Those are by their rank (Zipf's law), which is near enough.
    """
    return {word: 0.1 / (rank + 1) for rank, word in enumerate(commonest_words())}
