"""
Lets detectors look at a dataset, and counts.

Costs are the processor's time in this thread, so that a busy machine changes little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter_ns, thread_time_ns
from typing import Any, Final, get_args

import attrs

from gateway.detecting import Find, Place, Stage
from gateway_guardrails.harness.dataset import Dataset, Group, Row, group_of
from gateway_guardrails.harness.scores import Scores, TypeScores, add_spans
from gateway_guardrails.policy.guardrail import Guardrail, NamedDetector, NamedJudge
from gateway_guardrails.trying import ask, find_all, place_at

#: What all detectors together are called.
TOGETHER: Final = "(all)"
#: Texts that are looked at before the clock is: what is made at first use is made then.
_WARM_UP: Final = 20
_GROUPS: Final[tuple[Group, ...]] = get_args(Group)


@attrs.frozen(kw_only=True)
class Where:
    """
    Where texts stand that do not say so themselves.
    """

    stage: Stage = "input"
    role: str | None = None
    kind: str | None = None

    def place(self, row: Row) -> Place:
        """
        Return the place of *row*.
        """
        return place_at(self.stage, row.role or self.role, row.kind or self.kind)


@attrs.define(eq=False)
class Tally:
    """
    What one detector came to.
    """

    overall: Scores = attrs.field(factory=Scores)
    groups: dict[Group, dict[str, Scores]] = attrs.field(
        factory=lambda: {by: {} for by in _GROUPS}
    )
    types: dict[str, TypeScores] = attrs.field(factory=dict)

    def add(self, row: Row, finds: Sequence[Find], spent_ns: int) -> None:
        """
        Count one text.
        """
        is_flagged = bool(finds)
        self.overall.add(row, is_flagged=is_flagged, spent_ns=spent_ns)
        for by, groups in self.groups.items():
            scores = groups.setdefault(group_of(row, by), Scores())
            scores.add(row, is_flagged=is_flagged, spent_ns=spent_ns)
        if row.spans is not None:
            add_spans(self.types, row.text, row.spans, finds)

    def as_dict(self) -> dict[str, Any]:
        """
        Write it.
        """
        return {
            "overall": self.overall.as_dict(),
            "types": _written(self.types),
            **{by: _written(groups) for by, groups in self.groups.items()},
        }


async def evaluate(
    guardrails: Sequence[Guardrail], dataset: Dataset, where: Where
) -> dict[str, Any]:
    """
    Let every detector of *guardrails* look at every text, and return the report.

    Finds that are below a guardrail's severity or threshold count for nothing.
    """
    tallies: dict[str, Tally] = {}
    for row in dataset.rows[:_WARM_UP]:
        await _look(guardrails, row, where.place(row))
    for row in dataset.rows:
        place = where.place(row)
        found = await _look(guardrails, row, place)
        for name, (finds, spent_ns) in found.items():
            tallies.setdefault(name, Tally()).add(row, finds, spent_ns)
        if len(found) > 1:
            finds = [find for finds, _ in found.values() for find in finds]
            spent_ns = sum(spent for _, spent in found.values())
            tallies.setdefault(TOGETHER, Tally()).add(row, finds, spent_ns)
    return {
        "dataset": {
            "name": dataset.name,
            "digest": dataset.digest,
            "texts": len(dataset.rows),
        },
        "where": attrs.asdict(where),
        "detectors": {name: tally.as_dict() for name, tally in tallies.items()},
    }


_Found = dict[str, tuple[list[Find], int]]


async def _look(guardrails: Sequence[Guardrail], row: Row, place: Place) -> _Found:
    """
    Return what each detector finds, and how long it took.
    """
    found: _Found = {}
    for guardrail in guardrails:
        for named in guardrail.detectors:
            if place.stage not in named.stages:
                continue
            finds, spent_ns = await _finds(guardrail, named, row.text, place)
            counting = [
                find for find in finds if guardrail.counts(find.severity, find.score)
            ]
            before, already_ns = found.get(named.name, ([], 0))
            found[named.name] = ([*before, *counting], already_ns + spent_ns)
    return found


async def _finds(
    guardrail: Guardrail, named: NamedDetector | NamedJudge, text: str, place: Place
) -> tuple[Sequence[Find], int]:
    if isinstance(named, NamedDetector):
        began = thread_time_ns()
        finds = find_all(named.detector, text, place)
        return finds, thread_time_ns() - began
    began = perf_counter_ns()
    if not text:
        return (), 0
    said = await ask(guardrail, named, text, place)
    return [*said.finds, *said.flagged], perf_counter_ns() - began


def _written(scores: Mapping[str, Scores | TypeScores]) -> dict[str, Any]:
    return {name: scores[name].as_dict() for name in sorted(scores)}
