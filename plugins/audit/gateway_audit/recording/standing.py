"""
Whether the audit is well: what counts as a problem, and what is only to be known.

What fails for a moment is tried again by whoever failed, and is no problem yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from gateway_audit.sequencing.status import Status

#: Seconds after which a sink or a witness that fails is a problem; and, for a sink that fails,
#: how many entries it may be behind however short that takes.
LATE_S: Final = 900.0
LATE_ENTRIES: Final = 100_000


@attrs.frozen
class Standing:
    """
    How the audit is.

    Attributes:
        problems: What is wrong, a sentence each.
        warnings: What may go wrong, or is slow.
    """

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_healthy(self) -> bool:
        """
        Whether nothing is wrong.
        """
        return not self.problems

    def __add__(self, other: Standing) -> Standing:
        return Standing(
            (*self.problems, *other.problems), (*self.warnings, *other.warnings)
        )


def standing_of(log: Status | None) -> Standing:
    """
    Judge what the sequencer says of the log, the exports and the witnesses.
    """
    if log is None:
        return Standing(("no sequencer has run yet: the spool grows",))
    sinks = log.companions.get("sinks", {})
    return Standing(
        (*log.problems, *_dead_sinks(sinks), *_dead_witnesses(log.witnesses)),
        (*log.warnings, *_slow_sinks(sinks)),
    )


def _dead_sinks(sinks: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, told in sorted(sinks.items()):
        problem = told.get("problem")
        # One that says nothing of its lag has ended.
        if problem and ("lag_s" not in told or _is_late(told)):
            yield f"sink {name} is {_behind(told)}: {problem}"


def _slow_sinks(sinks: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, told in sorted(sinks.items()):
        if not told.get("problem") and _is_late(told):
            yield f"sink {name} is {_behind(told)}"


def _is_late(told: Mapping[str, Any]) -> bool:
    return bool(
        told.get("lag_s", 0) > LATE_S or told.get("lag_entries", 0) > LATE_ENTRIES
    )


def _behind(told: Mapping[str, Any]) -> str:
    if "lag_s" not in told:
        return "dead"
    return f"{told['lag_entries']} entries, {told['lag_s']:.0f} s behind"


def _dead_witnesses(witnesses: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for url, told in sorted(witnesses.items()):
        failing_s = told.get("failing_s", 0)
        if told.get("problem") and failing_s > LATE_S:
            yield f"witness {url} has cosigned nothing for {failing_s:.0f} s"
