"""
What the words beside a value say of it.

Of a text only what stands left of values is read, once: most words say nothing, and those that do
are kept with their places.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

from gateway_guardrails.pii.lexicon import (
    GAPLESS,
    HUMP,
    STEM,
    TOKEN,
    Lexicon,
    parts,
    split,
)

__all__ = ["LEFT", "OTHER_WITHIN", "RIGHT", "Heard", "Hearing", "Near"]

#: How many characters left and right of a value its words may stand.
LEFT: Final = 64
RIGHT: Final = 40
#: A word so near is taken for the value's label, whatever stands on the other side.
_LABEL: Final = 32
#: A word for something else counts against a value if it is so near.
OTHER_WITHIN: Final = 14
_MOST_TOKENS: Final = 6
#: The rest of a word that is cut, which is none.
_CUT: Final = re.compile(r"[^\W_]*")
#: What stands between a value and another number.
_BETWEEN: Final = frozenset(" -./")
_GAP: Final = "\n\n"
#: What ends the field or the clause in which a value stands.
_STOP: Final = re.compile(r"[\n\t\"|;{}<>]|, |[.!?] ")


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


class _Saying(NamedTuple):
    """
    A word that says something, in its place.

    Attributes:
        longer: Where it begins together with words before it, and what they say, the longest last.
    """

    start: int
    mask: int
    longer: Sequence[tuple[int, int]]
    is_other: bool


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
        # What was read: the words from one place up to another, of which these say something.
        self._from = self._upto = 0
        self._ends: list[int] = []
        self._sayings: list[_Saying] = []
        self._before: list[tuple[str, int]] = []
        self._right_of = -1
        self._right: Sequence[tuple[str, int]] | None = ()

    def hear(self, start: int, end: int, asked: int) -> Heard:
        """
        Listen to both sides of a value: the nearer words are believed.
        """
        left = self.left(start, asked)
        if left.mask and left.distance <= _LABEL:
            return Heard(left.mask)
        right = self.right(end, asked)
        if right is None:
            return _OPEN
        nearer = right if right.mask and right.distance < left.distance else left
        is_other = left.is_other and left.distance <= OTHER_WITHIN
        if nearer.mask:
            return Heard(nearer.mask, is_other=is_other)
        return _OTHERWISE if is_other else _SILENCE

    def left(self, start: int, asked: int) -> Near:
        """
        Look left of *start* for the nearest words that speak of a kind in *asked*.

        No word may go on at *start*.
        """
        low = max(0, start - LEFT)
        if start > self._upto or low < self._from:
            self._read(low, start)
        if self._is_gapless is None:
            self._is_gapless = GAPLESS.search(self._text) is not None
        at = bisect_right(self._ends, start) - 1
        is_near = at >= 0 and self._ends[at] > low
        if not (is_near or self._is_gapless):
            return _NOTHING
        low = self._begin(low, start)
        if self._is_gapless and GAPLESS.search(self._text, low, start):
            found = self._gapless_left(low, start, asked)
            if found.mask:
                return found
        while at >= 0:
            begin, mask, longer, is_other = self._sayings[at]
            if begin < low:
                break
            for further, more in longer:
                if further < low:
                    break
                if more & asked:  # the longest words say most
                    mask = more
            if mask & asked:
                return Near(mask & asked, start - self._ends[at])
            if is_other:
                return Near(0, start - self._ends[at], is_other=True)
            at -= 1
        return _NOTHING

    def _begin(self, low: int, start: int) -> int:
        """
        Return where the words begin that belong to a value at *start*.
        """
        text = self._text
        if low and text[low - 1].isalnum():
            cut = _CUT.match(text, low, start)
            low = cut.end() if cut is not None else low
        return max(low, text.rfind(_GAP, low, start))

    def _read(self, low: int, high: int) -> None:
        """
        Read on up to *high*, or anew from *low* if that is no longer, or was never, known.
        """
        if not self._from <= low <= self._upto:
            self._from = low
            self._ends, self._sayings, self._before = [], [], []
        else:
            low = self._upto
        self._upto = high
        text = self._text
        piece = text[low:high]
        lowered = piece.lower()
        words = TOKEN.findall(lowered)
        if piece != lowered and HUMP.search(piece):
            words = [part for word in TOKEN.findall(piece) for part in parts(word)]
        known, heads = self._lexicon.words, self._lexicon.heads
        at = 0
        placed = self._before
        for word in words:
            at = lowered.find(word, at)
            placed.append((word, low + at))
            at += len(word)
            if word in known or (len(word) > STEM and word[:STEM] in heads):
                self._note(word, placed, low + at)
        self._before = placed[-_MOST_TOKENS:]

    def _note(self, word: str, placed: Sequence[tuple[str, int]], end: int) -> None:
        said = self._lexicon.word(word)
        if said is None:
            return
        longer = []
        if said.is_last:
            key = word
            for before, start in placed[-2 : -_MOST_TOKENS - 1 : -1]:
                key = before + key
                mask = self._lexicon.masks.get(key)
                if mask:
                    longer.append((start, mask))
        if said.mask or said.is_other or longer:
            saying = _Saying(placed[-1][1], said.mask, longer, said.is_other)
            self._ends.append(end)
            self._sayings.append(saying)

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
        begins = self._lexicon.begins
        # Most values are followed by a word that says nothing of them, or a number.
        if text[end : end + 1] in _BETWEEN and "0" <= text[end + 1 : end + 2] <= "9":
            return ()
        begun = TOKEN.search(text, end, end + RIGHT + 1)
        if begun is not None and begun.end() < min(len(text), end + RIGHT + 1):
            word = parts(begun.group())[0]
            if word.isascii() and not begins(word):
                return ()
        segment, is_whole = self._clause(end)
        pieces = split(segment)
        if not pieces:
            return () if is_whole else None
        first, first_end = pieces[0]
        if GAPLESS.match(first):
            return pieces if is_whole else None
        if not begins(first):
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
