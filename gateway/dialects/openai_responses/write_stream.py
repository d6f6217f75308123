"""
Neutral events, written as one stream.

Source: the OpenAI API reference, "Streaming events".  SDKs build their state from every event,
so nothing that repeats is left out: items and parts are added and done, texts are said again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from gateway import neutral
from gateway.dialects.openai_faults import fault_doc
from gateway.dialects.openai_responses.asked import callers_tools, wants_logprobs
from gateway.dialects.openai_responses.faults import error_members, failure
from gateway.dialects.openai_responses.outcome import Ending, write_stop, write_usage
from gateway.dialects.openai_responses.wire import NAME, ItemIds, copied, numbered
from gateway.dialects.openai_responses.write_answer import (
    drop_block,
    drop_logprobs,
    finish_response,
    new_response,
    seal_id,
)
from gateway.dialects.openai_responses.write_items import (
    CallItem,
    CustomCallItem,
    Item,
    MessageItem,
    OpaqueItem,
    ReasoningItem,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.dialects import Dialect
    from gateway.dialects.openai_responses.wire import Emit
    from gateway.neutral import Block, Event, Fault, Losses
    from gateway.usage import Usage
    from gateway.views import Chunk, Request

Doc = dict[str, Any]


@attrs.define
class _Open:
    """
    A block under way: a part of an item, which may be all of it.
    """

    item: Item
    number: int = 0


class StreamWriter:
    """
    Writes one stream to the caller who asked.

    Args:
        dialect: The dialect of the chunks.
        now: Tells Unix seconds.
    """

    def __init__(
        self, dialect: Dialect, asked: Request, losses: Losses, now: Callable[[], float]
    ) -> None:
        self._dialect = dialect
        self._asked = asked
        self._losses = losses
        self._now = now
        self._offered = callers_tools(asked.doc)
        self._wants_logprobs = wants_logprobs(asked.doc)
        self._ids = ItemIds()
        self._sequence = 0
        self._response: Doc | None = None
        self._items: list[Item] = []
        self._open: dict[int, _Open] = {}
        # The message that words are still added to, and items that wait for their end: the
        # last one is only complete if the answer is.
        self._message: MessageItem | None = None
        self._waiting: list[Item] = []
        self._done: dict[int, Doc] = {}
        self._ending: Ending | None = None
        self._usage: Usage | None = None
        self._is_over = False

    def write(self, event: Event) -> list[Chunk]:
        """
        Return the chunks that say *event*.
        """
        if self._is_over:
            return []
        if isinstance(event, neutral.Delta):  # the hot path
            under_way = self._open.get(event.index)
            if under_way is None or not event.text:
                return []
            if event.logprobs and self._wants_logprobs:
                return self._chunks(self._weigh(under_way, event))
            return self._chunks(under_way.item.tell(under_way.number, event.text))
        return self._chunks(self._emits(event))

    def _emits(self, event: Event) -> list[Emit]:
        match event:
            case neutral.Start():
                return self._begin(event)
            case neutral.Open(index, block):
                return [*self._ensure_begun(), *self._open_block(index, block)]
            case neutral.Close(index):
                return self._close(index)
            case neutral.Annotation(index, raw):
                return self._cite(index, raw)
            case neutral.SummaryPart(index):
                item = self._item(index)
                return item.end_part() if isinstance(item, ReasoningItem) else []
            case neutral.SealDelta(index, seal):
                item = self._item(index)
                if isinstance(item, ReasoningItem):
                    item.seal(seal)
            case neutral.Finish(stop):
                self._ending = write_stop(stop)
            case neutral.Used(usage):
                self._usage = usage
            case neutral.End():
                return [*self._ensure_begun(), *self._end()]
            case neutral.Failed(fault):
                return self._fail(fault)
        return []

    # --- the response -------------------------------------------------------------------------

    def _begin(self, start: neutral.Start) -> list[Emit]:
        if self._response is not None:
            return []
        created = self._now() if start.created is None else start.created
        self._response = new_response(
            self._asked.doc,
            raw_id=start.id,
            model=start.model or self._asked.model,
            created=created,
            service_tier=start.service_tier,
        )
        return [
            ("response.created", {"response": copied(self._response)}),
            ("response.in_progress", {"response": copied(self._response)}),
        ]

    def _ensure_begun(self) -> list[Emit]:
        if self._response is not None:
            return []
        return self._begin(neutral.Start("", ""))

    def _end(self) -> list[Emit]:
        ending = self._ending or write_stop(neutral.Stop(reason="unknown"))
        events = [emit for index in list(self._open) for emit in self._close(index)]
        events += self._finish_items(ending.item_status)
        members: Doc = {"usage": None}
        if self._usage is not None:
            members["usage"] = write_usage(self._usage)
        if ending.status == "completed":
            members["completed_at"] = self._now()
        return [*events, self._terminal(ending, members)]

    def _terminal(self, ending: Ending, members: Doc) -> Emit:
        self._is_over = True
        response: Doc = copied(self._response)
        output = [self._done[at] for at in sorted(self._done)]
        finish_response(response, copied(output), ending, **members)
        return f"response.{ending.status}", {"response": response}

    def _fail(self, fault: Fault) -> list[Emit]:
        status, body = fault_doc(fault)
        self._is_over = True
        # SDKs raise at the first of them, other clients wait for the second.
        events: list[Emit] = [("error", error_members(body))]
        if self._response is not None:
            ending = Ending(status="failed", error=failure(body, status))
            events.append(self._terminal(ending, {}))
        return events

    # --- blocks -------------------------------------------------------------------------------

    def _open_block(self, index: int, block: Block) -> list[Emit]:
        if isinstance(block, neutral.TextBlock | neutral.RefusalBlock):
            return self._open_part(
                index, is_refusal=isinstance(block, neutral.RefusalBlock)
            )
        item = self._new_item(block)
        if item is None:
            drop_block(block, self._losses)
            return []
        events = self._finish_items("completed")
        self._items.append(item)
        events += item.begin()
        if isinstance(item, OpaqueItem):
            return [*events, *self._finish(item, "completed")]
        self._open[index] = _Open(item)
        return events

    def _new_item(self, block: Block) -> Item | None:
        at = len(self._items)
        match block:
            case neutral.ToolCall():
                name, is_custom = self._offered.restored(block)
                if is_custom:
                    item_id = self._ids.of("custom_tool_call", at)
                    return CustomCallItem(at, item_id, block, name)
                return CallItem(at, self._ids.of("function_call", at), block, name)
            case neutral.ReasoningBlock():
                item_id = seal_id(block.seal) or self._ids.of("reasoning", at)
                return ReasoningItem(at, item_id, block)
            case neutral.Opaque() if block.dialect == NAME:
                return OpaqueItem(at, block.raw)
        return None

    def _weigh(self, under_way: _Open, event: neutral.Delta) -> list[Emit]:
        """
        Say the next words with the likelihoods of their tokens, which a refusal has not.
        """
        item, number = under_way.item, under_way.number
        if isinstance(item, MessageItem) and not item.is_refusal(number):
            return item.tell(number, event.text, event.logprobs)
        drop_logprobs(event.logprobs, self._losses)
        return item.tell(number, event.text)

    def _open_part(self, index: int, *, is_refusal: bool) -> list[Emit]:
        events: list[Emit] = []
        if self._message is None:
            events = self._finish_items("completed")
            at = len(self._items)
            self._message = MessageItem(at, self._ids.of("message", at))
            self._items.append(self._message)
            events += self._message.begin()
        number, opened = self._message.open(is_refusal=is_refusal)
        self._open[index] = _Open(self._message, number)
        return [*events, *opened]

    def _close(self, index: int) -> list[Emit]:
        under_way = self._open.pop(index, None)
        if under_way is None:
            return []
        item = under_way.item
        events = item.close(under_way.number)
        if item is not self._message and item.is_idle:
            self._waiting.append(item)
        return events

    def _finish_items(self, last_status: str) -> list[Emit]:
        """
        Say that what is complete is done; of the last of it, with *last_status*.
        """
        message, self._message = self._message, None
        if message is not None and message.is_idle:
            self._waiting.append(message)
        waiting, self._waiting = self._waiting, []
        last = self._items[-1] if self._items else None
        return [
            emit
            for item in waiting
            for emit in self._finish(item, last_status if item is last else "completed")
        ]

    def _finish(self, item: Item, status: str) -> list[Emit]:
        self._done[item.at] = item.doc(status)
        return item.done(status)

    def _cite(self, index: int, raw: Doc) -> list[Emit]:
        under_way = self._open.get(index)
        if under_way is None or not isinstance(under_way.item, MessageItem):
            return []
        return under_way.item.cite(under_way.number, raw, self._losses)

    def _item(self, index: int) -> Item | None:
        under_way = self._open.get(index)
        return None if under_way is None else under_way.item

    def _chunks(self, emits: list[Emit]) -> list[Chunk]:
        first = self._sequence
        self._sequence += len(emits)
        return numbered(self._dialect, emits, first)
