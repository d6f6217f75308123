"""
Between whole and streamed answers, through neutral events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway import neutral
from gateway.errors import Untranslatable
from gateway.views import Chunk, Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.dialects import Dialect
    from gateway.views import Request


class Collector:
    """
    Puts the events of one stream together into a whole answer.
    """

    def __init__(self) -> None:
        self._blocks: dict[int, neutral.Block] = {}
        self.answer = neutral.Answer(id="", model="")
        self.fault: neutral.Fault | None = None

    def take(self, event: neutral.Event) -> None:
        """
        Take one event.
        """
        match event:
            case neutral.Delta(index, text):
                block = self._blocks[index]
                self._append(block, text)
                if isinstance(block, neutral.TextBlock | neutral.RefusalBlock):
                    block.logprobs += event.logprobs
            case neutral.Open(index, block):
                self._blocks[index] = block
                self.answer.blocks.append(block)
            case neutral.SealDelta(index, seal):
                block = self._blocks[index]
                if isinstance(block, neutral.ReasoningBlock):
                    block.seal = seal
            case neutral.Annotation(index, raw):
                block = self._blocks[index]
                if isinstance(block, neutral.TextBlock):
                    block.annotations.append(raw)
            case neutral.SummaryPart(index):
                block = self._blocks[index]
                if isinstance(block, neutral.ReasoningBlock):
                    block.parts = [*(block.parts or [block.text]), ""]
            case neutral.Start():
                self.answer.id = event.id
                self.answer.model = event.model
                self.answer.created = event.created
                self.answer.service_tier = event.service_tier
            case neutral.Finish(stop):
                self.answer.stop = stop
            case neutral.Used(usage):
                self.answer.usage = usage
            case neutral.Failed(fault):
                self.fault = fault
            case _:
                pass

    @staticmethod
    def _append(block: neutral.Block, text: str) -> None:
        match block:
            case neutral.TextBlock() | neutral.RefusalBlock():
                block.text += text
            case neutral.ReasoningBlock():
                block.text += text
                if block.parts:
                    block.parts[-1] += text
            case neutral.ToolCall():
                block.arguments += text
            case _:
                pass


def assemble(
    dialect: Dialect, frames: Iterable[bytes], asked: Request
) -> Response | None:
    """
    Put a stream of *dialect* together into the whole answer that it would have been.

    Returns:
        The answer, or None if the neutral form cannot hold it (several choices).
    """
    reader = dialect.stream_reader()
    collector = Collector()
    try:
        for frame in frames:
            for event in reader.read(Chunk(dialect, frame)):
                collector.take(event)
        return dialect.write_answer(collector.answer, asked, neutral.Losses())
    except (ValueError, LookupError, Untranslatable):
        return None


def events_of(answer: neutral.Answer) -> Iterable[neutral.Event]:
    """
    Tell a whole answer as the events of a stream, each block in one delta.
    """
    yield neutral.Start(answer.id, answer.model, answer.created, answer.service_tier)
    for index, block in enumerate(answer.blocks):
        yield from _block_events(index, block)
    yield neutral.Finish(answer.stop)
    if answer.usage is not None:
        yield neutral.Used(answer.usage)
    yield neutral.End()


def _block_events(index: int, block: neutral.Block) -> Iterable[neutral.Event]:
    match block:
        case neutral.TextBlock():
            yield neutral.Open(index, neutral.TextBlock(text="", cache=block.cache))
            if block.text:
                yield neutral.Delta(index, block.text, block.logprobs)
            for raw in block.annotations:
                yield neutral.Annotation(index, raw)
        case neutral.RefusalBlock():
            yield neutral.Open(index, neutral.RefusalBlock(text=""))
            yield neutral.Delta(index, block.text, block.logprobs)
        case neutral.ReasoningBlock():
            yield from _reasoning_events(index, block)
        case neutral.ToolCall():
            yield neutral.Open(
                index, neutral.ToolCall(id=block.id, name=block.name, kind=block.kind)
            )
            if block.arguments:
                yield neutral.Delta(index, block.arguments)
        case _:
            yield neutral.Open(index, block)
    yield neutral.Close(index)


def _reasoning_events(
    index: int, block: neutral.ReasoningBlock
) -> Iterable[neutral.Event]:
    opened = neutral.ReasoningBlock(
        is_summary=block.is_summary, is_redacted=block.is_redacted, seal=block.seal
    )
    yield neutral.Open(index, opened)
    for number, part in enumerate(block.parts or [block.text]):
        if number:
            yield neutral.SummaryPart(index)
        if part:
            yield neutral.Delta(index, part)
