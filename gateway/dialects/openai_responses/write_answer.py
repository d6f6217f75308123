"""
A neutral answer, written as a whole response.

Source: the OpenAI API reference, "The response object".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.custom_tools import free_text
from gateway.dialects.logprobs import write_logprobs
from gateway.dialects.openai_responses.asked import callers_tools, wants_logprobs
from gateway.dialects.openai_responses.outcome import (
    Ending,
    write_stop,
    write_usage,
)
from gateway.dialects.openai_responses.read_blocks import REDACTED
from gateway.dialects.openai_responses.wire import (
    ID_PREFIXES,
    NAME,
    ItemIds,
    copied,
    response_id,
)
from gateway.dialects.openai_responses.write_blocks import write_annotation
from gateway.dialects.openai_responses.write_turns import reasoning_parts
from gateway.neutral import (
    Opaque,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    TextBlock,
    ToolCall,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.neutral import Answer, Block, Losses
    from gateway.views import Request

Doc = dict[str, Any]

# What a response says again of its request, and what it says where the request is silent.
_ECHOED: Final[Doc] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "reasoning": None,
    "safety_identifier": None,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": None,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}


_TIERS: Final = frozenset("auto default flex scale priority fast ultrafast".split())


def new_response(
    asked: Doc, *, raw_id: str, model: str, created: float, service_tier: str | None
) -> Doc:
    """
    Write a response that has just begun.

    It says again what was asked, and truthfully that it is stored nowhere.
    """
    echo = {
        key: asked[key] if asked.get(key) is not None else silent
        for key, silent in _ECHOED.items()
    }
    doc: Doc = copied(
        {
            "id": response_id(raw_id),
            "object": "response",
            "created_at": created,
            "status": "in_progress",
            "background": False,
            "error": None,
            "incomplete_details": None,
            **echo,
            "model": model,
            "output": [],
            "previous_response_id": None,
            "service_tier": service_tier if service_tier in _TIERS else None,
            "store": False,
            "usage": None,
        }
    )
    return doc


def finish_response(
    response: Doc, output: list[Doc], ending: Ending, **members: Any
) -> None:
    """
    Write into *response* what is known when it ended.
    """
    response.update(
        members,
        status=ending.status,
        output=output,
        incomplete_details=ending.incomplete_details,
        error=ending.error,
    )


def write_answer(answer: Answer, asked: Request, losses: Losses, now: float) -> Doc:
    """
    Write *answer* to the caller who *asked*.

    Args:
        now: Unix seconds.
    """
    doc = new_response(
        asked.doc,
        raw_id=answer.id,
        model=answer.model or asked.model,
        created=now if answer.created is None else answer.created,
        service_tier=answer.service_tier,
    )
    ending = write_stop(answer.stop)
    writer = _OutputWriter(asked, losses)
    output = writer.write(answer.blocks)
    if output and output[-1]["type"] in ID_PREFIXES and ending.status != "completed":
        output[-1]["status"] = "incomplete"
    usage = None if answer.usage is None else write_usage(answer.usage)
    finish_response(doc, output, ending, usage=usage)
    if ending.status == "completed":
        doc["completed_at"] = now
    return doc


class _OutputWriter:
    """
    Writes the blocks of one answer as items; words next to each other are parts of a message.
    """

    def __init__(self, asked: Request, losses: Losses) -> None:
        self._offered = callers_tools(asked.doc)
        self._wants_logprobs = wants_logprobs(asked.doc)
        self._losses = losses
        self._ids = ItemIds()
        self._output: list[Doc] = []
        self._message: list[Doc] | None = None

    def write(self, blocks: list[Block]) -> list[Doc]:
        """
        Return the items that say *blocks*.
        """
        for block in blocks:
            if isinstance(block, TextBlock | RefusalBlock):
                self._say(block)
                continue
            self._message = None
            item = self._item(block)
            if item is not None:
                self._output.append(item)
        return self._output

    def _say(self, block: TextBlock | RefusalBlock) -> None:
        if self._message is None:
            self._message = []
            self._output.append(message_item(self._id("message"), self._message))
        likely = block.logprobs if self._wants_logprobs else ()
        if isinstance(block, RefusalBlock):
            self._message.append(refusal_part(block.text))
            drop_logprobs(likely, self._losses)
        else:
            annotations = answer_annotations(block.annotations, self._losses)
            self._message.append(text_part(block.text, annotations, likely))

    def _item(self, block: Block) -> Doc | None:
        match block:
            case ReasoningBlock():
                seal = answer_seal(block)
                item_id = seal_id(seal) or self._id("reasoning")
                return reasoning_item(item_id, reasoning_parts(block), seal)
            case ToolCall():
                return self._call(block)
            case Opaque() if block.dialect == NAME:
                return dict(block.raw)
        drop_block(block, self._losses)
        return None

    def _call(self, call: ToolCall) -> Doc:
        name, is_custom = self._offered.restored(call)
        if is_custom:
            item_id = self._id("custom_tool_call")
            return custom_call_item(
                item_id, call.id, name, free_text(call, call.arguments)
            )
        item_id = self._id("function_call")
        return function_call_item(item_id, call.id, name, call.arguments or "{}")

    def _id(self, kind: str) -> str:
        return self._ids.of(kind, len(self._output))


# --- items and parts ------------------------------------------------------------------------


def message_item(item_id: str, content: list[Doc], status: str = "completed") -> Doc:
    """
    Write a message of the assistant.
    """
    return {
        "id": item_id,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def text_part(text: str, annotations: list[Doc], likely: Sequence[Doc] = ()) -> Doc:
    """
    Write a part of a message: words.
    """
    return {
        "type": "output_text",
        "text": text,
        "annotations": annotations,
        "logprobs": answer_logprobs(likely),
    }


def refusal_part(text: str) -> Doc:
    """
    Write a part of a message: a refusal.
    """
    return {"type": "refusal", "refusal": text}


def function_call_item(
    item_id: str, call_id: str, name: str, arguments: str, status: str = "completed"
) -> Doc:
    """
    Write the call of a function.
    """
    return {
        "id": item_id,
        "type": "function_call",
        "status": status,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


def custom_call_item(
    item_id: str, call_id: str, name: str, given: str, status: str = "completed"
) -> Doc:
    """
    Write the call of a custom tool.
    """
    return {
        "id": item_id,
        "type": "custom_tool_call",
        "status": status,
        "call_id": call_id,
        "name": name,
        "input": given,
    }


def summary_part(text: str) -> Doc:
    """
    Write a part of a reasoning item's summary.
    """
    return {"type": "summary_text", "text": text}


def reasoning_item(item_id: str, parts: list[str], seal: Seal | None) -> Doc:
    """
    Write reasoning, sealed where there is a seal: the caller sends it back to have it unsealed.
    """
    item: Doc = {
        "id": item_id,
        "type": "reasoning",
        "summary": [summary_part(part) for part in parts],
    }
    if seal is not None:
        item["encrypted_content"] = seal.written_for(NAME)
    return item


def answer_seal(block: ReasoningBlock) -> Seal | None:
    """
    Return the seal of *block* as a caller gets it.
    """
    seal = block.seal
    if seal is not None and seal.dialect != NAME and block.is_redacted:
        return Seal(dialect=seal.dialect, data=seal.data, item_id=REDACTED)
    return seal


def seal_id(seal: Seal | None) -> str | None:
    """
    Return the id that an item must have because the vendor sealed it under that id.
    """
    return seal.item_id if seal is not None and seal.dialect == NAME else None


def answer_annotations(raws: list[Doc], losses: Losses) -> list[Doc]:
    """
    Write the annotations that the dialect has; others are dropped with a record.
    """
    written = [write_annotation(raw) for raw in raws]
    kept = [doc for doc in written if doc is not None]
    if len(kept) < len(written):
        losses.drop("annotations", "OpenAI has no such citations")
    return kept


def answer_logprobs(likely: Sequence[Doc]) -> list[Doc]:
    """
    Write the likelihoods of a part's tokens, whose bytes are a list here, never null.
    """
    written = write_logprobs(likely)
    for entry in _with_others(written):
        entry["bytes"] = entry["bytes"] or []
    return written


def event_logprobs(likely: Sequence[Doc]) -> list[Doc]:
    """
    Write the likelihoods of an event's tokens, which have no bytes there.
    """
    written = write_logprobs(likely)
    for entry in _with_others(written):
        del entry["bytes"]
    return written


def _with_others(written: list[Doc]) -> Iterator[Doc]:
    for entry in written:
        yield entry
        yield from entry["top_logprobs"]


def drop_logprobs(likely: Sequence[Doc], losses: Losses) -> None:
    """
    Record the likelihoods of a refusal's tokens, which have no place.
    """
    if likely:
        losses.drop("logprobs", "OpenAI's Responses tell none of a refusal")


def drop_block(block: Block, losses: Losses) -> None:
    """
    Record a block that the dialect has no item for.
    """
    if isinstance(block, Opaque):
        losses.drop(str(block.raw.get("type"))[:64], "only its own vendor knows it")
    else:
        losses.drop(type(block).__name__, "answers have no such item")
