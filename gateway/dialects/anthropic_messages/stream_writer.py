"""
Writes neutral events as Anthropic's stream.

Source: Anthropic's API reference, streaming messages: one block is open at a time, blocks are
numbered in the order in which they open, and what was used stands in ``message_delta``.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import attrs

from gateway.dialects.anthropic_messages.answer import (
    drop_block,
    offered_names,
    opened_call,
    written_citations,
)
from gateway.dialects.anthropic_messages.faults import fault_doc
from gateway.dialects.anthropic_messages.outcome import write_stop, write_usage
from gateway.dialects.anthropic_messages.wire import NAME
from gateway.dialects.shapes import json_token
from gateway.neutral import (
    Annotation,
    Block,
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
    RefusalBlock,
    Seal,
    SealDelta,
    Start,
    Stop,
    SummaryPart,
    TextBlock,
    ToolCall,
    Used,
)
from gateway.views import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.dialects import Dialect
    from gateway.outcomes import Losses
    from gateway.usage import Usage
    from gateway.views import Request

Doc = dict[str, Any]
_BlockEvent = Open | Delta | SealDelta | Annotation | SummaryPart | Close


class MessagesWriter:
    """
    Writes one stream to the caller who *asked*.

    Events of a block that opened while another one was open wait until that one closes.
    """

    def __init__(self, dialect: Dialect, asked: Request, losses: Losses) -> None:
        self._dialect = dialect
        self._asked = asked
        self._losses = losses
        self._offered: tuple[str, ...] | None = None
        self._blocks: deque[_Written] = (
            deque()
        )  # the first one is open, the others wait
        self._by_index: dict[int, _Written] = {}
        self._count = 0
        self._is_started = False
        self._calls_tool = False
        self._refuses = False
        self._stop = Stop(reason="unknown")
        self._usage: Usage | None = None
        self._tier: str | None = None
        self._id = ""

    def write(self, event: Event) -> Iterable[Chunk]:
        """
        Return the chunks that say *event*; what must wait for later events is kept.
        """
        return list(self._write(event))

    def _write(self, event: Event) -> Iterator[Chunk]:
        match event:
            case Delta() | SealDelta() | Annotation() | SummaryPart() | Close():
                yield from self._of_block(event)
            case Open():
                yield from self._open(event)
            case Start():
                yield from self._start(event)
            case Finish():
                self._stop = event.stop
            case Used():
                self._usage = event.usage
            case Ping():
                yield self._chunk("ping")
            case Failed():
                _, doc = fault_doc(event.fault)
                yield Chunk(self._dialect, doc=doc, event=b"error")
            case End():
                yield from self._end()

    def _chunk(self, kind: str, **members: Any) -> Chunk:
        doc = {"type": kind, **members}
        return Chunk(self._dialect, doc=doc, event=kind.encode())

    # --- the message --------------------------------------------------------------------

    def _start(self, event: Start) -> Iterator[Chunk]:
        if self._is_started:
            return
        self._is_started = True
        self._tier = event.service_tier
        self._id = event.id
        message: Doc = {
            "id": event.id,
            "type": "message",
            "role": "assistant",
            "model": event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": write_usage(self._usage, self._tier),
        }
        yield self._chunk("message_start", message=message)

    def _end(self) -> Iterator[Chunk]:
        if not self._is_started:
            yield from self._start(Start("", self._asked.model))
        for block in list(self._blocks):
            if not block.is_closed:
                yield from self._of_block(Close(block.index))
        delta = write_stop(
            self._stop,
            self._losses,
            calls_tool=self._calls_tool,
            refuses=self._refuses,
        )
        usage = write_usage(self._usage, self._tier)
        yield self._chunk("message_delta", delta=delta, usage=usage)
        yield self._chunk("message_stop")

    # --- blocks -------------------------------------------------------------------------

    def _open(self, event: Open) -> Iterator[Chunk]:
        block = event.block
        if not _is_writable(block):
            drop_block(block, self._losses)
            return
        if not self._is_started:
            yield from self._start(Start("", self._asked.model))
        self._calls_tool = self._calls_tool or isinstance(block, ToolCall)
        self._refuses = self._refuses or isinstance(block, RefusalBlock)
        written = _Written(index=event.index, block=block)
        if isinstance(block, ReasoningBlock):
            written.seal = block.seal
        self._by_index[event.index] = written
        self._blocks.append(written)
        yield from self._of_block(event)

    def _of_block(self, event: _BlockEvent) -> Iterator[Chunk]:
        written = self._by_index.get(event.index)
        if written is None or written.is_closed:
            return  # of a block that was dropped
        if isinstance(event, Close):
            written.is_closed = True
        if written is not self._blocks[0]:
            written.waiting.append(event)
            return
        yield from self._say(written, event)
        while self._blocks and self._blocks[0].is_closed:
            self._blocks.popleft()
            if self._blocks:
                following = self._blocks[0]
                for waiting in following.waiting:
                    yield from self._say(following, waiting)
                following.waiting = []

    def _say(self, written: _Written, event: _BlockEvent) -> Iterator[Chunk]:
        """
        Say *event* of the block whose turn it is.

        A text is opened with its first piece, for an empty one may not be sent back.
        """
        match event:
            case Open():
                yield from self._begin(written)
            case Delta():
                yield from self._delta(written, event.text)
            case SealDelta():
                written.seal = event.seal
            case Annotation():
                yield from self._annotated(written, event)
            case SummaryPart():
                if written.place is not None:
                    yield from self._delta(written, "\n\n")
            case Close():
                yield from self._close(written)

    def _begin(self, written: _Written) -> Iterator[Chunk]:
        block = written.block
        if isinstance(block, ToolCall):
            if self._offered is None:
                self._offered = offered_names(self._asked)
            spare_id = f"{self._id}_{self._count}"
            yield self._opened(written, opened_call(block, self._offered, spare_id))
            yield from self._delta(written, block.arguments)
        elif isinstance(block, Opaque):
            yield self._opened(written, block.raw)
        elif isinstance(block, TextBlock | RefusalBlock | ReasoningBlock):
            yield from self._delta(written, block.text)

    def _opened(self, written: _Written, block: Doc) -> Chunk:
        written.place = self._count
        self._count += 1
        return self._chunk(
            "content_block_start", index=written.place, content_block=block
        )

    def _delta(self, written: _Written, text: str) -> Iterator[Chunk]:
        if not text or written.is_hidden:
            return
        yield from self._open_late(written)
        yield self._piece(written, written.delta(text))
        written.is_begun = True

    def _sealed(self, written: _Written, seal: Seal) -> Iterator[Chunk]:
        """
        Say the seal of a block that closes.

        Where nothing else of it is shown, the seal stands in its start, so it opens only now.
        """
        data = seal.written_for(NAME)
        if written.is_hidden:
            yield self._opened(written, {"type": "redacted_thinking", "data": data})
            return
        yield from self._open_late(written)
        yield self._piece(written, {"type": "signature_delta", "signature": data})

    def _open_late(self, written: _Written) -> Iterator[Chunk]:
        if written.place is None:
            yield self._opened(written, written.empty())

    def _piece(self, written: _Written, delta: Doc) -> Chunk:
        return self._chunk("content_block_delta", index=written.place, delta=delta)

    def _annotated(self, written: _Written, event: Annotation) -> Iterator[Chunk]:
        # What it cites of the answer is long sent; only offsets tell it, so it is left out.
        for citation in written_citations([event.raw], "", self._losses):
            yield from self._open_late(written)
            delta = {"type": "citations_delta", "citation": citation}
            yield self._piece(written, delta)

    def _close(self, written: _Written) -> Iterator[Chunk]:
        if written.is_free_text and written.is_begun:
            delta = {"type": "input_json_delta", "partial_json": '"}'}
            yield self._piece(written, delta)
        if written.seal is not None:
            yield from self._sealed(written, written.seal)
        if written.place is not None:
            yield self._chunk("content_block_stop", index=written.place)


@attrs.define(kw_only=True, eq=False)
class _Written:
    """
    A block of the stream.

    Attributes:
        index: Its number in the events.
        place: Its number in what is written; None until it is opened there.
        is_begun: Whether a piece of its text was written.
        seal: Of reasoning: said when it closes, so that it is said once.
        waiting: Its events, while another block is open.
    """

    index: int
    block: Block
    place: int | None = None
    is_begun: bool = False
    is_closed: bool = False
    seal: Seal | None = None
    waiting: list[_BlockEvent] = attrs.Factory(list)

    @property
    def is_hidden(self) -> bool:
        """
        Whether it is reasoning of which nothing but the seal is shown.
        """
        return isinstance(self.block, ReasoningBlock) and self.block.is_redacted

    @property
    def is_free_text(self) -> bool:
        """
        Whether it is the call of a tool whose input is free text.
        """
        return isinstance(self.block, ToolCall) and self.block.kind == "custom"

    def empty(self) -> Doc:
        """
        Write the block as it is opened before its first piece.
        """
        if isinstance(self.block, ReasoningBlock):
            return {"type": "thinking", "thinking": "", "signature": ""}
        return {"type": "text", "text": ""}

    def delta(self, text: str) -> Doc:
        """
        Write its next piece.
        """
        if self.is_free_text:  # it is the member "input" here
            begin = "" if self.is_begun else '{"input":"'
            text = begin + json_token(text)[1:-1]
        if isinstance(self.block, ToolCall):
            return {"type": "input_json_delta", "partial_json": text}
        if isinstance(self.block, ReasoningBlock):
            return {"type": "thinking_delta", "thinking": text}
        return {"type": "text_delta", "text": text}


def _is_writable(block: Block) -> bool:
    if isinstance(block, Opaque):
        return block.dialect == NAME
    return isinstance(block, TextBlock | RefusalBlock | ReasoningBlock | ToolCall)
