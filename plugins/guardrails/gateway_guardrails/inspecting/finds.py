"""
What was found in one request, until there is a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from gateway_guardrails.inspecting.verdicts import others_than_ours

if TYPE_CHECKING:
    from gateway_guardrails.inspecting.segments import Segment
    from gateway_guardrails.inspecting.verdicts import Hit
    from gateway_guardrails.redaction import Redaction


@attrs.define(eq=False)
class Finds:
    """
    What was found in one request.

    Attributes:
        by_segment: What was found in each segment, and is done something about.
        unplaced: What concerns all of it.
        told: What is only told: it stands over the border of two messages, or somebody says so.
    """

    by_segment: dict[Segment, list[Hit]] = attrs.field(factory=dict)
    unplaced: list[Hit] = attrs.field(factory=list)
    told: list[tuple[Hit, Segment]] = attrs.field(factory=list)

    def add(self, segment: Segment, hits: Iterable[Hit], redaction: Redaction) -> None:
        """
        Add what was found in *segment*.
        """
        found = others_than_ours(hits, segment.value, redaction)
        if found:
            self.by_segment.setdefault(segment, []).extend(found)

    def all(self) -> Iterable[Hit]:
        """
        Yield all that something may be done about.
        """
        for hits in self.by_segment.values():
            yield from hits
