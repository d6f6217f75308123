"""
Puts originals back into an answer, for the caller whose own they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway import codec
from gateway.filters import Edit, TextFilter

if TYPE_CHECKING:
    from gateway import Request
    from gateway_guardrails.redaction.originals import Originals


class RestoringFilter(TextFilter):
    """
    Replaces what stands for values by the values.

    It holds back from a ``<``, or from what a look-alike begins with, while that may still grow
    into one of them.

    Args:
        originals: What may be put back, and what each of it stands for.
        told: Called when something is put back.
        says_json: The answer itself is JSON, so that what is put back is written as in a string.
    """

    # A signature covers what the provider wrote, which is what stands for the value.
    on_sealed = "skip"

    def __init__(
        self,
        originals: Originals,
        told: Callable[[], None],
        *,
        says_json: bool = False,
    ) -> None:
        self._originals = originals
        self._told = told
        self._says_json = says_json

    def __repr__(self) -> str:
        return f"<RestoringFilter of {len(self._originals)} values>"

    def find(self, text: str, start: int, final: bool) -> tuple[Sequence[Edit], int]:
        """
        Find what stands for a value.
        """
        originals = self._originals
        safe = len(text) if final else originals.safe(text, start)
        # Strings in arguments are shown decoded, and encoded again.
        is_source = self._says_json and self.running.kind == "message"
        edits = []
        for place in originals.places(text, start):
            if place.end > safe:
                safe = min(safe, place.start)
                break
            value = place.original
            new = codec.dumps(value).decode()[1:-1] if is_source else value
            edits.append(Edit(place.start, place.end, new))
        if self.running.is_sealed or not edits:
            return (), safe
        self._told()
        return edits, safe


def asks_for_json(request: Request) -> bool:
    """
    Tell whether the answer to *request* is to be JSON: an object, or by a schema.
    """
    members = request.members
    told = members.get("text"), members.get("output_config")
    forms = [members.get("response_format"), members.get("output_format")]
    forms += [one.get("format") for one in told if isinstance(one, dict)]
    return any(
        isinstance(form, dict) and form.get("type") in ("json_object", "json_schema")
        for form in forms
    )
