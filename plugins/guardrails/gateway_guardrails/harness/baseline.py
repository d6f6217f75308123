"""
A report kept for comparison, and what became worse since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from gateway import codec

FORMAT: Final = 1
#: Texts, or spans, from which on a group is compared: fewer say nothing.
LEAST: Final = 20

#: Whether more of it is better.
_MEASURES: Final[Mapping[str, bool]] = {
    "precision": True,
    "recall": True,
    "f1": True,
    "benign_block_rate": False,
}


class BaselineInvalid(ValueError):
    """
    The file is no baseline, or that of something else.
    """


@attrs.frozen(kw_only=True)
class Worse:
    """
    One figure that became worse.

    Attributes:
        place: ``pii types EMAIL``.
    """

    place: str
    measure: str
    before: float
    now: float | None

    def __str__(self) -> str:
        now = "not measured" if self.now is None else f"{self.now:g}"
        return f"{self.place}: {self.measure} was {self.before:g}, is {now}"


@attrs.frozen(kw_only=True)
class Tolerance:
    """
    What is not yet worse.

    Attributes:
        share: So much less precision, recall, F1, and more benign texts blocked.
        slowdown: So many times as slow; None compares no costs.
    """

    share: float = 0.01
    slowdown: float | None = 2.0


def written(report: Mapping[str, Any]) -> bytes:
    """
    Write *report* as a baseline.
    """
    return codec.dumps({"format": FORMAT, **report}) + b"\n"


def read_baseline(path: Path, report: Mapping[str, Any]) -> dict[str, Any]:
    """
    Read the baseline at *path*, to compare *report* with.

    Raises:
        BaselineInvalid: It is none, or one of another dataset or place.
    """
    try:
        baseline = codec.loads(path.read_bytes())
        told = baseline["format"], baseline["dataset"]["digest"], baseline["where"]
        detectors = baseline["detectors"]
    except (OSError, ValueError, KeyError, TypeError):
        raise BaselineInvalid(f"{path} is no baseline") from None
    if told[0] != FORMAT or not isinstance(detectors, dict):
        raise BaselineInvalid(f"{path} is a baseline of another version")
    if told[1:] != (report["dataset"]["digest"], report["where"]):
        msg = f"{path} is of another dataset, or of texts that stand elsewhere"
        raise BaselineInvalid(f"{msg}: write it anew with --write-baseline")
    return dict(baseline)


def compare(
    before: Mapping[str, Any], now: Mapping[str, Any], tolerance: Tolerance
) -> Iterator[Worse]:
    """
    Yield what became worse from *before* to *now*.
    """
    for name, old in before["detectors"].items():
        new = now["detectors"].get(name, {})
        yield from _worse(
            name, old["overall"], new.get("overall", {}), tolerance, costs=True
        )
        for by, groups in old.items():
            if by == "overall":
                continue
            for group, scores in groups.items():
                place = f"{name} {by} {group or '(none)'}"
                found = new.get(by, {}).get(group, {})
                yield from _worse(place, scores, found, tolerance)


def _worse(
    place: str,
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    tolerance: Tolerance,
    *,
    costs: bool = False,
) -> Iterator[Worse]:
    if max(before.get("texts", 0), before.get("spans", 0)) < LEAST:
        return
    for measure, more_is_better in _MEASURES.items():
        was, is_now = before.get(measure), now.get(measure)
        if was is None:
            continue
        loss = None if is_now is None else was - is_now
        if loss is not None and not more_is_better:
            loss = -loss
        if loss is None or loss > tolerance.share + 1e-9:
            yield Worse(place=place, measure=measure, before=was, now=is_now)
    was, is_now = before.get("us_per_kb"), now.get("us_per_kb")
    most = tolerance.slowdown if costs else None
    if most is not None and was and is_now and is_now > was * most:
        yield Worse(place=place, measure="us_per_kb", before=was, now=is_now)
