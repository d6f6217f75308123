"""
Finds what a customer's own patterns match.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway_guardrails.patterns import Pattern
from gateway_guardrails.pii.candidate import Candidate
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.view import View

__all__ = ["Customs"]

_PIECE: Final = 2048


class Customs:
    """
    Finds matches of patterns, each no longer than its pattern's *longest*.

    A match that begins with a letter or a digit begins where a token does; so what it is does not
    depend on where the search began, and a text may be cut anywhere.
    """

    def __init__(
        self,
        kinds: Sequence[Kind],
        patterns: Mapping[int, tuple[Pattern, int]],
    ) -> None:
        self._kinds = kinds
        self._patterns = patterns

    def scan(self, view: View, start: int, out: list[Candidate]) -> int:
        """
        Add what begins at *start* or later to *out*; return where what is not decided begins.
        """
        size = len(view.text)
        undecided = size
        for kind, (pattern, longest) in self._patterns.items():
            if not view.final:
                # Any of the last characters may begin a match that is longer than the text.
                undecided = min(undecided, max(start, size - longest))
            for low in range(start, size, _PIECE):
                piece = view.text[max(0, low - 1) : low + _PIECE + longest]
                open_at = self._piece(view, kind, pattern, longest, low, piece, out)
                undecided = min(undecided, open_at)
        return undecided

    def _piece(
        self,
        view: View,
        kind: int,
        pattern: Pattern,
        longest: int,
        low: int,
        piece: str,
        out: list[Candidate],
    ) -> int:
        text = view.text
        offset = max(0, low - 1)
        undecided = len(text)
        at = low - offset
        while (
            match := pattern.search(piece, at)
        ) is not None and match.start() < _PIECE + 1:
            begin = offset + match.start()
            at = match.start() + 1
            if text[begin].isalnum() and text[begin - 1 : begin].isalnum():
                continue
            end = _end_of(pattern, text, begin, longest)
            if end and self._is_told(view, begin, end, kind):
                out.append(Candidate(begin, end, kind, odds=self._kinds[kind].odds))
            elif end and not view.final and self._kinds[kind].words:
                undecided = min(undecided, self._open(view, begin, end, kind))
            while at < len(piece) and piece[at - 1].isalnum() and piece[at].isalnum():
                at += 1
        return undecided

    def _is_told(self, view: View, start: int, end: int, kind: int) -> bool:
        if not self._kinds[kind].words:
            return True
        mask = 1 << kind
        if view.hearing.left(start, mask).mask:
            return True
        right = view.hearing.right(end, mask)
        return right is not None and bool(right.mask)

    def _open(self, view: View, start: int, end: int, kind: int) -> int:
        right = view.hearing.right(end, 1 << kind)
        return start if right is None else len(view.text)


def _end_of(pattern: Pattern, text: str, begin: int, longest: int) -> int:
    """
    Return where the match at *begin* ends that is no longer than *longest*; 0 if there is none.
    """
    before = min(begin, 1)
    match = pattern.search(text[begin - before : begin + longest])
    while match is not None and match.start() < before:
        match = pattern.search(
            text[begin - before : begin + longest], match.start() + 1
        )
    if match is None or match.start() != before or match.end() == match.start():
        return 0
    return begin - before + match.end()
