"""
A cheap look at a text: is any of the words in it that short values need beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gateway_guardrails.patterns import HAS_RE2, PatternSet

__all__ = ["WordGate"]

#: A shorter word is looked for between what is no letter, since it is a part of many others.
_LONG: Final = 5


class WordGate:
    """
    Tells whether a text has any of some words, in whatever notation.

    It may say yes where there is none, never no where there is one.
    """

    def __init__(self, words: Iterable[str]) -> None:
        ordered = sorted(set(words))
        self._words: tuple[str, ...] = tuple(ordered)
        self._set = PatternSet(map(_pattern_of, ordered)) if HAS_RE2 else None

    def is_open(self, text: str) -> bool:
        """
        Tell whether one of the words may be in *text*.
        """
        if self._set is not None:
            return bool(self._set.hits(text))
        lowered = text.lower()
        return any(word in lowered for word in self._words)


def _pattern_of(word: str) -> str:
    escaped = re.escape(word)
    if len(word) >= _LONG or not word.isascii():
        return f"(?i:{escaped})"
    capital = word[0].upper() + word[1:]
    return f"(?:^|[^A-Za-z])(?i:{escaped})s?(?:[^a-z]|$)|[a-z]{capital}(?:[^a-z]|$)"
