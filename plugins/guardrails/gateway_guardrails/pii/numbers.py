"""
Finds what is told by its shape: one walk over the digits of a text for all kinds of numbers.
"""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Sequence
from typing import Final

from gateway_guardrails.pii.borders import MOST_LETTERS
from gateway_guardrails.pii.candidate import Candidate
from gateway_guardrails.pii.hearing import OTHER_WITHIN, RIGHT
from gateway_guardrails.pii.judging import Judging
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.phones import find_phone, is_phone
from gateway_guardrails.pii.runs import (
    ACCOUNT,
    DOTTED,
    MOST_ALIKE,
    POLE,
    RUN,
    WALLET,
    Run,
    RunIndex,
    Start,
    tokens,
)
from gateway_guardrails.pii.tokens import (
    read_coordinates,
    read_iban,
    read_ipv4,
    read_wallet,
)
from gateway_guardrails.pii.view import View

__all__ = ["Numbers"]

_LETTERS: Final = string.ascii_letters
#: A run so short is looked at only where a word in the text makes it worth it.
_SHORT: Final = 5
#: No telephone number has more characters, its extension included.
_MOST_NUMBER: Final = 56
#: No value is a token so long.
_MOST_TOKEN: Final = 128
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


class Numbers:
    """
    Finds the kinds that have a shape, and what else begins with a token with a digit.

    Args:
        kinds: All kinds that are looked for; a kind's number is its place.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._judging = Judging(kinds)
        self._runs = RunIndex(kinds)
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
        size = undecided = len(text)
        # A word to the right of what is so late may not have been said yet.
        late = size if view.final else size - RIGHT - _MOST_NUMBER
        near = self._long | spoken
        marked = iter(view.marked)
        mark, past = next(marked, _NOWHERE)
        search = RUN.search
        run = search(skeleton, low, high)
        while run is not None:
            start, end = run.span()
            while past <= start:
                mark, past = next(marked, _NOWHERE)
            if mark < start and _is_within(text, mark, start, past) and past <= late:
                run = search(skeleton, past, high)
                continue
            asked = near if end <= late else self._all
            if (
                end - start >= _SHORT
                or asked & self._short
                or end == high
                or (
                    skeleton[start - 1 : start].isalpha()
                    and _may_go_on(text, start, end)
                )
            ):
                if end - start > MOST_ALIKE:
                    open_at = self._look_at_each(view, start, end, asked, out)
                    undecided = min(undecided, open_at)
                else:
                    told = self._runs.read(
                        skeleton, start, end, final=view.final, is_cut=end == high
                    )
                    if told.mask & asked:
                        open_at = self._look(view, start, end, told, asked, out)
                        undecided = min(undecided, open_at)
            run = search(skeleton, end, high)
        return undecided

    def _look_at_each(
        self, view: View, low: int, high: int, asked: int, out: list[Candidate]
    ) -> int:
        """
        Look at each token of a run that is long.
        """
        undecided = len(view.ascii)
        done = 0
        for digit, end in tokens(view.skeleton, low, high):
            if end <= done or end - digit > _MOST_TOKEN:
                continue
            count = len(out)
            open_at = self._look(view, digit, end, None, asked, out)
            undecided = min(undecided, open_at)
            if len(out) > count and undecided > digit:
                done = self._done(view, digit, out[count:])
        return undecided

    def _look(
        self,
        view: View,
        low: int,
        high: int,
        run: Run | None,
        asked: int,
        out: list[Candidate],
    ) -> int:
        """
        Add what begins in *run* to *out*; return where what is undecided begins.

        What stands around it decides, so that in a text of repeats nothing is read twice.

        Args:
            run: What may begin from *low* to *high*; None if that is a token, not read yet.
        """
        size = len(view.ascii)
        if not (
            low >= _AROUND_LEFT
            and high < size - _AROUND_RIGHT
            and self._is_again(view, low)
        ):
            return self._walk(view, low, high, run, asked, out)
        known = view.known
        key = view.text[low - _AROUND_LEFT : high + _AROUND_RIGHT], high - low, asked
        before = known.get(key)
        if before is not None:
            there, finds = before
            out += [one.moved(low - there) for one in finds]
            return size
        count = len(out)
        self._walk(view, low, high, run, asked, out)
        if len(known) >= _MOST_KNOWN:
            known.clear()
        known[key] = low, out[count:]
        return size

    def _is_again(self, view: View, low: int) -> bool:
        """
        Tell whether something like what stands at *low* was met before, which costs little.
        """
        met = view.met
        nearest = view.ascii[low - _NEAREST_LEFT : low + _NEAREST_RIGHT]
        if nearest in met:
            return True
        if len(met) >= _MOST_KNOWN:
            met.clear()
        met.add(nearest)
        return False

    def _walk(
        self,
        view: View,
        low: int,
        high: int,
        run: Run | None,
        asked: int,
        out: list[Candidate],
    ) -> int:
        """
        Add what begins in *run*, as `_look` does.
        """
        undecided = len(view.ascii)
        if run is None:
            run = self._runs.read_token(view.skeleton, low, high, final=view.final)
        done = 0
        last = run.tokens[-1] if run.tokens else None
        for token in run.tokens:
            digit, end, starts = token
            if low + end <= done:
                continue  # inside of another
            count = len(out)
            for start in starts:
                at = low + digit + start.at
                if start.mask & asked and self._begin(view, at, start, asked, out):
                    signed = view.ascii[at - 1 : at] in _SIGNS
                    undecided = min(undecided, at - signed)
            if token is not last and len(out) > count and undecided > low + digit:
                done = self._done(view, low + digit, out[count:])
        return undecided

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

    def _begin(
        self, view: View, at: int, start: Start, asked: int, out: list[Candidate]
    ) -> bool:
        """
        Add what begins at *at*; tell whether that is not decided yet.
        """
        is_open = start.is_open
        count = len(out)
        for fit in start.fits:
            kinds = fit.mask & asked
            if kinds:
                is_open |= self._judging.judge(view, at, fit, kinds, out)
        if start.others:
            is_open |= self._read_others(view, at, start.others, out)
        if start.has_phone and asked & self._phones and (is_open or len(out) == count):
            is_open |= self._read_phone(view, at, out)
        return is_open

    def _read_others(
        self, view: View, start: int, others: int, out: list[Candidate]
    ) -> bool:
        text, final = view.ascii, view.final
        if others & DOTTED:
            return self._read_dotted(view, start, out)
        if others & POLE:
            is_pole = text.startswith("90", start)
            return is_pole and self._read_dotted(view, start, out)
        if self._iban is not None and others & ACCOUNT:
            end, is_open = read_iban(text, start, final=final)
            if end:
                self._judging.add(out, start, end, self._iban)
            if end or is_open:
                return is_open
        if self._has_wallets and others & WALLET:
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
        if kind is None:
            return False
        if view.ascii[start - 1 : start] == "(":
            start -= 1
        text, hear = view.ascii, view.hearing.hear
        end, is_open = find_phone(text, start, final=view.final)
        if is_open or not end:
            return is_open
        # Of most there is no word, which costs less to tell than what is no number.
        heard = hear(start, end, 1 << kind)
        if not (heard.mask or heard.is_open) or not is_phone(text, start, end):
            return False
        if heard.mask:
            self._judging.add(out, start, end, kind, is_told=True)
        return heard.is_open


def _is_within(text: str, mark: int, digit: int, end: int) -> bool:
    """
    Tell whether what has its first digit at *digit* is a part of what stands from *mark* to *end*.
    """
    is_begun = text[digit - 1] not in _LETTERS or digit - mark > MOST_LETTERS
    return is_begun and not _GOES_ON.match(text, end)


def _may_go_on(text: str, start: int, end: int) -> bool:
    """
    Tell of few digits behind letters whether they may be a number all the same.
    """
    return end - start == 4 or (end - start == 2 and text[end : end + 1] in {" ", "-"})
