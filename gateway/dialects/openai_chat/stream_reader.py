"""
A provider's stream, read into neutral events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import attrs

from gateway.dialects.lenient import object_at, objects
from gateway.dialects.logprobs import read_logprobs
from gateway.dialects.openai_chat.answer import source_of
from gateway.dialects.openai_chat.citations import sources_of
from gateway.dialects.openai_chat.reasoning import (
    block_seal,
    detail_text,
    details_seal,
    spoken,
)
from gateway.dialects.openai_chat.seals import is_redacted
from gateway.dialects.openai_chat.stops import read_stop
from gateway.dialects.openai_chat.usage import read_any_usage
from gateway.dialects.openai_faults import chunk_fault
from gateway.neutral import (
    Annotation,
    Block,
    Close,
    Delta,
    End,
    Event,
    Failed,
    Finish,
    Open,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    SealDelta,
    Start,
    Stop,
    TextBlock,
    ToolCall,
    Used,
)

if TYPE_CHECKING:
    from gateway.views import Chunk


@attrs.define
class _Call:
    """
    A tool call under way; opened as soon as its name is known.
    """

    id: str
    kind: Literal["function", "custom"]
    name: str = ""
    index: int | None = None
    waiting: str = ""


class ChatReader:
    """
    Reads one stream; of several choices, which nobody can have asked for, the first.

    Text, reasoning and refusal follow each other in blocks; calls may be woven, so they stay
    open until the choice finishes.
    """

    def __init__(self) -> None:
        self._id = ""
        self._has_started = False
        self._has_finished = False
        self._has_ended = False
        self._count = 0
        self._open: int | None = None
        self._block: type[Block] | None = None
        self._calls: dict[int, _Call] = {}
        self._other_calls: list[_Call] = []
        self._has_refused = False
        self._was_empty = False
        self._has_words = False
        self._words_from: str | None = None
        self._details: list[dict[str, Any]] = []
        self._sources: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        # Of tokens that no words were told of yet: half a character, say.
        self._likely: dict[type[Block], list[dict[str, Any]]] = {}

    def read(self, chunk: Chunk) -> Iterator[Event]:
        """
        Return the events that *chunk* means.
        """
        if chunk.is_done:
            yield from self._end()
            return
        doc = chunk.doc
        if not isinstance(doc, dict):
            raise TypeError("an event of the stream is no object")
        fault = chunk_fault(chunk)
        if fault is not None:
            yield Failed(fault)
            return
        choices = objects(doc.get("choices"))
        if choices and not self._has_started:
            yield self._start(doc)
        self._sources = sources_of(doc) or self._sources
        for choice in choices:
            if not choice.get("index"):
                yield from self._choice(choice)
        usage = read_any_usage(doc)
        if usage is not None:
            yield Used(usage)

    def _start(self, doc: dict[str, Any]) -> Start:
        self._has_started = True
        self._id = str(doc.get("id") or "")
        created = doc.get("created")
        tier = doc.get("service_tier")
        return Start(
            self._id,
            str(doc.get("model") or ""),
            created if isinstance(created, int) else None,
            tier if isinstance(tier, str) else None,
        )

    def _choice(self, choice: dict[str, Any]) -> Iterator[Event]:
        if choice.get("logprobs"):
            for kind, name in ((TextBlock, "content"), (RefusalBlock, "refusal")):
                likely = object_at(choice, "logprobs").get(name)
                self._likely.setdefault(kind, []).extend(read_logprobs(likely))
        delta = choice.get("delta")
        if isinstance(delta, dict):
            yield from self._delta(delta)
        if self._has_finished:
            return
        stop = read_stop(
            choice,
            has_calls=bool(self._calls or self._other_calls),
            has_refused=self._has_refused,
        )
        if stop is not None:
            yield from self._finish(stop)
        elif choice.get("finish_reason") == "":
            self._was_empty = True

    # --- deltas -----------------------------------------------------------------------------

    def _delta(self, delta: dict[str, Any]) -> Iterator[Event]:
        yield from self._reasoning(delta)
        content = delta.get("content")
        if isinstance(content, str):
            yield from self._say(TextBlock, content)
        elif isinstance(content, list):
            for part in objects(content):
                yield from self._part(part)
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._has_refused = True
            yield from self._say(RefusalBlock, refusal)
        self._annotations += objects(delta.get("annotations"))
        for position, raw in enumerate(objects(delta.get("tool_calls"))):
            yield from self._call(raw, position)
        function = delta.get("function_call")
        if isinstance(function, dict):
            yield from self._call({"function": function}, -1)

    def _part(self, part: dict[str, Any]) -> Iterator[Event]:
        """
        Read a part of Mistral's content.
        """
        if part.get("type") == "thinking":
            said = part.get("thinking")
            if isinstance(said, str):
                yield from self._say(ReasoningBlock, said)
            for piece in objects(said):
                yield from self._say(ReasoningBlock, str(piece.get("text") or ""))
        elif isinstance(part.get("text"), str):
            yield from self._say(TextBlock, part["text"])

    def _say(
        self, kind: type[TextBlock | RefusalBlock | ReasoningBlock], words: str
    ) -> Iterator[Event]:
        if not words:
            return
        if self._block is not kind:
            yield from self._begin(kind(text=""))
        if self._open is not None:
            yield Delta(self._open, words, self._likely.pop(kind, ()))

    def _begin(self, block: Block) -> Iterator[Event]:
        yield from self._close()
        self._open = self._count
        self._block = type(block)
        self._count += 1
        yield Open(self._open, block)

    def _close(self) -> Iterator[Event]:
        """
        Close the block of text, refusal or reasoning that is open.
        """
        index = self._open
        if index is None:
            return
        if self._block is TextBlock:
            yield from self._cite(index)
        elif self._block is ReasoningBlock:
            seal = details_seal(self._details)
            if seal is not None:
                self._details = []
                yield SealDelta(index, seal)
        self._open = self._block = None
        self._has_words = False
        yield Close(index)

    def _cite(self, index: int) -> Iterator[Event]:
        for raw in (*self._annotations, *self._sources):
            yield Annotation(index, raw)
        self._annotations = []
        self._sources = []

    # --- reasoning --------------------------------------------------------------------------

    def _reasoning(self, delta: dict[str, Any]) -> Iterator[Event]:
        details = objects(delta.get("reasoning_details"))
        thinking = objects(delta.get("thinking_blocks"))
        yield from self._think("words", spoken(delta))
        yield from self._think("details", "".join(detail_text(one) for one in details))
        for detail in details:
            self._keep(detail)
        for raw in thinking:
            yield from self._thinking_block(raw)

    def _think(self, source: str, words: str) -> Iterator[Event]:
        """
        Say *words*, unless what they say comes from another member as well.
        """
        if not words or self._words_from not in (None, source):
            return
        self._words_from = source
        yield from self._say(ReasoningBlock, words)
        self._has_words = True

    def _keep(self, detail: dict[str, Any]) -> None:
        """
        Put a piece of ``reasoning_details`` to the pieces before it.
        """
        for kept in self._details:
            if all(kept.get(key) == detail.get(key) for key in ("type", "index")):
                for key, value in detail.items():
                    before = kept.get(key)
                    if key in ("text", "summary") and isinstance(before, str):
                        kept[key] = before + str(value or "")
                    elif value is not None:
                        kept[key] = value
                return
        self._details.append(dict(detail))

    def _thinking_block(self, raw: dict[str, Any]) -> Iterator[Event]:
        seal = block_seal(raw)
        words = raw.get("thinking")
        words = words if isinstance(words, str) else ""
        if seal is None:
            yield from self._think("blocks", words)
            return
        hidden = is_redacted(raw)
        if hidden or self._block is not ReasoningBlock:
            yield from self._begin(_thought(seal, is_redacted=hidden))
        # Signed, the block is complete; its words came before unless nobody spoke them.
        if words and not self._has_words and self._open is not None:
            yield Delta(self._open, words)
        if self._open is not None:
            yield SealDelta(self._open, seal)
        yield from self._close()

    # --- calls ------------------------------------------------------------------------------

    def _call(self, raw: dict[str, Any], position: int) -> Iterator[Event]:
        key = raw.get("index")
        key = key if isinstance(key, int) else position
        is_custom = isinstance(raw.get("custom"), dict)
        inner = raw.get("custom") if is_custom else raw.get("function")
        if not isinstance(inner, dict):
            inner = {}
        name = inner.get("name") if isinstance(inner.get("name"), str) else ""
        call = self._calls.get(key)
        if call is None or _is_another(call, raw, name):
            if call is not None:
                self._other_calls.append(call)
            call_id = raw.get("id") if isinstance(raw.get("id"), str) else ""
            count = len(self._calls) + len(self._other_calls)
            call = self._calls[key] = _Call(
                call_id or f"call_{self._id}_{count}",
                "custom" if is_custom else "function",
            )
        yield from self._extend(call, name or "", inner)

    def _extend(self, call: _Call, name: str, inner: dict[str, Any]) -> Iterator[Event]:
        source = inner.get("input") if call.kind == "custom" else inner.get("arguments")
        call.waiting += source_of(source)
        if call.index is None:
            call.name += name
            if not call.name:
                return
            yield from self._close()
            call.index = self._count
            self._count += 1
            yield Open(call.index, ToolCall(id=call.id, name=call.name, kind=call.kind))
        if call.waiting:
            words, call.waiting = call.waiting, ""
            yield Delta(call.index, words)

    # --- ends -------------------------------------------------------------------------------

    def _finish(self, stop: Stop) -> Iterator[Event]:
        self._has_finished = True
        if self._annotations and self._block is not TextBlock:
            yield from self._begin(TextBlock(text=""))
        yield from self._close()
        for call in (*self._other_calls, *self._calls.values()):
            if call.index is not None:
                yield Close(call.index)
        seal = details_seal(self._details)
        if seal is not None:
            yield from self._begin(_thought(seal, is_redacted=True))
            yield from self._close()
        yield Finish(stop)

    def _end(self) -> Iterator[Event]:
        if self._has_ended:
            return
        self._has_ended = True
        if not self._has_finished:
            has_called = self._was_empty and bool(self._calls)  # xAI
            yield from self._finish(Stop(reason="tool" if has_called else "unknown"))
        yield End()


def _thought(seal: Seal, *, is_redacted: bool) -> ReasoningBlock:
    """
    Make the block that *seal*, which follows as an event of its own, will cover.
    """
    return ReasoningBlock(is_summary=seal.item_id is not None, is_redacted=is_redacted)


def _is_another(call: _Call, raw: dict[str, Any], name: str | None) -> bool:
    """
    Tell whether *raw* begins a call of its own at the place of *call*, as some vendors do.
    """
    call_id = raw.get("id")
    return bool(call_id and name and call.name and call_id != call.id)
