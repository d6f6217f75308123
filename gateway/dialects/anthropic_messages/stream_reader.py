"""
Reads Anthropic's stream into neutral events.

Source: Anthropic's API reference, streaming messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway import codec
from gateway.dialects.anthropic_messages.faults import read_error
from gateway.dialects.anthropic_messages.outcome import (
    merge_usage,
    read_stop,
    read_tier,
    read_usage,
)
from gateway.dialects.anthropic_messages.wire import NAME
from gateway.dialects.lenient import object_at, string_at
from gateway.neutral import (
    Annotation,
    Close,
    Delta,
    End,
    Event,
    Failed,
    Finish,
    Opaque,
    Open,
    Ping,
    ReasoningBlock,
    Seal,
    SealDelta,
    Start,
    Stop,
    TextBlock,
    ToolCall,
    Used,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.views import Chunk

Doc = dict[str, Any]

_PIECES: Final = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
}


class MessagesReader:
    """
    Reads one stream.

    A block of a hosted tool is kept until it is complete, for nobody could continue it.
    """

    __slots__ = ("_calls_tool", "_finished", "_opaque", "_usage")

    def __init__(self) -> None:
        self._usage: Doc = {}
        self._opaque: dict[int, _Unread] = {}
        self._calls_tool = False
        self._finished = False

    def read(self, chunk: Chunk) -> Iterable[Event]:
        """
        Return the events that *chunk* means, in order.
        """
        doc = chunk.doc
        match doc.get("type") if isinstance(doc, dict) else None:
            case "content_block_delta":
                return self._block_delta(doc)
            case "content_block_start":
                return self._begin(_index(doc), object_at(doc, "content_block"))
            case "content_block_stop":
                return self._end(_index(doc))
            case "message_start":
                return self._message_start(doc)
            case "message_delta":
                return self._message_delta(doc)
            case "message_stop":
                return self._message_stop()
            case "error":
                return [Failed(read_error(doc.get("error")))]
            case "ping":
                return [Ping()]
        return ()

    def _message_start(self, doc: Doc) -> list[Event]:
        message = object_at(doc, "message")
        usage = message.get("usage")
        merge_usage(self._usage, usage)
        events: list[Event] = [
            Start(
                string_at(message, "id"),
                string_at(message, "model"),
                service_tier=read_tier(usage),
            )
        ]
        # An answer that was begun for the model, where a provider repeats it.
        content = message.get("content")
        for index, block in enumerate(content if isinstance(content, list) else ()):
            if isinstance(block, dict):
                events += self._begin(index, block)
                events += self._end(index)
        return events

    def _begin(self, index: int, block: Doc) -> list[Event]:
        kind = block.get("type")
        if kind == "text":
            return [Open(index, TextBlock(text="")), *_piece(index, block.get("text"))]
        if kind == "thinking":
            return [
                Open(index, ReasoningBlock()),
                *_piece(index, block.get("thinking")),
                *_seal(index, block.get("signature")),
            ]
        if kind == "redacted_thinking":
            redacted = ReasoningBlock(is_redacted=True)
            return [Open(index, redacted), *_seal(index, block.get("data"))]
        if kind == "tool_use":
            self._calls_tool = True
            call = ToolCall(id=string_at(block, "id"), name=string_at(block, "name"))
            given = block.get("input")
            source = codec.dumps(given).decode() if given else ""
            return [Open(index, call), *_piece(index, source)]
        self._opaque[index] = _Unread(block)
        return []

    def _block_delta(self, doc: Doc) -> list[Event]:
        index, delta = _index(doc), object_at(doc, "delta")
        unread = self._opaque.get(index)
        if unread is not None:
            unread.note(delta)
            return []
        kind = string_at(delta, "type")
        if kind == "signature_delta":
            return _seal(index, delta.get("signature"))
        if kind == "citations_delta":
            return [Annotation(index, object_at(delta, "citation"))]
        return _piece(index, delta.get(_PIECES.get(kind, "")))

    def _end(self, index: int) -> list[Event]:
        unread = self._opaque.pop(index, None)
        if unread is None:
            return [Close(index)]
        return [Open(index, Opaque(dialect=NAME, raw=unread.whole())), Close(index)]

    def _message_delta(self, doc: Doc) -> list[Event]:
        merge_usage(self._usage, doc.get("usage"))
        events: list[Event] = []
        delta = object_at(doc, "delta")
        if delta.get("stop_reason") is not None and not self._finished:
            self._finished = True
            events.append(Finish(read_stop(delta, calls_tool=self._calls_tool)))
        usage = read_usage(self._usage)
        if usage is not None:
            events.append(Used(usage))
        return events

    def _message_stop(self) -> list[Event]:
        if self._finished:
            return [End()]
        self._finished = True
        return [Finish(Stop(reason="unknown")), End()]


class _Unread:
    """
    A block that only its own dialect understands, while its pieces come.
    """

    __slots__ = ("_input", "_raw")

    def __init__(self, raw: Doc) -> None:
        self._raw = dict(raw)
        self._input: list[str] = []

    def note(self, delta: Doc) -> None:
        """
        Take over a piece of its input, or what else a delta says.
        """
        piece = delta.get("partial_json")
        if isinstance(piece, str):
            self._input.append(piece)
            return
        said = {key: value for key, value in delta.items() if key != "type"}
        self._raw.update(said)

    def whole(self) -> Doc:
        """
        Return the block as a whole answer would hold it.
        """
        source = "".join(self._input)
        if source:
            try:
                self._raw["input"] = codec.loads(
                    source.encode("utf-8", "surrogatepass")
                )
            except codec.JsonError:
                self._raw["input"] = {"_raw": source}
        return self._raw


def _index(doc: Doc) -> int:
    index = doc.get("index")
    return index if isinstance(index, int) else 0


def _piece(index: int, text: Any) -> list[Event]:
    return [Delta(index, text)] if isinstance(text, str) and text else []


def _seal(index: int, data: Any) -> list[Event]:
    if not isinstance(data, str) or not data:
        return []
    return [SealDelta(index, Seal.read(NAME, data))]
