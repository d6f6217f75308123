"""
Numbers told by their shape: digits and letters with their punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Final, NamedTuple

from gateway_guardrails.pii.kind import Kind, shapes

__all__ = ["LONGEST", "Ending", "Reading", "Shape", "ShapeIndex", "compact"]

#: No shape is longer.
LONGEST: Final = 40
_GROUP: Final = re.compile(r"[9A]+")
#: A shape may go on behind one of these.
_SEPARATORS: Final = frozenset(" -./()+,;:")
#: What ends in front of one of these is none; what is shorter is told by its letters too.
_NOT_BEHIND: Final = frozenset("@%")
_LEAST_EITHER: Final = 8
_PUNCTUATION: Final = b" -./()+"


class Ending(Enum):
    """
    What follows the end of a skeleton.

    Attributes:
        FINAL: Nothing.
        OPEN: What was not seen yet.
        CUT: More, which may be seen where it matters.
    """

    FINAL = auto()
    OPEN = auto()
    CUT = auto()


class Shape(NamedTuple):
    """
    The kinds that one shape may be of.

    Attributes:
        kinds: Their numbers.
        mask: The same, one bit each.
        alone: Those that are found wherever they stand.
    """

    kinds: tuple[int, ...]
    mask: int
    alone: tuple[int, ...]


class Reading(NamedTuple):
    """
    What begins at one place.

    Attributes:
        found: For each size the shape that is so long, the shortest first.
        is_open: The text ends before that is all.
    """

    found: Sequence[tuple[int, Shape]]
    is_open: bool


_NOTHING: Final = Reading((), is_open=False)
_OPEN: Final = Reading((), is_open=True)


class ShapeIndex:
    """
    The shapes of some kinds.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        table: dict[str, dict[int, bool]] = {}
        for number, kind in enumerate(kinds):
            for text, is_alone in ((kind.beside, False), (kind.alone, True)):
                for shape in shapes(text):
                    table.setdefault(shape, {})[number] = is_alone
        self._kinds = kinds
        either = {len(shape): table[shape] for shape in table if set(shape) == {"X"}}
        for size, named in either.items():
            table["9" * size] = {**table.get("9" * size, {}), **named}
        self._table = {shape: self._shape(named) for shape, named in table.items()}
        #: Shapes of letters and digits alike, by their length.
        self._either = {size: self._shape(named) for size, named in either.items()}
        #: Where a shape goes on behind a separator.
        self.prefixes = frozenset(
            shape[:at]
            for shape in table
            for at in range(1, len(shape))
            if shape[at - 1] not in "9AX"
        )

        self._begun = frozenset(
            shape[: at + 1] for shape in table for at in range(len(shape))
        )

    def _shape(self, named: Mapping[int, bool]) -> Shape:
        return Shape(
            tuple(named),
            sum(1 << kind for kind in named),
            tuple(kind for kind, is_alone in named.items() if is_alone),
        )

    def read(self, skeleton: str, start: int, ending: Ending) -> Reading:
        """
        Read the shapes that begin at *start* of a skeleton, which has A for small letters as well.
        """
        group = _GROUP.match(skeleton, start, start + LONGEST)
        if group is None:
            return _NOTHING
        size = len(skeleton)
        end = group.end()
        if end == size and ending is not Ending.FINAL:
            return _OPEN
        if end < size and skeleton[end] in _SEPARATORS:
            if start + LONGEST < size:
                ending = Ending.FINAL  # of what is looked at
            return self._read_groups(
                skeleton[start : start + LONGEST], end - start, ending
            )
        # Most are one group of digits, and no more.
        shape = self._of(skeleton[start:end])
        if shape is None or skeleton[end : end + 1] in _NOT_BEHIND:
            return _NOTHING
        return Reading(((end - start, shape),), is_open=False)

    def _of(self, shape: str) -> Shape | None:
        known = self._table.get(shape)
        size = len(shape)
        either = self._either.get(size) if size >= _LEAST_EITHER else None
        if either is None or shape == "9" * size or not shape.isalnum():
            return known
        if known is None:
            return either
        return Shape(
            known.kinds + either.kinds,
            known.mask | either.mask,
            known.alone + either.alone,
        )

    def _read_groups(self, skeleton: str, at: int, ending: Ending) -> Reading:
        """
        Go on behind the first group of *skeleton*, which ends at *at*; ends count from its start.
        """
        ends = ending is not Ending.FINAL
        size = len(skeleton)
        found: list[tuple[int, Shape]] = []
        while True:
            if at == size and ends:
                is_open = ending is Ending.OPEN or skeleton in self._begun
                return Reading(found, is_open)
            shape = self._of(skeleton[:at])
            if shape is not None:
                is_ended = _is_ended(skeleton, at, ends=ends)
                if is_ended is None:
                    return Reading(found, is_open=True)
                if is_ended:
                    found.append((at, shape))
            if skeleton[at : at + 1] == ")" and skeleton[: at + 1] in self._table:
                found.append((at + 1, self._table[skeleton[: at + 1]]))
            end = at
            while at < size and skeleton[: at + 1] in self.prefixes:
                at += 1
            if at == end:
                return Reading(found, is_open=False)
            group = _GROUP.match(skeleton, at)
            if group is None:
                return Reading(found, is_open=at == size and ends)
            at = group.end()


def compact(value: str) -> str:
    """
    Return *value*, which is ASCII, without its punctuation, in capitals, as checks take it.
    """
    # Of bytes a translation is several times as quick.
    return value.encode("ascii").translate(None, _PUNCTUATION).decode("ascii").upper()


def _is_ended(skeleton: str, at: int, *, ends: bool) -> bool | None:
    """
    Tell whether a value may end at *at*; None if the text must go on to say so.
    """
    if at >= len(skeleton):
        return True
    one = skeleton[at]
    if one not in "-./@%":
        return True
    if one in "@%":
        return False
    if at + 1 >= len(skeleton):
        return None if ends else True
    after = skeleton[at + 1]
    return after != "9" and (after != "A" or one == ".")
