"""
What a text must have for a rule to be looked for in it: words that stand near each other, in order.

Of the steps of each way to match a pattern, those are kept whose literals texts have least; so a
rule that begins with "give" is not looked for where that is, but where "system" and "prompt"
follow it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import attrs

from gateway_guardrails.injection.literals import Literal, cost_of, shortened
from gateway_guardrails.injection.parts import Step, step_cost, ways, width

__all__ = ["REACH", "STEPS", "Chooser", "Way"]

#: How far apart, in bytes, the steps of a way may be that are asked for together.
REACH: Final = 200
#: How many steps of a way are asked for.
STEPS: Final = 3
#: What a search for a pattern costs, in times of what it costs that a literal is there.
_SEARCH: Final = 40.0
#: Words that stand within reach.
_NEAR_WORDS: Final = 40


@attrs.frozen
class Way:
    """
    One way to match a pattern: steps in their order.

    Attributes:
        width: How wide a match may be, at most.
    """

    steps: tuple[Step, ...]
    width: int


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
        first, *others = sorted(steps, key=step_cost)
        others = [one for one in others if one.is_sifted is first.is_sifted]
        kept = [first]
        share = self._ask(first)
        for one in others:
            if len(kept) == STEPS:
                break
            spared = _SEARCH * share * math.exp(-_NEAR_WORDS * one.cost)
            further = cost_of(one.literals - self._asked)
            if spared > further and all(_is_near(one, other) for other in kept):
                kept.append(one)
                self._ask(one)
                share *= 1 - math.exp(-_NEAR_WORDS * one.cost)
        kept.sort(key=lambda step: (step.first, step.last))
        return tuple(
            attrs.evolve(step, literals=shortened(step.literals)) for step in kept
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
