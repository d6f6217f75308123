"""
Whole answers, read into the neutral form and written from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway import codec
from gateway.dialects.custom_tools import free_text
from gateway.dialects.fields import Fields
from gateway.dialects.lenient import object_at, objects, string_at
from gateway.dialects.logprobs import read_logprobs, write_logprobs
from gateway.dialects.openai_chat import citations
from gateway.dialects.openai_chat.offers import callers_tools
from gateway.dialects.openai_chat.parts import read_content, read_part
from gateway.dialects.openai_chat.reasoning import (
    read_reasoning,
    write_reasoning,
)
from gateway.dialects.openai_chat.stops import stop_of, write_stop
from gateway.dialects.openai_chat.usage import read_any_usage, write_usage
from gateway.dialects.openai_chat.wire import NAME
from gateway.dialects.openai_faults import fault_of
from gateway.errors import InvalidRequest, UpstreamError
from gateway.neutral import (
    Answer,
    Block,
    Losses,
    MediaBlock,
    Opaque,
    ReasoningBlock,
    RefusalBlock,
    TextBlock,
    ToolCall,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.dialects.tool_names import OfferedTools
    from gateway.views import Request


def read_answer(doc: Any) -> Answer:
    """
    Read a whole answer; of several choices, which nobody can have asked for, the first.

    Raises:
        UpstreamError: if it is an error.
        ValueError: if it has no choice, or one that cannot be read; `TypeError` if it is no
            object.
    """
    if not isinstance(doc, dict):
        raise TypeError("the answer is no object")
    choices = objects(doc.get("choices"))
    if not choices:
        if doc.get("error"):
            fault = fault_of(None, doc)
            raise UpstreamError(upstream_status=fault.status, details={"fault": fault})
        raise ValueError("the answer has no choice")
    choice = min(choices, key=_index)
    message = choice.get("message")
    try:
        blocks = read_message(message if isinstance(message, dict) else {})
    except InvalidRequest as exc:  # who must be told is the provider, not the caller
        raise ValueError(f"the answer is malformed: {exc}") from None
    _cite(blocks, citations.sources_of(doc))
    _weigh(blocks, object_at(choice, "logprobs"))
    return Answer(
        id=string_at(doc, "id"),
        model=string_at(doc, "model"),
        blocks=blocks,
        stop=stop_of(choice),
        usage=read_any_usage(doc),
        created=doc["created"] if isinstance(doc.get("created"), int) else None,
        service_tier=string_at(doc, "service_tier") or None,
    )


def read_message(message: dict[str, Any]) -> list[Block]:
    """
    Read the model's message.
    """
    losses = Losses()
    blocks: list[Block] = [*read_reasoning(message)]
    content = message.get("content")
    blocks += read_content(content, losses, "content")
    _cite(blocks, objects(message.get("annotations")))
    for image in objects(message.get("images")):
        blocks.append(read_part(Fields(image, "images"), losses))
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        blocks.append(RefusalBlock(text=refusal))
    for position, raw in enumerate(objects(message.get("tool_calls"))):
        blocks.append(read_call(raw, position))
    function = message.get("function_call")
    if isinstance(function, dict):
        blocks.append(read_call({"function": function}, 0))
    return blocks


def read_call(raw: dict[str, Any], position: int) -> Block:
    """
    Read a whole tool call; one without an id is given one by its *position*.
    """
    call_id = string_at(raw, "id") or f"call_{position}"
    inner = raw.get("custom")
    if isinstance(inner, dict):
        return ToolCall(
            id=call_id,
            name=string_at(inner, "name"),
            arguments=string_at(inner, "input"),
            kind="custom",
        )
    inner = raw.get("function")
    if not isinstance(inner, dict):
        return Opaque(dialect=NAME, raw=raw)
    return ToolCall(
        id=call_id,
        name=string_at(inner, "name"),
        arguments=source_of(inner.get("arguments")),
    )


def source_of(arguments: Any) -> str:
    """
    Return *arguments* as JSON source, which they should be; Ollama's are an object.
    """
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    return codec.dumps(arguments).decode()


def _cite(blocks: list[Block], found: list[dict[str, Any]]) -> None:
    texts = [block for block in blocks if isinstance(block, TextBlock)]
    if found and texts:
        texts[-1].annotations += found


def _weigh(blocks: list[Block], logprobs: dict[str, Any]) -> None:
    """
    Put the likelihoods of a choice's tokens on what they spell.
    """
    said: dict[type[Block], str] = {TextBlock: "content", RefusalBlock: "refusal"}
    for block in blocks:
        # Of several texts, which none has that tells likelihoods, the first.
        name = said.pop(type(block), "")
        if isinstance(block, TextBlock | RefusalBlock) and name:
            block.logprobs = read_logprobs(logprobs.get(name))


def _index(choice: dict[str, Any]) -> int:
    index = choice.get("index")
    return index if isinstance(index, int) else 0


# --- writing --------------------------------------------------------------------------------


def write_answer(answer: Answer, asked: Request, losses: Losses) -> dict[str, Any]:
    """
    Write *answer* to the caller who *asked*.
    """
    is_legacy = offers_functions(asked)
    message = _message(answer.blocks, asked, losses, is_legacy=is_legacy)
    choice = {
        "index": 0,
        "message": message,
        "logprobs": _logprobs(answer.blocks) if asked.peek("logprobs") else None,
        **write_stop(
            answer.stop,
            has_refused=message["refusal"] is not None,
            is_legacy=is_legacy,
        ),
    }
    doc: dict[str, Any] = {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created or 0,
        "model": answer.model,
        "choices": [choice],
    }
    if answer.service_tier is not None:
        doc["service_tier"] = answer.service_tier
    if answer.usage is not None:
        doc["usage"] = write_usage(answer.usage)
    return doc


def _logprobs(blocks: list[Block]) -> dict[str, Any] | None:
    said = [entry for b in blocks if isinstance(b, TextBlock) for entry in b.logprobs]
    refused = [
        entry for b in blocks if isinstance(b, RefusalBlock) for entry in b.logprobs
    ]
    return choice_logprobs(said, refused)


def choice_logprobs(
    said: Iterable[dict[str, Any]], refused: Iterable[dict[str, Any]]
) -> dict[str, Any] | None:
    """
    Write a choice's ``logprobs`` of its content and of its refusal; None where there are none.
    """
    written = {
        "content": write_logprobs(said) or None,
        "refusal": write_logprobs(refused) or None,
    }
    return written if any(written.values()) else None


def offers_functions(asked: Request) -> bool:
    """
    Tell whether the caller offers tools the way they were called until 2023.
    """
    return bool(asked.peek("functions")) and not asked.peek("tools")


def _message(
    blocks: list[Block], asked: Request, losses: Losses, *, is_legacy: bool
) -> dict[str, Any]:
    offered = callers_tools(asked)
    texts = [block for block in blocks if isinstance(block, TextBlock)]
    refusals = [block.text for block in blocks if isinstance(block, RefusalBlock)]
    thoughts = [block for block in blocks if isinstance(block, ReasoningBlock)]
    calls = [
        _written_call(block, offered) for block in blocks if isinstance(block, ToolCall)
    ]
    content = "".join(block.text for block in texts) if texts else None
    if content is None and not calls and not refusals:
        content = ""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": content,
        "refusal": "".join(refusals) if refusals else None,
        **write_reasoning(thoughts),
    }
    cited = _annotations(texts, losses)
    if cited:
        message["annotations"] = cited
    if calls and is_legacy:
        message["function_call"] = calls[0]["function"]
        if len(calls) > 1:
            losses.drop("tool_calls", "functions are called one at a time")
    elif calls:
        message["tool_calls"] = calls
    for block in blocks:
        if isinstance(block, Opaque | MediaBlock):
            drop_block(block, losses)
    return message


def _written_call(call: ToolCall, offered: OfferedTools) -> dict[str, Any]:
    name, is_custom = offered.restored(call)
    if is_custom:
        inner = {"name": name, "input": free_text(call, call.arguments)}
    else:
        inner = {"name": name, "arguments": call.arguments or "{}"}
    kind = "custom" if is_custom else "function"
    return {"id": call.id, "type": kind, kind: inner}


def drop_block(block: Block, losses: Losses) -> None:
    """
    Record a block of an answer that the dialect has no place for.
    """
    kind = block.raw.get("type") if isinstance(block, Opaque) else type(block).__name__
    losses.drop(f"content.{kind}", "the dialect's answers have no such block")


def _annotations(texts: list[TextBlock], losses: Losses) -> list[dict[str, Any]]:
    out = []
    start = 0
    for block in texts:
        end = start + len(block.text)
        for raw in block.annotations:
            cited = citations.written(raw, start, end, losses)
            if cited is not None:
                out.append(cited)
        start = end
    return out
