"""
Which of several providers goes first, where a key has weights for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, TypeVar

import attrs

if TYPE_CHECKING:
    from gateway import Target

T = TypeVar("T")


def shuffled(choices: Mapping[T, float], random: Random) -> list[T]:
    """
    Order *choices*: the first drawn by weight, the others by weight.

    Equal weights keep their order; where no weight is above zero, all do.
    """
    order = sorted(choices, key=lambda choice: choices[choice], reverse=True)
    if len(order) > 1 and choices[order[0]] > 0.0:
        (first,) = random.choices(order, [choices[choice] for choice in order])
        order.remove(first)
        order.insert(0, first)
    return order


def spread(
    targets: Sequence[Target], weights: Mapping[str, float], random: Random
) -> Sequence[Target]:
    """
    Let *weights* of providers choose among *targets*; the others become fallbacks.

    Declared fallbacks stay behind all first choices.  A provider without a weight follows
    those with one.
    """
    first = [target for target in targets if not target.is_fallback]
    present = {target.provider: 0.0 for target in first}
    chances = {name: weights[name] for name in present if weights.get(name)}
    if not chances:
        return targets
    ranks = {name: rank for rank, name in enumerate(shuffled(chances, random))}
    first.sort(key=lambda target: ranks.get(target.provider, len(ranks)))
    chosen, *others = first
    return (
        chosen,
        *(attrs.evolve(target, is_fallback=True, weight=0) for target in others),
        *(target for target in targets if target.is_fallback),
    )
