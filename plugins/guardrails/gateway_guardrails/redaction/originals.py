"""
What may be put back: tokens, and the value that each stands for, found fast however many.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from gateway_guardrails.redaction.placeholders import PLACEHOLDER

_OPEN: Final = re.compile(r"<[A-Z0-9_]*\Z")


class Place(NamedTuple):
    """
    Where a token stands in a text, and what it stands for.

    Attributes:
        is_number: It stood for a number of JSON, without quotes.
    """

    start: int
    end: int
    original: str
    is_number: bool = False


class Originals(Mapping[str, str]):
    """
    Tokens and originals.
    """

    __slots__ = ("_alike", "_begun", "_lengths", "_longest", "_numbers", "_values")

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values: dict[str, str] = {}
        self._numbers: set[str] = set()
        self._longest = 0
        #: Look-alikes in order, how long they are, and where one may begin.
        self._alike: list[str] = []
        self._lengths: list[int] = []
        self._begun = _begins("")
        for token, value in (values or {}).items():
            self.add(token, value)

    def __repr__(self) -> str:
        return f"<Originals of {len(self._values)} values>"

    def __getitem__(self, token: str) -> str:
        return self._values[token]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def add(self, token: str, value: str, *, is_number: bool = False) -> None:
        """
        Let *token* stand for *value*, which somewhere is a number without quotes.
        """
        if is_number:
            self._numbers.add(token)
        if token in self._values:
            return
        self._values[token] = value
        self._longest = max(self._longest, len(token))
        if PLACEHOLDER.fullmatch(token) is None:
            insort(self._alike, token)
            if len(token) not in self._lengths:
                self._lengths = sorted([*self._lengths, len(token)], reverse=True)
            if self._begun.match(token) is None:
                self._begun = _begins("".join({one[0] for one in self._alike}))

    def places(self, text: str, start: int) -> list[Place]:
        """
        Find the tokens in *text* from *start* on, in order and apart.
        """
        found = self._placeholders(text, start)
        if not self._alike:
            return found
        found += self._lookalikes(text, start)
        found.sort()
        out: list[Place] = []
        for place in found:
            if not out or place.start >= out[-1].end:
                out.append(place)
        return out

    def safe(self, text: str, start: int) -> int:
        """
        Return where the end of *text* begins that may still grow into a token.
        """
        length = len(text)
        opened = _OPEN.search(text, max(start, length - self._longest))
        safe = opened.start() if opened else length
        if self._alike:
            left = max(start, length - self._longest)
            for match in self._begun.finditer(text, left):
                at = match.start()
                if at >= safe:
                    break
                if self._may_grow(text[at:]):
                    return at
        return safe

    def _placeholders(self, text: str, start: int) -> list[Place]:
        values = self._values
        return [
            Place(*match.span(), values[match[0]], match[0] in self._numbers)
            for match in PLACEHOLDER.finditer(text, start)
            if match[0] in values
        ]

    def _lookalikes(self, text: str, start: int) -> Iterator[Place]:
        values = self._values
        for match in self._begun.finditer(text, start):
            at = match.start()
            for length in self._lengths:
                token = text[at : at + length]
                original = values.get(token)
                # At the end of the text a longer stretch is the same as a shorter one.
                end = at + len(token)
                if original is not None and not _goes_on(text, end):
                    yield Place(at, end, original, token in self._numbers)
                    break

    def _may_grow(self, tail: str) -> bool:
        at = bisect_left(self._alike, tail)
        return at < len(self._alike) and self._alike[at].startswith(tail)


def _begins(letters: str) -> re.Pattern[str]:
    """
    Return a pattern of where a look-alike may begin: never inside a word.
    """
    either = "|".join(re.escape(letter) for letter in sorted(letters))
    return re.compile(rf"(?<!\w)(?:{either or '(?!)'})")


def _goes_on(text: str, end: int) -> bool:
    """
    Tell whether the word that ends at *end* goes on: a name is no part of a longer one.
    """
    following = text[end : end + 1]
    return following.isalnum() or following == "_"
