"""
Concepts that stand near each other: little by themselves, together what attacks are made of.

Rules know phrases.  Who writes the same in other words gives orders, speaks of limits and of a
part to be played all the same, so each text in which a rule was found is looked at once more: which
concepts has it, which follow each other closely?  Weights were fitted once, by
`gateway_guardrails.harness.fitting`, to public attacks and ordinary texts whose licences allow it
and to sentences of our own, and stand in a table that can be read.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from operator import itemgetter
from typing import Final, NamedTuple

import attrs

from gateway_guardrails.injection.literals import blanked
from gateway_guardrails.literals import Literals

__all__ = ["FAMILY", "Feature", "Weights", "combined", "shipped", "windows"]

FAMILY: Final = "combined"
#: How much of a text is looked at around a find, before and behind it.
BEFORE: Final = 350
BEHIND: Final = 650
#: How much is judged at once, and how far apart concepts may stand that follow each other.
WINDOW: Final = 1000
NEAR: Final = 80
#: How quickly a sum of weights becomes certainty, and the least that is told.
_SLOPE: Final = 0.7
_LEAST: Final = 0.1
#: How many pairs of concepts are told as what weighed most.
_TOLD: Final = 3

_WORD: Final = re.compile(r"[A-Za-z0-9]+")

#: A concept, or two of which the second follows the first.
Feature = str | tuple[str, str]
#: Where something stands in what is sifted, in bytes.
_Stretch = tuple[int, int]
_Concept = tuple[str, int, int]


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
        threshold: The sum that is as likely an attack as not.
    """

    threshold: float
    each: Mapping[Feature, float]

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
    weight = 1 / (1 + math.exp(_SLOPE * (weights.threshold - value))) if best else 0.0
    if weight < _LEAST:
        return None
    strongest = sorted(best, key=lambda name: -weights.each.get(name, 0.0))[:_TOLD]
    words = list(_WORD.finditer(around))
    first = sifted.count(b" ", 0, min(best[name][0] for name in strongest) + 1) - 1
    last = sifted.count(b" ", 0, max(best[name][1] for name in strongest) - 1) - 1
    return Combined(weight, begin + words[first].start(), begin + words[last].end())


def windows(text: str) -> Iterator[Mapping[Feature, _Stretch]]:
    """
    Yield the features of each part of *text*, with their first places; parts overlap by half.
    """
    return _windows(_sifted(text))


def _windows(sifted: bytes) -> Iterator[Mapping[Feature, _Stretch]]:
    literals, names = _lexicon()
    found = [
        (name, start, end)
        for number, start, end in literals.hits_in(sifted)
        for name in names[number]
    ]
    found.sort(key=_start)
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
    return Weights(document["threshold"], {_read_name(one): each[one] for one in each})


def _read_name(name: str) -> Feature:
    first, _, second = name.partition(">")
    return (first, second) if second else first


def _sifted(text: str) -> bytes:
    """
    Return the words of *text* in lower case, with one blank around each.
    """
    words = blanked(text.encode("utf-8", "replace")).split()
    return b" " + b" ".join(words) + b" "


@cache
def _lexicon() -> tuple[Literals, Sequence[Sequence[str]]]:
    concepts: dict[str, list[str]] = tomllib.loads(_read("concepts.toml"))
    names: dict[str, list[str]] = {}
    for name, words in concepts.items():
        for word in words:
            literal = f" {word[:-1]}" if word.endswith("*") else f" {word} "
            names.setdefault(literal, []).append(name)
    return Literals(list(names)), list(names.values())


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


_start = itemgetter(1)
