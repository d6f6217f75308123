"""
Numbers told by their shape: digits and letters with their punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from gateway_guardrails.pii.kind import Kind, shapes

__all__ = ["LONGEST", "Reading", "Shaped", "ShapeIndex", "compact"]

#: No shape is longer.
LONGEST: Final = 40
_GROUP: Final = re.compile(r"[9A]+")
_PUNCTUATION: Final = str.maketrans("", "", " -./()+")


class Shaped(NamedTuple):
    """
    A kind that has a shape.

    Attributes:
        is_alone: It is found wherever it stands.
    """

    kind: int
    is_alone: bool


class Reading(NamedTuple):
    """
    What begins at one place.

    Attributes:
        found: For each end the kinds whose shape reaches up to it, in order of the ends.
        is_open: The text ends before that is all.
    """

    found: Sequence[tuple[int, Sequence[Shaped]]]
    is_open: bool


class ShapeIndex:
    """
    The shapes of some kinds.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        table: dict[str, dict[int, Shaped]] = {}
        for number, kind in enumerate(kinds):
            for text, is_alone in ((kind.beside, False), (kind.alone, True)):
                for shape in shapes(text):
                    table.setdefault(shape, {})[number] = Shaped(number, is_alone)
        self._table = {shape: tuple(named.values()) for shape, named in table.items()}
        #: Where a shape goes on behind a separator.
        self.prefixes = frozenset(
            shape[:at]
            for shape in table
            for at in range(1, len(shape))
            if shape[at - 1] not in "9AX"
        )

    def read(self, text: str, start: int, *, final: bool) -> Reading:
        """
        Read the shapes that begin at *start* of *text*, which is a skeleton.
        """
        skeleton = text[start : start + LONGEST]
        size = len(skeleton)
        ends = start + size == len(text) and not final
        found: list[tuple[int, Sequence[Shaped]]] = []
        at = 0
        while True:
            group = _GROUP.match(skeleton, at)
            if group is None:
                return Reading(found, is_open=at == size and ends)
            at = group.end()
            if at == size and ends:
                return Reading(found, is_open=True)
            shape = skeleton[:at]
            kinds = self._table.get(shape, ())
            if len(shape) >= 8 and shape.isalnum():
                kinds += self._table.get("X" * at, ())
            if kinds:
                is_ended = _is_ended(skeleton, at, ends=ends)
                if is_ended is None:
                    return Reading(found, is_open=True)
                if is_ended:
                    found.append((start + at, kinds))
            if skeleton[at : at + 1] == ")" and skeleton[: at + 1] in self._table:
                found.append((start + at + 1, self._table[skeleton[: at + 1]]))
            while at < size and skeleton[: at + 1] in self.prefixes:
                at += 1
            if at == group.end():
                return Reading(found, is_open=False)


def compact(value: str) -> str:
    """
    Return *value* without its punctuation, in capitals, as checks take it.
    """
    return value.translate(_PUNCTUATION).upper()


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
