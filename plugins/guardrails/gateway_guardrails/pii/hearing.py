"""
What the words beside a value say of it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from gateway_guardrails.pii.lexicon import GAPLESS, TOKEN, Lexicon, split
from gateway_guardrails.pii.sayings import LEFT, Saying, Sayings

__all__ = ["OTHER_WITHIN", "RIGHT", "Heard", "Hearing", "Near"]

#: How many characters right of a value its words may stand.
RIGHT: Final = 40
#: A word so near is taken for the value's label, whatever stands on the other side.
_LABEL: Final = 32
#: A word for something else counts against a value if it is so near.
OTHER_WITHIN: Final = 14
_MOST_TOKENS: Final = 6
_MOST_REMEMBERED: Final = 1024
#: The rest of a word that is cut, which is none.
_CUT: Final = re.compile(r"[^\W_]*")
#: What stands between a value and another number.
_BETWEEN: Final = frozenset(" -./")
_GAP: Final = "\n\n"
_SENTENCE_ENDS: Final = frozenset(".,;!?")
#: What ends the field or the clause in which a value stands.
_STOP: Final = re.compile(r"[\n\t\"|;{}<>]|, |[.!?] ")
_STOPS: Final = frozenset('\n\t"|;{}<>')
_STOPS_OF_TWO: Final = frozenset({", ", ". ", "! ", "? "})


class Near(NamedTuple):
    """
    The words next to a value.

    Attributes:
        mask: The kinds they speak of, one bit each; 0 if it is none of those asked for.
        distance: How many characters away.
        is_other: They say that it is something else.
    """

    mask: int
    distance: int
    is_other: bool = False


class Heard(NamedTuple):
    """
    What both sides of a value say.

    Attributes:
        mask: The kinds they speak of, one bit each.
        is_open: More may be said.
        is_other: Right before the value something else is spoken of.
    """

    mask: int
    is_open: bool = False
    is_other: bool = False


# Remembered, since the words beside many values say the same.
_near: Final = lru_cache(_MOST_REMEMBERED)(Near)
_heard: Final = lru_cache(_MOST_REMEMBERED)(Heard)
_NOTHING: Final = Near(0, 1 << 20)
_SILENCE: Final = Heard(0)
_OPEN: Final = Heard(0, is_open=True)
_OTHERWISE: Final = Heard(0, is_other=True)


class Hearing:
    """
    Listens to the words in one text.

    Args:
        final: Nothing follows *text*.
    """

    def __init__(self, lexicon: Lexicon, text: str, *, final: bool) -> None:
        self._lexicon = lexicon
        self._text = text
        self._final = final
        self._is_gapless: bool | None = False if text.isascii() else None
        self._sayings = Sayings(lexicon, text)
        # Where a value begins, from where on its words may stand, and which they are.
        self._left_of = self._low = -1
        self._left: Sequence[Saying] = ()
        # All kinds of which those speak, and the nearest that is for something else.
        self._spoken = 0
        self._silent = _NOTHING
        self._right_of = -1
        self._right: Sequence[tuple[str, int]] | None = ()

    def hear(self, start: int, end: int, asked: int) -> Heard:
        """
        Listen to both sides of a value: the nearer words are believed.
        """
        if start != self._left_of:
            self._listen(start)
        left = self._silent
        if self._left and not self._is_gapless:
            # Mostly the nearest word tells, by itself.
            _, at, mask, longer, _, _ = self._left[-1]
            if mask & asked and not longer and start - at <= _LABEL:
                return _heard(mask & asked)
        if self._is_gapless or self._spoken & asked:
            left = self.left(start, asked)
            if left.mask and left.distance <= _LABEL:
                return _heard(left.mask)
        if end != self._right_of:
            self._right_of, self._right = end, self._read_right(end)
        right = _NOTHING
        if self._right != ():
            told = self.right(end, asked)
            if told is None:
                return _OPEN
            right = told
        nearer = right if right.mask and right.distance < left.distance else left
        is_other = left.is_other and left.distance <= OTHER_WITHIN
        if nearer.mask:
            return _heard(nearer.mask, is_other=is_other)
        return _OTHERWISE if is_other else _SILENCE

    def left(self, start: int, asked: int) -> Near:
        """
        Look left of *start* for the nearest words that speak of a kind in *asked*.

        No word may go on at *start*.
        """
        if start != self._left_of:
            self._listen(start)
        if self._is_gapless and GAPLESS.search(self._text, self._low, start):
            found = self._gapless_left(self._low, start, asked)
            if found.mask:
                return found
        if not self._spoken & asked:
            return self._silent
        for _, end, own, longer, all_of, is_other in reversed(self._left):
            if all_of & asked:
                mask = own
                for further, more in longer:
                    if not self._is_whole(further):
                        break
                    if more & asked:  # the longest words say most
                        mask = more
                if mask & asked:
                    return _near(mask & asked, start - end)
            if is_other:
                return _near(0, start - end, is_other=True)
        return _NOTHING

    def _listen(self, start: int) -> None:
        """
        Gather what the words left of *start* say, whatever is asked for.
        """
        text = self._text
        low = start - LEFT if start > LEFT else 0
        sayings = self._sayings
        if start > sayings.upto or low < sayings.since:
            sayings.read(low, start)
        if self._is_gapless is None:
            self._is_gapless = GAPLESS.search(text) is not None
        gap = text.rfind(_GAP, low, start)
        if gap >= 0:
            low = self._below(gap, low, start)
        self._left_of, self._low = start, low
        begins = sayings.begins
        last = bisect_right(sayings.ends, start)
        first = bisect_left(begins, low, 0, last)
        while first < last and low and text[low - 1 : begins[first]].isalnum():
            first += 1  # the rest of a word that is cut
        self._left = left = sayings.told[first:last]
        spoken = 0
        silent = _NOTHING
        for _, end, _, _, all_of, is_other in left:
            spoken |= all_of
            if is_other:
                silent = _near(0, start - end, is_other=True)
        self._spoken, self._silent = spoken, silent

    def _is_whole(self, begin: int) -> bool:
        """
        Tell whether what begins at *begin* is near enough, and no part of a word that is not.
        """
        low = self._low
        return begin >= low and not (low and self._text[low - 1 : begin].isalnum())

    def _below(self, gap: int, low: int, start: int) -> int:
        """
        Return where the words begin that belong to a value at *start*, with *gap* left of it.
        """
        text = self._text
        if low and text[low - 1].isalnum():
            cut = _CUT.match(text, low, start)
            low = cut.end() if cut is not None else low
        # A label may stand alone, with an empty line below it.
        line = max(low, text.rfind("\n", low, gap) + 1)
        is_label = 0 < gap - line <= _LABEL and text[gap - 1] not in _SENTENCE_ENDS
        return line if is_label and not text[gap:start].strip() else gap

    def right(self, end: int, asked: int) -> Near | None:
        """
        Look right of *end*; None if that has not been said yet.

        Words count where they belong to the value: in its clause, right behind it or behind a
        word such as "is" or "as".
        """
        if self._right_of != end:
            self._right_of, self._right = end, self._read_right(end)
        pieces = self._right
        if not pieces:
            return None if pieces is None else _NOTHING
        if GAPLESS.match(pieces[0][0]):
            return self._gapless_right(end, asked)
        masks = self._lexicon.masks
        for at, (word, word_end) in enumerate(pieces):
            key = word
            mask = masks.get(word, 0)
            for after in range(at + 1, min(len(pieces), at + _MOST_TOKENS)):
                key += pieces[after][0]
                mask = masks.get(key, 0) or mask
            if mask & asked:
                return Near(mask & asked, word_end - len(word))
        return _NOTHING

    def _read_right(self, end: int) -> Sequence[tuple[str, int]] | None:
        """
        Return the words that may say something of what ends at *end*, and where each ends.
        """
        text = self._text
        # Most values are followed by a word that says nothing of them, by a number, or by nothing.
        next_two = text[end : end + 2]
        one = next_two[:1]
        if (
            next_two in _STOPS_OF_TWO
            or one in _STOPS
            or (one in _BETWEEN and "0" <= next_two[1:] <= "9")
        ):
            return ()
        begun = TOKEN.search(text, end, end + RIGHT + 1)
        if (
            begun is not None
            and begun.end() < min(len(text), end + RIGHT + 1)
            and self._lexicon.is_idle(begun.group())
        ):
            return ()
        segment, is_whole = self._clause(end)
        pieces = split(segment)
        if not pieces:
            return () if is_whole else None
        first, first_end = pieces[0]
        if GAPLESS.match(first):
            return pieces if is_whole else None
        if not self._lexicon.begins(first):
            is_cut = not is_whole and first_end == len(segment)
            return None if is_cut else ()
        return pieces if is_whole else None

    def _clause(self, end: int) -> tuple[str, bool]:
        """
        Return what stands right of *end* in its clause, and whether that is all of it.
        """
        segment = self._text[end : end + RIGHT + 1]
        stop = _STOP.search(segment)
        if stop is not None and stop.start() < RIGHT:
            return segment[: stop.start()], True
        if len(segment) <= RIGHT:
            return segment, self._final
        while segment and segment[-1].isalnum():
            segment = segment[:-1]
        return segment, True

    def _gapless_right(self, end: int, asked: int) -> Near:
        best = _NOTHING
        lowered = self._clause(end)[0].lower()
        for phrase, mask in self._lexicon.gapless:
            at = lowered.find(phrase) if mask & asked else -1
            if 0 <= at < best.distance:
                best = Near(mask & asked, at)
        return best

    def _gapless_left(self, low: int, start: int, asked: int) -> Near:
        best = _NOTHING
        lowered = self._text[low:start].lower()
        for phrase, mask in self._lexicon.gapless:
            if mask & asked:
                at = lowered.rfind(phrase)
                distance = start - low - at - len(phrase)
                if at >= 0 and distance < best.distance:
                    best = Near(mask & asked, distance)
        return best
