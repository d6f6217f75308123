"""
Long texts in parts, and places in them.

A service takes so many characters at a time.  A text is cut between sentences or words where it
can be, and inside a run without a gap where it must be; parts overlap, so that what a cut would
divide stands whole in one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from gateway.detecting import Find

__all__ = ["OVERLAP", "Part", "merged", "occurrences", "parts_of"]

#: Characters that two parts share: more than a phrase that a service looks for has.
OVERLAP: Final = 200
#: Places of one word that are told: a text of one letter has no more to say.
MAX_OCCURRENCES: Final = 1000

_SENTENCE_END: Final = re.compile(r"[.!?\u3002\uff01\uff1f\n]\s*")
_GAP: Final = re.compile(r"\s+")


class Part(NamedTuple):
    """
    A piece of a text, and where it begins there.
    """

    start: int
    text: str

    def placed(self, find: Find) -> Find:
        """
        Return *find*, which counts in this part, as it counts in the whole text.
        """
        return find._replace(start=find.start + self.start, end=find.end + self.start)


def parts_of(text: str, limit: int, overlap: int = OVERLAP) -> list[Part]:
    """
    Cut *text* into parts of at most *limit* characters.

    Args:
        overlap: At least so many characters, less than *limit*, stand in two parts that follow
            each other.
    """
    parts: list[Part] = []
    start = 0
    while len(text) - start > limit:
        end = _cut(text, start + max(limit // 2, overlap + 1), start + limit)
        parts.append(Part(start, text[start:end]))
        start = max(start + 1, end - overlap)
    parts.append(Part(start, text[start:]))
    return parts


def _cut(text: str, low: int, high: int) -> int:
    """
    Return where to cut between *low* and *high*: behind a sentence, else a gap, else at *high*.
    """
    for ending in (_SENTENCE_END, _GAP):
        ends = [match.end() for match in ending.finditer(text, low, high)]
        if ends:
            return ends[-1]
    return high


def occurrences(word: str, text: str, *, ignores_case: bool = False) -> list[int]:
    """
    Return where *word* stands in *text*.

    Places that are no part of a longer word, if there is one; else all of them, for what a
    service found must not stay because it stands in a place of another kind.
    """
    if not word:
        return []
    # Lower-casing could change how long a text is; a pattern keeps its places.
    pattern = re.compile(re.escape(word), re.IGNORECASE if ignores_case else 0)
    found: list[int] = []
    for match in pattern.finditer(text):
        found.append(match.start())
        if len(found) == MAX_OCCURRENCES:
            break
    alone = [at for at in found if _stands_alone(text, at, at + len(word))]
    return alone or found


def _stands_alone(text: str, start: int, end: int) -> bool:
    opens = start == 0 or not (text[start - 1].isalnum() and text[start].isalnum())
    closes = end == len(text) or not (text[end - 1].isalnum() and text[end].isalnum())
    return opens and closes


def merged(spans: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """
    Return *spans* in order, those that overlap or touch as one.
    """
    joined: list[tuple[int, int]] = []
    for start, end in sorted((span[0], span[1]) for span in spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
