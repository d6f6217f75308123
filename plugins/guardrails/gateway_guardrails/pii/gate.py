"""
A cheap look at a text: of which kinds it has words, for those that are found beside those alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from gateway_guardrails.patterns import HAS_RE2, PatternSet

__all__ = ["WordGate"]

#: A shorter word is looked for between what is no letter, since it is a part of many others.
_LONG: Final = 5


class WordGate:
    """
    Tells of which kinds the words are that a text has, in whatever notation.

    It may say yes where there is none, never no where there is one.

    Args:
        phrases: Words in a row, with the kinds that they speak of, one bit each.
    """

    def __init__(self, phrases: Mapping[tuple[str, ...], int]) -> None:
        ordered = sorted(_telling(phrases))
        self._kinds = [phrases[words] for words in ordered]
        # Without RE2 the longest word stands for all, since looking for each costs more.
        self._longest = [max(words, key=len) for words in ordered]
        self._set = PatternSet(map(_pattern_of, ordered)) if HAS_RE2 else None

    def kinds(self, text: str) -> int:
        """
        Return the kinds whose words may be in *text*.
        """
        found = 0
        if self._set is not None:
            for number in self._set.hits(text):
                found |= self._kinds[number]
            return found
        lowered = text.lower()
        for word, kinds in zip(self._longest, self._kinds, strict=True):
            if word in lowered:
                found |= kinds
        return found


def _telling(phrases: Mapping[tuple[str, ...], int]) -> Iterator[tuple[str, ...]]:
    """
    Yield those of *phrases* without which something would be missed.

    Where ``telephone number`` is, ``phone`` is too: it says no more, and each pattern costs.
    """
    anywhere = {
        words[0]: kinds
        for words, kinds in phrases.items()
        if len(words) == 1 and _is_found_anywhere(words[0])
    }
    for words, kinds in phrases.items():
        if not any(
            word in token and words != (word,) and not kinds & ~told
            for word, told in anywhere.items()
            for token in words
        ):
            yield words


def _is_found_anywhere(word: str) -> bool:
    return len(word) >= _LONG or not word.isascii()


def _pattern_of(words: tuple[str, ...]) -> str:
    if len(words) > 1:
        return "(?i:" + r"[\W_]*".join(map(re.escape, words)) + ")"
    word = words[0]
    escaped = re.escape(word)
    if _is_found_anywhere(word):
        return f"(?i:{escaped})"
    hump = f"{word[0].upper()}(?i:{re.escape(word[1:])})"
    return f"(?:(?:^|[^A-Za-z])(?i:{escaped})|[a-z]{hump})s?(?:[^a-z]|$)"
