"""
The law of cutting: however a text is cut into pieces, a detector decides the same.

It is fed as `gateway.filters.TextFilter` feeds: what is undecided is shown again, behind no more
than `context` characters of what is decided.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from gateway.detecting import Find, Place, TextDetector

__all__ = ["assert_cut_invariant", "fed"]

ANSWER = Place(stage="output", role="assistant")
#: Up to so many characters a text is cut in two at each place, beyond at some of them.
_ALL_CUTS_TO = 400
_SOME_CUTS = 120


def assert_cut_invariant(
    detector: TextDetector,
    text: str,
    *,
    place: Place = ANSWER,
    seed: int = 20261128,
    rounds: int = 12,
) -> None:
    """
    Feed *text* whole, cut in two, letter by letter, and cut anyhow; the finds never differ.

    Since what is decided is not shown again, this also says that *safe* never passes the start of
    something that becomes a find.

    Args:
        rounds: How often it is cut anyhow, into pieces of one to twenty characters.
    """
    finds, _ = detector.find(text, 0, final=True, place=place)
    whole = list(finds)
    _check(text, whole, 0, len(text))
    for pieces in _ways(text, random.Random(seed), rounds):
        assert "".join(pieces) == text
        found, _ = fed(detector, pieces, place=place)
        assert found == whole, (
            f"{_told(text, found)} where the whole text gives {_told(text, whole)};"
            f" cut as {pieces!r}"
        )


def fed(
    detector: TextDetector, pieces: Iterable[str], *, place: Place = ANSWER
) -> tuple[list[Find], int]:
    """
    Feed *pieces* as a stream's filter does.

    Returns:
        What was decided, at its places in the whole text, and how many characters had to wait at
        most.
    """
    found: list[Find] = []
    window = ""
    start = offset = most_held = 0
    for piece in pieces:
        window += piece
        finds, safe = detector.find(window, start, final=False, place=place)
        _check(window, finds, start, safe)
        kept, safe = _decided(finds, safe)
        found += [_moved(find, offset) for find in kept]
        most_held = max(most_held, len(window) - safe)
        drop = max(0, safe - detector.context)
        window, start, offset = window[drop:], safe - drop, offset + drop
    finds, _ = detector.find(window, start, final=True, place=place)
    _check(window, finds, start, len(window))
    return found + [_moved(find, offset) for find in finds], most_held


def _ways(text: str, chance: random.Random, rounds: int) -> Iterable[Sequence[str]]:
    cuts = range(1, len(text))
    if len(text) > _ALL_CUTS_TO:
        cuts = sorted(chance.sample(cuts, _SOME_CUTS))
    for cut in cuts:
        yield text[:cut], text[cut:]
    yield list(text)
    for _ in range(rounds):
        pieces = []
        at = 0
        while at < len(text):
            size = chance.randint(1, 20)
            pieces.append(text[at : at + size])
            at += size
        yield pieces


def _check(text: str, finds: Sequence[Find], start: int, safe: int) -> None:
    assert start <= safe <= len(text), f"safe is {safe} of {start}..{len(text)}"
    assert all(start <= find.start < find.end <= len(text) for find in finds), finds
    assert [find.start for find in finds] == sorted(find.start for find in finds), finds


def _decided(finds: Sequence[Find], safe: int) -> tuple[list[Find], int]:
    """
    Leave out what reaches behind *safe*, and whatever that overlaps.
    """
    for find in sorted(finds, key=lambda find: find.end, reverse=True):
        if find.start < safe < find.end:
            safe = find.start
    return [find for find in finds if find.end <= safe], safe


def _moved(find: Find, offset: int) -> Find:
    return find._replace(start=find.start + offset, end=find.end + offset)


def _told(text: str, finds: Iterable[Find]) -> list[tuple[str, str, int]]:
    return [(find.type, text[find.start : find.end], find.start) for find in finds]
