"""
Characters that nobody sees and models read.

Joiners and variation selectors are part of emoji and of several scripts: they count only between
letters of ASCII, or several in a row.  Source: Unicode 16, DerivedCoreProperties
(Default_Ignorable_Code_Point), and UTS 51 for the flags that are spelt with tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["invisible_from", "invisibles"]

_RUN: Final = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]+"
)
#: What may stand alone beside something that is seen: joiners, selectors, marks of direction.
_ALONE: Final = re.compile(
    r"[\u00ad\u200c\u200d\u200e\u200f\u061c\u180b-\u180f\ufe00-\ufe0f]\Z"
)
_EMOJI_SELECTED: Final = re.compile(r"\ufe0f\u200d?\Z")
_BLACK_FLAG: Final = "\U0001f3f4"
_FLAG_TAGS: Final = re.compile(
    r"[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f\Z"
)


def invisibles(text: str, start: int) -> Iterator[tuple[int, int]]:
    """
    Find runs of characters that nobody sees and that nothing around them needs.
    """
    for run in _RUN.finditer(text, start):
        begin, end = run.span()
        if not _is_needed(text, begin, end):
            yield begin, end


def invisible_from(text: str, start: int) -> int:
    """
    Return where a run begins that the end of *text* cuts, or its length.
    """
    at = len(text)
    while at > start and _RUN.match(text, at - 1):
        at -= 1
    return at


def _is_needed(text: str, begin: int, end: int) -> bool:
    run = text[begin:end]
    before, after = text[begin - 1 : begin], text[end : end + 1]
    if run == "\ufeff" and begin == 0:
        return True  # a byte order mark
    if before == _BLACK_FLAG and _FLAG_TAGS.fullmatch(run):
        return True
    if _EMOJI_SELECTED.fullmatch(run) and before and not before.isalnum():
        return True
    is_between_letters = before.isascii() and after.isascii() and before.isalnum()
    return _ALONE.fullmatch(run) is not None and not is_between_letters
