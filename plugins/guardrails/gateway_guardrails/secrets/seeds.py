"""
Seed phrases of wallets: twelve to twenty-four words of one list, behind a name for them.

Source: https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki; the list as python-mnemonic
has it, see `licences/NOTICE.md`.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Final, NamedTuple

__all__ = ["Phrase", "has_check", "phrase_at", "seed_words"]

_LEAST: Final = 12
#: Words that may stand between a name and a phrase: "for my wallet is".
_MOST_BETWEEN: Final = 5
_MOST: Final = 24
_SIZES: Final = frozenset({12, 15, 18, 21, 24})
_BITS: Final = 11
#: What a phrase of 24 words takes, numbered and a word a line.
_REACH: Final = 512
_WORD: Final = re.compile(r"[A-Za-z]+")
# A full stop ends a phrase, but behind a number.
_BETWEEN: Final = re.compile(r"""(?:[\s,;:()\[\]"'|-]|\\n|[0-9]{1,2}\.?){1,12}""")


class Phrase(NamedTuple):
    """
    Where a phrase stands.

    Attributes:
        end: Its end; *start* if there is none.
        is_open: More text could move that.
        words: In small letters.
    """

    start: int
    end: int
    is_open: bool
    words: Sequence[str] = ()


def phrase_at(text: str, start: int, begin_by: int, *, is_final: bool) -> Phrase:
    """
    Look for the phrase behind a name that ends at *start*.

    Args:
        begin_by: Its first word begins before that.
    """
    known = _places()
    limit = min(len(text), start + _REACH)
    words: list[re.Match[str]] = []
    others = 0
    for word in _WORD.finditer(text, start, limit):
        is_cut = word.end() == len(text) and not is_final
        is_next = not words or _BETWEEN.fullmatch(text, words[-1].end(), word.start())
        if word[0].lower() not in known and not is_cut:
            if len(words) >= _LEAST:
                break
            words, others = [], others + len(words) + 1
        elif is_cut and (not words or is_next):
            return Phrase((words or [word])[0].start(), 0, is_open=True)
        elif is_next:
            words.append(word)
        elif len(words) >= _LEAST:
            break
        else:
            words = [word]
        if len(words) == _MOST:
            break
        if not words and (word.end() >= begin_by or others > _MOST_BETWEEN):
            return Phrase(start, start, is_open=False)
        if words and words[0].start() >= begin_by:
            return Phrase(start, start, is_open=False)
    return _phrase(text, start, limit, words, is_final=is_final)


def _phrase(
    text: str, start: int, limit: int, words: Sequence[re.Match[str]], *, is_final: bool
) -> Phrase:
    if not words:
        return Phrase(start, start, is_open=False)
    first, end = words[0].start(), words[-1].end()
    rest = text[end:limit]
    may_grow = not rest or _BETWEEN.fullmatch(rest) is not None
    if not is_final and limit == len(text) and len(words) < _MOST and may_grow:
        return Phrase(first, first, is_open=True)
    if len(words) < _LEAST:
        return Phrase(start, start, is_open=False)
    said = [one[0].lower() for one in words]
    # Words that follow may be of the list as well.
    for size in sorted(_SIZES, reverse=True):
        if size < len(said) and has_check(said[:size]):
            end = words[size - 1].end()
            return Phrase(first, end, is_open=False, words=said[:size])
    return Phrase(first, end, is_open=False, words=said)


def has_check(words: Sequence[str]) -> bool:
    """
    Tell whether the last bits are the checksum of those before them.
    """
    if len(words) not in _SIZES:
        return False
    number = 0
    for word in words:
        number = number << _BITS | _places()[word]
    check_bits = len(words) // 3
    size = (len(words) * _BITS - check_bits) // 8
    entropy = (number >> check_bits).to_bytes(size, "big")
    check = hashlib.sha256(entropy).digest()[0] >> (8 - check_bits)
    return check == number & ((1 << check_bits) - 1)


@functools.cache
def seed_words() -> Sequence[str]:
    """
    Return the list of words, in its order.
    """
    text = (files("gateway_guardrails.secrets") / "seedwords.txt").read_text("utf-8")
    return tuple(text.split())


@functools.cache
def _places() -> Mapping[str, int]:
    return {word: place for place, word in enumerate(seed_words())}
