"""
Puts what stands for values into the texts of a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gateway.filters import Edit, JsonPlaces, splice

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
            is_number = segment.text.json_type == "number"
            new = written(segment.value, covers, redaction, is_number=is_number)
            segment.text.replace(new)


def written(
    value: str, covers: Iterable[Cover], redaction: Redaction, *, is_number: bool
) -> str:
    """
    Return *value* with something else in the place of what is covered; JSON stays JSON.

    Args:
        is_number: It is a number among the arguments of a tool.
    """
    places = JsonPlaces.of(value)
    edits = []
    for start, end, kind, style, restores in covers:
        found, is_one = value[start:end], is_number and end - start == len(value)
        if places is not None:
            start, end, found, is_one = places.found(start, end)
        new = redaction.token(kind, found, style, restores=restores, is_number=is_one)
        edits.append(Edit(start, end, new))
    return splice(value, edits if places is None else places.fitted(edits))
