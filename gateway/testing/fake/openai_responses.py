"""
Write responses, whole.
"""

from __future__ import annotations

from typing import Any

from gateway.testing.fake.answer import CREATED, Answer, Said, Stop, Tokens
from gateway.testing.fake.openai_usage import token_logprob

__all__ = [
    "content_part",
    "has_message",
    "head",
    "logprobs_of",
    "message_item",
    "output_items",
    "reasoning_item",
    "tells_reasoning",
    "tool_item",
    "url_citations",
    "whole_response",
]

_STATUS: dict[Stop, str] = {
    "end": "completed",
    "length": "max_output_tokens",
    "stop_sequence": "completed",
    "tool": "completed",
    "refusal": "completed",
}
_INCOMPLETE = frozenset("max_output_tokens max_messages content_filter steered".split())
_TIER = "default"


def whole_response(answer: Answer) -> dict[str, Any]:
    """
    Write the finished response.
    """
    document = head(answer)
    said = answer.said[0]
    word = answer.stop_word(said, _STATUS)
    document["status"] = "incomplete" if word in _INCOMPLETE else word
    document["output"] = output_items(answer)
    document["incomplete_details"] = {"reason": word} if word in _INCOMPLETE else None
    if word == "failed":
        script = answer.script
        document["error"] = {
            "code": script.error_code or "server_error",
            "message": script.error_message or "The model failed.",
        }
    if word == "completed":
        document["completed_at"] = CREATED + 1
    if not answer.script.no_usage:
        document["usage"] = _usage(answer.tokens)
    return answer.add(document)


def head(answer: Answer) -> dict[str, Any]:
    """
    Write a response that has just begun; much of it repeats the request.
    """
    body = answer.ask.body
    store = body.get("store")
    parallel = body.get("parallel_tool_calls")
    return {
        "id": answer.id("resp_"),
        "object": "response",
        "created_at": CREATED,
        "completed_at": None,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "model": answer.model,
        "output": [],
        "parallel_tool_calls": True if parallel is None else parallel,
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": {"effort": None, "summary": None} | (body.get("reasoning") or {}),
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": _TIER,
        "store": True if store is None else store,
        "temperature": _or(body.get("temperature"), 1.0),
        "text": {"format": {"type": "text"}} | (body.get("text") or {}),
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": [_tool(tool) for tool in body.get("tools") or ()],
        "top_logprobs": body.get("top_logprobs") or 0,
        "top_p": _or(body.get("top_p"), 1.0),
        "truncation": body.get("truncation") or "disabled",
        "usage": None,
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }


def _or(value: Any, fallback: Any) -> Any:
    return fallback if value is None else value


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """
    Repeat a tool with the defaults that the vendor fills in.
    """
    if tool.get("type") != "function":
        return tool
    return {"description": None, "parameters": None, "strict": True} | tool


def _usage(tokens: Tokens) -> dict[str, Any]:
    details: dict[str, Any] = {
        "cached_tokens": tokens.cached,
        "cache_write_tokens": tokens.cache_write,
    }
    if tokens.cache_write:
        # The shorter and the longer of the lives that this vendor offers.
        details["cache_write_tokens_details"] = {
            "ttl_30m_tokens": tokens.cache_write_5m,
            "ttl_12h_tokens": tokens.cache_write_1h,
        }
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": details,
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
    }


def output_items(answer: Answer) -> list[dict[str, Any]]:
    """
    Write every finished item of the output, in order.
    """
    said = answer.said[0]
    items = []
    if said.reasoning:
        items.append(reasoning_item(answer, said))
    if has_message(said):
        items.append(message_item(answer, said))
    items += [tool_item(answer, index) for index in range(len(said.calls))]
    return items


def has_message(said: Said) -> bool:
    """
    Say whether the output has a message, be it an empty one.
    """
    if said.text or said.refusal is not None:
        return True
    return not said.calls and not said.reasoning


def reasoning_item(
    answer: Answer, said: Said, *, is_done: bool = True
) -> dict[str, Any]:
    """
    Write a reasoning item; what is hidden can travel sealed.
    """
    item: dict[str, Any] = {"id": answer.id("rs_"), "type": "reasoning", "summary": []}
    if "reasoning.encrypted_content" in (answer.ask.body.get("include") or ()):
        item["encrypted_content"] = answer.seal.make(said.reasoning)
    if is_done and tells_reasoning(answer):
        if answer.script.reasoning_part == "text":
            item["content"] = [{"type": "reasoning_text", "text": said.reasoning}]
        else:
            item["summary"] = [{"type": "summary_text", "text": said.reasoning}]
    return answer.add_inner(item)


def tells_reasoning(answer: Answer) -> bool:
    """
    Say whether reasoning is readable: where it is scripted, or a summary wanted.
    """
    script = answer.script
    if script.reasoning is not None or script.reasoning_pieces is not None:
        return True
    reasoning = answer.ask.body.get("reasoning")
    return isinstance(reasoning, dict) and reasoning.get("summary") is not None


def message_item(answer: Answer, said: Said, *, is_done: bool = True) -> dict[str, Any]:
    """
    Write the message item.
    """
    status = "in_progress"
    if is_done:
        status = "incomplete" if said.stop == "length" else "completed"
    return answer.add_inner(
        {
            "id": answer.id("msg_"),
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": [content_part(answer, said)] if is_done else [],
        }
    )


def content_part(answer: Answer, said: Said, text: str | None = None) -> dict[str, Any]:
    """
    Write the one part of the message; *text* where it is not the whole text.
    """
    if said.refusal is not None:
        refusal = said.refusal if text is None else text
        return {"type": "refusal", "refusal": refusal}
    is_done = text is None
    return {
        "type": "output_text",
        "text": said.text if text is None else text,
        "annotations": url_citations(answer) if is_done else [],
        "logprobs": logprobs_of(answer, said.pieces) if is_done else [],
    }


def url_citations(answer: Answer) -> list[dict[str, Any]]:
    """
    Write the scripted citations.
    """
    return [
        {
            "type": "url_citation",
            "start_index": citation.start,
            "end_index": citation.end,
            "title": citation.title,
            "url": citation.url,
        }
        for citation in answer.script.citations
    ]


def logprobs_of(answer: Answer, pieces: tuple[str, ...]) -> list[dict[str, Any]]:
    """
    Write log probabilities, where they were asked for.
    """
    body = answer.ask.body
    if "message.output_text.logprobs" not in (body.get("include") or ()):
        return []
    count = body.get("top_logprobs") or 0
    return [token_logprob(piece, count) for piece in pieces]


def tool_item(answer: Answer, index: int, *, is_done: bool = True) -> dict[str, Any]:
    """
    Write the item of tool call *index*.
    """
    call = answer.said[0].calls[index]
    written = call.arguments if is_done else ""
    item: dict[str, Any] = {
        "id": answer.id("ctc_" if call.is_custom else "fc_", index),
        "type": "custom_tool_call" if call.is_custom else "function_call",
        "status": "completed" if is_done else "in_progress",
        "call_id": answer.call_id("call_", index),
        "name": call.name,
        "input" if call.is_custom else "arguments": written,
    }
    return answer.add_inner(item)
