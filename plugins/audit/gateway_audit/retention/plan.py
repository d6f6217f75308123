"""
What may be archived and pruned now.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from gateway_audit.retention.settings import KeepSettings
from gateway_audit.retention.state import RetentionState
from gateway_audit.sequencing.history import History
from gateway_audit.tlog.tiles import WIDTH


@attrs.frozen(kw_only=True)
class Plan:
    """
    Where the log's folder and the log are to begin.

    Attributes:
        held_by: Who keeps it from going further: ``legal_hold``, or who has not read entries yet.
    """

    local_from: int
    min_index: int
    held_by: tuple[str, ...] = ()


def make_plan(
    keep: KeepSettings,
    state: RetentionState,
    history: History,
    *,
    now: float,
    size: int,
    needs: Mapping[str, int],
) -> Plan:
    """
    Say how far to go.

    An entry is as old as the first checkpoint that counts it, at least: those that a checkpoint
    counts that is old enough are old enough.

    Args:
        now: Unix seconds.
        size: How many entries are signed; the last tile of them stays.
        needs: The first entry that each reader still needs in the log's folder.
    """
    expired = _older(history, now, keep.days.seconds)
    aged = max(expired, _older(history, now, keep.archive_after_days.seconds))
    held: list[str] = []
    hold = _hold(keep, history)
    if hold is not None and hold < expired:
        expired = hold
        held.append("legal_hold")
    most = max(0, size - 1)
    for name, needed in needs.items():
        if needed < min(aged, most):
            held.append(name)
        most = min(most, needed)
    local_from = max(state.local_from, _whole(min(aged, most)))
    min_index = max(state.min_index, _whole(min(expired, most)))
    if keep.archive_after_days.count is None:
        # Without an archive what is pruned goes from the folder, and nothing before.
        local_from = max(state.local_from, min_index)
    return Plan(local_from=local_from, min_index=min_index, held_by=tuple(held))


def _older(history: History, now: float, seconds: float | None) -> int:
    if seconds is None:
        return 0
    return history.size_before(int((now - seconds) * 1000))


def _hold(keep: KeepSettings, history: History) -> int | None:
    hold = keep.legal_hold
    if hold is None:
        return None
    if hold.index is not None:
        return hold.index
    since = hold.since_s
    return None if since is None else history.size_before(int(since * 1000))


def _whole(index: int) -> int:
    return index // WIDTH * WIDTH
