"""
Comparing what decides the meaning of two questions.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from gateway_caching.semantic.wording.lexicon import FILLERS
from gateway_caching.semantic.wording.reading import Wording

__all__ = ["disagreement"]

#: A word without and with one of these says the opposite.
_DENYING: Final = ("un", "in", "im", "il", "ir", "dis", "de", "non", "anti", "mis")
#: Of how many words that carry meaning each question must be that share less than half of them.
_ENOUGH_WORDS: Final = 4
_MOSTLY: Final = 0.5


def disagreement(one: Wording, other: Wording) -> str | None:
    """
    Say in what two questions differ that makes them two; None if in nothing that is known.
    """
    if one.signature != other.signature:
        return "what must be the same"
    if one.persons and other.persons and one.persons != other.persons:
        return "persons"
    if not _names_agree(one, other):
        return "names"
    return _content_fault(one, other)


def _names_agree(one: Wording, other: Wording) -> bool:
    """
    Compare the names: the same, in the same order, whatever their case.

    A word that begins a sentence is a name unless the other question has it in small letters.
    """
    names = one.names | other.names
    names |= one.openers - frozenset(other.words)
    names |= other.openers - frozenset(one.words)
    if not names:
        return True
    # A name that reads as an everyday word too ("US") does not excuse that word.
    if any(
        name in FILLERS and (name in one.names) != (name in other.names)
        for name in names
    ):
        return False
    return _only(one.words, names) == _only(other.words, names)


def _only(words: tuple[str, ...], names: frozenset[str]) -> list[str]:
    return [word for word in words if word in names]


def _content_fault(one: Wording, other: Wording) -> str | None:
    mine, others = Counter(one.content), Counter(other.content)
    if mine == others:
        # Who does what to whom is a matter of order, in two words as in ten.
        return None if one.content == other.content else "order"
    if _are_opposites(mine - others, others - mine):
        return "opposites"
    # One sentence with another filling is near by its vector whatever the filling says; only
    # where hardly a word is the same is it the meaning that is near.
    shared = 2 * (mine & others).total() / (mine.total() + others.total())
    shorter = min(mine.total(), others.total())
    if shared >= _MOSTLY or shorter < _ENOUGH_WORDS:
        return "words"
    return None


def _are_opposites(mine: Counter[str], others: Counter[str]) -> bool:
    return any(
        longer == denying + shorter
        for a in mine
        for b in others
        for shorter, longer in ((a, b), (b, a))
        for denying in _DENYING
    )
