"""
Private keys in armour (PEM, PGP, SSH2, OpenVPN), whole, cut off, or with their lines escaped.

Source: RFC 7468 (PEM), RFC 9580 section 6.2 (armour), RFC 4716 (SSH2's form).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["BEGIN", "FIRST_LINES", "MOST_CHARACTERS", "Block", "block_at", "body_at"]

#: In lower case, as all literals are.
BEGIN: Final = "-----begin "
#: Ends of the first lines that have gaps: what is found begins behind them.
FIRST_LINES: Final = ("ssh2 encrypted private key ----", "ssh2 private key ----")
#: An RSA key of 16384 bits takes 12,700; beyond, what is found is the beginning.
MOST_CHARACTERS: Final = 16_384

_LABEL_CHARACTERS: Final = 80
_LABEL: Final = (
    r"(?:[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?|OpenVPN Static key V[0-9])-----"
)
_HEADER: Final = re.compile(f"-----BEGIN {_LABEL}")
_HEADER_PART: Final = re.compile(r"-----BEGIN [A-Za-z0-9 ]{0,60}-{0,5}\Z")
_BODY: Final = re.compile(
    r"""
    (?: (?:\s|\\[nrt]|[\\"'+,>#|*])+
        (?: (?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset)[^\n\\]{0,120} | [A-Za-z0-9+/=]{4,} )
    |   [A-Za-z0-9+/=]{16,}
    )*
    """,
    re.VERBOSE,
)
_GAP: Final = r"""(?:\s|\\[nrt]?|[\\"'+,>#|*])*"""
_END: Final = re.compile(f"{_GAP}-----END {_LABEL}")
_SSH2_END: Final = re.compile(f"{_GAP}---- END SSH2 (?:ENCRYPTED )?PRIVATE KEY ----")
# What the next line, header or the end may begin with.
_PART: Final = re.compile(
    _GAP
    + r"(?:[A-Za-z0-9+/=\-]{0,16}|-----E[A-Za-z0-9 ]{0,60}-{0,5}"
    + r"|---- (?:E[A-Z0-9 ]{0,40}-{0,4})?)\Z"
)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=]{24,}")
_LAST_WORD: Final = re.compile(r"(?:\s|\\[nrt])+[A-Z]?[a-z]{1,15}\Z")


class Block(NamedTuple):
    """
    How far a private key reaches.

    Attributes:
        end: Where it ends; its beginning if it is no key.
        is_open: More text could move that.
        is_closed: Its last line is there.
    """

    end: int
    is_open: bool
    is_closed: bool = False


def block_at(text: str, start: int, *, is_final: bool) -> Block:
    """
    Say how far the private key reaches that may begin at *start*.
    """
    limit = min(len(text), start + MOST_CHARACTERS)
    header = _HEADER.match(text, start, limit)
    if header is None:
        rest = text[start : start + _LABEL_CHARACTERS]
        is_short = not is_final and len(rest) < _LABEL_CHARACTERS
        return Block(start, is_short and _HEADER_PART.match(rest) is not None)
    body = _body_at(text, header.end(), limit, _END, is_final=is_final)
    is_empty = body.end == header.end() and body.is_closed
    return Block(start, False) if is_empty else body


def body_at(text: str, start: int, *, is_final: bool) -> Block:
    """
    Say how far the lines of a key in SSH2's form reach; to *start* if there are none.
    """
    limit = min(len(text), start + MOST_CHARACTERS)
    return _body_at(text, start, limit, _SSH2_END, is_final=is_final)


def _body_at(
    text: str, start: int, limit: int, end: re.Pattern[str], *, is_final: bool
) -> Block:
    found = _BODY.match(text, start, limit)
    body_end = found.end() if found else start
    has_key = _BASE64.search(text, start, body_end) is not None
    closed = end.match(text, body_end, limit)
    if closed is not None:
        return Block(closed.end() if has_key else start, False, is_closed=True)
    is_open = (
        not is_final
        and len(text) == limit
        and _PART.match(text, body_end, limit) is not None
    )
    if not has_key:
        return Block(start, is_open)
    return Block(_without_words(text, start, body_end), is_open)


def _without_words(text: str, start: int, end: int) -> int:
    # Words that follow a key which was cut off look like short lines of it.
    word = _LAST_WORD.search(text, max(start, end - 32), end)
    while word is not None:
        end = word.start()
        word = _LAST_WORD.search(text, max(start, end - 32), end)
    return end
