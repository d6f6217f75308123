"""
What the words beside a value say of it.

Of a text only what stands left of values is read, once: most words say nothing, and those that do
are kept with their places.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from gateway_guardrails.pii.lexicon import (
    GAPLESS,
    TOKEN,
    Lexicon,
    has_hump,
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
_MOST_REMEMBERED: Final = 1024
#: How far words are read ahead where values stand close to each other.
_AHEAD: Final = 128
_WORD: Final = re.compile(f"({TOKEN.pattern})")
#: The same for ASCII, which is quicker.
_ASCII_WORD: Final = re.compile(r"([a-z]+|[0-9]+)")
#: The same for words that are cut where their humps are, as `lexicon.parts` does.
_HUMPED_WORD: Final = re.compile(
    r"((?<![^\W\d_])[a-z][A-Z](?![^\W\d_])|[^\W\d_]*?[a-z](?=[A-Z])|"
    rf"{TOKEN.pattern})"
)
_ASCII_HUMPED_WORD: Final = re.compile(
    r"((?<![A-Za-z])[a-z][A-Z](?![A-Za-z])|[A-Z]*+[a-z]++(?=[A-Z])|[A-Za-z]+|[0-9]+)"
)
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


#: A word that says something: where it begins and ends, the kinds it speaks of, where it begins
#: together with words before it and what they say, the longest last, all kinds of both, whether it
#: is for something else.  No class of its own, since a text full of values has many.
_Saying = tuple[int, int, int, Sequence[tuple[int, int]], int, bool]

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
        # What was read: the words from one place up to another, of which these say something.
        self._from = self._upto = 0
        self._ends: list[int] = []
        self._sayings: list[_Saying] = []
        self._pieces = [""]
        # Where a value begins, from where on its words may stand, and which they are.
        self._left_of = self._low = -1
        self._left: Sequence[_Saying] = ()
        # All kinds of which those speak, and the nearest that is for something else.
        self._spoken = 0
        self._silent = _NOTHING
        self._right_of = -1
        self._right: Sequence[tuple[str, int]] | None = ()

    def hear(self, start: int, end: int, asked: int) -> Heard:
        """
        Listen to both sides of a value: the nearer words are believed.
        """
        left = self.left(start, asked)
        if left.mask and left.distance <= _LABEL:
            return _heard(left.mask)
        right = self.right(end, asked)
        if right is None:
            return _OPEN
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
        low = max(0, start - LEFT)
        if start > self._upto or low < self._from:
            self._read(low, start)
        if self._is_gapless is None:
            self._is_gapless = GAPLESS.search(text) is not None
        gap = text.rfind(_GAP, low, start)
        if gap >= 0:
            low = self._below(gap, low, start)
        self._left_of, self._low = start, low
        self._spoken, self._silent = 0, _NOTHING
        sayings = self._sayings
        first = last = bisect_right(self._ends, start)
        while first and sayings[first - 1][0] >= low:
            first -= 1
        while first < last and not self._is_whole(sayings[first][0]):
            first += 1
        self._left = sayings[first:last]
        for _, end, _, _, all_of, is_other in self._left:
            self._spoken |= all_of
            if is_other:
                self._silent = _near(0, start - end, is_other=True)

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

    def _read(self, low: int, high: int) -> None:
        """
        Read on up to *high*, or anew from *low* if that is no longer, or was never, known.
        """
        if not self._from <= low <= self._upto:
            self._from = low
            self._ends, self._sayings, self._pieces = [], [], [""]
        else:
            low = self._upto
            # Where values follow each other, the words of several are read at once.
            high = max(high, self._text.find(" ", high + _AHEAD, high + 2 * _AHEAD))
        self._upto = high
        # A gap, a word, a gap and so on, those before included; most say nothing.
        told = _told(self._text[low:high])
        pieces = self._pieces
        first = len(pieces)
        pieces[-1] += told[0]
        pieces += told[1:]
        lexicon = self._lexicon
        tails = lexicon.tails
        place, done = low, 0
        for number, said in lexicon.heard(told[1::2]):
            word = told[2 * number + 1]
            mask, is_last, is_other = said
            upto = 2 * number + 2
            place += len("".join(told[done:upto]))
            done = upto
            at = first + 2 * number
            all_of = mask
            longer: Sequence[tuple[int, int]] = ()
            if is_last and at > 1 and pieces[at - 2] + word in tails:
                longer = self._longer(pieces, at, place)
                for _, more in longer:
                    all_of |= more
            if all_of or is_other:
                self._ends.append(place)
                self._sayings.append(
                    (place - len(word), place, mask, longer, all_of, is_other)
                )
        self._pieces = pieces[-2 * _MOST_TOKENS - 1 :]

    def _longer(
        self, pieces: Sequence[str], at: int, end: int
    ) -> Sequence[tuple[int, int]]:
        """
        Return where words begin that say something together with the one at *at*, and what.
        """
        masks, tails = self._lexicon.masks, self._lexicon.tails
        longer = []
        key = pieces[at]
        begin = end - len(key)
        for before in range(at - 2, max(0, at - 2 * _MOST_TOKENS), -2):
            key = pieces[before] + key
            if key not in tails:
                break
            begin -= len(pieces[before + 1]) + len(pieces[before])
            mask = masks.get(key)
            if mask:
                longer.append((begin, mask))
        return longer

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


def _told(text: str) -> list[str]:
    """
    Return the words of *text*, in small letters and cut where their humps are, and the gaps.
    """
    is_ascii = text.isascii()
    lowered = text.lower()
    if text == lowered or not has_hump(text):
        return (_ASCII_WORD if is_ascii else _WORD).split(lowered)
    told = (_ASCII_HUMPED_WORD if is_ascii else _HUMPED_WORD).split(text)
    return [one.lower() for one in told]
