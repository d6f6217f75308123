"""
Finds what is told by its shape: one walk over the digits of a text for all kinds of numbers.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Final

from gateway_guardrails.pii.candidate import Candidate
from gateway_guardrails.pii.hearing import OTHER_WITHIN, RIGHT
from gateway_guardrails.pii.judging import Judging
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.phones import read_phone
from gateway_guardrails.pii.shapes import ShapeIndex
from gateway_guardrails.pii.tokens import (
    read_coordinates,
    read_iban,
    read_ipv4,
    read_wallet,
)
from gateway_guardrails.pii.view import View

__all__ = ["Numbers"]

#: A digit and what belongs to it: more groups that begin with a digit, or with a few capitals.
_RUN: Final = re.compile(
    r"[0-9][0-9A-Za-z]*(?:(?:[ ./\-(]|\)[ \-]?)[A-Z]{0,6}[0-9][0-9A-Za-z]*){0,40}"
)
_TOKEN: Final = re.compile(r"[0-9][0-9A-Za-z]*")
_CAPITALS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERS: Final = _CAPITALS + _CAPITALS.lower()
#: With more letters left of its first digit a token is no number.
_MOST_LETTERS: Final = 8
#: A run so short is looked at only where a word in the text makes it worth it.
_SHORT: Final = 5
#: No telephone number has more characters, its extension included.
_MOST_NUMBER: Final = 56
#: In a run so short there is no telephone number and no address, ...
_FEW: Final = 6
#: ... but maybe this latitude, whose digits are fewer than those of others.
_POLE: Final = "90"
#: An address of IPv4 begins with a token no longer, a wallet with none shorter.
_LONGEST_OCTET: Final = 3
_LEAST_WALLET: Final = 26
#: A telephone number that is one token is longer.
_LONGEST_PART: Final = 5
#: A column of ones is no telephone number.
_ONES: Final = re.compile(r"[0-9][ .][0-9][^0-9]")
#: What may stand before a further group of a value: further digits, capitals, an extension.
_GOES_ON: Final = re.compile(r"[ \-./()+,;:°]{0,3}[0-9A-Zxe]")
_MOST_BETWEEN: Final = 3
#: A longer value may begin further left than a window shows.
_MOST_DONE: Final = 40
_NOT_BEFORE: Final = "+@$%"
#: What stands before a version rather than an address.
_VERSIONS: Final = frozenset("-=<>~^")
#: Nothing that stands farther left or right has a say in what a number is.
_AROUND_LEFT: Final = 80
_AROUND_RIGHT: Final = 256
_MOST_KNOWN: Final = 256
#: What was never met with so much around it was never met with more.
_NEAREST_LEFT: Final = 8
_NEAREST_RIGHT: Final = 16
#: A value may begin with one of these.
_SIGNS: Final = frozenset("(+-")

#: Families that are not looked for by their shape.
_ELSEWHERE: Final = frozenset({"phone", "said"})

#: Behind all that was found by its mark.
_NOWHERE: Final = (sys.maxsize, sys.maxsize)

#: Where a value may begin, and whether it may be found there without a word.
_Start = tuple[int, bool]


class Numbers:
    """
    Finds the kinds that have a shape, and what else begins with a token with a digit.

    Args:
        kinds: All kinds that are looked for; a kind's number is its place.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._judging = Judging(kinds)
        self._shapes = ShapeIndex(kinds)
        self._numbers = {kind.name: number for number, kind in enumerate(kinds)}
        self._all = (1 << len(kinds)) - 1
        # Those that are looked for whatever words there are, and those that may be few digits.
        self._long = self._short = 0
        for number, kind in enumerate(kinds):
            if not kind.needs_words:
                self._long |= 1 << number
            elif kind.family not in _ELSEWHERE:
                self._short |= 1 << number
        self._phone = self._numbers.get("PHONE")
        self._phones = 0 if self._phone is None else 1 << self._phone
        self._iban = self._numbers.get("IBAN")
        self._ipv4 = self._numbers.get("IPV4")
        self._gps = self._numbers.get("GPS")
        self._has_wallets = any(kind.family == "wallet" for kind in kinds)

    def scan(
        self, view: View, low: int, high: int, spoken: int, out: list[Candidate]
    ) -> int:
        """
        Add what begins from *low* to *high* to *out*; return where what is not decided begins.

        Args:
            spoken: The kinds whose words are near; those that need no words are looked for as well.
        """
        text, skeleton = view.ascii, view.skeleton
        undecided = len(text)
        # A word to the right of what is so late may not have been said yet.
        late = len(text) if view.final else len(text) - RIGHT - _MOST_NUMBER
        near = self._long | spoken
        match_run = _RUN.match
        # Looking for a 9 in the skeleton is quicker than looking for a digit in the text.
        start = skeleton.find("9", low, high)
        marked = iter(view.marked)
        mark, past = next(marked, _NOWHERE)
        while start >= 0:
            while past <= start:
                mark, past = next(marked, _NOWHERE)
            if mark < start and _is_within(text, mark, start, past) and past <= late:
                start = skeleton.find("9", past, high)
                continue
            run = match_run(text, start, high)
            end = run.end() if run is not None else start + 1
            asked = near if end <= late else self._all
            if (
                end - start >= _SHORT
                or asked & self._short
                or end == high
                or (text[start - 1 : start].isalpha() and _may_go_on(text, start, end))
            ) and not (
                end - start <= _FEW
                and end <= late
                and end < high
                and self._is_dull(view, start, end, asked)
            ):
                open_at = self._walk(view, start, end, asked, out)
                undecided = min(undecided, open_at)
            start = skeleton.find("9", end, high)
        return undecided

    def _is_dull(self, view: View, start: int, end: int, asked: int) -> bool:
        """
        Tell of a run of few digits whether no number that is asked for begins in it.
        """
        skeleton = view.skeleton
        if start:
            before = skeleton[start - 1]
            if before == "A" or (
                before in " -." and view.ascii[max(0, start - 2)] in _CAPITALS
            ):
                return False
        if view.ascii.startswith(_POLE, start):
            return False
        return not asked & self._shapes.begun(
            skeleton[start:end], skeleton[end : end + 2]
        )

    def _walk(
        self, view: View, low: int, high: int, asked: int, out: list[Candidate]
    ) -> int:
        text = view.ascii
        undecided = len(text)
        done = 0
        for token in _TOKEN.finditer(text, low, high):
            digit, token_end = token.span()
            if token_end <= done or (
                digit > 1 and text[digit - 1] in "-./" and text[digit - 2].isdigit()
            ):
                continue  # inside of another, or of a fraction
            starts = self._starts(text, digit)
            if not starts:
                continue
            count = len(out)
            open_at = self._look(view, starts, digit, token_end, asked, out)
            undecided = min(undecided, open_at)
            if len(out) > count and undecided > digit:
                done = self._done(view, digit, out[count:])
        return undecided

    def _look(
        self,
        view: View,
        starts: Sequence[_Start],
        digit: int,
        token_end: int,
        asked: int,
        out: list[Candidate],
    ) -> int:
        """
        Add what begins at *starts* to *out*; return where what is undecided begins.

        What stands around it decides, so that in a text of repeats nothing is read twice.
        """
        size = len(view.ascii)
        if not (
            _AROUND_LEFT <= digit < size - _AROUND_RIGHT and self._is_again(view, digit)
        ):
            undecided = size
            for start, boundary in starts:
                if self._begin(view, start, boundary, token_end, asked, out):
                    signed = view.ascii[start - 1 : start] in _SIGNS
                    undecided = min(undecided, start - signed)
            return undecided
        known = view.known
        around = view.text[digit - _AROUND_LEFT : digit + _AROUND_RIGHT]
        key = around, token_end - digit, asked
        before = known.get(key)
        if before is not None:
            there, finds = before
            out += [one.moved(digit - there) for one in finds]
            return size
        count = len(out)
        for start, boundary in starts:
            self._begin(view, start, boundary, token_end, asked, out)
        if len(known) >= _MOST_KNOWN:
            known.clear()
        known[key] = digit, out[count:]
        return size

    def _is_again(self, view: View, digit: int) -> bool:
        """
        Tell whether something like what stands at *digit* was met before, which costs little.
        """
        met = view.met
        nearest = view.ascii[digit - _NEAREST_LEFT : digit + _NEAREST_RIGHT]
        if nearest in met:
            return True
        if len(met) >= _MOST_KNOWN:
            met.clear()
        met.add(nearest)
        return False

    def _done(self, view: View, digit: int, found: Sequence[Candidate]) -> int:
        """
        Return up to where nothing can begin that prevails over *found*, which begin at *digit*.

        That is the end of a value which nothing goes on behind: what begins in it is shorter.
        """
        end = found[0].end if len(found) == 1 else max(one.end for one in found)
        is_whole = view.final or end + _MOST_BETWEEN < len(view.ascii)
        if end - digit > _MOST_DONE or not is_whole or _GOES_ON.match(view.ascii, end):
            return 0
        return end

    def _starts(self, text: str, digit: int) -> Sequence[_Start]:
        """
        Return where a value may begin that has its first digit at *digit*.
        """
        start = digit
        if digit and text[digit - 1] in _LETTERS:
            before = text[max(0, digit - _MOST_LETTERS - 1) : digit]
            start = digit - len(before) + len(before.rstrip(_LETTERS))
            if digit - start > _MOST_LETTERS:
                return ()
        boundary = _boundary(text, start)
        starts = () if boundary is None else ((start, boundary),)
        if start > 1 and text[start - 1] in " -." and text[start - 2] in _CAPITALS:
            before = text[max(0, start - 8) : start - 1]
            letters = len(before) - len(before.rstrip(_CAPITALS))
            if "A" * letters + text[start - 1] in self._shapes.prefixes:
                first = start - 1 - letters
                boundary = _boundary(text, first)
                if boundary is not None:
                    return *starts, (first, boundary)
        return starts

    def _begin(
        self,
        view: View,
        start: int,
        boundary: bool,
        token_end: int,
        asked: int,
        out: list[Candidate],
    ) -> bool:
        """
        Add what begins at *start*; tell whether that is not decided yet.
        """
        text = view.ascii
        reading = self._shapes.read(view.skeleton, start, final=view.final)
        is_open = reading.is_open
        count = len(out)
        judge = self._judging.judge
        for size, shape in reading.found:
            kinds = shape.mask & asked
            if kinds:
                end = start + size
                is_open |= judge(view, start, end, shape, kinds, boundary, out)
        length = token_end - start
        if (
            length <= _LONGEST_OCTET
            or length >= _LEAST_WALLET
            or text[start] in _LETTERS
        ):
            is_open |= self._read_others(view, start, token_end, out)
        if len(out) > count and not is_open:
            return False
        if asked & self._phones and (
            length > _LONGEST_PART
            or (
                text[token_end : token_end + 1] in " -./()"
                and not _ONES.match(text, start)
            )
        ):
            is_open |= self._read_phone(view, start, out)
        return is_open

    def _read_others(
        self, view: View, start: int, token_end: int, out: list[Candidate]
    ) -> bool:
        text, final = view.ascii, view.final
        length = token_end - start
        if length <= _LONGEST_OCTET and text[token_end : token_end + 1] == ".":
            return self._read_dotted(view, start, out)
        if self._iban is not None and text[start] in _LETTERS:
            end, is_open = read_iban(text, start, final=final)
            if end:
                self._judging.add(out, start, end, self._iban)
            if end or is_open:
                return is_open
        if length >= _LEAST_WALLET and self._has_wallets:
            end, name = read_wallet(text, start)
            kind = self._numbers.get(name)
            if end and kind is not None:
                self._judging.add(out, start, end, kind)
        return False

    def _read_dotted(self, view: View, start: int, out: list[Candidate]) -> bool:
        if self._ipv4 is not None:
            end = read_ipv4(view.ascii, start)
            if end:
                left = view.hearing.left(start, 1 << self._ipv4)
                is_other = left.is_other and left.distance <= OTHER_WITHIN
                # "1.2.3.4" is a version more often than an address.
                looks_so = (
                    end - start > 7 and view.ascii[start - 1 : start] not in _VERSIONS
                )
                if left.mask or (looks_so and not is_other):
                    self._judging.add(out, start, end, self._ipv4)
        if self._gps is not None:
            end, is_open = read_coordinates(view.ascii, start, final=view.final)
            if is_open:
                return True
            if end:
                heard = view.hearing.hear(start, end, 1 << self._gps)
                if heard.mask:
                    signed = start - (view.ascii[start - 1 : start] in {"-", "+"})
                    self._judging.add(out, signed, end, self._gps, is_told=True)
                return heard.is_open
        return False

    def _read_phone(self, view: View, start: int, out: list[Candidate]) -> bool:
        kind = self._phone
        if kind is None or view.ascii[start] in _LETTERS:
            return False
        if view.ascii[start - 1 : start] == "(":
            start -= 1
        end, is_open = read_phone(view.ascii, start, final=view.final)
        if end:
            heard = view.hearing.hear(start, end, 1 << kind)
            if heard.mask:
                self._judging.add(out, start, end, kind, is_told=True)
            return heard.is_open
        return is_open


def _is_within(text: str, mark: int, digit: int, end: int) -> bool:
    """
    Tell whether what has its first digit at *digit* is a part of what stands from *mark* to *end*.
    """
    is_begun = text[digit - 1] not in _LETTERS or digit - mark > _MOST_LETTERS
    return is_begun and not _GOES_ON.match(text, end)


def _may_go_on(text: str, start: int, end: int) -> bool:
    """
    Tell of few digits behind letters whether they may be a number all the same.
    """
    return end - start == 4 or (end - start == 2 and text[end : end + 1] in {" ", "-"})


def _boundary(text: str, start: int) -> bool | None:
    """
    Tell whether a value may begin at *start*; False if a word must tell so, None if it may not.
    """
    if not start:
        return True
    before = text[start - 1]
    if before.isalnum() or before in _NOT_BEFORE:
        return None
    if before in "-./":
        further = text[start - 2 : start - 1]
        if further.isdigit():
            return None
        if further.isalpha():
            return before == "."
    return before != "_"
