"""
Lists of words and phrases, made ready to be looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from gateway_guardrails.literals import Literals
from gateway_guardrails.words.stemming import stem_of

__all__ = ["Entry", "Lexicon", "Told", "WORD", "masked"]

WORD: Final = re.compile(r"[^\W_]+")
#: What may stand between the words of a phrase.
_GAP: Final = re.compile(r"[\s_\-.,:;'\"\u2019*/]{1,4}")
_GAP_CHARACTERS: Final = 4
#: Scripts that put no blanks between words, and Korean, which joins endings to them.
_UNSPACED: Final = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]"
)
_MASK: Final = "*"
#: A longer word or phrase is none.
MOST_CHARACTERS: Final = 200


@attrs.frozen
class Entry:
    """
    A word or a phrase.

    Attributes:
        words: Folded; stems if *language* is told.
        language: Whose endings do not matter; None if the words are to be as they are.
        label: What it stands for.
    """

    words: tuple[str, ...]
    language: str | None
    label: str


@attrs.frozen
class Told:
    """
    Where an entry stands in a text.
    """

    start: int
    end: int
    entry: Entry


class Lexicon:
    """
    Entries, found in one pass over a text.

    Args:
        entries: Those to look for.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        by_literal: dict[str, list[Entry]] = {}
        for entry in entries:
            # A stem is how each of its words begins.
            by_literal.setdefault(entry.words[0], []).append(entry)
        self._by_number: Sequence[Sequence[Entry]] = list(by_literal.values())
        self._literals = Literals(list(by_literal), ignores_case=True)
        self._tails = _Tails(by_literal)

    def __len__(self) -> int:
        return sum(map(len, self._by_number))

    def told(self, text: str, start: int) -> Iterator[Told]:
        """
        Find entries in a folded *text* that begin at *start* or later, in no order.
        """
        base = max(0, start - 1)
        for number, begin, _ in self._literals.hits(text[base:] if base else text):
            begin += base
            if begin < start or not _begins_word(text, begin):
                continue
            for entry in self._by_number[number]:
                end = _end_of(text, begin, entry)
                if end:
                    yield Told(begin, end, entry)

    def open_from(self, text: str, start: int) -> int:
        """
        Return where the first entry may begin that more text could complete, from *start* on.

        What stands before it is decided.
        """
        return self._tails.open_from(text, start)


class _Tails:
    """
    What an entry may look like that is not all there yet.
    """

    def __init__(self, by_literal: Mapping[str, Sequence[Entry]]) -> None:
        self._prefixes = frozenset(
            literal[:size]
            for literal in by_literal
            for size in range(1, len(literal) + 1)
        )
        self._longest = max(map(len, by_literal), default=0)
        entries = [entry for each in by_literal.values() for entry in each]
        self._stems = frozenset(one.words[0] for one in entries if one.language)
        self._languages = {one.language for one in entries if one.language}
        self._phrases: dict[tuple[str, str | None], list[Entry]] = {}
        for one in entries:
            if len(one.words) > 1:
                self._phrases.setdefault((one.words[0], one.language), []).append(one)
        self._phrase_letters = frozenset(first[0] for first, _ in self._phrases)
        self._most_words = max((len(one.words) for one in entries), default=0)
        self._phrase_characters = max(map(_most_characters, entries), default=0)

    def open_from(self, text: str, start: int) -> int:
        """
        See `Lexicon.open_from`.
        """
        at = self._in_first_word(text, start)
        return self._in_phrase(text, start, at) if self._phrases else at

    def _in_first_word(self, text: str, start: int) -> int:
        end = len(text)
        if self._stems:
            run = end - len(_last_word(text[max(start, end - MOST_CHARACTERS - 1) :]))
            # Where blanks stand between words, none begins in the middle of a run.
            last = min(run + 1, end) if text[run:].isascii() else end
            for begin in range(max(run, start), last):
                if _begins_word(text, begin) and self._has_stem(text[begin:].lower()):
                    return begin
        for begin in range(max(start, end - self._longest), end):
            if text[begin:].lower() in self._prefixes and _begins_word(text, begin):
                return begin
        return end

    def _has_stem(self, word: str) -> bool:
        return any(word[:size] in self._stems for size in range(1, len(word) + 1))

    def _in_phrase(self, text: str, start: int, at: int) -> int:
        least = max(start, len(text) - self._phrase_characters)
        # Of the last words, each may be the first of a phrase.
        for begin, word in _last_words(text, least, at, self._most_words):
            if (
                word[0] in self._phrase_letters
                and _begins_word(text, begin)
                and self._may_go_on(text, begin, word)
            ):
                return begin
        return at

    def _may_go_on(self, text: str, begin: int, word: str) -> bool:
        phrases = [*self._phrases.get((word, None), ())]
        for language in self._languages:
            phrases += self._phrases.get((stem_of(word, language), language), ())
        return any(_is_open(text, begin, entry) for entry in phrases)


def masked(word: str) -> Iterator[str]:
    """
    Return how *word* is written by those who hide it: with stars for letters inside.
    """
    if len(word) < 4:
        return
    for at in range(1, len(word) - 1):
        yield word[:at] + _MASK + word[at + 1 :]
    yield word[0] + _MASK * (len(word) - 2) + word[-1]


#: What an ending adds to a stem at most.
_ENDING_CHARACTERS: Final = 14


def _most_characters(entry: Entry) -> int:
    return sum(len(word) + _ENDING_CHARACTERS + _GAP_CHARACTERS for word in entry.words)


def _last_words(text: str, start: int, end: int, count: int) -> list[tuple[int, str]]:
    # Of so many stretches without a blank: they have as many words at least.
    chunks = text[start:].rsplit(None, count + 1)
    if len(chunks) > count + 1:
        start += len(chunks[0])
    words = [
        (word.start(), word.group().lower()) for word in WORD.finditer(text, start)
    ]
    return [word for word in words if word[0] < end]


def _last_word(text: str) -> str:
    size = len(text)
    while size and text[size - 1].isalnum():
        size -= 1
    return text[size:]


def _begins_word(text: str, at: int) -> bool:
    before = text[at - 1 : at]
    if not before.isalnum():
        return True
    if before.isascii() and text[at].isascii():
        return False
    return _UNSPACED.match(text, at) is not None or _UNSPACED.match(before) is not None


def _end_of(text: str, begin: int, entry: Entry) -> int:
    """
    Return where *entry* ends that begins at *begin*; 0 if it does not stand there.
    """
    at = begin
    for number, word in enumerate(entry.words):
        if number:
            gap = _GAP.match(text, at)
            if gap is None:
                return 0
            at = gap.end()
        at = _word_end(text, at, word, entry.language)
        if not at:
            return 0
    return at


def _word_end(text: str, at: int, word: str, language: str | None) -> int:
    if language is None:
        end = at + len(word)
        if text[at:end].lower() != word:
            return 0
        last, after = text[end - 1], text[end : end + 1]
        is_whole = (
            not after.isalnum() or _UNSPACED.match(last) or _UNSPACED.match(after)
        )
        return end if is_whole else 0
    found = WORD.match(text, at)
    if found is None or found.end() - at > len(word) + _ENDING_CHARACTERS:
        return 0
    return found.end() if stem_of(found.group().lower(), language) == word else 0


def _is_open(text: str, begin: int, entry: Entry) -> bool:
    """
    Tell whether *entry*, whose first word stands at *begin*, could be completed by more text.
    """
    size, at = len(text), begin
    for number, word in enumerate(entry.words):
        if number:
            gap = _GAP.match(text, at)
            at = gap.end() if gap else at
            if at >= size:
                return True
            if gap is None:
                return False
        rest = text[at : at + len(word) + _ENDING_CHARACTERS].lower()
        if at + len(rest) >= size and (word.startswith(rest) or rest.startswith(word)):
            return True
        at = _word_end(text, at, word, entry.language)
        if not at:
            return False
    return at >= size
