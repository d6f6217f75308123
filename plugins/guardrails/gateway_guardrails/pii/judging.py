"""
Decides which kind a value of some shape is: by its checks, and by what the words beside it say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway_guardrails.pii.candidate import Candidate
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.runs import Fit
from gateway_guardrails.pii.shapes import compact
from gateway_guardrails.pii.view import View

__all__ = ["Judging"]

#: What is stricter is believed even beside a word for something else.
_STRICT: Final = 5000


class Judging:
    """
    Judges values.

    Args:
        kinds: All kinds that are looked for; a kind's number is its place.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._checks = [kind.check for kind in kinds]
        self._odds = [kind.odds for kind in kinds]
        names = [kind.name for kind in kinds]
        self._card = names.index("CREDIT_CARD") if "CREDIT_CARD" in names else None

    def judge(
        self,
        view: View,
        start: int,
        fit: Fit,
        asked: int,
        out: list[Candidate],
    ) -> bool:
        """
        Add the kind of *asked* that the value is of; tell whether that is not decided yet.
        """
        end = start + fit.size
        value = view.ascii[start:end]
        is_plain = fit.is_plain
        bare = value if is_plain else ""  # taken only where something may be found
        if fit.alone and asked & (asked - 1) == 0:
            bare = bare or compact(value)
            kind = asked.bit_length() - 1
            if self._is_sure(kind, is_plain=is_plain) and self._is(kind, bare):
                self.add(out, start, end, kind)
                return False
        heard = view.hearing.hear(start, end, asked)
        if not (heard.mask or heard.is_open or fit.alone):
            return False
        bare = bare or compact(value)
        told = None
        # Only what is spoken of is checked; where that is wrong, the next words are heard.
        left = asked
        while heard.mask and not heard.is_open:
            told = self._spoken_of(fit, heard.mask, bare)
            left &= ~heard.mask
            if told is not None or not left:
                break
            heard = view.hearing.hear(start, end, left)
        if heard.is_open and self._spoken_of(fit, left, bare) is not None:
            return True
        if told is not None:
            # What would have been found without a word is no surer with one.
            is_sure = told in fit.alone and self._is_sure(told, is_plain=is_plain)
            self.add(out, start, end, told, is_told=not is_sure)
            return False
        alone = self._passing(fit.alone, asked, bare)
        if is_plain and heard.is_other:
            alone = [kind for kind in alone if self._is_sure(kind, is_plain=True)]
        best = self._strictest(alone)
        if best is not None:
            self.add(out, start, end, best)
        return False

    def _passing(self, kinds: Sequence[int], mask: int, bare: str) -> list[int]:
        """
        Return those of *kinds* that are in *mask* and whose check says yes.
        """
        return [kind for kind in kinds if mask >> kind & 1 and self._is(kind, bare)]

    def _spoken_of(self, fit: Fit, mask: int, bare: str) -> int | None:
        """
        Return the strictest kind of *mask*, all of which are *fit*'s, whose check says yes.
        """
        if mask & (mask - 1) == 0:
            kind = mask.bit_length() - 1
            return kind if self._is(kind, bare) else None
        return self._strictest(self._passing(fit.kinds, mask, bare))

    def _is(self, kind: int, bare: str) -> bool:
        check = self._checks[kind]
        return check is None or check(bare)

    def _strictest(self, kinds: Sequence[int]) -> int | None:
        if len(kinds) < 2:
            return kinds[0] if kinds else None
        return max(kinds, key=self._odds.__getitem__)

    def _is_sure(self, kind: int, *, is_plain: bool) -> bool:
        return not is_plain or kind == self._card or self._odds[kind] >= _STRICT

    def add(
        self,
        out: list[Candidate],
        start: int,
        end: int,
        kind: int,
        *,
        is_told: bool = False,
    ) -> None:
        """
        Add a value of *kind*.
        """
        out.append(Candidate(start, end, kind, is_told, self._odds[kind]))
