"""
What a stream says of its outcome, what of it was sent, and how it is ended early.

Source: Anthropic's API reference, streaming messages and errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway import codec
from gateway.dialects.anthropic_messages.faults import error_doc, read_error
from gateway.dialects.anthropic_messages.outcome import (
    merge_usage,
    read_stop,
    read_usage,
)
from gateway.errors import Blocked
from gateway.views import Chunk, fields_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.dialects import Dialect
    from gateway.errors import ExchangeError
    from gateway.outcomes import Fault, Stop
    from gateway.usage import Usage
    from gateway.views import Request

_DELTA: Final = b"event: content_block_delta\n"


class MessagesFacts:
    """
    What a provider's stream says of usage and of why it stopped.
    """

    __slots__ = ("_usage", "fault", "stop", "usage")

    #: The keys stand in quotes; where a text holds them they are escaped.
    tells: tuple[bytes, ...] = (b'"usage"', b'"stop_reason"', b'"error"')

    def __init__(self) -> None:
        self._usage: dict[str, Any] = {}
        self.usage: Usage | None = None
        self.stop: Stop | None = None
        self.fault: Fault | None = None

    def read(self, chunk: Chunk) -> None:
        """
        Take over what *chunk* says.
        """
        doc = chunk.doc
        kind = doc.get("type") if isinstance(doc, dict) else None
        if kind == "message_start":
            message = doc.get("message")
            self._take(message.get("usage") if isinstance(message, dict) else None)
        elif kind == "message_delta":
            self._take(doc.get("usage"))
            delta = doc.get("delta")
            if isinstance(delta, dict) and delta.get("stop_reason") is not None:
                self.stop = read_stop(delta, calls_tool=False)
        elif kind == "error":
            self.fault = read_error(doc.get("error"))

    def _take(self, usage: Any) -> None:
        merge_usage(self._usage, usage)
        self.usage = read_usage(self._usage)


class MessagesTracker:
    """
    What of one stream was sent to the caller.

    Only frames are kept, and only those of the blocks that are open; they are read when the
    stream is cut.
    """

    __slots__ = ("_asked", "_open", "deltas", "is_ended", "is_started")

    def __init__(self, asked: Request) -> None:
        self._asked = asked
        self._open: list[bytes] = []
        self.deltas = 0
        self.is_started = False
        self.is_ended = False

    def note_all(self, frames: Sequence[bytes], data: bytes) -> None:
        """
        Note each of *frames*.
        """
        for frame in frames:
            self.note(frame)

    def note(self, frame: bytes) -> None:
        """
        Remember what *frame* opened and closed.
        """
        if frame.startswith(_DELTA):
            self.deltas += 1
            return
        event, _ = fields_of(frame)
        if event == b"content_block_start":
            self._open.append(frame)
        elif event == b"content_block_stop":
            self._close(frame)
        elif event == b"content_block_delta":
            self.deltas += 1
        elif event == b"message_start":
            self.is_started = True
        elif event in (b"message_stop", b"error"):
            self.is_ended = True

    def _close(self, frame: bytes) -> None:
        if len(self._open) < 2:
            self._open.clear()  # one block is open at a time
            return
        index = _index_of(frame)
        self._open = [start for start in self._open if _index_of(start) != index]

    def open_indexes(self) -> list[int]:
        """
        Return the numbers of the blocks that are open, in their order.
        """
        return [_index_of(frame) for frame in self._open]

    @property
    def model(self) -> str:
        """
        The model that the caller asked for.
        """
        return self._asked.model


def _index_of(frame: bytes) -> int:
    try:
        index = codec.loads(fields_of(frame)[1]).get("index")
    except (codec.JsonError, AttributeError):
        return 0
    return index if isinstance(index, int) else 0


def cut(
    dialect: Dialect, tracker: MessagesTracker, error: ExchangeError
) -> list[Chunk]:
    """
    End a stream that is under way.

    A guardrail ends it as the model's own refusal would; for anything else the SDK raises
    its error.
    """
    if tracker.is_ended:
        return []
    if not isinstance(error, Blocked):
        return [Chunk(dialect, doc=error_doc(error), event=b"error")]
    return [
        Chunk(dialect, doc=doc, event=doc["type"].encode())
        for doc in _refusal(tracker, error)
    ]


def _refusal(tracker: MessagesTracker, error: ExchangeError) -> list[dict[str, Any]]:
    docs: list[dict[str, Any]] = []
    if not tracker.is_started:
        docs.append({"type": "message_start", "message": _empty_message(tracker.model)})
    docs += [
        {"type": "content_block_stop", "index": index}
        for index in tracker.open_indexes()
    ]
    details = {"type": "refusal", "category": None, "explanation": str(error)}
    docs.append(
        {
            "type": "message_delta",
            "delta": {
                "stop_reason": "refusal",
                "stop_sequence": None,
                "stop_details": details,
            },
            # What was sent has at least as many tokens as pieces.
            "usage": {"output_tokens": tracker.deltas},
        }
    )
    docs.append({"type": "message_stop"})
    return docs


def _empty_message(model: str) -> dict[str, Any]:
    return {
        "id": "msg_blocked",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }
