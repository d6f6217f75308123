"""
The parts of a pattern, taken apart into ways to match it: each is a row of steps.

A step is a set of literals of which one must be there, and how far into a match it may stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import product
from typing import Final

import attrs

from gateway_guardrails.injection.literals import (
    EDGE,
    GAP,
    GAP_WIDTH,
    LETTERS,
    Literal,
    cost_of,
    is_wide,
    literals_of,
)
from gateway_guardrails.injection.syntax import (
    OPEN_WIDTH,
    WORD_WIDTH,
    Boundary,
    Choice,
    Node,
    One,
    Repeat,
    Row,
    read,
)

__all__ = ["Step", "step_cost", "ways", "width"]

#: Literals that one step may have, and ways that one rule may have.
_MOST_LITERALS: Final = 400
_MOST_JOINED: Final = 256
_MOST_WAYS: Final = 48
#: What is no letter, sifted.
_SIGNS: Final = (
    EDGE + GAP + "".join(one for one in map(chr, range(2, 128)) if one not in LETTERS)
)
#: Characters of a class that are told one by one.
_MOST_OF_CLASS: Final = 12


@attrs.frozen
class Step:
    """
    Literals of which one is there.

    Attributes:
        first: How far into a match its literal may begin, at most.
        last: How far into a match it may end, at most.
        cost: About how many of a text's words have it.
    """

    literals: frozenset[Literal]
    first: int
    last: int
    cost: float

    @property
    def is_sifted(self) -> bool:
        """
        Whether its literals are those of a sifted text: all of them are, or none.
        """
        return next(iter(self.literals)).is_sifted


@cache
def ways(pattern: str) -> tuple[tuple[Step, ...], ...]:
    """
    Return the ways to match *pattern*, each with all that must be there.
    """
    return tuple(_Parted(read(pattern), is_begun=False, is_ended=False).ways)


@cache
def width(pattern: str) -> int:
    """
    Return how wide a match of *pattern* is at most, a word taken to be `WORD_WIDTH`.
    """
    return _width(read(pattern))


def step_cost(step: Step) -> float:
    """
    Return what *step* costs, to sort by.
    """
    return step.cost


class _Parted:
    """
    A part of a pattern, taken apart.

    Attributes:
        exact: All that it matches; None if that is too much.
        ways: Ways to match it.
        width: How wide a match is, at most.
    """

    def __init__(self, node: Node, *, is_begun: bool, is_ended: bool) -> None:
        self.exact = _exact(node)
        self.width = _width(node)
        self.ways: list[tuple[Step, ...]] = [()]
        if self.exact is not None:
            row = _Line(is_begun=is_begun)
            row.put(self.exact, self.width)
            row.close(is_ended=is_ended)
            self.ways = row.ways
        elif isinstance(node, Row):
            self.ways = _row_ways(node, is_begun=is_begun, is_ended=is_ended)
        elif isinstance(node, Choice):
            self.ways = _choice_ways(node, is_begun=is_begun, is_ended=is_ended)
        elif isinstance(node, Repeat) and node.least and _exact(node.part):
            line = _Line(is_begun=is_begun)
            line.put(_times(_exact(node.part) or frozenset(), node.least), self.width)
            line.close(is_ended=False)
            self.ways = line.ways
        elif isinstance(node, Repeat) and node.least:
            is_single = node.most == 1
            part = _Parted(
                node.part, is_begun=is_begun, is_ended=is_ended and is_single
            )
            self.ways = part.ways


class _Line:
    """
    Steps as they come about from left to right.
    """

    def __init__(self, *, is_begun: bool) -> None:
        self.ways: list[tuple[Step, ...]] = [()]
        self._run: frozenset[str] = frozenset({EDGE if is_begun else ""})
        self._begin = 0
        self.at = 0

    @property
    def is_edge(self) -> bool:
        return all(one and one[-1] not in LETTERS for one in self._run)

    def put(self, exact: frozenset[str], width: int) -> None:
        """
        Put what one of *exact* matches behind.
        """
        if self._is_full(exact):
            was_edge = self.is_edge
            self.close(is_ended=all(map(_begins_in_sign, exact)))
            self.open(is_begun=was_edge)
        self._run = frozenset(a + b for a, b in product(self._run, exact))
        self.at += width

    def _is_full(self, exact: frozenset[str]) -> bool:
        if len(self._run) > 1 and len(self._run) * len(exact) > _MOST_JOINED:
            return True
        ends = {one[len(one.rstrip(_SIGNS)) :] for one in self._run}
        begins = {one[: len(one) - len(one.lstrip(_SIGNS))] for one in exact}
        return any(is_wide(a + b) for a, b in product(ends, begins))

    def put_ways(self, ways: Iterable[tuple[Step, ...]], width: int) -> None:
        """
        Put what is matched in one of *ways* behind.
        """
        moved = [
            tuple(
                attrs.evolve(one, first=one.first + self.at, last=one.last + self.at)
                for one in steps
            )
            for steps in ways
        ]
        self.ways = _crossed(self.ways, moved)
        self.at += width
        self._begin = self.at

    def close(self, *, is_ended: bool) -> None:
        """
        Make a step of the run.
        """
        end = EDGE if is_ended else ""
        told = [
            Step(literals, self._begin, self.at, cost_of(literals))
            for literals in literals_of([one + end for one in self._run])
        ]
        if told:
            self.ways = [(*steps, one) for steps in self.ways for one in told]
        self._run = frozenset({""})
        self._begin = self.at

    def open(self, *, is_begun: bool) -> None:
        """
        Begin a run, behind an edge of a word or not.
        """
        self._run = frozenset({EDGE if is_begun else ""})


def _begins_in_sign(one: str) -> bool:
    return one[:1] in _SIGNS and one != ""


def _row_ways(node: Row, *, is_begun: bool, is_ended: bool) -> list[tuple[Step, ...]]:
    line = _Line(is_begun=is_begun)
    for number, part in enumerate(node.parts):
        following = node.parts[number + 1 : number + 2]
        is_next_edge = _is_edge(following[0]) if following else is_ended
        exact = _exact(part)
        if exact is not None:
            line.put(exact, _width(part))
            continue
        was_edge = line.is_edge
        line.close(is_ended=False)
        told = _Parted(part, is_begun=was_edge, is_ended=is_next_edge)
        line.put_ways(told.ways, told.width)
        is_optional = isinstance(part, Repeat) and not part.least
        line.open(is_begun=_ends_in_edge(part) and (was_edge or not is_optional))
    line.close(is_ended=is_ended)
    return line.ways


def _choice_ways(
    node: Choice, *, is_begun: bool, is_ended: bool
) -> list[tuple[Step, ...]]:
    together: frozenset[str] = frozenset()
    width = 0
    found: list[tuple[Step, ...]] = []
    for option in node.options:
        exact = _exact(option)
        if exact is not None and "" not in exact:
            together |= exact
            width = max(width, _width(option))
        else:
            told = _Parted(option, is_begun=is_begun, is_ended=is_ended)
            found.extend(told.ways)
    if together:
        line = _Line(is_begun=is_begun)
        line.put(together, width)
        line.close(is_ended=is_ended)
        found.extend(line.ways)
    return found


def _crossed(
    before: list[tuple[Step, ...]], after: list[tuple[Step, ...]]
) -> list[tuple[Step, ...]]:
    if len(before) * len(after) > _MOST_WAYS:
        if len(after) >= len(before):
            after = [_joined(after)]
        else:
            before = [_joined(before)]
    return [(*first, *then) for first, then in product(before, after)]


def _joined(found: Sequence[tuple[Step, ...]]) -> tuple[Step, ...]:
    """
    Make one way of several: one step, of the literals of the best step of each.
    """
    if not all(found):
        return ()
    kept = [min(steps, key=step_cost) for steps in found]
    if len({step.is_sifted for step in kept}) > 1:
        return ()
    literals = frozenset[Literal]().union(*(step.literals for step in kept))
    first = min(step.first for step in kept)
    last = max(step.last for step in kept)
    return (Step(literals, first, last, cost_of(literals)),)


def _exact(node: Node) -> frozenset[str] | None:
    """
    Return all that *node* matches, sifted; None where it is too much, or hangs on what is beside.
    """
    if isinstance(node, One):
        return _exact_one(node)
    if isinstance(node, Boundary):
        return frozenset({EDGE})
    if _is_between(node):
        return frozenset({GAP})
    if isinstance(node, Row):
        found: frozenset[str] | None = frozenset({""})
        for part in node.parts:
            exact = _exact(part)
            if (
                exact is None
                or found is None
                or len(found) * len(exact) > _MOST_LITERALS
            ):
                return None
            found = frozenset(a + b for a, b in product(found, exact))
        return found
    if isinstance(node, Choice):
        each = [_exact(option) for option in node.options]
        all_of = frozenset[str]().union(*(one for one in each if one is not None))
        return None if None in each or len(all_of) > _MOST_LITERALS else all_of
    exact = _exact(node.part)
    if exact is None or node.most is None or node.most > 1:
        return None
    return exact if node.least else exact | {""}


def _times(exact: frozenset[str], count: int) -> frozenset[str]:
    found = exact
    for _ in range(count - 1):
        if len(found) * len(exact) > _MOST_LITERALS:
            break
        found = frozenset(a + b for a, b in product(found, exact))
    return found


def _exact_one(node: One) -> frozenset[str] | None:
    if node.characters is None:
        return None
    told = frozenset(one.lower() for one in node.characters)
    return told if len(told) <= _MOST_OF_CLASS else None


def _is_edge(node: Node) -> bool:
    """
    Tell whether *node* stands between words: a boundary, or signs alone, one at least.
    """
    return isinstance(node, Boundary) or _is_between(node)


def _is_between(node: Node) -> bool:
    return (
        isinstance(node, Repeat)
        and node.least > 0
        and (node.most or GAP_WIDTH + 1) <= GAP_WIDTH
        and _is_gap(node.part)
    )


def _ends_in_edge(node: Node) -> bool:
    if isinstance(node, Row):
        return bool(node.parts) and _ends_in_edge(node.parts[-1])
    if isinstance(node, Choice):
        return all(map(_ends_in_edge, node.options))
    if isinstance(node, Repeat):
        return _is_edge(node) or _ends_in_edge(node.part)
    if isinstance(node, One):
        return _is_gap(node)
    return True


def _is_gap(node: Node) -> bool:
    return (
        isinstance(node, One)
        and node.characters is not None
        and node.characters.isdisjoint(LETTERS)
    )


def _width(node: Node) -> int:
    if isinstance(node, One):
        return 1
    if isinstance(node, Row):
        return sum(map(_width, node.parts))
    if isinstance(node, Choice):
        return max(map(_width, node.options))
    if isinstance(node, Repeat):
        if node.most is None:
            is_word = isinstance(node.part, One) and node.part.is_word
            return WORD_WIDTH if is_word else OPEN_WIDTH
        return node.most * _width(node.part)
    return 0
