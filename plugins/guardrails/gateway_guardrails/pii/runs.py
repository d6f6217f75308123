"""
What may begin in a run of digits, told by its skeleton alone.

Most runs look like one that was met before: what may begin in it, and of which kinds it may be, is
then known without reading it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from gateway_guardrails.pii.borders import (
    BEFORE,
    BEHIND,
    FAR_BEFORE,
    GOES_ON,
    LETTERS,
    MOST_LETTERS,
    alike_before,
    alike_behind,
    lead,
    may_begin,
)
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.phones import may_be_phone, may_grow
from gateway_guardrails.pii.shapes import LONGEST, Ending, ShapeIndex

__all__ = [
    "ACCOUNT",
    "DOTTED",
    "FARTHEST",
    "MOST_ALIKE",
    "POLE",
    "RUN",
    "WALLET",
    "Fit",
    "Run",
    "RunIndex",
    "Start",
    "Token",
    "tokens",
]

#: A digit and what belongs to it: more groups that begin with a digit, or with a few capitals.
RUN: Final = re.compile(r"9[9Aa]*(?:(?:[ ./\-(]|\)[ \-]?)A{0,6}9[9Aa]*){0,40}")
_TOKEN: Final = re.compile(r"9[9Aa]*")
#: An address of IPv4 begins with a token no longer, a wallet with none shorter.
_LONGEST_OCTET: Final = 3
_LEAST_WALLET: Final = 26
_ADDRESS: Final = re.compile(r"9{1,3}(?:\.9{1,3}){3}|9{1,2}\.9{4}")
#: This latitude has fewer digits than others.
_LATITUDE: Final = re.compile(r"99\.9")
_IBAN: Final = re.compile(r"[Aa]{2}99")
#: A telephone number that is one token is longer.
_LONGEST_PART: Final = 5
#: A column of ones is no telephone number.
_ONES: Final = re.compile(r"9[ .]9[^9]")
#: No shape that begins at a digit ends farther behind it, with what is looked at behind it.
FARTHEST: Final = 26
#: Longer runs are seldom alike.
MOST_ALIKE: Final = 64
_MOST_REMEMBERED: Final = 4096
#: What a token may begin that has no shape; no flags of `enum`, which are slow.
DOTTED: Final = 1
POLE: Final = 2
ACCOUNT: Final = 4
WALLET: Final = 8
#: All kinds, whichever they are.
_ANY: Final = -1


class Fit(NamedTuple):
    """
    What a value of one size may be.

    Attributes:
        kinds: The kinds that have its shape, and the same with one bit each.
        alone: Those of them that may be found without a word.
        is_plain: It is nothing but digits.
    """

    size: int
    kinds: Sequence[int]
    mask: int
    alone: Sequence[int]
    is_plain: bool


class Start(NamedTuple):
    """
    A place where values may begin, counted from the first digit of their token.

    Attributes:
        mask: All kinds that they may be of, one bit each.
        others: What they may be that has no shape: `DOTTED`, `POLE`, `ACCOUNT`, `WALLET`.
        is_open: The text must go on to say which they may be.
    """

    at: int
    fits: Sequence[Fit]
    mask: int
    others: int
    has_phone: bool
    is_open: bool


class Token(NamedTuple):
    """
    Digits and letters in a row, counted from where their run begins.

    Attributes:
        digit: The first digit.
    """

    digit: int
    end: int
    starts: Sequence[Start]


class Run(NamedTuple):
    """
    What may begin in a run.

    Attributes:
        mask: All kinds that it may be, one bit each.
    """

    tokens: Sequence[Token]
    mask: int


_NOTHING: Final = Run((), 0)


class RunIndex:
    """
    Tells of runs what may begin in them.

    Args:
        kinds: All kinds that are looked for; a kind's number is its place.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._shapes = ShapeIndex(kinds)
        self._phones = sum(
            1 << number for number, kind in enumerate(kinds) if kind.name == "PHONE"
        )
        #: What was read of runs, by how they are written.
        self._seen: dict[str, Run] = {}
        self._near = lru_cache(_MOST_REMEMBERED)(self._read_near)
        self._far = lru_cache(_MOST_REMEMBERED)(self._read_far)
        self._alike = lru_cache(_MOST_REMEMBERED)(self._read_token)

    def read(
        self, skeleton: str, low: int, high: int, *, final: bool, is_cut: bool = False
    ) -> Run:
        """
        Read the run from *low* to *high*, which is no longer than `MOST_ALIKE`.

        Args:
            final: Nothing follows *skeleton*.
            is_cut: The run may go on.
        """
        behind = high + LONGEST
        is_late = behind >= len(skeleton)
        if (
            is_cut
            or low < FAR_BEFORE
            or (is_late and not _is_closed(skeleton, high, final=final))
        ):
            return self._read_by_tokens(skeleton, low, high, final=final)
        written = skeleton[low - BEFORE : high + BEHIND]
        seen = self._seen.get(written)
        if seen is not None:
            return seen
        first = low - lead(skeleton, low)
        before = alike_before(skeleton[first : first + BEFORE])
        run = skeleton[first + BEFORE : high]
        low, end = low - first, high - first
        near = before + run + alike_behind(skeleton[high : high + BEHIND])
        told = self._near(near, low, end)
        if told is None and is_late:
            return self._read_by_tokens(skeleton, first + low, high, final=final)
        if told is None:
            return self._far(before + run + skeleton[high:behind], low, end)
        if low == BEFORE:
            if len(self._seen) >= _MOST_REMEMBERED:
                self._seen.clear()
            self._seen[written] = told
        return told

    def _read_by_tokens(
        self, skeleton: str, low: int, high: int, *, final: bool
    ) -> Run:
        return _run(
            [
                (digit - low, self.read_token(skeleton, digit, end, final=final))
                for digit, end in tokens(skeleton, low, high)
            ]
        )

    def _read_near(self, skeleton: str, low: int, high: int) -> Run | None:
        """
        Read a run in a piece of a skeleton; None if more of that must be seen.
        """
        run = self._read_far(skeleton, low, high)
        is_open = any(start.is_open for token in run.tokens for start in token.starts)
        return None if is_open else run

    def _read_far(self, skeleton: str, low: int, high: int) -> Run:
        return _run(
            [
                (digit - low, self._read_token(skeleton, digit, end, Ending.CUT))
                for digit, end in tokens(skeleton, low, high)
            ]
        )

    def read_token(self, skeleton: str, digit: int, end: int, *, final: bool) -> Run:
        """
        Read one of a run's `tokens` by itself, as if the run began with it.
        """
        size = len(skeleton)
        # No shape has a group so long.
        end = min(end, digit + MOST_ALIKE)
        behind = end + LONGEST
        is_open = not final and (behind >= size or may_grow(skeleton, end))
        if (
            digit >= FAR_BEFORE
            and behind < size
            and not is_open
            and skeleton[end] not in GOES_ON
        ):
            first = digit - lead(skeleton, digit)
            behind = max(end, digit + FARTHEST) + BEHIND
            piece = skeleton[first:behind]
            return self._alike(piece, digit - first, end - first, Ending.CUT)
        ending = Ending.CUT
        if is_open:
            ending = Ending.OPEN
        elif behind >= size:
            ending = Ending.FINAL
        first = max(0, digit - FAR_BEFORE)
        piece = skeleton[first:behind]
        return self._read_token(piece, digit - first, end - first, ending)

    def _read_token(self, skeleton: str, digit: int, end: int, ending: Ending) -> Run:
        shape = skeleton.upper()
        starts = []
        mask = 0
        for at, boundary in self._places(skeleton, digit):
            start = self._start(skeleton, shape, at, digit, end, boundary, ending)
            if start is not None:
                starts.append(start)
                mask |= start.mask
        return Run([Token(0, end - digit, starts)], mask) if starts else _NOTHING

    def _places(self, skeleton: str, digit: int) -> Sequence[tuple[int, bool]]:
        """
        Return where a value may begin that has its first digit at *digit*.

        With each goes whether it may be found there without a word.
        """
        start = digit
        if digit and skeleton[digit - 1] in LETTERS:
            before = skeleton[max(0, digit - MOST_LETTERS - 1) : digit]
            start = digit - len(before) + len(before.rstrip(LETTERS))
            if digit - start > MOST_LETTERS:
                return ()
        boundary = may_begin(skeleton, start)
        places = () if boundary is None else ((start, boundary),)
        if start > 1 and skeleton[start - 1] in " -." and skeleton[start - 2] == "A":
            before = skeleton[max(0, start - MOST_LETTERS) : start - 1]
            capitals = len(before) - len(before.rstrip("A"))
            if "A" * capitals + skeleton[start - 1] in self._shapes.prefixes:
                first = start - 1 - capitals
                boundary = may_begin(skeleton, first)
                if boundary is not None:
                    return *places, (first, boundary)
        return places

    def _start(
        self,
        skeleton: str,
        shape: str,
        at: int,
        digit: int,
        end: int,
        boundary: bool,
        ending: Ending,
    ) -> Start | None:
        """
        Tell what may begin at *at*, with the token from *digit* to *end*; None if nothing may.
        """
        reading = self._shapes.read(shape, at, ending)
        fits = []
        mask = 0
        for size, (kinds, told, alone) in reading.found:
            value = skeleton[at : at + size]
            if not boundary or "a" in value:
                alone = ()
            fits.append(Fit(size, kinds, told, alone, value.isdigit()))
            mask |= told
        others = _others(skeleton, at, end, ending)
        has_phone = (
            self._phones > 0
            and skeleton[at] == "9"
            and (
                end - at > _LONGEST_PART
                or (
                    skeleton[end : end + 1] in " -./()"
                    and not _ONES.match(skeleton, at)
                )
            )
            and (ending is Ending.OPEN or may_be_phone(skeleton, at))
        )
        if has_phone:
            mask |= self._phones
        if others or reading.is_open:
            mask = _ANY
        if not mask:
            return None
        return Start(at - digit, fits, mask, others, has_phone, reading.is_open)


def tokens(skeleton: str, low: int, high: int) -> Iterator[tuple[int, int]]:
    """
    Yield the first digit and the end of each token of a run in which a value may begin.
    """
    for match in _TOKEN.finditer(skeleton, low, high):
        digit, end = match.span()
        # Not inside of another, or of a fraction.
        if digit < 2 or skeleton[digit - 1] not in "-./" or skeleton[digit - 2] != "9":
            yield digit, end


def _is_closed(skeleton: str, high: int, *, final: bool) -> bool:
    """
    Tell of a run near the end of the text whether what comes can change nothing of it.
    """
    # Not where the word behind it goes on, or where a telephone number may.
    return high + BEHIND <= len(skeleton) and (
        final
        or not (skeleton[high + BEHIND - 1 :].isalnum() or may_grow(skeleton, high))
    )


def _run(told: Sequence[tuple[int, Run]]) -> Run:
    """
    Put the runs of single tokens together, which begin so far behind the first.
    """
    if len(told) == 1 and told[0][0] == 0:
        return told[0][1]
    found = []
    mask = 0
    for at, run in told:
        mask |= run.mask
        found += [Token(at, at + end, starts) for _, end, starts in run.tokens]
    return Run(found, mask)


def _others(skeleton: str, at: int, end: int, ending: Ending) -> int:
    """
    Tell what a token from *at* to *end* may begin that has no shape.
    """
    if end - at <= _LONGEST_OCTET and skeleton[end : end + 1] == ".":
        if ending is Ending.OPEN or _ADDRESS.match(skeleton, at):
            return DOTTED
        return POLE if _LATITUDE.match(skeleton, at) else 0
    others = ACCOUNT if _IBAN.match(skeleton, at) else 0
    return others | WALLET if end - at >= _LEAST_WALLET else others
