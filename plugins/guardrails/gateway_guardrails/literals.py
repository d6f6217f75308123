"""
Finds many literals in a text in one pass, all of them, also where they overlap.

An automaton after Aho and Corasick (https://doi.org/10.1145/360825.360855) where the compiled one
is installed; else one pattern of all of them, which is slower and finds the same.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

__all__ = ["Literals"]

try:
    _ahocorasick: Any = import_module("ahocorasick_rs")
except ImportError:  # no wheel for this system
    _ahocorasick = None

#: Up to so many characters in all, the automaton is the quick and large one.
_DENSE_CHARACTERS: Final = 40_000
_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

_Hit = tuple[int, int, int]


class Literals:
    """
    A set of literals to look for; safe to call from any thread.

    Args:
        literals: None is empty or there twice.
        ignores_case: Letters of ASCII stand for both cases; *literals* are in lower case.
    """

    def __init__(self, literals: Sequence[str], *, ignores_case: bool = False) -> None:
        if len(set(literals)) != len(literals) or not all(literals):
            msg = "a literal is empty or told twice"
            raise ValueError(msg)
        self._ignores_case = ignores_case
        self._lengths = [len(literal) for literal in literals]
        self._automaton: Any = None
        self._pattern: re.Pattern[str] | None = None
        if not literals:
            return
        if _ahocorasick is not None:
            self._automaton = _automaton_of(literals)
            return
        self._numbers = {literal: number for number, literal in enumerate(literals)}
        flags = re.ASCII | (re.IGNORECASE if ignores_case else 0)
        self._pattern = re.compile(_any_of(literals), flags)

    def hits(self, text: str) -> Sequence[_Hit]:
        """
        Return the number, start and end of each literal in *text*, in order of their ends.
        """
        if self._automaton is None:
            return self._hits_by_pattern(text)
        # Lone halves of a pair are no UTF-8, and still somebody's text.
        raw = text.encode("utf-8", "surrogatepass")
        found: Sequence[_Hit] = self._automaton.find_matches_as_indexes(
            raw.lower() if self._ignores_case else raw, overlapping=True
        )
        if not found or len(raw) == len(text):
            return found
        return self._in_characters(raw, found)

    def hits_in(self, raw: bytes) -> Sequence[_Hit]:
        """
        Return what `hits` does, for a text in UTF-8 and with places in bytes; case matters.
        """
        if self._automaton is not None:
            found: Sequence[_Hit] = self._automaton.find_matches_as_indexes(
                raw, overlapping=True
            )
            return found
        text = raw.decode("utf-8", "surrogatepass")
        found = self._hits_by_pattern(text)
        if not found or len(raw) == len(text):
            return found
        return [
            (number, _bytes_of(text[:start]), _bytes_of(text[:end]))
            for number, start, end in found
        ]

    def _in_characters(self, raw: bytes, found: Sequence[_Hit]) -> Sequence[_Hit]:
        told = []
        byte = character = 0
        for number, _, end in found:
            character += len(raw[byte:end].decode("utf-8", "surrogatepass"))
            byte = end
            told.append((number, character - self._lengths[number], character))
        return told

    def _hits_by_pattern(self, text: str) -> Sequence[_Hit]:
        pattern = self._pattern
        if pattern is None:
            return ()
        lowered = text.translate(_LOWER) if self._ignores_case else text
        lengths = sorted(set(self._lengths))
        found = []
        match = pattern.search(lowered)
        while match is not None:
            start = match.start()
            for length in lengths:
                end = start + length
                number = self._numbers.get(lowered[start:end])
                if number is not None and end <= len(lowered):
                    found.append((number, start, end))
            match = pattern.search(lowered, start + 1)
        return sorted(found, key=lambda hit: hit[2])


def _bytes_of(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _automaton_of(literals: Sequence[str]) -> Any:
    is_small = sum(map(len, literals)) <= _DENSE_CHARACTERS
    return _ahocorasick.BytesAhoCorasick(
        [literal.encode("utf-8", "surrogatepass") for literal in literals],
        implementation=_ahocorasick.Implementation.DFA if is_small else None,
    )


def _any_of(literals: Sequence[str]) -> str:
    # Grouped by their first character, of which there are few: the pattern then fails quickly.
    by_first: dict[str, list[str]] = {}
    for literal in literals:
        by_first.setdefault(literal[0], []).append(re.escape(literal[1:]))
    return "|".join(
        f"{re.escape(first)}(?:{'|'.join(rests)})" for first, rests in by_first.items()
    )
