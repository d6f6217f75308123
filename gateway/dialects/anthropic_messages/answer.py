"""
A whole answer, out of Anthropic's form and into it.

Source: Anthropic's API reference, the message object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.anthropic_messages.outcome import (
    read_stop,
    read_tier,
    read_usage,
    write_stop,
    write_usage,
)
from gateway.dialects.anthropic_messages.read_blocks import read_block
from gateway.dialects.anthropic_messages.wire import NAME, written_id
from gateway.dialects.anthropic_messages.write_blocks import CITATIONS, arguments_of
from gateway.dialects.fields import Fields
from gateway.dialects.lenient import string_at
from gateway.dialects.tool_names import restored_name
from gateway.errors import InvalidRequest
from gateway.neutral import (
    Answer,
    Block,
    Losses,
    Opaque,
    ReasoningBlock,
    RefusalBlock,
    TextBlock,
    ToolCall,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.views import Request

Doc = dict[str, Any]

_READABLE: Final = ("text", "thinking", "redacted_thinking", "tool_use")

# --- reading ----------------------------------------------------------------------------


def read_answer(doc: Doc) -> Answer:
    """
    Read a message.
    """
    content = doc.get("content")
    blocks = (
        [_read_block(block) for block in content] if isinstance(content, list) else []
    )
    usage = doc.get("usage")
    return Answer(
        id=string_at(doc, "id"),
        model=string_at(doc, "model"),
        blocks=blocks,
        stop=read_stop(doc, calls_tool=_calls_tool(blocks)),
        usage=read_usage(usage),
        service_tier=read_tier(usage),
    )


def _read_block(raw: Any) -> Block:
    if isinstance(raw, dict) and raw.get("type") in _READABLE:
        try:
            return read_block(Fields(raw, "content"), Losses())
        except InvalidRequest:
            pass  # the provider's mistake: handed on as it is to whoever understands it
    return Opaque(dialect=NAME, raw=raw if isinstance(raw, dict) else {})


def _calls_tool(blocks: Iterable[Block]) -> bool:
    return any(isinstance(block, ToolCall) for block in blocks)


# --- writing ----------------------------------------------------------------------------


def write_answer(answer: Answer, asked: Request, losses: Losses) -> Doc:
    """
    Write *answer* as a message.
    """
    offered = offered_names(asked)
    content: list[Doc] = []
    for block in answer.blocks:
        if isinstance(block, ToolCall):
            spare_id = f"{answer.id}_{len(content)}"
            content.append(_write_call(block, offered, losses, spare_id))
        elif (doc := _write_block(block, losses)) is not None:
            content.append(doc)
    return {
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": content,
        **write_stop(
            answer.stop,
            losses,
            calls_tool=_calls_tool(answer.blocks),
            refuses=any(isinstance(block, RefusalBlock) for block in answer.blocks),
        ),
        "usage": write_usage(answer.usage, answer.service_tier),
    }


def _write_call(
    call: ToolCall, offered: tuple[str, ...], losses: Losses, spare_id: str
) -> Doc:
    given, is_whole = arguments_of(call)
    if not is_whole:
        losses.change("tool_use.input", "not a JSON object: wrapped in one")
    return {**opened_call(call, offered, spare_id), "input": given}


def _write_block(block: Block, losses: Losses) -> Doc | None:
    match block:
        case TextBlock(text="") | RefusalBlock(text=""):
            return None
        case TextBlock():
            doc: Doc = {"type": "text", "text": block.text}
            citations = written_citations(block.annotations, block.text, losses)
            if citations:
                doc["citations"] = citations
            return doc
        case RefusalBlock():
            return {"type": "text", "text": block.text}
        case ReasoningBlock():
            return _write_reasoning(block)
        case Opaque(dialect=dialect, raw=raw) if dialect == NAME:
            return raw
    drop_block(block, losses)
    return None


def offered_names(asked: Request) -> tuple[str, ...]:
    """
    Return the names of the tools that the caller offered.
    """
    tools = asked.peek("tools")
    names = [tool.get("name") for tool in tools or () if isinstance(tool, dict)]
    return tuple(name for name in names if isinstance(name, str))


def opened_call(call: ToolCall, offered: tuple[str, ...], spare_id: str) -> Doc:
    """
    Write the block of a tool call without its input, by the name that the caller gave.

    Args:
        spare_id: Its id if the provider gave none; the caller needs one for the result.
    """
    return {
        "type": "tool_use",
        "id": written_id(call.id or spare_id),
        "name": restored_name(call.name, offered),
        "input": {},
    }


def _write_reasoning(block: ReasoningBlock) -> Doc | None:
    """
    Write reasoning.

    Another vendor's seal travels as the signature, and only this gateway opens it again.
    """
    seal = block.seal.written_for(NAME) if block.seal is not None else ""
    if block.is_redacted:
        return {"type": "redacted_thinking", "data": seal} if seal else None
    if not block.text and not seal:
        return None
    return {"type": "thinking", "thinking": block.paragraphs, "signature": seal}


def drop_block(block: Block, losses: Losses) -> None:
    """
    Record that *block* of an answer is left out.
    """
    kind = block.raw.get("type") if isinstance(block, Opaque) else type(block).__name__
    losses.drop(f"content.{kind}", "Anthropic's answers have no such block")


def written_citations(
    annotations: Iterable[Doc], text: str, losses: Losses
) -> list[Doc]:
    """
    Write the annotations of *text*.

    Anthropic's stay as they are, OpenAI's links become results of a web search.
    """
    citations = []
    for one in annotations:
        if one.get("type") in CITATIONS:
            citations.append(one)
        elif one.get("type") == "url_citation":
            losses.emulate("annotations", "a link is written as a web search result")
            citations.append(_link(one, text))
        else:
            losses.drop("annotations", "Anthropic has no such citation")
    return citations


def _link(annotation: Doc, text: str) -> Doc:
    # Chat completions nest what Responses have flat.
    link = annotation.get("url_citation")
    link = link if isinstance(link, dict) else annotation
    start, end = link.get("start_index"), link.get("end_index")
    is_placed = isinstance(start, int) and isinstance(end, int)
    title = link.get("title")
    return {
        "type": "web_search_result_location",
        "url": string_at(link, "url"),
        "title": title if isinstance(title, str) else None,
        "cited_text": text[start:end] if is_placed else "",
        "encrypted_index": "",
    }
