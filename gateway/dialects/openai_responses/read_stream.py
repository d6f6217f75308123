"""
A provider's stream, read into neutral events.

Source: the OpenAI API reference, "Streaming events".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from gateway.dialects.lenient import object_at, string_at
from gateway.dialects.logprobs import read_logprobs
from gateway.dialects.openai_responses.events import DELTAS, DONES, position, type_of
from gateway.dialects.openai_responses.faults import read_error_event, read_failure
from gateway.dialects.openai_responses.outcome import read_stop, read_usage
from gateway.dialects.openai_responses.read_answer import (
    citations,
    created,
    read_call,
)
from gateway.dialects.openai_responses.read_blocks import read_seal, seal_block
from gateway.dialects.openai_responses.wire import NAME
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
    ReasoningBlock,
    RefusalBlock,
    SealDelta,
    Start,
    SummaryPart,
    TextBlock,
    Used,
)
from gateway.views import ARGUMENTS, MESSAGE, REASONING, REFUSAL, SUMMARY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gateway.outcomes import Fault
    from gateway.views import Chunk

_Key = tuple[Any, ...]

# The texts of blocks; those of hosted tools travel in their items.
_BLOCK_RUNS: Final = frozenset(
    {
        "output_text",
        "refusal",
        "reasoning_text",
        "reasoning_summary_text",
        "function_call_arguments",
        "custom_tool_call_input",
    }
)
_DELTAS: Final = {
    kind: run for kind, run in DELTAS.items() if kind.split(".")[1] in _BLOCK_RUNS
}
_DONES: Final = {
    kind: run for kind, run in DONES.items() if kind.split(".")[1] in _BLOCK_RUNS
}
_EMPTY: Final[dict[str, Callable[[], Block]]] = {
    MESSAGE: lambda: TextBlock(text=""),
    REFUSAL: lambda: RefusalBlock(text=""),
    REASONING: ReasoningBlock,
    SUMMARY: lambda: ReasoningBlock(is_summary=True),
}
_CALLS: Final = frozenset({"function_call", "custom_tool_call"})


@attrs.define
class _Run:
    """
    A block under way.

    Attributes:
        part: Which part of a reasoning item it is at.
        is_told: Whether any text of that part was told.
        cited: How many annotations were told.
    """

    index: int
    part: int
    is_told: bool = False
    cited: int = 0
    is_open: bool = True


class StreamReader:
    """
    Reads one stream.

    Servers leave out what repeats, or send nothing but repeats: whatever says a thing first
    counts, and every thing is told once.
    """

    def __init__(self) -> None:
        self._runs: dict[_Key, _Run] = {}
        self._count = 0
        self._complete: set[int] = set()
        self._places: dict[str, int] = {}
        self._has_call = False
        self._has_begun = False
        self._is_over = False

    def read(self, chunk: Chunk) -> Iterable[Event]:
        """
        Return the events that *chunk* means.
        """
        kind = type_of(chunk)
        if self._is_over or not kind:
            return ()
        doc = chunk.doc
        run = _DELTAS.get(kind)
        if run is not None:
            part = position(doc, run.part) if run.part else 0
            at = position(doc, "output_index")
            return self._tell(at, run.kind, part, doc.get("delta"), doc.get("logprobs"))
        return list(self._read(kind, doc))

    def _read(self, kind: str, doc: dict[str, Any]) -> Iterator[Event]:
        run = _DONES.get(kind)
        at = position(doc, "output_index")
        if run is not None:
            part = position(doc, run.part) if run.part else 0
            said, likely = doc.get(run.key), doc.get("logprobs")
            yield from self._repeat(at, run.kind, part, said, likely)
        elif kind in ("response.created", "response.queued", "response.in_progress"):
            yield from self._begin(object_at(doc, "response"))
        elif kind == "response.output_item.added":
            yield from self._add(object_at(doc, "item"), at)
        elif kind == "response.output_item.done":
            yield from self._complete_item(object_at(doc, "item"), at)
        elif kind == "response.content_part.done":
            number = position(doc, "content_index")
            yield from self._complete_part(object_at(doc, "part"), at, number)
        elif kind == "response.output_text.annotation.added":
            number = position(doc, "content_index")
            yield from self._cite(at, number, [object_at(doc, "annotation")])
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            yield from self._end(object_at(doc, "response"), kind)
        elif kind == "error":
            yield from self._fail(read_error_event(doc))

    # --- running texts ------------------------------------------------------------------------

    def _tell(
        self, at: int, kind: str, part: int, text: Any, likely: Any = None
    ) -> list[Event]:
        if not isinstance(text, str) or not text:
            return []
        key = _key(at, kind, part)
        run = self._runs.get(key)
        events: list[Event] = []
        if run is None:
            if kind == ARGUMENTS:  # nobody said whose they are: the whole item will
                return []
            run = self._open(events, key, _EMPTY[kind](), part)
        if not run.is_open:
            return []
        if run.part != part:
            run.part = part
            events.append(SummaryPart(run.index))
        run.is_told = True
        events.append(Delta(run.index, text, read_logprobs(likely) if likely else ()))
        return events

    def _repeat(
        self, at: int, kind: str, part: int, text: Any, likely: Any = None
    ) -> list[Event]:
        run = self._runs.get(_key(at, kind, part))
        if run is not None and (part < run.part or (part == run.part and run.is_told)):
            return []
        return self._tell(at, kind, part, text, likely)

    def _open(
        self, events: list[Event], key: _Key, block: Block, part: int = 0
    ) -> _Run:
        run = self._runs[key] = _Run(self._count, part)
        self._count += 1
        events.append(Open(run.index, block))
        return run

    def _close(self, run: _Run) -> Iterator[Event]:
        if run.is_open:
            run.is_open = False
            yield Close(run.index)

    # --- items --------------------------------------------------------------------------------

    def _add(self, item: dict[str, Any], at: int) -> list[Event]:
        events: list[Event] = []
        self._places[string_at(item, "id")] = at
        key = _key(at, ARGUMENTS, 0)
        if string_at(item, "type") in _CALLS and key not in self._runs:
            self._has_call = True
            call = read_call(item)
            text, call.arguments = call.arguments, ""
            self._open(events, key, call)
            events += self._tell(at, ARGUMENTS, 0, text)
        return events

    def _complete_part(
        self, part: dict[str, Any], at: int, number: int
    ) -> Iterator[Event]:
        kind = REFUSAL if part.get("type") == "refusal" else MESSAGE
        if part.get("type") not in ("output_text", "refusal"):
            return
        key = "refusal" if kind == REFUSAL else "text"
        likely = part.get("logprobs")
        yield from self._repeat(at, kind, number, part.get(key), likely)
        yield from self._cite(at, number, citations(part), is_repeat=True)
        run = self._runs.get(_key(at, kind, number))
        if run is not None:
            yield from self._close(run)

    def _cite(
        self,
        at: int,
        number: int,
        raws: list[dict[str, Any]],
        *,
        is_repeat: bool = False,
    ) -> Iterator[Event]:
        run = self._runs.get(_key(at, MESSAGE, number))
        if run is None or not run.is_open:
            return
        for raw in raws[run.cited :] if is_repeat else raws:
            run.cited += 1
            yield Annotation(run.index, raw)

    def _complete_item(self, item: dict[str, Any], at: int) -> Iterator[Event]:
        if at in self._complete:
            return
        self._complete.add(at)
        self._places[string_at(item, "id")] = at
        kind = string_at(item, "type")
        if kind == "message":
            content = item.get("content")
            for number, part in enumerate(content if isinstance(content, list) else ()):
                if isinstance(part, dict):
                    yield from self._complete_part(part, at, number)
        elif kind == "reasoning":
            yield from self._complete_reasoning(item, at)
        elif kind in _CALLS:
            yield from self._add(item, at)
            text = read_call(item).arguments
            yield from self._repeat(at, ARGUMENTS, 0, text)
        elif item:
            events: list[Event] = []
            block = Opaque(dialect=NAME, raw=item)
            self._open(events, _key(at, "item", 0), block).is_open = False
            yield from events
        for key, run in self._runs.items():
            if key[0] == at:
                yield from self._close(run)

    def _complete_reasoning(self, item: dict[str, Any], at: int) -> Iterator[Event]:
        for kind, name in ((REASONING, "content"), (SUMMARY, "summary")):
            parts = item.get(name)
            for number, part in enumerate(parts if isinstance(parts, list) else ()):
                if isinstance(part, dict):
                    yield from self._repeat(at, kind, number, part.get("text"))
        seal = read_seal(item)
        if seal is None:
            return
        key = _key(at, SUMMARY, 0)
        run = self._runs.get(key)
        if run is None:
            block = ReasoningBlock(is_summary=True)
            seal_block(block, seal)
            is_redacted = block.is_redacted
            if not is_redacted:
                block.seal = None
            events: list[Event] = []
            run = self._open(events, key, block)
            yield from events
            if is_redacted:
                return
        yield SealDelta(run.index, seal)

    # --- the stream ---------------------------------------------------------------------------

    def _begin(self, response: dict[str, Any]) -> Iterator[Event]:
        if not self._has_begun:
            self._has_begun = True
            yield Start(
                string_at(response, "id"),
                string_at(response, "model"),
                created(response),
                string_at(response, "service_tier") or None,
            )

    def _end(self, response: dict[str, Any], kind: str) -> Iterator[Event]:
        if kind == "response.failed":
            yield from self._fail(read_failure(response.get("error")))
            return
        yield from self._begin(response)
        yield from self._complete_output(response.get("output"))
        for run in self._runs.values():
            yield from self._close(run)
        stop = read_stop({"status": kind.partition(".")[2], **response})
        if self._has_call and stop.reason == "end":
            stop = attrs.evolve(stop, reason="tool")
        yield Finish(stop)
        usage = read_usage(response)
        if usage is not None:
            yield Used(usage)
        self._is_over = True
        yield End()

    def _complete_output(self, output: Any) -> Iterator[Event]:
        """
        Tell what the stream did not: its indexes may have gaps that the output has not.
        """
        items = output if isinstance(output, list) else []
        if len(items) <= len(self._complete):
            return
        for index, item in enumerate(items):
            if isinstance(item, dict):
                name = string_at(item, "id")
                at = self._places.get(name, index) if name else index
                yield from self._complete_item(item, at)

    def _fail(self, fault: Fault) -> Iterator[Event]:
        self._is_over = True
        yield Failed(fault)


def _key(at: int, kind: str, part: int) -> _Key:
    # Parts of a message are blocks of their own, parts of reasoning are one block.
    return (at, kind, part) if kind in (MESSAGE, REFUSAL) else (at, kind)
