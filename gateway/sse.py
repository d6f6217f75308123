"""
Cutting a byte stream into server-sent events without decoding it.

Source: WHATWG HTML section 9.2 (event streams): line ends are LF, CRLF and CR, a byte order mark
is skipped at the very start, an event that is not finished at the end is no event.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Bytes that one event may have.
MAX_EVENT_BYTES: Final = 8 * 1024 * 1024

_END: Final = b"\n\n"
#: As a number, which is looked for faster than bytes.
_CARRIAGE_RETURN: Final = ord("\r")
_BOM: Final = b"\xef\xbb\xbf"
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")


class FrameTooLarge(ValueError):
    """
    One event is larger than `MAX_EVENT_BYTES`.
    """


class Frames:
    """
    Cuts reads of any size into whole frames, each with its blank line; joined they are the input.
    """

    __slots__ = ("_rest", "_started", "limit")

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._rest = b""
        self._started = False
        self.limit = limit

    @property
    def rest(self) -> bytes:
        """
        What came after the last whole frame.
        """
        return self._rest

    def feed(self, data: bytes) -> list[bytes]:
        """
        Return the frames that *data* completes.

        Raises:
            FrameTooLarge: if an event passes the limit.
        """
        rest = self._rest + data if self._rest else data
        if not self._started:
            rest = self._skip_mark(rest)
        if _CARRIAGE_RETURN in rest:
            frames = self._cut(rest, final=False)
        else:
            # As most reads bring it: one frame.  No blank line is before the first line's end,
            # which is found several times as fast.
            if rest.find(_END, rest.find(b"\n")) == len(rest) - len(_END) >= 0:
                self._rest = b""
                return [rest]
            pieces = rest.split(_END)
            self._rest = pieces.pop()
            frames = [piece + _END for piece in pieces]
        if len(self._rest) > self.limit:
            msg = f"an event is larger than {self.limit} bytes"
            raise FrameTooLarge(msg)
        return frames

    def finish(self) -> list[bytes]:
        """
        Return the frame that the end of the input completes: one that ends in a bare CR.

        What then stands in `rest` is an event that was never finished.
        """
        if self._rest.endswith(b"\r"):
            return self._cut(self._rest, final=True)
        return []

    def _skip_mark(self, rest: bytes) -> bytes:
        if len(rest) < len(_BOM) and _BOM.startswith(rest):
            return rest
        self._started = True
        return rest.removeprefix(_BOM)

    def _cut(self, rest: bytes, *, final: bool) -> list[bytes]:
        # The last CR may yet become a CRLF.
        held = not final and rest.endswith(b"\r")
        frames = []
        at = 0
        for blank in _BLANK_LINE.finditer(rest, 0, len(rest) - held):
            frames.append(rest[at : blank.end()])
            at = blank.end()
        self._rest = rest[at:]
        return frames


def has_any(data: bytes, marks: Sequence[bytes]) -> bool:
    """
    Tell whether one of *marks* stands in *data*.

    Backwards, for where nothing is found that takes a third to a half of the time; and no
    generator, which would cost an event more than the search.
    """
    for mark in marks:  # noqa: SIM110
        if data.rfind(mark) >= 0:
            return True
    return False


def marked(
    frames: Sequence[bytes], data: bytes, marks: Sequence[bytes]
) -> Sequence[int]:
    """
    Return the places of those *frames*, joined *data*, in which one of *marks* stands, in order.

    Searched in one go: a search per frame would cost four times as much in a burst.
    """
    ends: list[int] = []
    found = set()
    for mark in marks:
        if data.rfind(mark) < 0:
            continue
        if len(frames) == 1:
            return (0,)
        ends = ends or list(accumulate(map(len, frames)))
        at = data.find(mark)
        while at >= 0:
            index = bisect_right(ends, at)
            found.add(index)
            at = data.find(mark, ends[index])
    return sorted(found)
