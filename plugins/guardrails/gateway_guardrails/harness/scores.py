"""
Counts, and what they come to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from gateway.detecting import Find
from gateway_guardrails.harness.dataset import Row, Span

_PLACES: Final = 4


@attrs.define(kw_only=True)
class Scores:
    """
    How one detector did on some texts, each flagged or not.
    """

    hits: int = 0
    misses: int = 0
    false_alarms: int = 0
    rightly_passed: int = 0
    unlabelled: int = 0
    spent_ns: int = 0
    kilobytes: float = 0.0

    def add(self, row: Row, *, is_flagged: bool, spent_ns: int) -> None:
        """
        Count one text.
        """
        self.spent_ns += spent_ns
        self.kilobytes += row.kilobytes
        if row.label is None:
            self.unlabelled += 1
        elif row.label:
            self.hits += is_flagged
            self.misses += not is_flagged
        else:
            self.false_alarms += is_flagged
            self.rightly_passed += not is_flagged

    @property
    def positives(self) -> int:
        """
        Texts in which something is to be found.
        """
        return self.hits + self.misses

    @property
    def negatives(self) -> int:
        """
        Texts in which nothing is.
        """
        return self.false_alarms + self.rightly_passed

    def as_dict(self) -> dict[str, Any]:
        """
        Write them; what there is no text for is None.
        """
        precision = _share(self.hits, self.hits + self.false_alarms)
        recall = _share(self.hits, self.positives)
        return {
            "texts": self.positives + self.negatives + self.unlabelled,
            "positives": self.positives,
            "negatives": self.negatives,
            "hits": self.hits,
            "false_alarms": self.false_alarms,
            "precision": precision,
            "recall": recall,
            "f1": f1(precision, recall),
            "benign_block_rate": _share(self.false_alarms, self.negatives),
            "us_per_kb": _cost(self.spent_ns, self.kilobytes),
        }


@attrs.define(kw_only=True)
class TypeScores:
    """
    How one detector did on what is of one type.

    Attributes:
        spans: What is to be found.
        covered: Of that, what lies within finds, of whatever type: nothing of it would leak.
        named: Of that, what was found under its own type.
        finds: Finds of the type; *right* are those that touch a span of it.
    """

    spans: int = 0
    covered: int = 0
    named: int = 0
    finds: int = 0
    right: int = 0

    def as_dict(self) -> dict[str, Any]:
        """
        Write them.
        """
        precision, recall = (
            _share(self.right, self.finds),
            _share(self.covered, self.spans),
        )
        return {
            "spans": self.spans,
            "finds": self.finds,
            "precision": precision,
            "recall": recall,
            "named_recall": _share(self.named, self.spans),
            "f1": f1(precision, recall),
        }


def add_spans(
    scores: dict[str, TypeScores],
    text: str,
    spans: Sequence[Span],
    finds: Sequence[Find],
) -> None:
    """
    Count what was found of *spans* in *text*, type by type.
    """
    for span in spans:
        each = scores.setdefault(span.type, TypeScores())
        each.spans += 1
        each.covered += _is_covered(text, span, finds)
        each.named += any(
            find.type == span.type and _touch(find, span) for find in finds
        )
    for find in finds:
        each = scores.setdefault(find.type, TypeScores())
        each.finds += 1
        each.right += any(
            span.type == find.type and _touch(find, span) for span in spans
        )


def f1(precision: float | None, recall: float | None) -> float | None:
    """
    Return the harmonic mean.
    """
    if precision is None or recall is None:
        return None
    both = precision + recall
    return round(2 * precision * recall / both, _PLACES) if both else 0.0


def _is_covered(text: str, span: Span, finds: Sequence[Find]) -> bool:
    """
    Tell whether every letter and digit of *span* lies within some find.
    """
    left = [at for at in range(span.start, span.end) if text[at].isalnum()]
    if not left:
        return any(_touch(find, span) for find in finds)
    for find in finds:
        left = [at for at in left if not find.start <= at < find.end]
    return not left


def _touch(find: Find, span: Span) -> bool:
    return find.start < span.end and span.start < find.end


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, _PLACES) if whole else None


def _cost(spent_ns: int, kilobytes: float) -> float | None:
    return round(spent_ns / 1_000 / kilobytes, 2) if kilobytes else None
