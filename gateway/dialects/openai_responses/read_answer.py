"""
A whole response, read into the neutral form.

Source: the OpenAI API reference, "The response object".  What a provider wrote is taken as it
is: a member of another type than expected counts as absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.dialects.lenient import string_at
from gateway.dialects.logprobs import read_logprobs
from gateway.dialects.openai_responses.outcome import read_stop, read_usage
from gateway.dialects.openai_responses.read_blocks import read_reasoning
from gateway.dialects.openai_responses.wire import NAME
from gateway.neutral import Answer, Block, Opaque, RefusalBlock, TextBlock, ToolCall

if TYPE_CHECKING:
    from gateway.views import Response


def read_answer(response: Response) -> Answer:
    """
    Read *response*.
    """
    doc = response.doc if isinstance(response.doc, dict) else {}
    output = doc.get("output")
    items = output if isinstance(output, list) else []
    return Answer(
        id=string_at(doc, "id"),
        model=string_at(doc, "model"),
        blocks=[block for item in items for block in read_item(item)],
        stop=read_stop(doc),
        usage=read_usage(doc),
        created=created(doc),
        service_tier=string_at(doc, "service_tier") or None,
    )


def read_item(item: Any) -> list[Block]:
    """
    Read one item of the output; what has no neutral form becomes `Opaque`.
    """
    if not isinstance(item, dict):
        return []
    match item.get("type"):
        case "message":
            content = item.get("content")
            parts = content if isinstance(content, list) else []
            return [block for part in parts for block in _part(part)]
        case "reasoning":
            return [*read_reasoning(item)]
        case "function_call" | "custom_tool_call":
            return [read_call(item)]
        case _:
            return [Opaque(dialect=NAME, raw=item)]


def read_call(item: dict[str, Any]) -> ToolCall:
    """
    Read the call of one of the caller's tools.
    """
    is_custom = item["type"] == "custom_tool_call"
    return ToolCall(
        id=string_at(item, "call_id") or string_at(item, "id"),
        name=string_at(item, "name"),
        arguments=string_at(item, "input" if is_custom else "arguments"),
        kind="custom" if is_custom else "function",
    )


def _part(part: Any) -> list[Block]:
    if not isinstance(part, dict):
        return []
    if part.get("type") == "refusal":
        return [RefusalBlock(text=string_at(part, "refusal"))]
    text = string_at(part, "text")
    if part.get("type") != "output_text" and not text:
        return []
    likely = read_logprobs(part.get("logprobs"))
    return [TextBlock(text=text, annotations=citations(part), logprobs=likely)]


def citations(part: dict[str, Any]) -> list[dict[str, Any]]:
    """
    Return the annotations of a part.
    """
    found = part.get("annotations")
    members = found if isinstance(found, list) else []
    return [one for one in members if isinstance(one, dict)]


def created(doc: dict[str, Any]) -> int | None:
    """
    Return when a response was made, in Unix seconds.
    """
    value = doc.get("created_at")
    return int(value) if value.__class__ in (int, float) else None
