"""
The words of a text that say something, and where they stand.

Only what stands left of values is read, once: most words say nothing, and those that do are kept.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from gateway_guardrails.pii.lexicon import (
    GAPLESS,
    GAPLESS_BESIDE,
    TOKEN,
    Lexicon,
    cases_of,
    has_hump,
    parts,
)

__all__ = ["LEFT", "Saying", "Sayings"]

#: How many characters left of a value its words may stand.
LEFT: Final = 64
_MOST_TOKENS: Final = 6
#: How far words are read ahead where values stand close to each other: ever farther.
_AHEAD: Final = 128
_FARTHEST_AHEAD: Final = 4096
_WORD: Final = re.compile(f"({TOKEN.pattern})")
#: Letters of ASCII in small, a blank for what else it has, and bytes of others as they are.
_SPACED: Final = bytes(
    code if code > 0x7F else ord(chr(code).lower()) if chr(code).isalpha() else 0x20
    for code in range(256)
)
_NO_LETTER: Final = re.compile(r"[\W\d_]")
#: So many are replaced one after the other.
_FEW: Final = 16
_ASCII: Final = bytes(range(128))
_REST: Final = re.compile(r"[^\W_]*")
_DIGIT: Final = re.compile(r"[0-9]")

#: A word that says something: where it begins and ends, the kinds it speaks of, where it begins
#: together with words before it and what they say, the longest last, all kinds of both, whether it
#: is for something else.  No class of its own, since a text full of values has many.
Saying = tuple[int, int, int, Sequence[tuple[int, int]], int, bool]


class Sayings:
    """
    What the words in one text say, as far as it was read.

    Attributes:
        since: From here on it was read
        upto: up to here.
        begins: Where each that says something begins
        ends: and ends.
        told: What each says.
    """

    def __init__(self, lexicon: Lexicon, text: str) -> None:
        self._lexicon = lexicon
        self._text = text
        self.since = self.upto = 0
        self._ahead = _AHEAD
        self.begins: list[int] = []
        self.ends: list[int] = []
        self.told: list[Saying] = []

    def read(self, low: int, high: int) -> None:
        """
        Read from *low* to *high*, which was not read yet; no word may go on at *high*.
        """
        if self.since <= low <= self.upto + _AHEAD:
            # Where values follow each other, the words of several are read at once.
            high = max(high, _word_end(self._text, high + self._ahead))
            self._ahead = min(2 * self._ahead, _FARTHEST_AHEAD)
        else:
            self.since = self.upto = low
            self._ahead = _AHEAD
            self.begins, self.ends, self.told = [], [], []
        # Again what a word may say something together with.
        first = max(self.since, self.upto - LEFT)
        found = self._plain(first, high)
        if found is None:
            found = self._any(first, high)
        for saying in found:
            if saying[1] > self.upto:
                self.begins.append(saying[0])
                self.ends.append(saying[1])
                self.told.append(saying)
        self.upto = high

    def _plain(self, low: int, high: int) -> Sequence[Saying] | None:
        """
        Return what the words from *low* to *high* say; None if it takes `_any` to tell.

        Words are letters alone, and a blank stands for all else.
        """
        lexicon = self._lexicon
        if lexicon.has_digits_first:
            return None
        written, cuts = _apart(self._text[low:high])
        spaced = _spaced(written)
        words = spaced.split()
        tails, digits_behind = lexicon.tails, lexicon.digits_behind
        found: list[Saying] = []
        blank = 0
        for number, (mask, is_last, is_other) in lexicon.heard(words):
            word = words[number]
            # The next one that is written so, since the same word always says the same.
            blank = spaced.find(f" {word} ", blank)
            begin = low + blank
            if cuts:
                begin -= bisect_right(cuts, blank)
            all_of = mask
            longer: Sequence[tuple[int, int]] = ()
            if is_last and number and words[number - 1] + word in tails:
                before = words[max(0, number - _MOST_TOKENS + 1) : number]
                longer = [
                    (low + at - bisect_right(cuts, at), more)
                    for at, more in self._longer(before, word, written, spaced, blank)
                ]
                for _, more in longer:
                    all_of |= more
            blank += len(word) + 1
            if word in digits_behind and digits_behind[word].match(written, blank):
                return None
            if all_of or is_other:
                end = begin + len(word)
                found.append((begin, end, mask, longer, all_of, is_other))
        return found

    def _longer(
        self, before: Sequence[str], word: str, written: str, spaced: str, blank: int
    ) -> Iterator[tuple[int, int]]:
        """
        Yield where words begin that say something together with *word*, and what.

        Args:
            before: The words before that.
            blank: What stands before it in *spaced*.
        """
        masks, tails = self._lexicon.masks, self._lexicon.tails
        key = word
        for one in reversed(before):
            key = one + key
            if key not in tails:
                return
            at = spaced.rfind(f" {one} ", 0, blank + 1)
            if _DIGIT.search(written, at + len(one) + 1, blank + 1):
                return
            blank = at
            mask = masks.get(key)
            if mask:
                yield at, mask

    def _any(self, low: int, high: int) -> Sequence[Saying]:
        """
        Return what the words from *low* to *high* say, of whatever letters and digits.
        """
        # A gap, a word, a gap and so on.
        told = _told(self._text[low : self.upto])
        more = _told(self._text[self.upto : high])
        told[-1] += more[0]
        told += more[1:]
        lexicon = self._lexicon
        found: list[Saying] = []
        end, done = low, 0
        for number, (mask, is_last, is_other) in lexicon.heard(told[1::2]):
            at = 2 * number + 1
            end += len("".join(told[done : at + 1]))
            done = at + 1
            all_of = mask
            longer: list[tuple[int, int]] = []
            key = told[at]
            begin = end - len(key)
            if is_last:
                for before in range(at - 2, max(0, at - 2 * _MOST_TOKENS), -2):
                    key = told[before] + key
                    if key not in lexicon.tails:
                        break
                    begin -= len(told[before + 1]) + len(told[before])
                    if key in lexicon.masks:
                        longer.append((begin, lexicon.masks[key]))
                        all_of |= lexicon.masks[key]
            if all_of or is_other:
                begin = end - len(told[at])
                found.append((begin, end, mask, longer, all_of, is_other))
        return found


def _word_end(text: str, at: int) -> int:
    """
    Return where at *at*, or soon behind it, no word goes on; 0 if there is no such place.
    """
    rest = _REST.match(text, at, at + LEFT)
    if rest is None or at >= len(text):
        return len(text)
    return rest.end() if rest.end() < at + LEFT else 0


def _spaced(text: str) -> str:
    """
    Return *text* in small letters, with a blank for each character that is none.
    """
    if text.isascii():
        return text.encode("ascii").translate(_SPACED).decode("ascii")
    raw = text.lower().encode("utf-8", "surrogatepass")
    spaced = raw.translate(_SPACED).decode("utf-8", "surrogatepass")
    beyond = set(raw.translate(None, _ASCII).decode("utf-8", "surrogatepass"))
    if any(map(GAPLESS.match, beyond)):
        spaced = GAPLESS_BESIDE.sub(" ", spaced)
    others = [one for one in beyond if _NO_LETTER.match(one)]
    if len(others) > _FEW:
        return _NO_LETTER.sub(" ", spaced)
    for one in others:
        spaced = spaced.replace(one, " ")
    return spaced


def _apart(text: str) -> tuple[str, Sequence[int]]:
    """
    Return *text* between blanks, with a blank in each hump as well, and where those are.
    """
    cases = cases_of(text)
    hump = cases.find(b"aA")
    if hump < 0:
        return f" {text} ", ()
    pieces = [" "]
    cuts: list[int] = []
    done = 0
    while hump >= 0:
        # Two letters that are a word have none, as `lexicon.parts` says.
        if _is_letter(text[hump - 1 : hump]) or _is_letter(text[hump + 2 : hump + 3]):
            pieces += text[done : hump + 1], " "
            done = hump + 1
            cuts.append(done + 1 + len(cuts))
        hump = cases.find(b"aA", hump + 1)
    pieces += text[done:], " "
    return "".join(pieces), cuts


def _is_letter(one: str) -> bool:
    return one.isalnum() and not one.isdecimal()


def _told(text: str) -> list[str]:
    """
    Return the words of *text*, in small letters and cut where their humps are, and the gaps.
    """
    lowered = text.lower()
    if text == lowered or not has_hump(text):
        return _WORD.split(lowered)
    pieces = _WORD.split(text)
    told = [pieces[0]]
    for at in range(1, len(pieces), 2):
        for part in parts(pieces[at]):
            told += part, ""
        told[-1] = pieces[at + 1]
    return told
