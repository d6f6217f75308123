"""
Where in a text which pattern may be found, by literals alone, in one pass.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from typing import Final

from gateway_guardrails.injection.choosing import REACH, STEPS, Chooser, Way
from gateway_guardrails.injection.literals import SIGNS, Literal, blanked
from gateway_guardrails.injection.signs import Signs, signs_of
from gateway_guardrails.literals import Literals

__all__ = ["Candidate", "Gate", "Sifted", "Stretch", "merged", "stretches"]

Stretch = tuple[int, int]
_Hit = tuple[int, int, int]

#: Bytes that a match may be wider on either side than its way tells: edges, and long words.
_SLACK: Final = 16
#: Blocks of bytes: what stands `choosing.REACH` apart is in two that follow each other.
_BLOCK: Final = REACH
#: A pattern that may be in so many places is looked for everywhere.
_MANY: Final = 16
#: How many pairs of steps are weighed one by one.
_MOST_PAIRS: Final = 32
_MOST_REMEMBERED: Final = 256
_NO_SIGNS: Final = bytes(code for code in range(256) if code not in SIGNS)
#: How large the parts are in which blanks are counted.
_PART: Final = 2048
_BLANK: Final = ord(" ")


class _Asked:
    """
    A way to match a pattern, and what it is waited for.
    """

    def __init__(self, pattern: int, way: Way, numbers: Mapping[Literal, int]) -> None:
        self.pattern = pattern
        self.steps = [
            frozenset(numbers[one] for one in step.literals) for step in way.steps
        ]
        first, last = way.steps[0], way.steps[-1]
        self.is_sifted = first.is_sifted
        # How far a later step may be from the first, and how far a match may go beyond them.
        self.most = [step.last - first.first + _SLACK for step in way.steps]
        self.before = first.last + _SLACK
        self.after = way.width - last.first + _SLACK


Candidate = tuple[_Asked, Sequence[_Hit]]


class Sifted:
    """
    A text as its literals are sought in it, and where its places stand in the text itself, about.

    It is `blanked`, with one blank between words where there are few.

    Args:
        raw: The text in UTF-8.
    """

    def __init__(self, raw: bytes) -> None:
        blank = blanked(b" " + raw + b" ")
        # Where each part begins, before and after: exact there, and in between about.
        self._before = [0]
        self._after = [0]
        parts = []
        start = after = 0
        while start < len(blank):
            # The next part begins with a word, so that no run of blanks is in two.
            end = min(start + _PART, len(blank))
            while end < len(blank) and blank[end] == _BLANK:
                end += 1
            # To split and to join takes half of what it takes to replace.
            part = b" ".join(blank[start:end].split(b"   "))
            parts.append(b" ".join(part.split(b"  ")))
            after += len(parts[-1])
            self._before.append(end)
            self._after.append(after)
            start = end
        self.text = b"".join(parts)
        self.size = len(raw)

    def unsifted(self, first: int, last: int) -> Stretch:
        """
        Return a stretch of the text in which stands what is at *first* to *last* of the sifted one.
        """
        after = self._after
        if len(after) == 2:  # one part
            return first - 1, last - 1 + self._before[1] - after[1]
        begin = min(bisect_right(after, first), len(after) - 1)
        end = begin if last < after[begin] else bisect_right(after, last)
        end = min(end, len(after) - 1)
        return (
            first - 1 + self._before[begin - 1] - after[begin - 1],
            last - 1 + self._before[end] - after[end],
        )


class Gate:
    """
    Tells where patterns may be found; safe to use from any thread.

    Args:
        patterns: Numbered in this order.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        texts = list(patterns)
        chooser = Chooser()
        chosen = [
            (number, way)
            for number, pattern in enumerate(texts)
            for way in chooser.chosen(pattern)
        ]
        literals: dict[Literal, None] = {}
        for _, way in chosen:
            for step in way.steps:
                literals.update(dict.fromkeys(step.literals))
        # Those that are sought in the sifted text come first.
        ordered = sorted(literals, key=lambda one: not one.is_sifted)
        numbers = {literal: number for number, literal in enumerate(ordered)}
        self._asked = [_Asked(number, way, numbers) for number, way in chosen]
        self._plain_count = sum(one.is_sifted for one in ordered)
        self._plain_texts = [one.text for one in ordered[: self._plain_count]]
        self._plain = Literals(self._plain_texts)
        self._other = Literals([one.text for one in ordered[self._plain_count :]])
        needed = _needed(signs_of(texts[number]) for number, _ in chosen)
        self._left = lru_cache(_MOST_REMEMBERED)(partial(_left, needed))
        # One sign of each literal that is sought in the text as it is.
        self._signs = frozenset(
            sign
            for one in ordered[self._plain_count :]
            for sign in [one for one in one.text.encode() if one in SIGNS][:1]
        )
        self._masks = self._masked(len(ordered))
        # Ways that have no second, or third, step.
        self._no_second, self._no_third = (
            sum(
                1 << bit
                for bit, one in enumerate(self._asked)
                if len(one.steps) <= step
            )
            for step in range(1, STEPS)
        )

    def candidates(
        self, text: str, raw: bytes, told: Sifted
    ) -> dict[int, list[Candidate]]:
        """
        Return which patterns may be found, for `stretches` to tell where; none for most texts.

        Args:
            raw: *text* in UTF-8.
            told: The same, sifted.
        """
        found: dict[int, list[Candidate]] = {}
        there = frozenset(raw.translate(None, _NO_SIGNS))
        left = self._left(there)
        self._ask(self._plain.hits_in(told.text), 0, left, found)
        if len(raw) != len(text) or not self._signs.isdisjoint(there):
            others = self._other.hits_in(_lowered(text, raw))
            self._ask(others, self._plain_count, left, found)
        return found

    def _ask(
        self,
        hits: Sequence[_Hit],
        by: int,
        left: int,
        found: dict[int, list[Candidate]],
    ) -> None:
        """
        Add which of the ways in *left* may be matched.
        """
        if by:
            hits = [(number + by, start, end) for number, start, end in hits]
        for met_here, near in self._met(hits):
            met = met_here & left
            while met:
                bit = met & -met
                met ^= bit
                asked = self._asked[bit.bit_length() - 1]
                candidates = found.setdefault(asked.pattern, [])
                candidates.append((asked, near))
                if len(candidates) >= _MANY:
                    left &= ~bit

    def _masked(self, count: int) -> list[int]:
        """
        Return, for each literal, the ways of which it is the first, second and third step, in turn.
        """
        masks = [0] * count
        for bit, asked in enumerate(self._asked):
            for step, literals in enumerate(asked.steps):
                for number in literals:
                    masks[number] |= 1 << (bit + step * len(self._asked))
        return masks

    def _met(self, hits: Sequence[_Hit]) -> Iterator[tuple[int, Sequence[_Hit]]]:
        """
        Yield ways whose steps stand in one block, or in two that follow each other, and the hits.
        """
        masks = self._masks
        here = before = begin = begin_before = last = 0
        for at, (number, _, end) in enumerate(hits):
            if end >= last:
                if here:
                    met = self._both(before, here)
                    if met:
                        yield met, hits[begin_before:at]
                if end < last + _BLOCK:
                    before, begin_before = here, begin
                else:
                    before, begin_before = 0, at
                here, begin = 0, at
                last = (end // _BLOCK + 1) * _BLOCK
            here |= masks[number]
        if here:
            met = self._both(before, here)
            if met:
                yield met, hits[begin_before:]

    def _both(self, before: int, here: int) -> int:
        """
        Return the ways of which all steps are in one of two blocks, and one at least *here*.
        """
        size = len(self._asked)
        told = before | here
        met = told & (told >> size | self._no_second)
        met &= told >> 2 * size | self._no_third
        if not met:
            return 0
        return met & (here | here >> size | here >> 2 * size) & ((1 << size) - 1)


def _needed(each: Iterable[Sequence[Signs]]) -> Mapping[Signs, int]:
    """
    Return, for signs of which some ways need one, those ways; each needs one set of them at most.
    """
    needed: dict[Signs, int] = {}
    for bit, signs in enumerate(each):
        if signs:
            fewest = min(signs, key=len)
            needed[fewest] = needed.get(fewest, 0) | 1 << bit
    return needed


def _left(needed: Mapping[Signs, int], there: Signs) -> int:
    """
    Return all ways but those that need other signs than those that are there.
    """
    return ~sum(bits for signs, bits in needed.items() if signs.isdisjoint(there))


def stretches(candidates: Sequence[Candidate], told: Sifted) -> list[Stretch]:
    """
    Return where one of the candidates of a pattern may be found, in bytes and in order.
    """
    if len(candidates) >= _MANY:
        return [(0, told.size)]
    found = []
    for asked, near in candidates:
        stretch = _around(asked, near, told)
        if stretch is not None:
            found.append(stretch)
    return merged(found) if len(found) > 1 else found


def _around(asked: _Asked, near: Sequence[_Hit], told: Sifted) -> Stretch | None:
    """
    Return in which stretch matches may lie whose steps are among *near*, in their order.
    """
    steps = asked.steps
    literals = steps[0]
    starts = [start for number, start, _ in near if number in literals]
    if len(steps) == 1:
        first, last = starts[0], max(starts)
    else:
        met = _in_order(asked, starts, near)
        if met is None:
            return None
        first, last = met
    if asked.is_sifted:
        first, last = told.unsifted(first, last)
    return max(0, first - asked.before), last + asked.after


def _in_order(
    asked: _Asked, starts: Sequence[int], near: Sequence[_Hit]
) -> Stretch | None:
    """
    Return where first steps at *starts* begin that further ones follow, and where the last does.
    """
    begun = [(start, start) for start in starts]
    for literals, most in zip(asked.steps[1:], asked.most[1:], strict=True):
        further = [start for number, start, _ in near if number in literals]
        if len(begun) * len(further) > _MOST_PAIRS:
            # Which of them belong together is not worth asking: the pattern looks at all of it.
            return begun[0][0], near[-1][1]
        begun = [
            (first, start)
            for first, reached in begun
            for start in further
            if reached < start <= first + most
        ]
        if not begun:
            return None
    return begun[0][0], max(map(_last, begun))


_last = itemgetter(1)


def merged(where: list[Stretch]) -> list[Stretch]:
    """
    Make one of those that overlap, in order.
    """
    where.sort()
    found = where[:1]
    for start, end in where[1:]:
        if start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _lowered(text: str, raw: bytes) -> bytes:
    if len(raw) == len(text):
        return raw.lower()
    lowered = text.lower().encode("utf-8", "replace")
    return lowered if len(lowered) == len(raw) else raw.lower()
