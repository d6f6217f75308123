"""
The words beside a value: which kinds they speak of.

Words are compared without gaps and in small letters, so that ``tax file number``,
``taxFileNumber``, ``TAX_FILE_NUMBER`` and ``tax-file-number`` are one; with and without accents.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from gateway_guardrails.pii.kind import Kind

__all__ = [
    "GAPLESS",
    "GAPLESS_BESIDE",
    "TOKEN",
    "Lexicon",
    "Word",
    "cases_of",
    "gate_phrases",
    "has_hump",
    "parts",
    "split",
]

#: A word so long is found in its forms too.
STEM: Final = 8
_MOST_REMEMBERED: Final = 1024
#: Words, with those that say something.
_MOST_KNOWN: Final = 16_384
#: Nobody writes a gap before or behind fewer letters of a word.
_LEAST_PART: Final = 3

HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CASES: Final = bytes.maketrans(
    (string.ascii_lowercase + string.ascii_uppercase).encode(), b"a" * 26 + b"A" * 26
)
_GAPLESS: Final = r"\u0590-\u06ff\u0900-\u0dff\u0e00-\u0e7f\u3040-\uffff"
#: Scripts that are written without gaps, or whose words take prefixes.
GAPLESS: Final = re.compile(f"[{_GAPLESS}]")
#: Where one of those stands before or behind a word of another, as in "私のTELは".
GAPLESS_BESIDE: Final = re.compile(f"(?<=[a-z])[{_GAPLESS}]|[{_GAPLESS}](?=[a-z])")
TOKEN: Final = re.compile(rf"[^\W\d_{_GAPLESS}]+|(?:(?![\W\d_])[{_GAPLESS}])+|\d+")
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


class Word(NamedTuple):
    """
    What a word says by itself.

    Attributes:
        mask: The kinds it speaks of, one bit each.
        is_last: Words before it may say more.
        is_other: It is a word for something else.
    """

    mask: int
    is_last: bool = False
    is_other: bool = False


#: What most words say.
_IDLE: Final = Word(0)


class Lexicon:
    """
    Every word of some kinds, each kind a bit.

    Attributes:
        words: What each word says, in small letters; a plural has an entry of its own.
        masks: The kinds that words in a row speak of, written without gaps.
        tails: How those may end; what is none of them goes on to no phrase.
        firsts: Words that may follow a value that they speak of, and connectors.
        heads: How words of many forms begin.
        gapless: Words of scripts without gaps, which no other word is told apart from.
        digits_behind: Words that go on in digits, and how.
        has_digits_first: Whether words in a row may begin with digits.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self.masks: dict[str, int] = {}
        self.firsts: set[str] = set(_CONNECTORS)
        self._lasts: set[str] = set()
        self._digits: dict[str, set[str]] = {}
        self.has_digits_first = False
        for number, kind in enumerate(kinds):
            for phrase in kind.words.split(","):
                self._add(phrase.strip(), 1 << number)
        self.tails = frozenset(
            phrase[at:] for phrase in self.masks for at in range(len(phrase))
        )
        self.gapless = [
            (phrase, mask)
            for phrase, mask in self.masks.items()
            if GAPLESS.search(phrase)
        ]
        self._stems = {
            phrase for phrase in self.masks if len(phrase) >= STEM and phrase.isalpha()
        }
        self.heads = {stem[:STEM] for stem in self._stems}
        self.words = {
            **{f"{phrase}s": Word(mask) for phrase, mask in self.masks.items()},
            **{word: Word(0, is_other=True) for word in _OTHER},
            **{
                phrase: Word(mask, is_other=phrase in _OTHER)
                for phrase, mask in self.masks.items()
            },
            **{word: self._last(word) for word in self._lasts},
        }

        self.digits_behind = {
            word: re.compile(rf"[\W_]*(?:{'|'.join(sorted(digits))})(?![0-9])")
            for word, digits in self._digits.items()
        }
        # What each word that was met says, since most say nothing and are met again.
        self._told = {word: Word(0) for word in self._digits} | self.words
        self._known = dict(self._told)
        # Remembered, since few words stand behind most values.
        self.is_idle = lru_cache(_MOST_REMEMBERED)(self._is_idle)

    def _add(self, phrase: str, mask: int) -> None:
        for written in {phrase, _plain(phrase)}:
            tokens = [word for word, _ in split(written)]
            if not tokens:
                continue
            squeezed = "".join(tokens)
            self.masks[squeezed] = self.masks.get(squeezed, 0) | mask
            self._lasts.add(tokens[-1])
            self.firsts |= {tokens[0], squeezed}
            self.has_digits_first |= tokens[0].isdigit()
            for word, digits in pairwise(tokens):
                if digits.isdigit():
                    self._digits.setdefault(word, set()).add(digits)

    def _last(self, word: str) -> Word:
        return Word(self.masks.get(word, 0), is_last=True, is_other=word in _OTHER)

    def word(self, word: str) -> Word | None:
        """
        Return what *word* says, also where it is a form of another: a case, an article at the end.
        """
        known = self.words.get(word)
        if known is not None or len(word) <= STEM or word[:STEM] not in self.heads:
            return known
        for size in range(len(word) - 1, STEM - 1, -1):
            if word[:size] in self._stems:
                return Word(self.masks[word[:size]])
        return None

    def heard(self, words: Sequence[str]) -> Sequence[tuple[int, Word]]:
        """
        Return which of *words* say something, by their place among them, and what.
        """
        known = self._known.get
        return [
            (place, told)
            for place, said in enumerate(map(known, words))
            if said is not _IDLE
            and (told := said or self._learned(words[place])) is not _IDLE
        ]

    def _learned(self, word: str) -> Word:
        if word[0].isdigit():
            return _IDLE
        if len(self._known) >= _MOST_KNOWN:
            self._known = dict(self._told)
        said = self.word(word) or _IDLE
        self._known[word] = said
        return said

    def speaks(self, words: str) -> bool:
        """
        Tell whether *words* may speak of a kind.
        """
        return any(self.word(word) is not None for word, _ in split(words))

    def _is_idle(self, written: str) -> bool:
        """
        Tell of a word, as written, whether it begins nothing that speaks of a value on its left.
        """
        word = parts(written)[0]
        return word.isascii() and not self.begins(word)

    def begins(self, word: str) -> bool:
        """
        Tell whether words that begin with *word* may speak of a value on their left.
        """
        if word in self.firsts:
            return True
        if word[-1] == "s" and word[:-1] in self.masks:
            return True
        return (
            len(word) > STEM
            and word[:STEM] in self.heads
            and any(word[:size] in self._stems for size in range(STEM, len(word)))
        )


def _plain(text: str) -> str:
    return "".join(
        one
        for one in unicodedata.normalize("NFKD", text)
        if not unicodedata.combining(one)
    )


def split(text: str) -> list[tuple[str, int]]:
    """
    Cut *text* into words, in small letters, and where each ends.
    """
    out: list[tuple[str, int]] = []
    for match in TOKEN.finditer(text):
        at = match.start()
        for part in parts(match.group()):
            at += len(part)
            out.append((part, at))
    return out


def has_hump(text: str) -> bool:
    """
    Tell whether a small letter stands before a capital, both of ASCII.
    """
    return b"aA" in cases_of(text)


def cases_of(text: str) -> bytes:
    """
    Return *text* with ``a`` for small letters of ASCII and ``A`` for capitals.
    """
    # A translation is several times as quick as a search between all letters.
    return text.encode("ascii", "replace").translate(_CASES)


def parts(word: str) -> list[str]:
    """
    Cut ``taxFileNumber`` where its humps are; in small letters.
    """
    lowered = word.lower()
    if lowered == word or lowered[1:] == word[1:] or len(word) < 3 or word.isupper():
        return [lowered]
    return [part.lower() for part in HUMP.split(word)]


def gate_phrases(kinds: Iterable[tuple[Kind, int]]) -> dict[tuple[str, ...], int]:
    """
    Return the words of *kinds*, phrase by phrase, with the bits of those whose they are.

    A word is heard also with a gap inside, if it begins as another phrase does, or ends so.
    """
    told = [
        (tuple(word for word, _ in split(written)), bits)
        for kind, bits in kinds
        for phrase in kind.words.split(",")
        for written in (phrase, _plain(phrase))
    ]
    firsts = _CONNECTORS.union(tokens[0] for tokens, _ in told if tokens)
    lasts = {tokens[-1] for tokens, _ in told if tokens}
    out: dict[tuple[str, ...], int] = {}
    for tokens, bits in told:
        if tokens and bits:
            for written in (tokens, *_apart(tokens, firsts, lasts)):
                out[written] = out.get(written, 0) | bits
    return out


def _apart(
    tokens: tuple[str, ...], firsts: Container[str], lasts: Container[str]
) -> Iterator[tuple[str, ...]]:
    first, *after = tokens
    *before, last = tokens
    for at in range(_LEAST_PART, len(first) - _LEAST_PART + 1):
        if first[:at] in firsts:
            yield first[:at], first[at:], *after
    for at in range(_LEAST_PART, len(last) - _LEAST_PART + 1):
        if last[at:] in lasts:
            yield *before, last[:at], last[at:]
