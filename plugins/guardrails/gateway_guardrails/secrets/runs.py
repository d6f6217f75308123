"""
Runs of characters without a gap, and the formats that are looked for in them as a whole.

A run is decided once its end is there, and looked at from its start: so the way in which a text was
cut does not matter.  One that goes on for longer than `RUN_CHARACTERS` is cut there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from gateway_guardrails.secrets.rules import RunFormats

__all__ = ["RUN_CHARACTERS", "InRun", "find_in_runs", "is_run", "last_run"]

RUN_CHARACTERS: Final = 8192
#: What stands around a mark reaches so far into what follows.
LOCAL_CHARACTERS: Final = 512

# ASCII that stands in credentials, and in what stands right before them.
_SET: Final = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~+/=:%@$!?#&*^|"
)
_RUN: Final = re.compile(r"[A-Za-z0-9_.\-~+/=:%@$!?#&*^|]*")
# Letters, digits, - and _ as one letter, all else as a gap: then a long word is a plain search.
_WORDS: Final = bytes(
    97 if (chr(code).isalnum() and code < 128) or chr(code) in "-_" else 32
    for code in range(256)
)
#: Without as many of those in a row there is no credential of the kind that is looked for here.
_LONG_WORD: Final = b"a" * 22


class InRun(NamedTuple):
    """
    Where a format was found; *number* is its place in `RunFormats.formats`.
    """

    number: int
    start: int
    end: int


def is_run(text: str) -> bool:
    """
    Tell whether *text* has no gap.
    """
    return not text.strip(_SET)


def last_run(text: str, start: int) -> int:
    """
    Return where what is undecided begins: the last run, or what is left of a very long one.
    """
    whole = _RUN.match(text, start)
    end = len(text)
    if whole is not None and whole.end() == end:
        begin = start
    else:
        begin = max(start, len(text.rstrip(_SET)))
    if end - begin <= RUN_CHARACTERS + LOCAL_CHARACTERS:
        return begin
    return begin + (end - begin - LOCAL_CHARACTERS) // RUN_CHARACTERS * RUN_CHARACTERS


def find_in_runs(
    formats: RunFormats, text: str, start: int, end: int, marked: Sequence[int]
) -> Iterator[InRun]:
    """
    Look through the runs from *start* to *end* that are long enough, or have a mark.

    Args:
        marked: Where marks stand.
    """
    for begin, stop in _runs(text, start, end, marked):
        if text[begin - 1 : begin] == "\\" and text[begin] in "nrt":
            begin += 1  # a line's end as it stands in escaped text
        for first in range(begin, stop, RUN_CHARACTERS):
            piece = text[first : min(stop, first + RUN_CHARACTERS)]
            for number in formats.gate.hits(piece):
                for match in formats.patterns[number].finditer(piece):
                    found_end = match.end(1)
                    if found_end < len(piece) and (
                        piece[found_end].isalnum() or piece[found_end] == "_"
                    ):
                        continue
                    yield InRun(number, first + match.start(1), first + found_end)


def _runs(
    text: str, start: int, end: int, marked: Sequence[int]
) -> Iterator[tuple[int, int]]:
    places = sorted({*_long_words(text, start, end), *marked})
    reached = start
    for at in places:
        if at < reached:
            continue
        begin = reached + len(text[reached:at].rstrip(_SET))
        run = _RUN.match(text, at, end)
        reached = run.end() if run else at
        yield begin, reached


def _long_words(text: str, start: int, end: int) -> Iterator[int]:
    piece = text[start:end]
    # A character beyond ASCII is a gap; of one byte, so that positions stay.
    words = piece.encode("ascii", "replace").replace(b"?", b" ").translate(_WORDS)
    at = words.find(_LONG_WORD)
    while at >= 0:
        yield start + at
        gap = words.find(b" ", at)
        at = words.find(_LONG_WORD, gap) if gap >= 0 else -1
