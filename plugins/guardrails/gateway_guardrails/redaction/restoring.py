"""
Puts originals back into an answer, for the caller whose own they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from gateway.filters import Edit, TextFilter
from gateway_guardrails.redaction.placeholders import PLACEHOLDER

_OPEN = re.compile(r"<[A-Z0-9_]*\Z")


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

    def __init__(self, originals: Mapping[str, str], told: Callable[[], None]) -> None:
        self._originals = originals
        self._told = told
        self._longest = max(map(len, originals), default=0)
        others = [token for token in originals if not PLACEHOLDER.fullmatch(token)]
        self._others = sorted(others, key=len, reverse=True)
        # A name is no part of a longer word.
        spelt = [rf"(?<!\w){re.escape(token)}(?!\w)" for token in self._others]
        self._pattern = re.compile("|".join([PLACEHOLDER.pattern, *spelt]))
        self._begins = "".join({token[0] for token in others})

    def __repr__(self) -> str:
        return f"<RestoringFilter of {len(self._originals)} values>"

    def find(self, text: str, start: int, final: bool) -> tuple[Sequence[Edit], int]:
        """
        Find what stands for a value.
        """
        if not self._begins and "<" not in text:
            return (), len(text)
        edits = []
        originals = self._originals
        safe = len(text) if final else self._safe(text, start)
        for match in self._pattern.finditer(text, start):
            if match.end() > safe:
                safe = min(safe, match.start())
                break
            original = originals.get(match[0])
            if original is not None and not self.running.is_sealed:
                edits.append(Edit(match.start(), match.end(), original))
        if edits:
            self._told()
        return edits, safe

    def _safe(self, text: str, start: int) -> int:
        """
        Return where the text begins that may still grow into something to be replaced.
        """
        length = len(text)
        opened = _OPEN.search(text, max(start, length - self._longest))
        safe = opened.start() if opened else length
        if self._begins:
            for at in range(max(start, length - self._longest + 1), safe):
                if text[at] in self._begins and self._may_grow(text[at:]):
                    return at
        return safe

    def _may_grow(self, tail: str) -> bool:
        return any(token.startswith(tail) for token in self._others)
