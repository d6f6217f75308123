"""
Other ways to read a text: what it says when it is decoded, joined, turned round.

A model reads base64 and spaced letters as well as plain words, so that rules must see what it sees.
All of it is bounded: how many things are decoded, how much comes of it, how deep it goes.  That
something is encoded is no attack by itself; only what it says may be one.
"""

from __future__ import annotations

import codecs
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from gateway_guardrails.injection.decoding import (
    MAX_CANDIDATES,
    MAX_CHARACTERS,
    Edit,
    of_bits,
    of_code,
    of_hex,
    of_morse,
    of_numbers,
    runs,
    unescaped,
)
from gateway_guardrails.injection.letters import (
    LEET,
    REPEATED,
    is_leet,
    joined,
    shifted,
    unstopped,
)
from gateway_guardrails.patterns import PatternSet

__all__ = ["LETTER_SIGNS", "Reading", "readings"]

#: How often something that was decoded is decoded again.
DEPTH: Final = 2
#: How much text beside what was decoded is part of a reading, since a rule may span both.
BESIDE: Final = 240
#: How much of a text is read letter by letter.
_WHOLE: Final = 8192


class _Part(NamedTuple):
    """
    Where a part of a reading came from: copied from *start* on, or made of *start* to *end*.
    """

    at: int
    start: int
    end: int | None


class Reading:
    """
    A text read in another way, and how its places map to the text it was read from.

    Attributes:
        way: ``base64``, ``spaced``, ``reversed``, …
    """

    def __init__(
        self,
        text: str,
        way: str,
        parts: Sequence[_Part] = (_Part(0, 0, None),),
        *,
        mirrored: int | None = None,
        parent: Reading | None = None,
    ) -> None:
        self.text = text
        self.way = way
        self._parts = parts
        self._mirrored = mirrored
        self._parent = parent

    def span(self, start: int, end: int) -> tuple[int, int]:
        """
        Return where ``text[start:end]`` came from; all of an encoded thing for any part of it.
        """
        if self._mirrored is not None:
            first, last = self._mirrored - end, self._mirrored - start
        else:
            first = self._source(start)[0]
            last = self._source(end - 1)[1]
        if self._parent is None:
            return first, last
        return self._parent.span(first, max(last, first + 1))

    def was_decoded(self, start: int, end: int) -> bool:
        """
        Tell whether any of ``text[start:end]`` is not as it stood.
        """
        if len(self._parts) == 1 and self._parts[0].end is None:
            return True  # turned round or shifted as a whole
        first = bisect_right(self._parts, start, key=lambda part: part.at) - 1
        last = bisect_right(self._parts, end - 1, key=lambda part: part.at) - 1
        return any(part.end is not None for part in self._parts[first : last + 1])

    def _source(self, at: int) -> tuple[int, int]:
        part = self._parts[bisect_right(self._parts, at, key=lambda part: part.at) - 1]
        if part.end is not None:
            return part.start, part.end
        start = part.start + at - part.at
        return start, start + 1


def readings(
    text: str,
    *,
    is_turned: bool = False,
    has_letter_signs: bool = True,
) -> list[Reading]:
    """
    Read *text* in the ways for which it has a sign; [] for almost every text.

    Args:
        text: As `normalise` gives it.
        is_turned: It had characters that turn the direction of writing.
        has_letter_signs: One of `LETTER_SIGNS` may be found in it, as far as the caller knows.
    """
    found: list[Reading] = []
    left = MAX_CHARACTERS
    signs = _signs(text, has_letter_signs=has_letter_signs)
    level = list(_once(text, signs, None, is_turned=is_turned))
    for depth in range(DEPTH):
        kept: list[Reading] = []
        for reading in level:
            if len(reading.text) <= left and len(found) + len(kept) < MAX_CANDIDATES:
                left -= len(reading.text)
                kept.append(reading)
        found.extend(kept)
        if depth + 1 == DEPTH or not kept:
            break
        level = [
            deeper for one in kept for deeper in _once(one.text, _signs(one.text), one)
        ]
    return found


#: Bytes that each automaton for signs may grow to.
_MAX_MEMORY: Final = 4 << 20
# A sign for each way that needs a pattern; the ways that need a character only count it.
_CODES: Final = 0
_HEX: Final = 1
_BITS: Final = 2
_MORSE_CODE: Final = 3
_NUMBERS: Final = 4
_SPACED: Final = 5
_STOPPED: Final = 6
_ROT13: Final = 7
_TURNED: Final = 8
_REPEATS: Final = 9
_LEETED: Final = 10
# The first of them, which RE2 looks for in less time than they cost a screen.
_CODE_SIGNS: Final = (
    r"[A-Za-z0-9]{22,}",
    r"(?:[0-9a-fA-F]{2}[ :,-]){10,}|(?:\\x[0-9a-fA-F]{2}){4,}|(?:0x[0-9a-fA-F]{2}[ ,]+){6,}",
    r"(?:[01]{7,8} ?){5,}",
    r"(?:[.-]{1,6} +(?:[/|] +)?){10,}",
    r"(?:\d{2,3}[ ,]+){10,}",
    r"(?:\b[A-Za-z0-9]\b[ ._*|~,/+-]{1,3}){7,}",
    r"(?:[^\s.]+\.{1,2} +){5,}",
)
_OF_CODES: Final = PatternSet(_CODE_SIGNS, max_memory=_MAX_MEMORY)
_SHIFTED_WORDS: Final = (
    r"gur|naq|lbh|lbhe|vtaber|qvfertneq|sbetrg|cerivbhf|vafgehpgvbaf?|cebzcg|flfgrz|nyy"
    r"|Gur|Naq|Lbh|Lbhe|LBH|Vtaber|VTABER|Sbetrg|SBETRG|cnffjbeq|erfcbaq|bhgchg|erirny"
    r"|frperg|gryy|cevag|haq|qvr"
)
_TURNED_WORDS: Final = (
    r"eht|ehT|dna|uoy|ruoy|erongi|erongI|ERONGI|tegrof|tegroF|suoiverp|snoitcurtsni"
    r"|tpmorp|metsys|drowssap|dnopser|tuptuo|laever|terces|tnirp|llet|dnu|thcin"
)
_THRICE: Final = "|".join(one * 3 for one in "abcdefghijklmnopqrstuvyz")
_LEET_WORDS: Final = (
    r"7h[3e]|th3|4nd|4ll|y0ur?|w[1i]7h|w1th|wi7h|f0r|m3|n0w|n07|0f|7o|1s"
    r"|7h47|th4t|wh47|1gn[0o]r[3e]|ign[0o]r3|ign0re|pr3v\w+|prev10us|prev1ous|[1i]n[5s7]\w*10n[5s]?"
    r"|1nstruct\w+|pr[0]mp[t7]s?|5y[5s][t7][3e]m|sy5\w+|syst3m|r3v\w+|f0rg\w+|d1sr\w+|rul35"
)
_OF_LETTERS: Final = PatternSet(
    [
        rf"\b(?:{_SHIFTED_WORDS})\b",
        rf"\b(?:{_TURNED_WORDS})\b",
        _THRICE,
        rf"\b(?i:{_LEET_WORDS})\b",
    ],
    max_memory=_MAX_MEMORY,
)
#: Of these a text has one, in small letters or capitals, that has one of the further signs.
LETTER_SIGNS: Final = (
    rf"\b(?:{_SHIFTED_WORDS})\b",
    rf"\b(?:{_TURNED_WORDS})\b",
    _THRICE,
    rf"\b(?:{_LEET_WORDS})\b",
)


def _once(
    text: str, signs: set[int], parent: Reading | None, *, is_turned: bool = False
) -> Iterator[Reading]:
    edits = unescaped(text)
    if edits:
        yield _replaced(text, edits, "escaped", parent)
    if signs or is_turned:
        for sign, (way, read) in _WAYS.items():
            if sign in signs:
                edits = read(text)
                if edits:
                    yield _replaced(text, edits, way, parent)
        yield from _whole(text, signs, parent, is_turned=is_turned)
    if not signs and parent is None and len(text) >= 32:
        plain = shifted(text[:_WHOLE])
        if plain is not None:
            yield Reading(plain, "caesar", parent=parent)


def _signs(text: str, *, has_letter_signs: bool = True) -> set[int]:
    raw = text[: 8 * MAX_CHARACTERS].encode("utf-8", "replace")
    signs = set(_OF_CODES.hits(raw))
    if has_letter_signs:
        signs.update(_ROT13 + number for number in _OF_LETTERS.hits(raw))
    return signs


def _whole(
    text: str, signs: set[int], parent: Reading | None, *, is_turned: bool
) -> Iterator[Reading]:
    """
    Read all of a text, or of its beginning, letter by letter.
    """
    head = text[:_WHOLE]
    if _ROT13 in signs:
        yield Reading(codecs.encode(head, "rot13"), "rot13", parent=parent)
    if _TURNED in signs or is_turned:
        yield Reading(head[::-1], "reversed", mirrored=len(head), parent=parent)
    if _LEETED in signs and is_leet(head):
        yield Reading(head.translate(LEET), "leet", parent=parent)
    if _REPEATS in signs:
        for kept in (r"\1", r"\1\1"):
            edits = [
                Edit(*match.span(), match.expand(kept))
                for match in REPEATED.finditer(head)
            ]
            if edits:  # none, where the sign stood further on
                yield _replaced(head, edits, "repeated", parent)


def _replaced(
    text: str, edits: Sequence[Edit], way: str, parent: Reading | None
) -> Reading:
    """
    Put what was decoded in its place, with a little of what stands beside it.
    """
    pieces: list[str] = []
    parts: list[_Part] = []
    length = 0
    cursor = max(edits[0].start - BESIDE, 0)

    def put(piece: str, start: int, end: int | None) -> None:
        nonlocal length
        if piece:
            parts.append(_Part(length, start, end))
            pieces.append(piece)
            length += len(piece)

    for edit in edits:
        if edit.start - cursor > 2 * BESIDE:
            put(text[cursor : cursor + BESIDE] + "\n", cursor, None)
            cursor = edit.start - BESIDE
        put(text[cursor : edit.start], cursor, None)
        put(edit.new, edit.start, edit.end)
        cursor = edit.end
        if length > MAX_CHARACTERS // 2:
            break
    put(text[cursor : cursor + BESIDE], cursor, None)
    return Reading("".join(pieces), way, parts, parent=parent)


_WAYS: Final[dict[int, tuple[str, Callable[[str], list[Edit]]]]] = {
    _CODES: (
        "base64",
        runs(
            r"[A-Za-z0-9+/_-]*[A-Za-z0-9]{22,}[A-Za-z0-9+/_-]*(?:\r?\n[A-Za-z0-9+/_-]{16,})*={0,6}",
            of_code,
        ),
    ),
    _HEX: (
        "hex",
        runs(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ :,-]*){7,}", of_hex),
    ),
    _BITS: ("binary", runs(r"(?:[01]{7,8} ?){5,}", of_bits)),
    _MORSE_CODE: (
        "morse",
        runs(r"(?:[.-]{1,6}(?: +[/|]? *)){7,}[.-]{0,6}", of_morse),
    ),
    _NUMBERS: ("numbers", runs(r"(?:\d{2,3}[ ,]+){9,}\d{2,3}", of_numbers)),
    _SPACED: ("spaced", joined),
    _STOPPED: ("stopped", unstopped),
}
