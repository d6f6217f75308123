"""
Puts originals back into an answer, for the caller whose own they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.filters import Edit, TextFilter

if TYPE_CHECKING:
    from gateway_guardrails.redaction.originals import Originals


class RestoringFilter(TextFilter):
    """
    Replaces what stands for values by the values.

    It holds back from a ``<``, or from what a look-alike begins with, while that may still grow
    into one of them.

    Args:
        originals: What may be put back, and what each of it stands for.
        told: Called when something is put back.
    """

    # A signature covers what the provider wrote, which is what stands for the value.
    on_sealed = "skip"

    def __init__(
        self,
        originals: Originals,
        told: Callable[[], None],
    ) -> None:
        self._originals = originals
        self._told = told

    def __repr__(self) -> str:
        return f"<RestoringFilter of {len(self._originals)} values>"

    def find(self, text: str, start: int, final: bool) -> tuple[Sequence[Edit], int]:
        """
        Find what stands for a value.
        """
        originals = self._originals
        safe = len(text) if final else originals.safe(text, start)
        edits = []
        for place in originals.places(text, start):
            # A number is one again where it is all of a string, which the next character tells.
            is_open = place.is_number and place.end == len(text) and not final
            if place.end > safe or is_open:
                safe = min(safe, place.start)
                break
            edits.append(Edit(*place))
        if self.running.is_sealed or not edits:
            return (), safe
        self._told()
        return edits, safe
