"""
How far archiving and pruning are, in a file that is replaced whole.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
import structlog

from gateway import codec
from gateway_audit.sequencing.files import Files
from gateway_audit.sequencing.state import read_count

log = structlog.get_logger("gateway.audit.retention")

FILE: Final = "retention.json"
_VERSION: Final = 1


@attrs.frozen(kw_only=True)
class RetentionState:
    """
    What was done; each count is a multiple of a tile's width.

    Attributes:
        origin: Which log it is of.
        local_from: The first entry whose bytes are in the log's own folder.
        cleaned: Entries below it are not there any more; from it to *local_from* some may be.
        min_index: The first entry that is kept at all.
        pruned: Files below it are gone; from it to *min_index* some may be there.
        pending: A minimum index that the log does not know of yet.
    """

    origin: str
    local_from: int = 0
    cleaned: int = 0
    min_index: int = 0
    pruned: int = 0
    pending: int | None = None


def load_state(files: Files, origin: str) -> RetentionState:
    """
    Read the file; what is of another log is of none.
    """
    raw = files.find(FILE)
    if raw is None:
        return RetentionState(origin=origin)
    try:
        state = _state(codec.loads(raw))
    except (codec.JsonError, KeyError, TypeError, ValueError):
        # Nothing is lost by it: what is gone is found to be, and passed over.
        log.warning("how far retention is cannot be read")
        return RetentionState(origin=origin)
    return state if state.origin == origin else RetentionState(origin=origin)


def save_state(files: Files, state: RetentionState) -> None:
    """
    Replace the file; when this returns it outlives a power cut.
    """
    told = {"v": _VERSION, **attrs.asdict(state)}
    files.write([(FILE, codec.dumps(told) + b"\n")])


def _state(told: dict[str, Any]) -> RetentionState:
    if told.pop("v") != _VERSION:
        raise ValueError("another version")
    origin, pending = told.pop("origin"), told.pop("pending")
    counts = {name: read_count(value) for name, value in told.items()}
    return RetentionState(
        origin=str(origin),
        pending=None if pending is None else read_count(pending),
        **counts,
    )
