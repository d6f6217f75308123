"""
How the exports, the witnesses and retention stand, for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_LEVEL: Final = "has all"


def sink_lines(sinks: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """
    Yield a line for each sink, and one for what ails it.
    """
    for name, told in sorted(sinks.items()):
        lag = told.get("lag_entries", 0)
        how = f"{lag} entries, {told.get('lag_s', 0)} s behind" if lag else _LEVEL
        yield f"  sink {name}  {how}  delivered {told.get('delivered', 0)}"
        if told.get("problem"):
            yield f"    problem: {told['problem']}"
        if told.get("refused"):
            last = told.get("last_refused")
            yield f"    refused for good: {told['refused']}, the last is entry {last}"
        if told.get("stale"):
            yield (
                f"    {told['stale']} came later than it takes them under their own time"
            )


def witness_lines(witnesses: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """
    Yield a line for each witness, and one for what ails it.
    """
    for url, told in sorted(witnesses.items()):
        yield f"  witness {url}  cosigned {told['size']} entries"
        if told.get("problem"):
            yield f"    problem for {told.get('failing_s', 0):.0f} s: {told['problem']}"


def retention_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """
    Yield how far the log is archived and pruned.
    """
    if not told:
        return
    policy = told.get("policy", {})
    yield (
        f"  kept from entry {told.get('min_index', 0)}, here from "
        f"{told.get('local_from', 0)}  days {_days(policy.get('days'))}, "
        f"archived after {_days(policy.get('archive_after_days'))}"
    )
    if policy.get("legal_hold") is not None:
        yield f"    legal hold from {policy['legal_hold']}"
    if told.get("held_by"):
        yield f"    held back by {', '.join(told['held_by'])}"
    if told.get("problem"):
        yield f"    problem: {told['problem']}"


def _days(count: int | None) -> str:
    return "never" if count is None else str(count)
