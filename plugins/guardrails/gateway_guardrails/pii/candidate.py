"""
What the scanners find before it is decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Candidate", "prevailing"]


class Candidate(NamedTuple):
    """
    Something that is of a kind, unless something that prevails over it overlaps it.

    Attributes:
        kind: Its number in the detector's list.
        is_told: A word beside it says so.
        odds: How strict the kind is, see `Kind.odds`.
    """

    start: int
    end: int
    kind: int
    is_told: bool = False
    odds: int = 1

    def moved(self, offset: int) -> Candidate:
        """
        Return the same, so much farther right.
        """
        return self._replace(start=self.start + offset, end=self.end + offset)


def prevailing(candidates: Iterable[Candidate]) -> list[Candidate]:
    """
    Return, in order, those that nothing better overlaps: the longer, then the told, the stricter.

    Each is compared with all that overlap it, also with those that do not prevail themselves, so
    that what is far to the left of a window changes nothing in it.
    """
    kept: list[Candidate] = []
    together: list[Candidate] = []
    reach = 0
    for one in sorted(set(candidates)):
        if one.start >= reach:
            if len(together) > 1:
                together = _best(together)
            kept += together
            together = [one]
            reach = one.end
        else:
            together.append(one)
            reach = max(reach, one.end)
    return kept + _best(together)


def _best(together: list[Candidate]) -> list[Candidate]:
    if len(together) < 2:
        return together
    longest = max(one.end - one.start for one in together)
    kept = []
    first = 0
    for one in together:
        while together[first].start <= one.start - longest:
            first += 1
        for at in range(first, len(together)):
            other = together[at]
            if other.start >= one.end:
                kept.append(one)
                break
            if _yields(one, other):
                break
        else:
            kept.append(one)
    return kept


def _yields(one: Candidate, other: Candidate) -> bool:
    if other.start >= one.end or one.start >= other.end or one == other:
        return False
    if one.kind == other.kind and not other.start <= one.start < one.end <= other.end:
        return False  # of one kind: both are, and are redacted together
    return _rank(other) > _rank(one)


def _rank(one: Candidate) -> tuple[int, bool, int, int, int]:
    return one.end - one.start, one.is_told, one.odds, -one.start, -one.kind
