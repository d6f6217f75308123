"""
Finding in a text what a service has masked in its copy of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

__all__ = ["Masked", "align"]

_PLACEHOLDER: Final = re.compile(r"\{([^{}\n]{1,128})\}")


class Masked(NamedTuple):
    """
    What was masked: where, and as what.
    """

    start: int
    end: int
    name: str


def align(
    text: str, copy: str, matches: Mapping[str, Sequence[str]]
) -> list[Masked] | None:
    """
    Find the places of *text* in whose stead *copy* says ``{name}``.

    A word alone tells no place: a name may be a part of longer words, an age stands in every
    number.  What stands between two placeholders does.

    Args:
        matches: What was masked, by the name that stands for it.

    Returns:
        The places, or None if *copy* is no such copy of *text*.
    """
    found: list[Masked] = []
    at = told = 0
    for placeholder in _PLACEHOLDER.finditer(copy):
        between = copy[told : placeholder.start()]
        if not text.startswith(between, at):
            return None
        start = at + len(between)
        match = _match_at(text, start, matches.get(placeholder[1], ()))
        if match:
            at, told = start + len(match), placeholder.end()
            found.append(Masked(start, at, placeholder[1]))
    return found if text[at:] == copy[told:] else None


def _match_at(text: str, start: int, words: Sequence[str]) -> str:
    """
    Return the longest of *words* that stands at *start*; "" if none does.

    Then the text itself has a placeholder there.
    """
    here = (word for word in words if text.startswith(word, start))
    return max(here, key=len, default="")
