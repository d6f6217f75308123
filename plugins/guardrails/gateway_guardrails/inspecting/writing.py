"""
Puts what stands for values into the texts of a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway_guardrails.inspecting.segments import Segment
    from gateway_guardrails.inspecting.verdicts import Cover
    from gateway_guardrails.redaction import Redaction


def write_covers(
    edits: Sequence[tuple[Segment, Sequence[Cover]]], redaction: Redaction
) -> None:
    """
    Replace in each segment what is covered.

    Numbers follow the order of *edits*, whoever found what when.  Segments without covers are
    read as well: a placeholder that stands in one keeps its number to itself.
    """
    redaction.read(segment.value for segment, _ in edits)
    for segment, covers in edits:
        redaction.respect(segment.value)
        if covers:
            segment.text.replace(written(segment.value, covers, redaction))


def written(value: str, covers: Iterable[Cover], redaction: Redaction) -> str:
    """
    Return *value* with something else in the place of what is covered.
    """
    parts = []
    at = 0
    for cover in covers:
        parts.append(value[at : cover.start])
        found = value[cover.start : cover.end]
        parts.append(
            redaction.token(cover.kind, found, cover.style, restores=cover.restores)
        )
        at = cover.end
    parts.append(value[at:])
    return "".join(parts)
