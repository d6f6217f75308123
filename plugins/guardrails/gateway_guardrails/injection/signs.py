"""
Signs that a text must have for a pattern to be found in it, whatever words it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from gateway_guardrails.injection.literals import SIGNS
from gateway_guardrails.injection.syntax import Choice, Node, One, Repeat, Row, read

__all__ = ["Signs", "signs_of"]

#: Signs of which one must be there.
Signs = frozenset[int]

_SELDOM: Final = frozenset(SIGNS.decode())


def signs_of(pattern: str) -> Sequence[Signs]:
    """
    Return sets of signs, of each of which *pattern* needs one; none for most.
    """
    return [frozenset("".join(one).encode()) for one in _needed(read(pattern))]


def _needed(node: Node) -> Iterator[frozenset[str]]:
    if isinstance(node, One):
        if node.characters and node.characters <= _SELDOM:
            yield node.characters
    elif isinstance(node, Row):
        for part in node.parts:
            yield from _needed(part)
    elif isinstance(node, Choice):
        each = [list(_needed(option)) for option in node.options]
        if all(each):
            yield frozenset[str]().union(*(min(one, key=len) for one in each))
    elif isinstance(node, Repeat) and node.least:
        yield from _needed(node.part)
