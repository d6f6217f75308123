"""
What codes and escapes say: base64, hex, percent signs, Morse.

Each way returns what is to be put where, and nothing for what is no text once it is decoded.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable
from itertools import islice
from typing import Final, NamedTuple
from urllib.parse import unquote

from gateway_guardrails.injection.places import places
from gateway_guardrails.patterns import compile_pattern

__all__ = [
    "MAX_CANDIDATES",
    "MAX_CHARACTERS",
    "Edit",
    "of_bits",
    "of_code",
    "of_hex",
    "of_morse",
    "of_numbers",
    "runs",
    "unescaped",
]

#: What all readings of a text may have together, in characters.
MAX_CHARACTERS: Final = 65_536
#: How many encoded things are decoded in one text.
MAX_CANDIDATES: Final = 32


class Edit(NamedTuple):
    """
    What is put in the place of ``text[start:end]``.
    """

    start: int
    end: int
    new: str


# Each pattern begins with a character that is sought first

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


def unescaped(text: str) -> list[Edit]:
    """
    Read what percent signs, backslashes, entities and quoted-printable spell.
    """
    edits: list[Edit] = []
    for least, mark, pattern in _ESCAPES:
        if mark not in text or text.count(mark) < least:  # to count takes longer
            continue
        some = [
            Edit(*match.span(), _character(match[0]))
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


def runs(
    pattern: str, told: Callable[[str], str | None]
) -> Callable[[str], list[Edit]]:
    """
    Make a way of reading: find runs by *pattern*, and put in their place what they tell.
    """
    compiled = compile_pattern(pattern)

    def read(text: str) -> list[Edit]:
        edits = []
        for start, end in places(compiled, text, MAX_CANDIDATES):
            decoded = told(text[start : min(end, start + 2 * MAX_CHARACTERS)])
            if decoded is not None:
                edits.append(Edit(start, end, decoded))
        return edits

    return read


def of_code(run: str) -> str | None:
    """
    Decode hex, base32 or base64, whichever gives text; None if none does.
    """
    run = re.sub(r"\s", "", run)
    return of_hex(run) or _of_base(run)


def of_hex(run: str) -> str | None:
    """
    Decode pairs of hexadecimal digits, however they are separated.
    """
    packed = re.sub(r"0x|\\x|[\s:,-]", "", run)
    if len(packed) % 2 or re.fullmatch(r"[0-9a-fA-F]+", packed) is None:
        return None
    return _text_of(bytes.fromhex(packed))


def of_numbers(run: str) -> str | None:
    """
    Decode bytes that are written as decimal numbers.
    """
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
    if not any(raw[1:16:2]):  # every second byte is zero, in what is ASCII
        text = raw.decode("utf-16-le", "ignore")
    else:
        text = raw.decode("utf-8", "replace")
    bad = text.count("\ufffd") + sum(
        not one.isprintable() and one not in "\n\r\t" for one in text[:512]
    )
    if bad * 10 > min(len(text), 512) or not any(one.isalpha() for one in text):
        return None
    return text


def of_bits(run: str) -> str | None:
    """
    Decode bytes that are written as bits.
    """
    groups = run.split()
    if len(groups) == 1:
        groups = [run[at : at + 8] for at in range(0, len(run) - 7, 8)]
    return _text_of(bytes(int(group, 2) & 0xFF for group in groups if group))


def of_morse(run: str) -> str | None:
    """
    Decode Morse code; None if much of it is none.
    """
    words = re.split(r" *[/|] *| {2,}", run.strip())
    told = " ".join(
        "".join(_MORSE.get(one, "?") for one in word.split()) for word in words
    )
    return told if told.count("?") * 5 < len(told) else None
