"""
Concepts that stand near each other: little by themselves, together what attacks are made of.

Rules know phrases.  Who writes the same in other words gives orders, speaks of limits and of a
part to be played all the same, so each text in which a rule was found is looked at once more: which
concepts has it, which follow each other closely?  A short text is looked at without a rule, too,
where it has a pair which says much, and must have more of it the longer it is: long briefs have of
everything a bit.  Weights were fitted once, by
`gateway_guardrails.harness.fitting`, to public attacks and ordinary texts whose licences allow it
and to sentences of our own, and stand in a table that can be read.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, reduce
from importlib.resources import files
from operator import itemgetter, or_
from typing import Final, NamedTuple

import attrs

from gateway_guardrails.injection.literals import blanked
from gateway_guardrails.literals import Literals

__all__ = [
    "FAMILY",
    "SHORT",
    "Feature",
    "Weights",
    "alone",
    "combined",
    "excess",
    "shipped",
    "windows",
]

FAMILY: Final = "combined"
#: How much of a text is looked at around a find, before and behind it.
BEFORE: Final = 350
BEHIND: Final = 650
#: How much is judged at once, and how far apart concepts may stand that follow each other.
WINDOW: Final = 1000
NEAR: Final = 80
#: How long a text may be, in characters, that is judged without a rule.
SHORT: Final = 600
#: What it must come to more for each character that it has.
_EACH: Final = 0.006
#: What a pair weighs of which such a text must have one.
_STRONG: Final = 1.2
#: How quickly a sum of weights becomes certainty, and the least that is told.
_SLOPE: Final = 0.7
_LEAST: Final = 0.1
#: How many pairs of concepts are told as what weighed most.
_TOLD: Final = 3

_WORD: Final = re.compile(r"[A-Za-z0-9]+")
#: Concepts that most texts have.
_COMMON: Final = frozenset(
    {
        *("act", "emit", "format", "model", "must", "never", "now", "others"),
        *("question", "reply", "send", "software", "topic", "user", "you"),
    }
)

#: A concept, or two of which the second follows the first.
Feature = str | tuple[str, str]
#: Where something stands in what is sifted, in bytes.
_Stretch = tuple[int, int]
_Concept = tuple[str, int, int]
_Hit = tuple[int, int, int]


class Combined(NamedTuple):
    """
    How sure it is that concepts make an attack, and where those stand that weighed most.
    """

    weight: float
    start: int
    end: int


@attrs.frozen
class Weights:
    """
    What concepts and pairs of them say.

    Attributes:
        threshold: The sum that is as likely an attack as not, beside a rule.
        alone: The same of a text in which no rule was found, if it had no length.
    """

    threshold: float
    each: Mapping[Feature, float]
    alone: float = math.inf

    @cached_property
    def strong(self) -> frozenset[tuple[str, str]]:
        """
        The pairs that say much, and are not of what most texts have.
        """
        return frozenset(
            name
            for name, weight in self.each.items()
            if not isinstance(name, str)
            and weight >= _STRONG
            and not _COMMON.issuperset(name)
        )

    @cached_property
    def followed(self) -> Sequence[tuple[int, int]]:
        """
        The concepts that begin a strong pair, each with all that end one, as bits of `_Lexicon`.
        """
        bits = _lexicon().bits
        ends: dict[str, int] = {}
        for first, second in self.strong:
            ends[first] = ends.get(first, 0) | bits[second]
        return [(bits[first], seconds) for first, seconds in ends.items()]

    def sum(self, told: Iterable[Feature]) -> float:
        """
        Add up what *told* has.
        """
        each = self.each
        return sum(each[name] for name in told if name in each)


def combined(text: str, at: int, weights: Weights) -> Combined | None:
    """
    Judge what stands around *at*; None where it says nothing.
    """
    begin = max(at - BEFORE, 0)
    around = text[begin : at + BEHIND]
    best: Mapping[Feature, _Stretch] = {}
    value = -math.inf
    sifted = _sifted(around)
    for told in _windows(sifted):
        found = weights.sum(told)
        if found > value:
            best, value = told, found
    weight = _sureness(value - weights.threshold) if best else 0.0
    if weight < _LEAST:
        return None
    return _placed(weight, best, around, sifted, weights, begin)


def alone(text: str, weights: Weights) -> Combined | None:
    """
    Judge a short *text* by nothing but its concepts; None where it is no attack.
    """
    sifted = _sifted(text)
    lexicon = _lexicon()
    hits = lexicon.literals.hits_in(sifted)
    if not _has_some(lexicon.met(hits), weights.followed):
        return None
    told = _features(lexicon.concepts(hits))
    if weights.strong.isdisjoint(told):
        return None
    value = excess(told, len(sifted), weights) - weights.alone
    if value < 0:
        return None
    return _placed(_sureness(value), told, text, sifted, weights, 0)


def _has_some(there: int, followed: Sequence[tuple[int, int]]) -> bool:
    """
    Tell whether both concepts of a strong pair are *there*, in whatever order.
    """
    for first, seconds in followed:  # noqa: SIM110 - `any` takes twice as long
        if there & first and there & seconds:
            return True
    return False


def excess(told: Iterable[Feature], length: int, weights: Weights) -> float:
    """
    Return what *told* comes to in a text of *length*, over what that has of everything.
    """
    return weights.sum(told) - _EACH * length


def _sureness(value: float) -> float:
    return 1 / (1 + math.exp(-_SLOPE * value))


def _placed(
    weight: float,
    told: Mapping[Feature, _Stretch],
    text: str,
    sifted: bytes,
    weights: Weights,
    begin: int,
) -> Combined:
    """
    Tell where in *text*, which begins at *begin*, those of *told* stand that weigh most.
    """
    strongest = sorted(told, key=lambda name: -weights.each.get(name, 0.0))[:_TOLD]
    words = list(_WORD.finditer(text))
    first = sifted.count(b" ", 0, min(told[name][0] for name in strongest) + 1) - 1
    last = sifted.count(b" ", 0, max(told[name][1] for name in strongest) - 1) - 1
    return Combined(weight, begin + words[first].start(), begin + words[last].end())


def windows(text: str) -> Iterator[Mapping[Feature, _Stretch]]:
    """
    Yield the features of each part of *text*, with their first places; parts overlap by half.
    """
    return _windows(_sifted(text))


def _windows(sifted: bytes) -> Iterator[Mapping[Feature, _Stretch]]:
    lexicon = _lexicon()
    found = lexicon.concepts(lexicon.literals.hits_in(sifted))
    step = WINDOW // 2
    for begin in range(0, max(len(sifted) - step, 1), step):
        yield _features([one for one in found if begin <= one[1] < begin + WINDOW])


def _features(found: Sequence[_Concept]) -> Mapping[Feature, _Stretch]:
    told: dict[Feature, _Stretch] = {}
    for number, (name, start, end) in enumerate(found, start=1):
        told.setdefault(name, (start, end))
        for further in range(number, len(found)):
            other, begin, last = found[further]
            if begin > end + NEAR:
                break
            if begin >= end - 1 and other != name:  # they may share a blank
                told.setdefault((name, other), (start, last))
    return told


@cache
def shipped() -> Weights:
    """
    Read the weights beside this module.
    """
    document = tomllib.loads(_read("weights.toml"))
    each: dict[str, float] = document["weights"]
    told = {_read_name(one): each[one] for one in each}
    return Weights(document["threshold"], told, document["alone"])


def _read_name(name: str) -> Feature:
    first, _, second = name.partition(">")
    return (first, second) if second else first


def _sifted(text: str) -> bytes:
    """
    Return the words of *text* in lower case, with one blank around each.
    """
    words = blanked(text.encode("utf-8", "replace")).split()
    return b" " + b" ".join(words) + b" "


class _Lexicon:
    """
    The words of all concepts.

    Attributes:
        bits: A bit for each concept.
    """

    def __init__(self, table: Mapping[str, Sequence[str]]) -> None:
        names: dict[str, list[str]] = {}
        for name, words in table.items():
            for word in words:
                literal = f" {word[:-1]}" if word.endswith("*") else f" {word} "
                names.setdefault(literal, []).append(name)
        self.literals = Literals(list(names))
        self.bits = {name: 1 << bit for bit, name in enumerate(table)}
        self._names = list(names.values())
        self._masks = [
            reduce(or_, map(self.bits.__getitem__, each)) for each in self._names
        ]

    def met(self, hits: Sequence[_Hit]) -> int:
        """
        Return the bits of the concepts of which one of *hits* is a word.
        """
        masks = self._masks
        there = 0
        for number, _, _ in hits:
            there |= masks[number]
        return there

    def concepts(self, hits: Sequence[_Hit]) -> list[_Concept]:
        """
        Return the concepts of *hits* in order of their start.
        """
        names = self._names
        found = [
            (name, start, end) for number, start, end in hits for name in names[number]
        ]
        found.sort(key=_start)
        return found


@cache
def _lexicon() -> _Lexicon:
    return _Lexicon(tomllib.loads(_read("concepts.toml")))


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


_start = itemgetter(1)
