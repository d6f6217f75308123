"""
Finding words: in a text that is here, and in one that is still being written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.filters import Edit, TextFilter


def find_word(text: str, words: Sequence[str]) -> re.Match[str] | None:
    """
    Return the first of *words* in *text*, or None.
    """
    pattern = _pattern(words)
    return None if pattern is None else pattern.search(text)


class WordFilter(TextFilter):
    """
    Masks words in the running texts of one answer, wherever its pieces cut them.
    """

    def __init__(self, words: Sequence[str], mask: str) -> None:
        self._pattern = _pattern(words)
        self._mask = mask
        self._starts = tuple(word.casefold() for word in words)
        self._longest = max(map(len, self._starts), default=0)

    def find(self, text: str, start: int, final: bool) -> tuple[Sequence[Edit], int]:
        """
        Find the words in *text*; what may be the beginning of one is not decided yet.
        """
        if self._pattern is None:
            return (), len(text)
        found = self._pattern.finditer(text, start)
        edits = [Edit(*match.span(), self._mask) for match in found]
        safe = len(text) if final else self._undecided(text, start)
        return edits, safe

    def _undecided(self, text: str, start: int) -> int:
        tail = text[max(start, len(text) - self._longest + 1) :].casefold()
        for at in range(len(tail)):
            if any(word.startswith(tail[at:]) for word in self._starts):
                return len(text) - (len(tail) - at)
        return len(text)


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    if not words:
        return None
    # The longest first: of two that begin alike it is the one that is meant.
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
