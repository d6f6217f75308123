"""
The words beside a value: which kinds they speak of.

Words are compared without gaps and in small letters, so that ``tax file number``,
``taxFileNumber``, ``TAX_FILE_NUMBER`` and ``tax-file-number`` are one; with and without accents.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from gateway_guardrails.pii.kind import Kind

__all__ = ["LEFT", "OTHER_WITHIN", "RIGHT", "Heard", "Lexicon", "Near", "gate_words"]

#: How many characters left and right of a value its words may stand.
LEFT: Final = 64
RIGHT: Final = 40
#: A word so near is taken for the value's label, whatever stands on the other side.
_LABEL: Final = 32
#: A word for something else counts against a value if it is so near.
OTHER_WITHIN: Final = 14
_MOST_TOKENS: Final = 6

_TOKEN: Final = re.compile(r"[^\W\d_]+|\d+")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
#: Scripts that are written without gaps, or whose words take prefixes.
_GAPLESS: Final = re.compile(r"[\u0590-\u06ff\u0900-\u0dff\u0e00-\u0e7f\u3040-\uffff]")
_GAP: Final = "\n\n"
#: What ends the field or the clause in which a value stands.
_STOP: Final = re.compile(r"[\n\t\"|;{}<>]|, |[.!?] ")
_CONNECTORS: Final = frozenset(
    "is as was are for being a an the my our your his her its their is this it s i "
    "ist als für mein meine ihre die der das est c comme pour le la mon sa son es como para el mi "
    "su è come per il mio é o a meu een de mijn is är som er".split()
)
#: Words of numbers that are nobody's: what they stand beside is not what it looks like.
_OTHER: Final = frozenset(
    "order orderid ordernumber orderno sku isbn issn ean upc gtin asin tracking trackingnumber "
    "timestamp epoch unixtime commit build version ver release revision rev sha sha1 sha256 md5 "
    "hash checksum ticket ticketid part partnumber partno invoice invoicenumber invoiceno "
    "serial serialnumber uuid guid port pid bytes offset firmware section chapter figure "
    "doi arxiv pmid took elapsed duration nonce batch lot".split()
)


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


_NOTHING: Final = Near(0, 1 << 20)


class Lexicon:
    """
    Every word of some kinds, each kind a bit.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._masks: dict[str, int] = {}
        self._lasts: set[str] = set()
        self._firsts: set[str] = set(_CONNECTORS)
        for number, kind in enumerate(kinds):
            for phrase in kind.words.split(","):
                self._add(phrase.strip(), 1 << number)
        self._gapless = [
            (phrase, mask)
            for phrase, mask in self._masks.items()
            if _GAPLESS.search(phrase)
        ]
        self._stems = {
            phrase for phrase in self._masks if len(phrase) >= 8 and phrase.isalpha()
        }

    def _add(self, phrase: str, mask: int) -> None:
        for written in {phrase, _plain(phrase)}:
            tokens = _tokens(written)
            if not tokens:
                continue
            squeezed = "".join(tokens)
            self._masks[squeezed] = self._masks.get(squeezed, 0) | mask
            self._lasts.add(tokens[-1])
            self._firsts |= {tokens[0], squeezed}

    def hear(
        self, text: str, start: int, end: int, asked: int, *, final: bool
    ) -> Heard:
        """
        Listen to both sides of a value: the nearer words are believed.
        """
        left = self.left(text, start, asked)
        is_other = left.is_other and left.distance <= OTHER_WITHIN
        if left.mask and left.distance <= _LABEL:
            return Heard(left.mask)
        right = self.right(text, end, asked, final=final)
        if right is None:
            return Heard(0, is_open=True)
        nearer = right if right.mask and right.distance < left.distance else left
        return Heard(nearer.mask, is_other=is_other)

    def left(self, text: str, start: int, asked: int) -> Near:
        """
        Look left of *start* for the nearest words that speak of a kind in *asked*.
        """
        low = start - LEFT
        if low <= 0:
            segment = text[:start]
        else:
            segment = text[low - 1 : start]
            # A word that is cut is no word.
            cut = 0
            while cut < len(segment) and segment[cut].isalnum():
                cut += 1
            segment = segment[cut:]
        gap = segment.rfind(_GAP)
        if gap >= 0:
            segment = segment[gap:]
        if _GAPLESS.search(segment):
            found = self._gapless_left(segment, asked)
            if found.mask:
                return found
        pieces = _split(segment)
        size = len(segment)
        masks = self._masks
        for at in range(len(pieces) - 1, -1, -1):
            word, end = pieces[at]
            mask = masks.get(word, 0)
            key = word
            if word in self._lasts:
                for before in range(at - 1, max(-1, at - _MOST_TOKENS), -1):
                    key = pieces[before][0] + key
                    longer = masks.get(key, 0)
                    if longer & asked:  # the longest words say most
                        mask = longer
            elif not mask:
                mask = self._inflected(word)
            if mask & asked:
                return Near(mask & asked, size - end)
            if word in _OTHER:
                return Near(0, size - end, is_other=True)
        return _NOTHING

    def right(self, text: str, end: int, asked: int, *, final: bool) -> Near | None:
        """
        Look right of *end*; None if that has not been said yet.

        Words count where they belong to the value: in its clause, right behind it or behind a
        word such as "is" or "as".
        """
        segment = text[end : end + RIGHT + 1]
        is_whole = final or len(segment) > RIGHT
        stop = _STOP.search(segment)
        if stop is not None and stop.start() < RIGHT:
            segment, is_whole = segment[: stop.start()], True
        elif len(segment) > RIGHT:
            while segment and segment[-1].isalnum():
                segment = segment[:-1]
        pieces = _split(segment)
        if not pieces:
            return _NOTHING if is_whole else None
        first, first_end = pieces[0]
        if _GAPLESS.match(first):
            return self._gapless_right(segment, asked) if is_whole else None
        if first not in self._firsts and not self._inflected(first):
            is_cut = not is_whole and first_end == len(segment)
            return None if is_cut else _NOTHING
        if not is_whole:
            return None
        for at, (word, word_end) in enumerate(pieces):
            key = word
            mask = self._masks.get(word, 0)
            for after in range(at + 1, min(len(pieces), at + _MOST_TOKENS)):
                key += pieces[after][0]
                mask = self._masks.get(key, 0) or mask
            if mask & asked:
                return Near(mask & asked, word_end - len(word))
        return _NOTHING

    def _gapless_right(self, segment: str, asked: int) -> Near:
        best = _NOTHING
        lowered = segment.lower()
        for phrase, mask in self._gapless:
            at = lowered.find(phrase) if mask & asked else -1
            if 0 <= at < best.distance:
                best = Near(mask & asked, at)
        return best

    def _gapless_left(self, segment: str, asked: int) -> Near:
        best = _NOTHING
        lowered = segment.lower()
        for phrase, mask in self._gapless:
            if mask & asked:
                at = lowered.rfind(phrase)
                distance = len(segment) - at - len(phrase)
                if at >= 0 and distance < best.distance:
                    best = Near(mask & asked, distance)
        return best

    def _inflected(self, word: str) -> int:
        """
        Look for a word that *word* is a form of: a plural, a case, an article at the end.
        """
        if word[-1] == "s":
            mask = self._masks.get(word[:-1], 0)
            if mask:
                return mask
        for size in range(len(word) - 1, 7, -1):
            if word[:size] in self._stems:
                return self._masks[word[:size]]
        return 0


def _plain(text: str) -> str:
    return "".join(
        one
        for one in unicodedata.normalize("NFKD", text)
        if not unicodedata.combining(one)
    )


def _tokens(text: str) -> list[str]:
    return [word for word, _ in _split(text)]


def _split(text: str) -> list[tuple[str, int]]:
    """
    Cut *text* into words, in small letters, and where each ends.
    """
    out: list[tuple[str, int]] = []
    for match in _TOKEN.finditer(text):
        word = match.group()
        end = match.end()
        lowered = word.lower()
        if (
            lowered == word
            or len(word) < 3
            or lowered[1:] == word[1:]
            or word.isupper()
        ):
            out.append((lowered, end))
            continue
        at = match.start()
        for part in _HUMP.split(word):
            at += len(part)
            out.append((part.lower(), at))
    return out


def gate_words(kinds: Iterable[Kind]) -> list[str]:
    """
    Return for each phrase of *kinds* a word without which it is not there.
    """
    words = set()
    for kind in kinds:
        for phrase in kind.words.split(","):
            for written in (phrase, _plain(phrase)):
                tokens = _tokens(written)
                if tokens:
                    words.add(max(tokens, key=len))
    return sorted(words)
