"""
Fits the weights of `gateway_guardrails.injection.combined` to labelled texts.

Asked for as a program::

    python -m gateway_guardrails.harness.fitting attacks.jsonl benign.jsonl > weights.toml

Each file is a source (see `gateway_guardrails.harness.dataset`), and all weigh about the same, so
that a long one does not decide.  What is fitted is a logistic regression, by AdaGrad in a seeded
order: the same files give the same weights.
"""

from __future__ import annotations

import math
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from gateway_guardrails.harness.dataset import Row, read_dataset
from gateway_guardrails.injection.combined import (
    SHORT,
    Feature,
    Weights,
    excess,
    windows,
)
from gateway_guardrails.injection.normalise import normalise

__all__ = ["Fitted", "fit", "main", "written"]

#: What fewer windows have is not weighed: it would be learnt by heart.
LEAST: Final = 4
#: How often all is looked at, how far a step goes, and what a weight costs.
ROUNDS: Final = 12
STEP: Final = 0.2
DECAY: Final = 2e-4
#: How much a benign window counts against one of an attack.
BENIGN: Final = 4.0
#: The share of benign texts that may reach the threshold by the weights alone.
SHARE: Final = 0.0005
#: How far above each short one the other threshold is, by which alone a text is flagged.
MARGIN: Final = 0.75
#: A weight that is nearer to nothing is left out.
_SMALL: Final = 0.05
_SEED: Final = 20261129
#: What stands above the weights.
_ABOUT: Final = """\
# What concepts.toml's concepts say of an attack, and pairs of which the second follows the first.
# Made by gateway_guardrails.harness.fitting, not by hand; combined.py adds them up.
"""


@attrs.frozen
class _Text:
    is_attack: bool
    share: float
    length: int
    windows: Sequence[frozenset[Feature]]


@attrs.define
class Fitted:
    """
    Weights while they are fitted.
    """

    each: dict[Feature, float] = attrs.field(factory=dict)
    bias: float = 0.0
    _squares: dict[Feature, float] = attrs.field(factory=dict)

    def sum(self, told: frozenset[Feature]) -> float:
        """
        Add up what *told* has.
        """
        return self.bias + sum(self.each.get(name, 0.0) for name in told)

    def learn(self, told: frozenset[Feature], error: float) -> None:
        """
        Go a step towards what *told* should have come to.
        """
        self.bias += 0.02 * error
        for name in sorted(told, key=_written):
            if name not in self.each:
                continue
            gradient = error - DECAY * self.each[name]
            square = self._squares.get(name, 1e-3) + gradient * gradient
            self._squares[name] = square
            self.each[name] += STEP * gradient / math.sqrt(square)


def fit(sources: Sequence[Sequence[Row]]) -> Weights:
    """
    Fit weights to *sources*.
    """
    texts = [text for rows in sources for text in _texts(rows)]
    fitted = Fitted(dict.fromkeys(_known(texts), 0.0))
    order = random.Random(_SEED)  # noqa: S311 - no secret
    for turn in range(ROUNDS):
        order.shuffle(texts)
        for text in texts:
            _learn(fitted, text, is_first=turn == 0)
    kept = {
        name: round(weight, 2)
        for name, weight in fitted.each.items()
        if abs(weight) >= _SMALL
    }
    bare = Weights(0.0, kept)
    return Weights(_threshold(bare, texts), kept, _alone(bare, texts))


def _texts(rows: Sequence[Row]) -> Iterator[_Text]:
    for row in rows:
        text = normalise(row.text).text
        found = [frozenset(told) for told in windows(text)]
        yield _Text(bool(row.label), 1 / math.sqrt(len(rows)), len(text), found)


def _known(texts: Sequence[_Text]) -> list[Feature]:
    counted = Counter(
        name for text in texts for name in frozenset[Feature]().union(*text.windows)
    )
    return sorted((name for name in counted if counted[name] >= LEAST), key=_written)


def _learn(fitted: Fitted, text: _Text, *, is_first: bool) -> None:
    """
    Learn from one text; of an attack's windows only the worst is known to be one.
    """
    told = list(text.windows)
    if text.is_attack and not is_first:
        told = [max(told, key=fitted.sum)]
    weight = text.share / len(told) * (1.0 if text.is_attack else BENIGN)
    for window in told:
        likely = 1 / (1 + math.exp(-max(min(fitted.sum(window), 30.0), -30.0)))
        fitted.learn(window, weight * (text.is_attack - likely))


def _threshold(weights: Weights, texts: Sequence[_Text]) -> float:
    sums = sorted(
        max(map(weights.sum, text.windows)) for text in texts if not text.is_attack
    )
    return round(sums[min(int(len(sums) * (1 - SHARE)), len(sums) - 1)], 2)


def _alone(weights: Weights, texts: Sequence[_Text]) -> float:
    most = max(
        excess(text.windows[0], text.length, weights)
        for text in texts
        if not text.is_attack and text.length <= SHORT
    )
    return round(most + MARGIN, 2)


def written(weights: Weights) -> str:
    """
    Write *weights* as they are shipped.
    """
    rows = "".join(
        f'"{_written(name)}" = {weight}\n' for name, weight in weights.each.items()
    )
    thresholds = f"threshold = {weights.threshold}\nalone = {weights.alone}\n"
    return f"{_ABOUT}{thresholds}\n[weights]\n{rows}"


def _written(feature: Feature) -> str:
    return feature if isinstance(feature, str) else ">".join(feature)


def main(paths: Sequence[str]) -> None:
    """
    Fit weights to the files at *paths*, and write them to the standard output.
    """
    sources = [read_dataset(Path(path)).rows for path in paths]
    sys.stdout.write(written(fit(sources)))


if __name__ == "__main__":
    main(sys.argv[1:])
