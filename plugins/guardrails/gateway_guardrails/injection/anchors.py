r"""
What a text must have for a rule to be found in it: words that stand near each other, in order.

A pattern is taken apart into ways to match it, and each way into steps: sets of literals of which
one must be there.  Of the steps, those are kept whose literals texts have least; so a rule that
begins with "give" is not looked for where that is, but where "system" and "prompt" follow it.

Literals are those of a text as `sifted` gives it: letters of ASCII in lower case, and one blank for
what is between words.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Final, NamedTuple

import attrs

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

__all__ = [
    "REACH",
    "SIGNS",
    "STEPS",
    "Literal",
    "Chooser",
    "Step",
    "Way",
    "blanked",
    "sifted",
]

#: How far apart, in bytes, the steps of a way may be that are asked for together.
REACH: Final = 160
#: How many steps of a way are asked for.
STEPS: Final = 3
#: Literals that one step may have, and ways that one rule may have.
_MOST_LITERALS: Final = 400
_MOST_JOINED: Final = 96
_MOST_WAYS: Final = 48
#: So many blanks in a row are left one, and no more.
_MOST_BLANKS: Final = 4
#: A shorter literal is cut no more.
_LEAST_OF_LITERAL: Final = 6
#: How much likelier a word of a phrase is behind the others.
_FOLLOWING: Final = 20
#: A longer literal says no more, and makes the automaton larger.
_MOST_OF_LITERAL: Final = 14
#: Characters of a class that are told one by one.
_MOST_OF_CLASS: Final = 12
#: What a search for a pattern costs, in times of what it costs that a literal is there.
_SEARCH: Final = 40.0
#: Words that stand within reach.
_NEAR_WORDS: Final = 40
#: What so small a share of words has is seldom.
_SELDOM: Final = 3e-4
#: Stands where a blank stands if a letter follows, or went before.
_EDGE: Final = "\0"
#: Stands for the signs and blanks between two words.
_GAP: Final = "\1"
_LETTERS: Final = string.ascii_letters + string.digits
#: Signs that ordinary texts have seldom: what has one is looked for in the text as it is.
SIGNS: Final = b"<>[]{}|#!*@=:$`/\\"
_SIGNS: Final = frozenset(SIGNS.decode())
_SIFTED: Final = bytes(
    ord(chr(code).lower()) if chr(code) in _LETTERS else ord(" ") for code in range(256)
)


def blanked(raw: bytes) -> bytes:
    """
    Return *raw* with a blank for all that is no letter or digit of ASCII, in lower case.
    """
    return raw.translate(_SIFTED)


def sifted(text: bytes) -> bytes:
    """
    Return a `blanked` text with one blank between words, where there are few.
    """
    return text.replace(b"   ", b" ").replace(b"  ", b" ")


class Literal(NamedTuple):
    """
    What must be there, in the text as it is, in lower case, or in the text as `sifted` gives it.
    """

    text: str
    is_sifted: bool


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


@attrs.frozen
class Way:
    """
    One way to match a pattern: steps in their order.

    Attributes:
        width: How wide a match may be, at most.
    """

    steps: tuple[Step, ...]
    width: int


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


class Chooser:
    """
    Chooses of what must be there what is asked for, so that a text costs least.

    A literal costs each time that a text has it, once for all who ask for it; each step that is
    asked for besides spares a search where it is not there.
    """

    def __init__(self) -> None:
        self._asked: set[Literal] = set()

    def chosen(self, pattern: str) -> list[Way]:
        """
        Choose for one pattern.

        Raises:
            ValueError: It can be matched by a text that has nothing in particular.
        """
        whole = width(pattern)
        found: dict[tuple[frozenset[Literal], ...], Way] = {}
        for steps in ways(pattern):
            if not steps:
                msg = f"nothing must be there: {pattern[:60]}"
                raise ValueError(msg)
            way = Way(self._best(steps), whole)
            told = tuple(step.literals for step in way.steps)
            found[told] = way if told not in found else _wider(found[told], way)
        return list(found.values())

    def _best(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        first, *others = sorted(steps, key=_step_cost)
        others = [one for one in others if one.is_sifted is first.is_sifted]
        kept = [first]
        share = self._ask(first)
        for one in others:
            if len(kept) == STEPS:
                break
            spared = _SEARCH * share * math.exp(-_NEAR_WORDS * one.cost)
            further = _cost(one.literals - self._asked)
            if spared > further and all(_is_near(one, other) for other in kept):
                kept.append(one)
                self._ask(one)
                share *= 1 - math.exp(-_NEAR_WORDS * one.cost)
        kept.sort(key=lambda step: (step.first, step.last))
        return tuple(
            attrs.evolve(step, literals=_least(step.literals)) for step in kept
        )

    def _ask(self, step: Step) -> float:
        self._asked |= step.literals
        return step.cost


def _wider(one: Way, other: Way) -> Way:
    steps = tuple(
        attrs.evolve(a, first=max(a.first, b.first), last=min(a.last, b.last))
        for a, b in zip(one.steps, other.steps, strict=True)
    )
    return Way(steps, one.width)


def _is_near(one: Step, other: Step) -> bool:
    return max(one.last, other.last) - min(one.first, other.first) <= REACH


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
        self._run: frozenset[str] = frozenset({_EDGE if is_begun else ""})
        self._begin = 0
        self.at = 0

    @property
    def is_edge(self) -> bool:
        return all(one.endswith((_EDGE, _GAP)) for one in self._run)

    def put(self, exact: frozenset[str], width: int) -> None:
        """
        Put what one of *exact* matches behind.
        """
        if len(self._run) > 1 and len(self._run) * len(exact) > _MOST_JOINED:
            was_edge = self.is_edge
            self.close(is_ended=False)
            self.open(is_begun=was_edge)
        self._run = frozenset(a + b for a, b in product(self._run, exact))
        self.at += width

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
        end = _EDGE if is_ended else ""
        told = [
            Step(literals, self._begin, self.at, _cost(literals))
            for literals in _literals([one + end for one in self._run])
        ]
        if told:
            self.ways = [(*steps, one) for steps in self.ways for one in told]
        self._run = frozenset({""})
        self._begin = self.at

    def open(self, *, is_begun: bool) -> None:
        """
        Begin a run, behind an edge of a word or not.
        """
        self._run = frozenset({_EDGE if is_begun else ""})


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
    kept = [min(steps, key=_step_cost) for steps in found]
    if len({step.is_sifted for step in kept}) > 1:
        return ()
    literals = frozenset[Literal]().union(*(step.literals for step in kept))
    first = min(step.first for step in kept)
    last = max(step.last for step in kept)
    return (Step(literals, first, last, _cost(literals)),)


def _exact(node: Node) -> frozenset[str] | None:
    """
    Return all that *node* matches, sifted; None where it is too much, or hangs on what is beside.
    """
    if isinstance(node, One):
        return _exact_one(node)
    if isinstance(node, Boundary):
        return frozenset({_EDGE})
    if _is_between(node):
        return frozenset({_GAP})
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
        and (node.most or _MOST_BLANKS + 1) <= _MOST_BLANKS
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
        and node.characters.isdisjoint(_LETTERS)
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


def _literals(told: Sequence[str]) -> list[frozenset[Literal]]:
    """
    Make literals of what may stand in a row, those of a kind together.

    Returns:
        Nothing if one of them says nothing.
    """
    foreign = [one for one in told if not one.isascii()]
    ascii_ = [one for one in told if one.isascii()]
    made = [frozenset(map(_unsifted, foreign))] if foreign else []
    if ascii_:
        kinds = [frozenset(map(make, ascii_)) for make in (_sifted, _unsifted)]
        telling = [one for one in kinds if all(map(_is_telling, one))]
        if telling:
            made.append(min(telling, key=_cost))
        else:
            made.extend(_of_each_kind(ascii_))
    return made if all(all(map(_is_telling, one)) for one in made) else []


def _of_each_kind(told: Sequence[str]) -> Iterator[frozenset[Literal]]:
    sifted_ones = frozenset(filter(_is_telling, map(_sifted, told)))
    others = frozenset(_unsifted(one) for one in told if not _is_telling(_sifted(one)))
    if sifted_ones:
        yield sifted_ones
    yield others


def _sifted(told: str) -> Literal:
    if not told.isascii():
        return Literal("", is_sifted=True)
    if told.startswith(_EDGE):
        told = told.lstrip(_EDGE)
        told = " " + told if told and told[0] in _LETTERS else told
    if told.endswith(_EDGE):
        told = told.rstrip(_EDGE)
        told = told + " " if told and told[-1] in _LETTERS else told
    text = re.sub(" +", " ", blanked(told.replace(_EDGE, "").encode()).decode())
    return Literal(text[:_MOST_OF_LITERAL], is_sifted=True)


def _unsifted(told: str) -> Literal:
    parts = re.split(f"[{_EDGE}{_GAP}]+", told.lower())
    return Literal(max(parts, key=_worth), is_sifted=False)


def _worth(part: str) -> tuple[bool, int]:
    return not part.isascii() or not _SIGNS.isdisjoint(part), len(part)


def _is_telling(one: Literal) -> bool:
    if one.is_sifted:
        return len(one.text.strip()) > 1
    return not one.text.isascii() or (
        len(one.text) > 1 and not _SIGNS.isdisjoint(one.text)
    )


def _least(literals: frozenset[Literal]) -> frozenset[Literal]:
    """
    Cut literals where that makes them no commoner, and leave out what has another inside.
    """
    cut = frozenset(map(_cut, literals))
    return frozenset(
        one for one in cut if not any(other.text in one.text for other in cut - {one})
    )


def _cut(one: Literal) -> Literal:
    if not one.is_sifted:
        return one
    most = _SELDOM / 100 + 1.2 * _share(one.text)
    for size in range(_LEAST_OF_LITERAL, len(one.text)):
        if _share(one.text[:size]) <= most:
            return Literal(one.text[:size], is_sifted=True)
    return one


def _cost(literals: Iterable[Literal]) -> float:
    return sum(
        _share(one.text)
        if one.is_sifted
        else _SELDOM / 100
        if any(map(str.isalnum, one.text))
        else _SELDOM
        for one in literals
    )


def _step_cost(step: Step) -> float:
    return step.cost


@cache
def _share(literal: str) -> float:
    """
    Return about what share of words have *literal*; of several words, how often they follow.
    """
    words = literal.split()
    if not words:
        return 1.0
    begins, ends = literal.startswith(" "), literal.endswith(" ")
    last = len(words) - 1
    each = [
        _word_share(word, begins=begins or at > 0, ends=ends or at < last)
        for at, word in enumerate(words)
    ]
    return min(*each, math.prod(each) * _FOLLOWING ** float(last))


def _word_share(told: str, *, begins: bool, ends: bool) -> float:
    shares = _shares()
    if begins and ends:
        return shares.get(told, 1e-5)
    return 0.1 / 8.0 ** len(told) + 1.3 * sum(
        share
        for word, share in shares.items()
        if (
            word.startswith(told)
            if begins
            else word.endswith(told)
            if ends
            else told in word
        )
    )


@cache
def _shares() -> Mapping[str, float]:
    """
    Read the commonest words, most common first, counted in text under Apache-2.0, MIT and CC0-1.0.

    The shares are by their rank (Zipf's law), which is near enough.
    """
    text = files("gateway_guardrails.injection").joinpath("common.txt")
    words = text.read_text(encoding="ascii").split()
    return {word: 0.1 / (rank + 1) for rank, word in enumerate(words)}
