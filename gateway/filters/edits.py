"""
Edits: what to replace in a text, and what that does to the text and to offsets into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs


@attrs.frozen
class Edit:
    """
    Replaces the characters from *start* up to, but not including, *end* by *new*.

    Positions count in the text that ``find`` was given.

    Attributes:
        is_number: What it replaces stood for a number: where that is all of a string in JSON, and
            *new* a whole number, the string becomes that number.
    """

    start: int
    end: int
    new: str
    is_number: bool = False


def decided(
    edits: Iterable[Edit], start: int, safe: int, length: int
) -> tuple[Sequence[Edit], int]:
    """
    Return those of the *edits* in a text of *length* that are decided, and up to where it is.

    An edit that reaches behind *safe* is not decided yet, and so is nothing from it on: its
    beginning must not leave without its end.

    Raises:
        ValueError: if *safe* or an edit lies left of *start* or behind the text, or if an edit
            is empty or out of order.
    """
    if not start <= safe <= length:
        msg = (
            f"safe is {safe}, not between start ({start}) and the text's end ({length})"
        )
        raise ValueError(msg)
    out: list[Edit] = []
    at = start
    for edit in edits:
        if edit.start < at:
            msg = f"the edit at {edit.start} overlaps the one before it, or start ({start})"
            raise ValueError(msg)
        if edit.end <= edit.start:
            msg = f"the edit at {edit.start} replaces nothing; give it at least one character"
            raise ValueError(msg)
        if edit.end > length:
            msg = f"the edit at {edit.start} ends at {edit.end}, behind the text ({length})"
            raise ValueError(msg)
        if edit.end > safe:
            return out, min(safe, edit.start)
        out.append(edit)
        at = edit.end
    return out, safe


def splice(text: str, edits: Iterable[Edit], offset: int = 0) -> str:
    """
    Return *text*, which begins at *offset*, with *edits* made.

    Of an edit that reaches over one of its ends only the part inside is made; the new text
    stands where the edit begins.
    """
    parts = []
    at = offset
    end = offset + len(text)
    for edit in edits:
        if edit.start >= offset:
            parts.append(text[at - offset : edit.start - offset])
            parts.append(edit.new)
        at = min(edit.end, end)
    parts.append(text[at - offset :])
    return "".join(parts)


def shifted(position: int, edits: Iterable[Edit], *, is_end: bool) -> int:
    """
    Return where *position* lies once *edits* were made.

    A position inside an edit moves to the edge of what replaced it: the left one, or with
    *is_end* the right one.
    """
    moved = 0
    for edit in edits:
        if edit.start >= position:
            break
        if edit.end > position:
            edge = edit.start + (len(edit.new) if is_end else 0)
            return edge + moved
        moved += len(edit.new) - (edit.end - edit.start)
    return position + moved


def merged(edits: Iterable[Edit]) -> list[Edit]:
    """
    Put *edits* in order, one edit in place of those that overlap.

    It covers what any of them covered; the widest one's text stands for all.
    """
    out: list[Edit] = []
    widest = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        width = edit.end - edit.start
        if not out or edit.start >= out[-1].end:
            out.append(edit)
            widest = width
            continue
        last = out[-1]
        new = edit.new if width > widest else last.new
        out[-1] = Edit(last.start, max(last.end, edit.end), new)
        widest = max(widest, width)
    return out
