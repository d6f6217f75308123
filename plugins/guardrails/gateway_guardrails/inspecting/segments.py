"""
A request as what is looked at: each text by itself, and what the borders between parts may hide.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import attrs

from gateway.detecting import Place, Stage

if TYPE_CHECKING:
    from gateway import Text
    from gateway.detecting import Find

#: The parts of a message are looked at as one text up to this length, beyond it their borders.
_WHOLE: Final = 8192
#: How far to both sides of a border between parts, and between messages.
_REACH: Final = 512
_REACH_OF_MESSAGES: Final = 160
_MESSAGE: Final = "message"


@lru_cache(1024)
def place_of(stage: Stage, role: str | None, kind: str) -> Place:
    """
    Return the place of a text.
    """
    return Place(stage=stage, role=role, kind=kind)


@attrs.define(eq=False)  # not frozen: there are hundreds in a long conversation
class Segment:
    """
    One text of a request.
    """

    text: Text
    value: str = attrs.field(repr=False)
    place: Place


@attrs.frozen(eq=False, kw_only=True)
class Border:
    """
    A stretch of text over one or more borders between segments.

    Attributes:
        value: What stands there if the segments are read without a break.
        parts: The segments, and where in *value* each begins; a start below zero lies left of it.
        is_inside: The borders are inside one message.
    """

    value: str = attrs.field(repr=False)
    place: Place
    parts: Sequence[tuple[Segment, int]]
    is_inside: bool

    def crossing(self, find: Find) -> Iterator[tuple[Segment, Find]]:
        """
        Yield what each segment has of *find*; nothing if it lies in one of them alone.
        """
        shares = [
            (segment, find._replace(start=start, end=end))
            for segment, at in self.parts
            for start in [max(find.start - at, 0)]
            for end in [min(find.end - at, len(segment.value))]
            if start < end
        ]
        if len(shares) > 1:
            yield from shares


def segments_of(texts: Iterable[Text]) -> list[Segment]:
    """
    List the texts of a request that say something.
    """
    return [
        Segment(text, value, place_of("input", text.role, text.kind))
        for text in texts
        if (value := text.value)
    ]


def borders_of(segments: Iterable[Segment], fresh: Container[Segment]) -> list[Border]:
    """
    List the borders: between the parts of a message, and between messages of one role.

    Args:
        fresh: Of messages, which are only told of, those that have one of these beside them.
    """
    out: list[Border] = []
    last: dict[str | None, list[Segment]] = {}
    for message in _messages(segments):
        role = message[0].place.role
        if len(message) > 1:
            out += _inside(message)
        before = last.get(role)
        if before is not None and (before[-1] in fresh or message[0] in fresh):
            out.append(_between(before[-1], message[0]))
        last[role] = message
    return out


def _messages(segments: Iterable[Segment]) -> Iterator[list[Segment]]:
    """
    Yield what is said in one message, text by text.
    """
    message: list[Segment] = []
    for segment in segments:
        if segment.place.kind != _MESSAGE:
            continue
        if message and not _is_one_message(message[-1].text, segment.text):
            yield message
            message = []
        message.append(segment)
    if message:
        yield message


def _is_one_message(one: Text, other: Text) -> bool:
    """
    Tell whether two texts are parts of one message: their lanes part behind its number.
    """
    return one.role == other.role and _has_number(one.lane, other.lane)


def _has_number(lane: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    for step, its in zip(lane[:-1], other[:-1], strict=False):
        if step != its:
            return False
        if step.__class__ is int:
            return True
    return False


def _inside(message: list[Segment]) -> Iterator[Border]:
    if sum(len(segment.value) for segment in message) <= _WHOLE:
        yield _border(message, _starts(message), is_inside=True)
        return
    for left, right in pairwise(message):
        yield _around(left, right, _REACH, is_inside=True)


def _between(left: Segment, right: Segment) -> Border:
    return _around(left, right, _REACH_OF_MESSAGES, is_inside=False)


def _around(left: Segment, right: Segment, reach: int, *, is_inside: bool) -> Border:
    tail, head = left.value[-reach:], right.value[:reach]
    return Border(
        value=tail + head,
        place=left.place,
        parts=[(left, len(tail) - len(left.value)), (right, len(tail))],
        is_inside=is_inside,
    )


def _starts(message: Iterable[Segment]) -> list[int]:
    starts, at = [], 0
    for segment in message:
        starts.append(at)
        at += len(segment.value)
    return starts


def _border(
    message: Sequence[Segment], starts: Sequence[int], *, is_inside: bool
) -> Border:
    return Border(
        value="".join(segment.value for segment in message),
        place=message[0].place,
        parts=list(zip(message, starts, strict=True)),
        is_inside=is_inside,
    )
