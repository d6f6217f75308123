"""
What a judge said, as hits: in each passage, and those that concern all of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from gateway.detecting import Find
from gateway_guardrails.inspecting.verdicts import Hit

if TYPE_CHECKING:
    from gateway_guardrails.inspecting.asking import Verdict

#: The type of what a service blocks or masks without saying why.
_BLOCKED: Final = "blocked"
_MASKED: Final = "masked"
_WORD: Final = re.compile(r"\s+|\w+|[^\w\s]")
#: Words that are compared one by one; more are taken for changed as a whole.
_MAX_WORDS: Final = 400


def hits_in(verdict: Verdict, values: Sequence[str]) -> list[list[Hit]]:
    """
    Return what *verdict* found in each of *values*, the texts of its passages.
    """
    opinion = verdict.opinion
    out: list[list[Hit]] = [[] for _ in values]
    for hits, finds in zip(out, opinion.finds, strict=False):
        hits += _counting(verdict, finds)
    for hits, value, masked in zip(out, values, opinion.masked, strict=False):
        if masked is not None:
            said = [hit.find for hit in hits]
            hits += [_hit(verdict, find) for find in masked_in(value, masked, said)]
    return out


def masked_in(value: str, masked: str, finds: Sequence[Find]) -> list[Find]:
    """
    Return what of *value* is masked in *masked* and in none of *finds*, as finds.
    """
    if masked == value:
        return []
    kind = finds[0].type if finds else _MASKED
    return [
        Find(start, end, kind)
        for start, end in changed_parts(value, masked)
        if not any(find.start <= start and end <= find.end for find in finds)
    ]


def unplaced(verdict: Verdict) -> list[Hit]:
    """
    Return what concerns all passages; it can be blocked or flagged, and not redacted.
    """
    opinion = verdict.opinion
    hits = _counting(verdict, opinion.whole)
    if opinion.is_blocked and not hits and not _redacts(verdict):
        placed = next((find for finds in opinion.finds for find in finds), None)
        kind = placed.type if placed is not None else _BLOCKED
        hits.append(_hit(verdict, Find(0, 0, kind, "high")))
    return hits


def flagged_in(verdict: Verdict, count: int) -> list[list[Hit]]:
    """
    Return what *verdict* only tells of each of *count* passages: nothing is done about it.
    """
    flagged = verdict.opinion.flagged or [()] * count
    return [_counting(verdict, finds) for finds in flagged]


def changed_parts(value: str, masked: str) -> list[tuple[int, int]]:
    """
    Return which stretches of *value* are not in *masked*, which says it with something masked.

    What is left of *value* without them is in *masked* as well, in the same order.
    """
    first = _common(value, masked)
    rest, its = value[first:], masked[first:]
    end = len(rest) - _common(rest[::-1], its[::-1])
    words, others = _WORD.findall(rest[:end]), _WORD.findall(its)
    if max(len(words), len(others)) > _MAX_WORDS:
        return [_not_empty(first, first + end, len(value))]
    starts = list(accumulate(map(len, words), initial=first))
    matcher = SequenceMatcher(None, words, others, autojunk=False)
    blocks = matcher.get_matching_blocks()
    out, at = [], 0
    for block in blocks:
        if block.a > at:
            out.append((starts[at], starts[block.a]))
        at = block.a + block.size
    if at < len(words):
        out.append((starts[at], first + end))
    # Something was only put in: what stands beside it goes.
    return out or [_not_empty(first, first + end, len(value))]


def _common(one: str, other: str) -> int:
    """
    Return how many characters both begin with.
    """
    pairs = zip(one, other, strict=False)
    differing = (at for at, (a, b) in enumerate(pairs) if a != b)
    return next(differing, min(len(one), len(other)))


def _not_empty(start: int, end: int, length: int) -> tuple[int, int]:
    if start < end:
        return start, end
    return (start, end + 1) if end < length else (max(start - 1, 0), end)


def _redacts(verdict: Verdict) -> bool:
    """
    Tell whether what the service minds has places that count, so that taking it out is enough.
    """
    opinion = verdict.opinion
    if verdict.asking.guardrail.action != "redact":
        return False
    if any(masked is not None for masked in opinion.masked):
        return True
    return any(_counting(verdict, finds) for finds in opinion.finds)


def _counting(verdict: Verdict, finds: Sequence[Find]) -> list[Hit]:
    guardrail = verdict.asking.guardrail
    return [
        _hit(verdict, find)
        for find in finds
        if guardrail.counts(find.severity, find.score)
    ]


def _hit(verdict: Verdict, find: Find) -> Hit:
    asking = verdict.asking
    return Hit(asking.guardrail, asking.name, find, verdict.took_us)
