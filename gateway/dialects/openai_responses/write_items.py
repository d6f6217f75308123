"""
Items of a response as they are streamed: what is said when one begins, grows and is done.

Each method returns events without their sequence numbers, in order.  No node of what it returns
is used twice, for whoever edits an event must not edit another one.

Source: the OpenAI API reference, "Streaming events".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import attrs

from gateway.dialects.custom_tools import free_text
from gateway.dialects.openai_responses.wire import copied
from gateway.dialects.openai_responses.write_answer import (
    answer_annotations,
    answer_seal,
    custom_call_item,
    event_logprobs,
    function_call_item,
    message_item,
    reasoning_item,
    refusal_part,
    summary_part,
    text_part,
)
from gateway.neutral import ReasoningBlock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.dialects.openai_responses.wire import Emit
    from gateway.neutral import Losses, Seal, ToolCall

Doc = dict[str, Any]


class Item(ABC):
    """
    One item under way.

    Attributes:
        at: Its index in the output.
        id: Its id, the same in every event.
    """

    def __init__(self, at: int, item_id: str) -> None:
        self.at = at
        self.id = item_id

    def begin(self) -> list[Emit]:
        """
        Say that the item is there.
        """
        return [
            (
                "response.output_item.added",
                {"output_index": self.at, "item": self.doc("in_progress")},
            )
        ]

    @property
    def is_idle(self) -> bool:
        """
        Whether nothing in it is open.
        """
        return True

    def tell(self, number: int, text: str) -> list[Emit]:
        """
        Say the next piece of the part *number*; nothing where an item comes whole.
        """
        return []

    def close(self, number: int) -> list[Emit]:
        """
        Say that the part *number* is complete.
        """
        return []

    @abstractmethod
    def doc(self, status: str) -> Doc:
        """
        Return the item as it stands; every call makes new nodes.
        """

    def done(self, status: str) -> list[Emit]:
        """
        Say that the item is complete.
        """
        return [
            (
                "response.output_item.done",
                {"output_index": self.at, "item": self.doc(status)},
            )
        ]

    def _event(self, kind: str, **members: Any) -> Emit:
        return kind, {"item_id": self.id, "output_index": self.at, **members}


@attrs.define
class _Part:
    """
    A part of a message: words, or a refusal.
    """

    is_refusal: bool
    text: list[str] = attrs.Factory(list)
    annotations: list[Doc] = attrs.Factory(list)
    likely: list[Doc] = attrs.Factory(list)
    is_open: bool = True

    def doc(self) -> Doc:
        text = "".join(self.text)
        if self.is_refusal:
            return refusal_part(text)
        return text_part(text, copied(self.annotations), self.likely)


class MessageItem(Item):
    """
    A message of the assistant, whose parts are opened one by one.
    """

    def __init__(self, at: int, item_id: str) -> None:
        super().__init__(at, item_id)
        self._parts: list[_Part] = []

    @property
    def is_idle(self) -> bool:
        """
        Whether no part is open.
        """
        return not any(part.is_open for part in self._parts)

    def is_refusal(self, number: int) -> bool:
        """
        Tell whether the part *number* is a refusal.
        """
        return self._parts[number].is_refusal

    def open(self, *, is_refusal: bool) -> tuple[int, list[Emit]]:
        """
        Open a part; returns its number too.
        """
        number = len(self._parts)
        part = _Part(is_refusal)
        self._parts.append(part)
        return number, [
            self._event(
                "response.content_part.added", content_index=number, part=part.doc()
            )
        ]

    def tell(self, number: int, text: str, likely: Sequence[Doc] = ()) -> list[Emit]:
        """
        Say the next words.
        """
        part = self._parts[number]
        part.text.append(text)
        members: Doc = {
            "item_id": self.id,
            "output_index": self.at,
            "content_index": number,
            "delta": text,
        }
        if part.is_refusal:
            return [("response.refusal.delta", members)]
        part.likely += likely
        members["logprobs"] = event_logprobs(likely) if likely else []
        return [("response.output_text.delta", members)]

    def cite(self, number: int, raw: Doc, losses: Losses) -> list[Emit]:
        """
        Annotate the words, where the dialect has such an annotation.
        """
        part = self._parts[number]
        events = []
        for doc in answer_annotations([raw], losses):
            events.append(
                self._event(
                    "response.output_text.annotation.added",
                    content_index=number,
                    annotation_index=len(part.annotations),
                    annotation=copied(doc),
                )
            )
            part.annotations.append(doc)
        return events

    def close(self, number: int) -> list[Emit]:
        """
        Say all the words again, and the part.
        """
        part = self._parts[number]
        if not part.is_open:
            return []
        part.is_open = False
        text = "".join(part.text)
        if part.is_refusal:
            said = self._event(
                "response.refusal.done", content_index=number, refusal=text
            )
        else:
            said = self._event(
                "response.output_text.done",
                content_index=number,
                text=text,
                logprobs=event_logprobs(part.likely),
            )
        return [
            said,
            self._event(
                "response.content_part.done", content_index=number, part=part.doc()
            ),
        ]

    def doc(self, status: str) -> Doc:
        """
        Return the message.
        """
        return message_item(self.id, [part.doc() for part in self._parts], status)


class CallItem(Item):
    """
    The call of a function.
    """

    def __init__(self, at: int, item_id: str, call: ToolCall, name: str) -> None:
        super().__init__(at, item_id)
        self._call = call
        self._name = name
        self._text: list[str] = []

    def tell(self, number: int, text: str) -> list[Emit]:
        """
        Say the next piece of the arguments.
        """
        self._text.append(text)
        return [self._event("response.function_call_arguments.delta", delta=text)]

    def close(self, number: int) -> list[Emit]:
        """
        Say all the arguments again; where there are none, that there are none.
        """
        events = [] if any(self._text) else self.tell(0, "{}")
        done = self._event(
            "response.function_call_arguments.done",
            name=self._name,
            arguments="".join(self._text),
        )
        return [*events, done]

    def doc(self, status: str) -> Doc:
        """
        Return the call.
        """
        text = "".join(self._text)
        return function_call_item(self.id, self._call.id, self._name, text, status)


class CustomCallItem(Item):
    """
    The call of a custom tool.
    """

    def __init__(self, at: int, item_id: str, call: ToolCall, name: str) -> None:
        super().__init__(at, item_id)
        self._call = call
        self._name = name
        self._text: list[str] = []
        # A function's arguments hold the input: they are read when they are complete.
        self._is_wrapped = call.kind != "custom"

    def tell(self, number: int, text: str) -> list[Emit]:
        """
        Say the next piece of the input.
        """
        self._text.append(text)
        if self._is_wrapped:
            return []
        return [self._event("response.custom_tool_call_input.delta", delta=text)]

    def close(self, number: int) -> list[Emit]:
        """
        Say the input again.
        """
        events = []
        if self._is_wrapped:
            self._is_wrapped = False
            text = free_text(self._call, "".join(self._text))
            self._text = []
            events = self.tell(0, text) if text else []
        done = self._event(
            "response.custom_tool_call_input.done", input="".join(self._text)
        )
        return [*events, done]

    def doc(self, status: str) -> Doc:
        """
        Return the call.
        """
        text = "" if self._is_wrapped else "".join(self._text)
        return custom_call_item(self.id, self._call.id, self._name, text, status)


class ReasoningItem(Item):
    """
    Reasoning, whose summary has parts.
    """

    def __init__(self, at: int, item_id: str, block: ReasoningBlock) -> None:
        super().__init__(at, item_id)
        self._block = ReasoningBlock(seal=block.seal, is_redacted=block.is_redacted)
        self._parts: list[str] = []
        self._text: list[str] = []

    def seal(self, seal: Seal) -> None:
        """
        Keep the seal until the item is done.
        """
        self._block.seal = seal

    def tell(self, number: int, text: str) -> list[Emit]:
        """
        Say the next words of the part that the summary is at.
        """
        at = len(self._parts)
        events = []
        if not self._text:
            events = [
                self._event(
                    "response.reasoning_summary_part.added",
                    summary_index=at,
                    part=summary_part(""),
                )
            ]
        self._text.append(text)
        delta = self._event(
            "response.reasoning_summary_text.delta", summary_index=at, delta=text
        )
        return [*events, delta]

    def end_part(self) -> list[Emit]:
        """
        End the part that the summary is at, if it has begun.
        """
        if not self._text:
            return []
        at = len(self._parts)
        text = "".join(self._text)
        self._parts.append(text)
        self._text = []
        return [
            self._event(
                "response.reasoning_summary_text.done", summary_index=at, text=text
            ),
            self._event(
                "response.reasoning_summary_part.done",
                summary_index=at,
                part=summary_part(text),
            ),
        ]

    def close(self, number: int) -> list[Emit]:
        """
        End the last part.
        """
        return self.end_part()

    def doc(self, status: str) -> Doc:
        """
        Return the reasoning; sealed when it is done.
        """
        is_done = status != "in_progress"
        seal = answer_seal(self._block) if is_done else None
        return reasoning_item(self.id, self._parts, seal)


class OpaqueItem(Item):
    """
    An item of the dialect's own, whole from the beginning.
    """

    def __init__(self, at: int, raw: Doc) -> None:
        super().__init__(at, str(raw.get("id") or ""))
        self._raw = raw

    def doc(self, status: str) -> Doc:
        """
        Return the item as it came.
        """
        doc: Doc = copied(self._raw)
        return doc
