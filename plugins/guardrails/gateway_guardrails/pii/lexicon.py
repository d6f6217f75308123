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

__all__ = [
    "LEFT",
    "OTHER_WITHIN",
    "RIGHT",
    "Heard",
    "Lexicon",
    "Memo",
    "Near",
    "gate_phrases",
]

#: How many characters left and right of a value its words may stand.
LEFT: Final = 64
RIGHT: Final = 40
#: A word so near is taken for the value's label, whatever stands on the other side.
_LABEL: Final = 32
#: A word for something else counts against a value if it is so near.
OTHER_WITHIN: Final = 14
_MOST_TOKENS: Final = 6
#: A word so long is found in its forms too.
_STEM: Final = 8

_TOKEN: Final = re.compile(r"[^\W\d_]+|\d+")
_LETTER: Final = re.compile(r"[^\W\d_]")
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


#: What stands left of places of one text, and its words.
Memo = dict[int, tuple[str, list[str]]]


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
            phrase
            for phrase in self._masks
            if len(phrase) >= _STEM and phrase.isalpha()
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
        self,
        text: str,
        start: int,
        end: int,
        asked: int,
        *,
        final: bool,
        memo: Memo | None = None,
    ) -> Heard:
        """
        Listen to both sides of a value: the nearer words are believed.

        Args:
            memo: What was read left of values of this text before.
        """
        left = self.left(text, start, asked, memo)
        is_other = left.is_other and left.distance <= OTHER_WITHIN
        if left.mask and left.distance <= _LABEL:
            return Heard(left.mask)
        right = self.right(text, end, asked, final=final)
        if right is None:
            return Heard(0, is_open=True)
        nearer = right if right.mask and right.distance < left.distance else left
        return Heard(nearer.mask, is_other=is_other)

    def left(self, text: str, start: int, asked: int, memo: Memo | None = None) -> Near:
        """
        Look left of *start* for the nearest words that speak of a kind in *asked*.
        """
        segment, words = _left_of(text, start, memo)
        if not segment.isascii() and _GAPLESS.search(segment):
            found = self._gapless_left(segment, asked)
            if found.mask:
                return found
        masks = self._masks
        for at in range(len(words) - 1, -1, -1):
            word = words[at]
            if word in self._lasts:
                mask = masks.get(word, 0)
                key = word
                for before in reversed(words[max(0, at - _MOST_TOKENS + 1) : at]):
                    key = before + key
                    longer = masks.get(key, 0)
                    if longer & asked:  # the longest words say most
                        mask = longer
            elif word in masks:
                mask = masks[word]
            elif word in _OTHER:
                return Near(0, _distance(segment, words[at:]), is_other=True)
            elif len(word) > _STEM or word[-1] == "s":
                mask = self._inflected(word)
            else:
                continue
            if mask & asked:
                return Near(mask & asked, _distance(segment, words[at:]))
            if word in _OTHER:
                return Near(0, _distance(segment, words[at:]), is_other=True)
        return _NOTHING

    def right(self, text: str, end: int, asked: int, *, final: bool) -> Near | None:
        """
        Look right of *end*; None if that has not been said yet.

        Words count where they belong to the value: in its clause, right behind it or behind a
        word such as "is" or "as".
        """
        segment = text[end : end + RIGHT + 1]
        # Most values are followed by a word that says nothing of them.
        begun = _TOKEN.search(segment)
        if begun is not None and begun.end() < len(segment):
            word = _parts(begun.group())[0]
            if (
                word not in self._firsts
                and not self._inflected(word)
                and word.isascii()
            ):
                return _NOTHING
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
        for size in range(len(word) - 1, _STEM - 1, -1):
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


def _left_of(text: str, start: int, memo: Memo | None) -> tuple[str, list[str]]:
    """
    Return what stands left of *start*, and its words.
    """
    if memo is not None and start in memo:
        return memo[start]
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
    read = segment, _words(segment) if _LETTER.search(segment) else []
    if memo is not None:
        memo[start] = read
    return read


def _words(text: str) -> list[str]:
    """
    Cut *text* into words, in small letters.
    """
    if _HUMP.search(text) is None:
        return _TOKEN.findall(text.lower())
    return [part for word in _TOKEN.findall(text) for part in _parts(word)]


def _distance(segment: str, words: list[str]) -> int:
    """
    Return how far from the end of *segment* the first of *words* ends, which are its last.
    """
    lowered = segment.lower()
    at = len(lowered)
    for word in reversed(words):
        at = lowered.rfind(word, 0, at)
    return len(lowered) - at - len(words[0])


def _split(text: str) -> list[tuple[str, int]]:
    """
    Cut *text* into words, in small letters, and where each ends.
    """
    out: list[tuple[str, int]] = []
    for match in _TOKEN.finditer(text):
        at = match.start()
        for part in _parts(match.group()):
            at += len(part)
            out.append((part, at))
    return out


def _parts(word: str) -> list[str]:
    """
    Cut ``taxFileNumber`` where its humps are; in small letters.
    """
    lowered = word.lower()
    if lowered == word or lowered[1:] == word[1:] or len(word) < 3 or word.isupper():
        return [lowered]
    return [part.lower() for part in _HUMP.split(word)]


def gate_phrases(kinds: Iterable[tuple[Kind, int]]) -> dict[tuple[str, ...], int]:
    """
    Return the words of *kinds*, phrase by phrase, with the bits of those whose they are.
    """
    out: dict[tuple[str, ...], int] = {}
    for kind, bits in kinds:
        for phrase in kind.words.split(",") if bits else ():
            for written in (phrase, _plain(phrase)):
                tokens = tuple(_tokens(written))
                if tokens:
                    out[tokens] = out.get(tokens, 0) | bits
    return out
