"""
Other ways to read a text: what it says when it is decoded, joined, turned round.

A model reads base64 and spaced letters as well as plain words, so that rules must see what it sees.
All of it is bounded: how many things are decoded, how much comes of it, how deep it goes.  That
something is encoded is no attack by itself; only what it says may be one.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple
from urllib.parse import unquote

import attrs

from gateway_guardrails.patterns import PatternSet, compile_pattern

__all__ = ["Reading", "readings"]

#: What all readings of a text may have together, in characters.
MAX_CHARACTERS: Final = 65_536
#: How many encoded things are decoded in one text.
MAX_CANDIDATES: Final = 32
#: How often something that was decoded is decoded again.
DEPTH: Final = 2
#: How much text beside what was decoded is part of a reading, since a rule may span both.
BESIDE: Final = 240


class _Part(NamedTuple):
    """
    Where a part of a reading came from: copied from *start* on, or made of *start* to *end*.
    """

    at: int
    start: int
    end: int | None


@attrs.define(eq=False)
class Reading:
    """
    A text read in another way, and how its places map to the text it was read from.

    Attributes:
        way: ``base64``, ``spaced``, ``reversed``, …
    """

    text: str
    way: str
    _parts: Sequence[_Part] = (_Part(0, 0, None),)
    _mirrored: int | None = None
    _parent: Reading | None = None

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


def readings(text: str, *, is_turned: bool = False) -> list[Reading]:
    """
    Read *text* in the ways for which it has a sign; [] for almost every text.

    Args:
        text: As `normalise` gives it.
        is_turned: It had characters that turn the direction of writing.
    """
    found: list[Reading] = []
    left = MAX_CHARACTERS
    level = list(_once(text, None, is_turned=is_turned))
    for depth in range(DEPTH):
        kept: list[Reading] = []
        for reading in level:
            if len(reading.text) <= left and len(found) + len(kept) < MAX_CANDIDATES:
                left -= len(reading.text)
                kept.append(reading)
        found.extend(kept)
        if depth + 1 == DEPTH or not kept:
            break
        level = [deeper for one in kept for deeper in _once(one.text, one)]
    return found


class _Edit(NamedTuple):
    start: int
    end: int
    new: str


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
_SIGNS: Final = PatternSet(
    [
        r"[A-Za-z0-9]{22,}",
        r"(?:[0-9a-fA-F]{2}[ :,-]){10,}|(?:\\x[0-9a-fA-F]{2}){4,}|(?:0x[0-9a-fA-F]{2}[ ,]+){6,}",
        r"(?:[01]{7,8} ?){5,}",
        r"(?:[.-]{1,6} +(?:[/|] +)?){10,}",
        r"(?:\d{2,3}[ ,]+){10,}",
        r"(?:\b[A-Za-z0-9]\b[ ._*|~,/+-]{1,3}){7,}",
        r"(?:[^\s.]+\.{1,2} +){5,}",
        (
            r"\b(?:gur|naq|lbh|lbhe|vtaber|qvfertneq|sbetrg|cerivbhf|vafgehpgvbaf?|cebzcg|flfgrz|nyy"
            r"|Gur|Naq|Lbh|Lbhe|LBH|Vtaber|VTABER|Sbetrg|SBETRG|cnffjbeq|erfcbaq|bhgchg|erirny"
            r"|frperg|gryy|cevag|haq|qvr)\b"
        ),
        (
            r"\b(?:eht|ehT|dna|uoy|ruoy|erongi|erongI|ERONGI|tegrof|tegroF|suoiverp|snoitcurtsni"
            r"|tpmorp|metsys|drowssap|dnopser|tuptuo|laever|terces|tnirp|llet|dnu|thcin)\b"
        ),
        "|".join(one * 3 for one in "abcdefghijklmnopqrstuvyz"),
    ]
)
_WORD: Final = compile_pattern(
    r"\b(?:the|a|an|to|of|and|in|is|it|for|on|you|i|that|this|be|are|as|with|was|my|at|if|or|not|"
    r"what|how|can|do|me|from|by|def|import|return|class|function|const|var|public|int|div|"
    r"de|la|le|el|en|que|der|die|und|das|il|di|e|o|les|des|een|het|och|na|nie|w|ve|bir|yang|"
    r"true|false|null|id|name|type|http|https|www|com)\b",
    ignores_case=True,
)


def _once(
    text: str, parent: Reading | None, *, is_turned: bool = False
) -> Iterator[Reading]:
    signs = set(_SIGNS.hits(text[: 8 * MAX_CHARACTERS]))
    edits = _unescaped(text)
    if edits:
        yield _replaced(text, edits, "escaped", parent)
    for sign, (way, read) in _WAYS.items():
        if sign in signs:
            edits = read(text)
            if edits:
                yield _replaced(text, edits, way, parent)
    yield from _whole(text, signs, parent, is_turned=is_turned)


def _whole(
    text: str, signs: set[int], parent: Reading | None, *, is_turned: bool
) -> Iterator[Reading]:
    """
    Read all of a text, or of its beginning, letter by letter.
    """
    head = text[:8192]
    if _ROT13 in signs:
        yield Reading(codecs.encode(head, "rot13"), "rot13", parent=parent)
    if _TURNED in signs or is_turned:
        yield Reading(head[::-1], "reversed", mirrored=len(head), parent=parent)
    if _is_leet(head):
        yield Reading(head.translate(_LEET), "leet", parent=parent)
    if _REPEATS in signs:
        for kept in (r"\1", r"\1\1"):
            edits = [
                _Edit(*match.span(), match.expand(kept))
                for match in _REPEATED.finditer(head)
            ]
            yield _replaced(head, edits, "repeated", parent)
    if not signs and parent is None and len(text) >= 32:
        shifted = _shifted(head)
        if shifted is not None:
            yield Reading(shifted, "caesar", parent=parent)


def _replaced(
    text: str, edits: Sequence[_Edit], way: str, parent: Reading | None
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


# -- escapes; each pattern begins with a character that is sought first

_ESCAPES: Final = tuple(
    (least, mark, re.compile(pattern))
    for least, mark, pattern in [
        (3, "%", r"%[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*"),
        (
            3,
            "\\",
            (
                r"\\(?:u\{[0-9A-Fa-f]{1,6}\}|u[0-9A-Fa-f]{4}(?:\\u[0-9A-Fa-f]{4})*|U[0-9A-Fa-f]{8}"
                r"|x[0-9A-Fa-f]{2}(?:\\x[0-9A-Fa-f]{2})*|[0-3][0-7]{2})"
            ),
        ),
        (3, "&", r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[a-z]{2,8});"),
        (4, "=", r"=(?:[0-9A-F]{2}|\r?\n)"),
    ]
)


def _unescaped(text: str) -> list[_Edit]:
    edits: list[_Edit] = []
    for least, mark, pattern in _ESCAPES:
        if text.count(mark) < least:
            continue
        some = [
            _Edit(*match.span(), _character(match[0]))
            for match in islice(pattern.finditer(text), MAX_CHARACTERS // 8)
        ]
        if len(some) >= least or any(len(one.new) > least for one in some):
            edits.extend(some)
    return sorted(edits)


def _character(escape: str) -> str:
    if escape[0] == "%":
        return unquote(escape)
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[0] == "=":
        return "" if "\n" in escape else chr(int(escape[1:], 16))
    if escape[1] == "x":
        return bytes.fromhex(escape.replace("\\x", "")).decode("utf-8", "replace")
    if escape[1] in "uU":
        digits = [part.strip("{}") for part in re.split(r"\\[uU]", escape)[1:]]
        units = b"".join(_unit(int(one, 16)) for one in digits)
        return units.decode("utf-16-be", "replace")
    return chr(int(escape[1:], 8))


def _unit(code: int) -> bytes:
    if code > 0x10FFFF:
        return b"\xff\xfd"
    if 0xD800 <= code <= 0xDFFF:
        return code.to_bytes(2, "big")  # half of a pair
    return chr(code).encode("utf-16-be")


# -- codes

_MORSE: Final = {
    **dict(
        zip(
            ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- "
            "...- .-- -..- -.-- --..".split(),
            "abcdefghijklmnopqrstuvwxyz",
            strict=True,
        )
    ),
    **dict(
        zip(
            "----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.".split(),
            "0123456789",
            strict=True,
        )
    ),
    ".-.-.-": ".",
    "--..--": ",",
    "..--..": "?",
    ".----.": "'",
    "-.-.--": "!",
}


def _runs(
    pattern: str, told: Callable[[str], str | None]
) -> Callable[[str], list[_Edit]]:
    """
    Make a way of reading: find runs by *pattern*, and put in their place what they tell.
    """
    compiled = compile_pattern(pattern)

    def read(text: str) -> list[_Edit]:
        edits = []
        for match in islice(compiled.finditer(text), MAX_CANDIDATES):
            decoded = told(match.group()[: 2 * MAX_CHARACTERS])
            if decoded is not None:
                edits.append(_Edit(match.start(), match.end(), decoded))
        return edits

    return read


def _of_code(run: str) -> str | None:
    run = re.sub(r"\s", "", run)
    return _of_hex(run) or _of_base(run)


def _of_hex(run: str) -> str | None:
    packed = re.sub(r"0x|\\x|[\s:,-]", "", run)
    if len(packed) % 2 or re.fullmatch(r"[0-9a-fA-F]+", packed) is None:
        return None
    return _text_of(bytes.fromhex(packed))


def _of_numbers(run: str) -> str | None:
    numbers = [int(one) for one in re.findall(r"\d+", run)]
    return _text_of(bytes(numbers)) if max(numbers) < 256 else None


def _of_base(run: str) -> str | None:
    bare = run.rstrip("=")
    if bare.upper() == bare and re.fullmatch(r"[A-Z2-7]+", bare) is not None:
        told = _text_of(_or_none(base64.b32decode, bare + "=" * (-len(bare) % 8)))
        if told is not None:
            return told
    plain = bare.translate(_URL_SAFE)
    head = _text_of(
        _or_none(base64.b64decode, plain[:64] + "=" * (-len(plain[:64]) % 4))
    )
    if head is None:
        return None  # an image, a hash: known from its head
    plain = plain[: len(plain) - 1] if len(plain) % 4 == 1 else plain
    return _text_of(_or_none(base64.b64decode, plain + "=" * (-len(plain) % 4)))


_URL_SAFE: Final = str.maketrans("-_", "+/")


def _or_none(decode: Callable[[str], bytes], run: str) -> bytes | None:
    try:
        return decode(run)
    except (binascii.Error, ValueError):
        return None


def _text_of(raw: bytes | None) -> str | None:
    """
    Read bytes as text if that is what they are: at least nine in ten printable, with letters.
    """
    if raw is None or len(raw) < 6:
        return None
    if raw[1:16:2].count(0) * 2 == len(raw[1:16:2]) * 2:
        text = raw.decode("utf-16-le", "ignore")
    else:
        text = raw.decode("utf-8", "replace")
    bad = text.count("\ufffd") + sum(
        not one.isprintable() and one not in "\n\r\t" for one in text[:512]
    )
    if bad * 10 > min(len(text), 512) or not any(one.isalpha() for one in text):
        return None
    return text


def _of_bits(run: str) -> str | None:
    groups = run.split()
    if len(groups) == 1:
        groups = [run[at : at + 8] for at in range(0, len(run) - 7, 8)]
    return _text_of(bytes(int(group, 2) & 0xFF for group in groups if group))


def _of_morse(run: str) -> str | None:
    words = re.split(r" *[/|] *| {2,}", run.strip())
    told = " ".join(
        "".join(_MORSE.get(one, "?") for one in word.split()) for word in words
    )
    return told if told.count("?") * 5 < len(told) else None


# -- letters

_SEPARATORS: Final = "-._*|~,/+"
_STOPS: Final = re.compile(r"(?<=[^\s.])([.,;:!?]?)\.(?= )")
_REPEATED: Final = re.compile(r"([A-Za-z])\1{2,}")
_LEET: Final = str.maketrans("013457@$!|", "oieastasil")
_KEYWORDS: Final = re.compile(
    r"(ignore|disregard|forget|everything|previous|prior|above|instructions?|prompts?|system|"
    r"reveal|repeat|show|print|output|rules|guidelines|restrictions|pretend|please|without|"
    r"filters?|secret|password|answer|respond|the|all|your|you|and|that|hate|now|say|tell)",
    re.IGNORECASE,
)


def _joined(text: str) -> list[_Edit]:
    """
    Join letters that stand apart: ``i g n o r e``, ``i-g-n-o-r-e``.
    """
    edits = []
    at = 0
    for line in text[:MAX_CHARACTERS].splitlines(keepends=True):
        for match in _SINGLES.finditer(line):
            joined = _without_gaps(match[0])
            if joined is not None:
                edits.append(_Edit(at + match.start(), at + match.end(), joined))
        at += len(line)
    return edits


_SINGLES: Final = re.compile(
    r"(?:[^\n] (?: {2})?){5,}[^\n ]?"
    r"|" + "|".join(rf"(?:[^\n]{re.escape(one)}){{5,}}[^\n]?" for one in _SEPARATORS)
)


def _without_gaps(run: str) -> str | None:
    gaps = run[1::2]
    if len(set(gaps)) == 1:
        joined = run[::2]
    else:
        joined = " ".join(word.replace(" ", "") for word in re.split(r" {2,}", run))
    letters = sum(one.isalpha() for one in joined)
    if letters * 2 < len(joined):
        return None
    if len(joined) > 14 and " " not in joined.strip():  # no word is so long
        joined = re.sub(r" +", " ", _KEYWORDS.sub(r" \1 ", joined))
    return joined


def _unstopped(text: str) -> list[_Edit]:
    return [
        _Edit(*match.span(), match[1])
        for match in _STOPS.finditer(text[:MAX_CHARACTERS])
    ]


def _is_leet(head: str) -> bool:
    digits = sum(map(head.count, "013457@$"))
    if digits * 16 < len(head):
        return False
    return len(_LEET_WORD.findall(head[:2048])) >= 3


_LEET_WORD: Final = re.compile(
    r"\b(?=\w*[A-Za-z])(?=\w*[013457])(?:[A-Za-z]{1,4}[013457@$]{1,2}){1,5}[A-Za-z]*\b"
    r"|\b[013457]{1,2}[a-z]{1,4}(?:[013457]|\b)"
)


def _shifted(text: str) -> str | None:
    """
    Undo a Caesar shift or atbash, for a text without any common word.
    """
    sample = text[:400]
    if _WORD.search(sample) is not None:
        return None
    letters = sum(one.isascii() and one.isalpha() for one in sample)
    if letters * 10 < len(sample) * 6:
        return None
    best, table = 2, None
    for candidate in _ALPHABETS:
        words = sum(1 for _ in _COMMON.finditer(sample.translate(candidate)))
        if words > best:
            best, table = words, candidate
    return text.translate(table) if table is not None else None


_LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
_ALPHABETS: Final = [
    str.maketrans(_LOWER + _LOWER.upper(), told + told.upper())
    for told in [
        *(_LOWER[by:] + _LOWER[:by] for by in range(1, 26)),
        _LOWER[::-1],
    ]
]
_COMMON: Final = re.compile(
    r"\b(?:the|and|you|your|all|to|of|ignore|instructions|is|that|for|now)\b",
    re.IGNORECASE,
)

_WAYS: Final[dict[int, tuple[str, Callable[[str], list[_Edit]]]]] = {
    _CODES: (
        "base64",
        _runs(
            r"[A-Za-z0-9+/_-]*[A-Za-z0-9]{22,}[A-Za-z0-9+/_-]*(?:\r?\n[A-Za-z0-9+/_-]{16,})*={0,6}",
            _of_code,
        ),
    ),
    _HEX: (
        "hex",
        _runs(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ :,-]*){7,}", _of_hex),
    ),
    _BITS: ("binary", _runs(r"(?:[01]{7,8} ?){5,}", _of_bits)),
    _MORSE_CODE: (
        "morse",
        _runs(r"(?:[.-]{1,6}(?: +[/|]? *)){7,}[.-]{0,6}", _of_morse),
    ),
    _NUMBERS: ("numbers", _runs(r"(?:\d{2,3}[ ,]+){9,}\d{2,3}", _of_numbers)),
    _SPACED: ("spaced", _joined),
    _STOPPED: ("stopped", _unstopped),
}
