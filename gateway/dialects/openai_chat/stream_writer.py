"""
Neutral events, written as one stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from gateway.dialects.custom_tools import free_text
from gateway.dialects.openai_chat.answer import (
    choice_logprobs,
    drop_block,
    offers_functions,
)
from gateway.dialects.openai_chat.citations import written
from gateway.dialects.openai_chat.live import DONE_FRAME
from gateway.dialects.openai_chat.offers import callers_tools
from gateway.dialects.openai_chat.reasoning import sealed_members
from gateway.dialects.openai_chat.stops import write_stop
from gateway.dialects.openai_chat.usage import write_usage
from gateway.dialects.openai_faults import fault_doc
from gateway.neutral import (
    Annotation,
    Block,
    Close,
    Delta,
    End,
    Event,
    Failed,
    Finish,
    MediaBlock,
    Opaque,
    Open,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    SealDelta,
    Start,
    SummaryPart,
    TextBlock,
    ToolCall,
    Used,
)
from gateway.views import Chunk

if TYPE_CHECKING:
    from gateway.dialects import Dialect
    from gateway.outcomes import Losses
    from gateway.usage import Usage
    from gateway.views import Request


#: What a call is, and what its arguments are called; by whether its tool takes free text.
_SOURCES: Final = {False: ("function", "arguments"), True: ("custom", "input")}


@attrs.define(kw_only=True)
class _Written:
    """
    One block, as far as it was written.

    Attributes:
        place: A call's index among the calls; a text's first character in the content.
        end: The character after a text's last.
        words: Reasoning said so far, kept because its seal covers it; arguments that hold a
            custom tool's input, kept until it can be taken out.
        is_custom: It is the call of a tool that takes free text.
        has_source: Some of a call's arguments were told.
    """

    block: Block
    place: int = 0
    end: int = 0
    words: list[str] = attrs.Factory(list)
    seal: Seal | None = None
    is_custom: bool = False
    has_source: bool = False


class ChatWriter:
    """
    Writes one stream to the caller who *asked*.
    """

    def __init__(self, dialect: Dialect, asked: Request, losses: Losses) -> None:
        self._dialect = dialect
        self._losses = losses
        self._offered = callers_tools(asked)
        self._is_legacy = offers_functions(asked)
        options = asked.peek("stream_options")
        self._wants_usage = isinstance(options, dict) and bool(
            options.get("include_usage")
        )
        self._wants_logprobs = bool(asked.peek("logprobs"))
        self._envelope: dict[str, Any] = {}
        self._role: dict[str, Any] = {"role": "assistant"}
        self._blocks: dict[int, _Written] = {}
        self._length = 0
        self._call_count = 0
        self._sealed_count = 0
        self._has_refused = False
        self._annotations: list[tuple[_Written, dict[str, Any]]] = []
        self._usage: Usage | None = None

    def write(self, event: Event) -> list[Chunk]:
        """
        Return the chunks that say *event*.
        """
        return list(self._write(event))

    def _write(self, event: Event) -> Iterator[Chunk]:
        match event:
            case Delta(index, text):
                likely = event.logprobs if self._wants_logprobs else ()
                yield from self._delta(self._blocks[index], text, likely)
            case Open(index, block):
                self._blocks[index] = opened = _Written(block=block)
                yield from self._open(opened)
            case SealDelta(index, seal):
                self._blocks[index].seal = seal
            case Annotation(index, raw):
                self._annotations.append((self._blocks[index], raw))
            case SummaryPart(index):
                yield from self._next_part(self._blocks[index])
            case Close(index):
                yield from self._close(self._blocks[index])
            case Start():
                self._start(event)
            case Finish(stop):
                yield from self._finish(stop)
            case Used(usage):
                self._usage = usage
            case End():
                yield from self._end()
            case Failed(fault):
                yield Chunk(self._dialect, doc=fault_doc(fault)[1])
            case _:
                pass  # a ping: whoever writes to the caller keeps the connection alive

    def _start(self, event: Start) -> None:
        self._envelope = {
            "id": event.id,
            "object": "chat.completion.chunk",
            "created": event.created or 0,
            "model": event.model,
        }
        if event.service_tier is not None:
            self._envelope["service_tier"] = event.service_tier
        if self._wants_usage:
            self._envelope["usage"] = None  # on every chunk but the last

    def _chunk(self, delta: dict[str, Any], beside: dict[str, Any]) -> Chunk:
        delta = {**self._role, **delta}
        self._role = {}
        choice = {
            "index": 0,
            "delta": delta,
            "logprobs": None,
            "finish_reason": None,
            **beside,
        }
        return Chunk(self._dialect, doc={**self._envelope, "choices": [choice]})

    def _said(self, **delta: Any) -> Chunk:
        return self._chunk(delta, {})

    # --- blocks -----------------------------------------------------------------------------

    def _open(self, opened: _Written) -> Iterator[Chunk]:
        block = opened.block
        match block:
            case TextBlock(text=text):
                opened.place = opened.end = self._length
                if self._role:
                    yield self._said(content="")
                yield from self._delta(opened, text)
            case RefusalBlock(text=text):
                self._has_refused = True
                yield from self._delta(opened, text)
            case ReasoningBlock(text=text, seal=seal):
                opened.seal = seal
                yield from self._delta(opened, text)
            case ToolCall(arguments=arguments):
                yield self._call(opened, block)
                yield from self._delta(opened, arguments)
            case Opaque() | MediaBlock():
                drop_block(block, self._losses)
            case _:
                pass

    def _call(self, opened: _Written, call: ToolCall) -> Chunk:
        opened.place = self._call_count
        self._call_count += 1
        name, opened.is_custom = self._offered.restored(call)
        first: dict[str, Any] = {"content": None} if self._role else {}
        if self._is_legacy:
            return self._said(**first, function_call={"name": name, "arguments": ""})
        kind, source = _SOURCES[opened.is_custom]
        written_call = {
            "index": opened.place,
            "id": call.id,
            "type": kind,
            kind: {"name": name, source: ""},
        }
        return self._said(**first, tool_calls=[written_call])

    def _delta(
        self, opened: _Written, text: str, likely: Sequence[dict[str, Any]] = ()
    ) -> Iterator[Chunk]:
        if not text:
            return
        match opened.block:
            case TextBlock():
                self._length += len(text)
                opened.end = self._length
                logprobs = choice_logprobs(likely, ()) if likely else None
                yield self._chunk({"content": text}, {"logprobs": logprobs})
            case ReasoningBlock():
                opened.words.append(text)
                yield self._said(reasoning_content=text)
            case RefusalBlock():
                logprobs = choice_logprobs((), likely) if likely else None
                yield self._chunk({"refusal": text}, {"logprobs": logprobs})
            case ToolCall(kind=kind):
                opened.has_source = True
                if opened.is_custom and kind != "custom":
                    opened.words.append(text)
                else:
                    yield self._source(opened, text)
            case _:
                pass

    def _source(self, opened: _Written, text: str) -> Chunk:
        if self._is_legacy:
            return self._said(function_call={"arguments": text})
        kind, key = _SOURCES[opened.is_custom]
        return self._said(tool_calls=[{"index": opened.place, kind: {key: text}}])

    def _next_part(self, opened: _Written) -> Iterator[Chunk]:
        if opened.words:
            yield from self._delta(opened, "\n\n")

    def _close(self, opened: _Written) -> Iterator[Chunk]:
        words, opened.words = "".join(opened.words), []
        seal, opened.seal = opened.seal, None
        match opened.block:
            case ReasoningBlock(is_redacted=is_redacted):
                if seal is not None:
                    yield from self._sealed(words, seal, is_redacted=is_redacted)
            case ToolCall() as call:
                text = free_text(call, words) if words else ""
                if not opened.is_custom and not opened.has_source:
                    text = "{}"  # no arguments are none, and still JSON
                    opened.has_source = True
                if text:
                    yield self._source(opened, text)
            case _:
                pass

    def _sealed(self, words: str, seal: Seal, *, is_redacted: bool) -> Iterator[Chunk]:
        whole = ReasoningBlock(text=words, seal=seal, is_redacted=is_redacted)
        for key, pieces in sealed_members(whole).items():
            for piece in pieces:
                # The SDK puts lists of objects in deltas together by their index.
                piece.setdefault("index", self._sealed_count)
                self._sealed_count += 1
            yield self._said(**{key: pieces})

    # --- ends -------------------------------------------------------------------------------

    def _finish(self, stop: Any) -> Iterator[Chunk]:
        for opened in self._blocks.values():  # those that nobody closed
            yield from self._close(opened)
        found = [
            written(raw, opened.place, opened.end, self._losses)
            for opened, raw in self._annotations
        ]
        cited = [annotation for annotation in found if annotation is not None]
        if cited:  # at once: the SDK refuses a second list of objects without an index
            yield self._said(annotations=cited)
        if self._role:
            yield self._said(content="")
        finish = write_stop(
            stop, has_refused=self._has_refused, is_legacy=self._is_legacy
        )
        yield self._chunk({}, finish)

    def _end(self) -> Iterator[Chunk]:
        if self._wants_usage and self._usage is not None:
            usage = write_usage(self._usage)
            doc = {**self._envelope, "choices": [], "usage": usage}
            yield Chunk(self._dialect, doc=doc)
        yield Chunk(self._dialect, DONE_FRAME)
