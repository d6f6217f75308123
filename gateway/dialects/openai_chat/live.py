"""
A stream under way: what the provider tells on it, what was sent of it, and how to end it early.

Chat completions and legacy completions share all of this; they differ in what a choice holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from gateway import codec
from gateway.dialects.openai_chat.stops import read_stop, worst
from gateway.dialects.openai_chat.usage import read_any_usage
from gateway.dialects.openai_faults import chunk_fault, error_doc
from gateway.errors import Blocked
from gateway.outcomes import Stop
from gateway.sse import has_any, marked
from gateway.views import DONE, Chunk, fields_of

if TYPE_CHECKING:
    from gateway.dialects import Dialect
    from gateway.errors import ExchangeError
    from gateway.outcomes import Fault
    from gateway.usage import Usage
    from gateway.views import Request

DONE_FRAME: Final = b"data: [DONE]\n\n"

# In JSON a quote inside a string is escaped, so these match members only.  Vendors write no
# white space, or one space behind the colon.
_ENDS: Final = (b'"finish_reason":"', b'"finish_reason": "')
_READ: Final = (*_ENDS, b'"usage":{', b'"usage": {', b'"error"')
_CALLS: Final = (b'"tool_calls":[', b'"tool_calls": [')
_CHOICES: Final = b'"choices"'

#: Choices that one stream may have; OpenAI allows 128.
_MAX_CHOICES: Final = 1024


class ChatFacts:
    """
    Usage, stop and fault of one provider's stream.

    Attributes:
        tells: One of them stands in every event worth reading.
        usage: The last usage seen: vendors that send it with every event count upwards.
        stop: Why the model stopped; with several choices the worst.
        fault: What the provider reported instead of going on.
    """

    __slots__ = (
        "_has_calls",
        "_stops",
        "_was_empty",
        "fault",
        "stop",
        "tells",
        "usage",
    )

    def __init__(self) -> None:
        self.tells: tuple[bytes, ...] = (*_READ, *_CALLS, b"event: error", DONE)
        self.usage: Usage | None = None
        self.stop: Stop | None = None
        self.fault: Fault | None = None
        self._has_calls = False
        self._was_empty = False
        self._stops: dict[int, Stop] = {}

    def read(self, chunk: Chunk) -> None:
        """
        Take over what *chunk* says.
        """
        if chunk.data and not self._is_worth_reading(chunk):
            return
        if chunk.is_done:
            self._read_end()
            return
        doc = chunk.doc
        if not isinstance(doc, dict):
            return
        fault = chunk_fault(chunk)
        if fault is not None:
            self.fault = fault
        usage = read_any_usage(doc)
        if usage is not None:
            self.usage = usage
        choices = doc.get("choices")
        if isinstance(choices, list):
            for position, choice in enumerate(choices):
                if isinstance(choice, dict):
                    self._read_choice(choice, position)

    def _is_worth_reading(self, chunk: Chunk) -> bool:
        data = chunk.data
        if has_any(data, _READ) or chunk.event == b"error" or data == DONE:
            return True
        return not self._has_calls and has_any(data, _CALLS)

    def _read_choice(self, choice: dict[str, Any], position: int) -> None:
        index = choice.get("index")
        if not isinstance(index, int):
            index = position
        delta = choice.get("delta")
        if isinstance(delta, dict) and delta.get("tool_calls"):
            self._has_calls = True
        stop = read_stop(choice, has_calls=self._has_calls)
        if stop is None:
            self._was_empty |= choice.get("finish_reason") == ""
        elif len(self._stops) < _MAX_CHOICES:
            self._stops[index] = stop
            self.stop = worst(list(self._stops.values()))

    def _read_end(self) -> None:
        # xAI ends calls with an empty reason, others send one with every event: only the end
        # of the stream tells.
        if self.stop is None and self._was_empty and self._has_calls:
            self.stop = Stop(reason="tool")


class SentChunks:
    """
    What was sent of one stream: as much as a valid end of it needs to know.
    """

    __slots__ = ("_ends", "_first", "count")

    def __init__(self, count: int) -> None:
        #: How many choices the caller asked for.
        self.count = min(max(count, 1), _MAX_CHOICES)
        self._first = b""
        self._ends: list[bytes] = []

    def note(self, frame: bytes) -> None:
        """
        Keep the first frame and those that may finish a choice; parse nothing.
        """
        if not self._first:
            if _CHOICES in frame:
                self._first = frame
        elif len(self._ends) >= 2 * self.count:
            return
        for end in _ENDS:
            if end in frame and end + b'"' not in frame:
                self._ends.append(frame)
                return

    def note_all(self, frames: Sequence[bytes], data: bytes) -> None:
        """
        Note *frames*, of which nearly all finish nothing.
        """
        if not self._first:
            self._first = next((frame for frame in frames if _CHOICES in frame), b"")
        if has_any(data, _ENDS):
            for at in marked(frames, data, _ENDS):
                self.note(frames[at])

    def finished(self) -> set[int]:
        """
        Return the choices whose finish was sent.
        """
        return {
            index
            for frame in self._ends
            for index, choice in _choices_in(frame)
            if choice.get("finish_reason")
        }

    def envelope(self) -> dict[str, Any]:
        """
        Return the members that all events of the stream share.
        """
        doc = _doc_of(self._first)
        return {key: doc[key] for key in _SHARED if key in doc}


_SHARED: Final = (
    "id",
    "object",
    "created",
    "model",
    "service_tier",
    "system_fingerprint",
)


def choice_count(request: Request) -> int:
    """
    Return how many choices *request* asks for.
    """
    count = request.peek("n")
    return count if isinstance(count, int) and not isinstance(count, bool) else 1


def cut(
    dialect: Dialect,
    sent: SentChunks,
    error: ExchangeError,
    *,
    empty: Callable[[], dict[str, Any]],
    shape: Mapping[str, Any],
) -> list[Chunk]:
    """
    End a stream that is under way.

    Args:
        empty: Makes what a choice holds beside its index if it says nothing more.
        shape: The envelope for a stream of which nothing was sent yet.
    """
    out = []
    if isinstance(error, Blocked):
        out = _filtered(dialect, sent, empty, {**shape, **sent.envelope()})
    if not out:
        out = [Chunk(dialect, doc=error_doc(error))]
    return [*out, Chunk(dialect, DONE_FRAME)]


def _filtered(
    dialect: Dialect,
    sent: SentChunks,
    empty: Callable[[], dict[str, Any]],
    shape: Mapping[str, Any],
) -> list[Chunk]:
    """
    Finish every choice that is open as OpenAI's own content filter would.
    """
    finished = sent.finished()
    return [
        Chunk(
            dialect,
            doc={
                **shape,
                "choices": [
                    {
                        "index": index,
                        **empty(),
                        "logprobs": None,
                        "finish_reason": "content_filter",
                    }
                ],
            },
        )
        for index in range(sent.count)
        if index not in finished
    ]


def is_done_frame(frame: bytes) -> bool:
    """
    Tell whether *frame* is ``data: [DONE]``, in any spelling that SSE allows.
    """
    if frame == DONE_FRAME:
        return True
    return len(frame) < 64 and b"[DONE]" in frame and fields_of(frame)[1] == b"[DONE]"


def _doc_of(frame: bytes) -> dict[str, Any]:
    try:
        doc = codec.loads(fields_of(frame)[1])
    except codec.JsonError:
        return {}
    return doc if isinstance(doc, dict) else {}


def _choices_in(frame: bytes) -> list[tuple[int, dict[str, Any]]]:
    choices = _doc_of(frame).get("choices")
    if not isinstance(choices, list):
        return []
    return [
        (index if isinstance(index := choice.get("index"), int) else position, choice)
        for position, choice in enumerate(choices)
        if isinstance(choice, dict)
    ]
