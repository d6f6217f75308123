"""
What of a stream was sent to the caller, kept so that it can be ended at any event.

`Tracker.note` sees every frame, so it tests bytes; JSON is parsed only when a stream is cut.
What it knows of an answer takes about the room of the answer's own text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from gateway import codec
from gateway.views import fields_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.views import Request

#: Bytes that are kept of one stream; of a longer answer only the newest part is not told again.
_ROOM: Final = 4 * 1024 * 1024

# Inside a JSON string these would have backslashes before their quotes, so that they are found
# only where they are members.
_TYPE: Final = re.compile(rb'"type"\s*:\s*"(response\.[\w.]+|error)"')
_AT: Final = re.compile(rb'"output_index"\s*:\s*(\d{1,9})\s*[,}]')
_NUMBER: Final = re.compile(rb'"(?:content|summary)_index"\s*:\s*(\d{1,9})\s*[,}]')
_SEQUENCE: Final = re.compile(rb'"sequence_number"\s*:\s*\d+')
_DELTA: Final = re.compile(rb'"delta"\s*:\s*"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BACKSLASH: Final = 0x5C

#: The texts that an ended stream says again.
SAID: Final = frozenset(
    {b"output_text", b"refusal", b"reasoning_text", b"reasoning_summary_text"}
)
_TERMINAL: Final = frozenset(
    {b"response.completed", b"response.incomplete", b"response.failed", b"error"}
)


@attrs.define(kw_only=True)
class Said:
    """
    A running text as it was sent.

    Attributes:
        name: What its events are called: ``output_text``.
        at: The index of its item.
        number: The index of its part.
        mark: What stands before the text in each of its deltas.
        head: What each of its deltas begins with, if that and *mark* tell them from all others.
        others: Byte strings that together stand in no other text's deltas, where they do not.
        source: The text, as the inside of a JSON string.
        is_whole: Whether *source* is all of it.
        is_said: Whether the event that says it again was sent.
        is_closed: Whether the event that closes its part was sent.
        annotations: The frames that announced its annotations.
    """

    name: bytes
    at: int
    number: int
    mark: bytes = b""
    head: bytes = b""
    others: tuple[bytes, ...] = ()
    source: bytearray = attrs.Factory(bytearray)
    is_whole: bool = True
    is_said: bool = False
    is_closed: bool = False
    annotations: list[bytes] = attrs.Factory(list)

    def know(self, frame: bytes, kind: bytes, start: int) -> None:
        """
        Learn from one delta how to know the others; its text begins at *start*.

        Most servers write everything that tells a text from others between the number of the
        event and its text, so that this stretch of bytes stays the same.
        """
        number = _SEQUENCE.search(frame)
        places = [
            found for found in (_AT.search(frame), _NUMBER.search(frame)) if found
        ]
        since = number.end() if number is not None else start
        if number is not None and all(since <= p.start() < start for p in places):
            self.mark = frame[since:start]
            self.head = frame[: number.start()]
            self.others = ()
            if kind in self.head:
                return
        self.head = b""
        self.mark = frame[frame.rindex(b'"delta"', 0, start) : start]
        self.others = (b'"%b"' % kind, *(place[0] for place in places))

    def is_in(self, frame: bytes) -> bool:
        """
        Tell whether *frame*, which holds `mark`, is a delta of this text.
        """
        if self.head:
            return frame.startswith(self.head)
        return all(other in frame for other in self.others)

    @property
    def text(self) -> str:
        """
        The text.
        """
        text: str = codec.loads(b'"' + self.source + b'"')
        return text


class Tracker:
    """
    Remembers one stream.

    Args:
        request: What the stream answers.

    Attributes:
        created: The frame that began the response, or b"".
        last: The last frame with an event.
        added: By output index, the frame that added an item which is not done.
        done: By output index, the frame that said an item to be done.
        said: The running texts of items that are not done, in their order.
        is_over: Whether the stream was ended.
    """

    __slots__ = (
        "_current",
        "_room",
        "_skipped",
        "added",
        "created",
        "done",
        "is_over",
        "last",
        "request",
        "said",
    )

    def __init__(self, request: Request) -> None:
        self.request = request
        self.created = b""
        self.last = b""
        self.added: dict[int, bytes] = {}
        self.done: dict[int, bytes] = {}
        self.said: list[Said] = []
        self.is_over = False
        self._current: Said | None = None
        self._skipped = b""
        self._room = _ROOM

    def note_all(self, frames: Sequence[bytes], data: bytes) -> None:
        """
        Note each of *frames*.
        """
        for frame in frames:
            self.note(frame)

    def note(self, frame: bytes) -> None:
        """
        Remember what *frame* says.
        """
        said = self._current
        if said is not None:
            start = frame.find(said.mark)
            if start >= 0 and said.is_in(frame):
                self.last = frame
                self._append(said, frame, start + len(said.mark))
                return
        elif self._skipped and self._skipped in frame:
            self.last = frame
            return
        self._note(frame)

    def _append(self, said: Said, frame: bytes, start: int) -> None:
        end = frame.find(b'"', start)
        if frame[end - 1] != _BACKSLASH:
            piece = frame[start:end]
        else:  # perhaps an escaped quote, perhaps an escaped backslash
            found = _DELTA.search(frame)
            piece = found[1] if found is not None else b""
        self._room -= len(piece)
        if self._room > 0:
            said.source += piece
        else:
            said.is_whole = False

    def _note(self, frame: bytes) -> None:
        found = _TYPE.search(frame)
        if found is None:
            return  # a comment, or nothing of this dialect
        self.last = frame
        kind = found[1]
        _, _, rest = kind.partition(b".")
        name, _, end = rest.rpartition(b".")
        if end == b"delta":
            if name in SAID:
                self._begin(frame, kind, name)
            else:  # a call's: an unfinished one is not told again
                self._current = None
                self._skipped = b'"%b"' % kind
        elif kind in _TERMINAL:
            self.is_over = True
        elif name == b"output_item":
            self._note_item(frame, end)
        elif end in {b"done", b"added"}:
            self._note_part(frame, name, is_done=end == b"done")
        elif not self.created and rest in {b"created", b"queued", b"in_progress"}:
            self.created = frame

    def _begin(self, frame: bytes, kind: bytes, name: bytes) -> None:
        delta = _DELTA.search(frame)
        if delta is None:
            return
        said = self._find(frame, name)
        said.know(frame, kind, delta.start(1))
        self._append(said, frame, delta.start(1))
        self._current = said

    def _note_item(self, frame: bytes, end: bytes) -> None:
        at = _index(_AT, frame)
        if end == b"added":
            self.added[at] = frame
            return
        self.added.pop(at, None)
        self.said = [said for said in self.said if said.at != at]
        self._current = None
        self._room -= len(frame)
        if self._room > 0:
            self.done[at] = frame

    def _note_part(self, frame: bytes, name: bytes, *, is_done: bool) -> None:
        if name == b"output_text.annotation":
            self._find(frame, b"output_text").annotations.append(frame)
        elif name == b"reasoning_summary_part":
            self._find(frame, b"reasoning_summary_text").is_closed = is_done
        elif name == b"content_part":
            self._find(frame, _part_name(frame)).is_closed = is_done
        elif name in SAID and is_done:
            self._find(frame, name).is_said = True

    def _find(self, frame: bytes, name: bytes) -> Said:
        at, number = _index(_AT, frame), _index(_NUMBER, frame)
        for said in self.said:
            if (said.name, said.at, said.number) == (name, at, number):
                return said
        said = Said(name=name, at=at, number=number)
        self.said.append(said)
        return said


def event_of(frame: bytes) -> dict[str, Any]:
    """
    Parse the event in *frame*; an empty one where it cannot be.
    """
    try:
        doc = codec.loads(fields_of(frame)[1])
    except codec.JsonError:
        return {}
    return doc if isinstance(doc, dict) else {}


def _part_name(frame: bytes) -> bytes:
    part = event_of(frame).get("part")
    kind = part.get("type") if isinstance(part, dict) else None
    return kind.encode() if kind in ("refusal", "reasoning_text") else b"output_text"


def _index(pattern: re.Pattern[bytes], frame: bytes) -> int:
    found = pattern.search(frame)
    return int(found[1]) if found is not None else 0
