"""
Write messages, whole and as events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import orjson

from gateway.testing.fake.answer import Answer, Said, Stop, Tokens, call_pieces
from gateway.testing.fake.anthropic_request import read_count, read_message
from gateway.testing.fake.errors import Vendor, VendorError, anthropic_error
from gateway.testing.fake.frames import Event
from gateway.testing.fake.operation import Operation

__all__ = ["COUNT_TOKENS", "MESSAGES"]

_STOP: dict[Stop, str] = {
    "end": "end_turn",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool": "tool_use",
    "refusal": "refusal",
}


def _whole(answer: Answer) -> dict[str, Any]:
    said = answer.said[0]
    document = {
        **_head(answer),
        "content": [block for block, _ in _blocks(answer, said)],
        **_ending(answer, said),
    }
    if not answer.script.no_usage:
        document["usage"] = _usage(answer.tokens)
    return answer.add(document)


def _head(answer: Answer) -> dict[str, Any]:
    return {
        "id": answer.id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _ending(answer: Answer, said: Said) -> dict[str, Any]:
    ending: dict[str, Any] = {
        "stop_reason": answer.stop_word(said, _STOP),
        "stop_sequence": said.stop_sequence,
    }
    if said.stop == "refusal":
        ending["stop_details"] = {
            "type": "refusal",
            "category": None,
            "explanation": said.refusal,
        }
    return ending


def _usage(tokens: Tokens) -> dict[str, Any]:
    """
    Spell usage: neither cache bucket is inside ``input_tokens``.
    """
    return {
        "input_tokens": tokens.input - tokens.cached - tokens.cache_write,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.cache_write_5m,
            "ephemeral_1h_input_tokens": tokens.cache_write_1h,
        },
        "output_tokens": tokens.output,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
        "service_tier": "standard",
    }


# A delta with what the model wrote in it; a finished block with its deltas.
_Delta = tuple[dict[str, Any], str]
_Block = tuple[dict[str, Any], list[_Delta]]


def _blocks(answer: Answer, said: Said) -> Iterator[_Block]:
    if said.reasoning:
        yield _thinking(answer, said)
    for text in answer.script.redacted:
        block = {"type": "redacted_thinking", "data": answer.seal.make(text)}
        yield answer.add_inner(block), []
    if said.text or said.refusal or answer.script.never_end:
        yield _text(answer, said)
    for index in range(len(said.calls)):
        yield _tool_use(answer, said, index)


def _thinking(answer: Answer, said: Said) -> _Block:
    """
    Write a thinking block; one that is not shown keeps its signature.
    """
    signature = answer.seal.make(said.reasoning)
    thinking = answer.ask.body.get("thinking") or {}
    is_shown = thinking.get("display") != "omitted"
    text = said.reasoning if is_shown else ""
    pieces = said.reasoning_pieces if is_shown else ()
    block = {"type": "thinking", "thinking": text, "signature": signature}
    deltas = [({"type": "thinking_delta", "thinking": p}, p) for p in pieces]
    hidden = "" if is_shown else said.reasoning
    deltas.append(({"type": "signature_delta", "signature": signature}, hidden))
    return answer.add_inner(block), deltas


def _text(answer: Answer, said: Said) -> _Block:
    text = said.text or said.refusal or ""
    pieces = said.pieces if said.text else said.refusal_pieces
    block: dict[str, Any] = {"type": "text", "text": text}
    deltas: list[_Delta] = [({"type": "text_delta", "text": p}, p) for p in pieces]
    if citations := _citations(answer, text):
        block["citations"] = citations
    deltas += [_citation_delta(citation) for citation in citations]
    return answer.add_inner(block), deltas


def _citation_delta(citation: dict[str, Any]) -> _Delta:
    return {"type": "citations_delta", "citation": citation}, ""


def _citations(answer: Answer, text: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "web_search_result_location",
            "url": citation.url,
            "title": citation.title,
            "cited_text": text[citation.start : citation.end],
            "encrypted_index": answer.seal.make(citation.url),
        }
        for citation in answer.script.citations
    ]


def _tool_use(answer: Answer, said: Said, index: int) -> _Block:
    call = said.calls[index]
    block = {
        "type": "tool_use",
        "id": answer.call_id("toolu_", index),
        "name": call.name,
        "input": _input(call.arguments),
    }
    # The vendor opens with an empty piece, and streams none for no arguments.
    pieces = call_pieces(call, said.split)
    if call.arguments.strip() in {"", "{}"} and call.pieces is None:
        pieces = ()
    deltas = [
        ({"type": "input_json_delta", "partial_json": piece}, piece)
        for piece in ("", *pieces)
    ]
    return answer.add_inner(block), deltas


def _input(arguments: str) -> dict[str, Any]:
    """
    Read arguments as the object that they must be here; what is none is empty.
    """
    try:
        document = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _events(answer: Answer) -> Iterator[Event]:
    said = answer.said[0]
    message = _head(answer)
    if not answer.script.no_usage:
        message["usage"] = _usage(attrs.evolve(answer.tokens, output=1, reasoning=0))
    yield _event(answer, "message_start", message=message)
    for index, (block, deltas) in enumerate(_blocks(answer, said)):
        yield _event(
            answer, "content_block_start", index=index, content_block=_opened(block)
        )
        if index == 0:
            yield _PING
        for delta, text in deltas:
            answer.add_inner(delta)
            yield _event(answer, "content_block_delta", text, index=index, delta=delta)
        if block["type"] == "text" and answer.script.never_end:
            yield from _more_text(answer, said, index)
        yield _event(answer, "content_block_stop", index=index)
    ending: dict[str, Any] = {"delta": answer.add_inner(_ending(answer, said))}
    if not answer.script.no_usage:
        ending["usage"] = _final_usage(answer.tokens)
    yield _event(answer, "message_delta", **ending)
    yield _event(answer, "message_stop")


def _event(answer: Answer, name: str, text: str = "", **fields: Any) -> Event:
    document = answer.add({"type": name, **fields})
    return Event(orjson.dumps(document), name, text)


def _opened(block: dict[str, Any]) -> dict[str, Any]:
    """
    Write a block as it begins: what deltas bring is empty.
    """
    empty: dict[str, Any] = {"text": "", "thinking": "", "signature": "", "input": {}}
    if "citations" in block:
        empty["citations"] = []
    return {key: empty.get(key, value) for key, value in block.items()}


def _more_text(answer: Answer, said: Said, index: int) -> Iterator[Event]:
    for piece in answer.pieces(said):
        delta = {"type": "text_delta", "text": piece}
        yield _event(answer, "content_block_delta", piece, index=index, delta=delta)


def _final_usage(tokens: Tokens) -> dict[str, Any]:
    usage = _usage(tokens)
    del usage["cache_creation"], usage["service_tier"]
    return usage


def _error_event(answer: Answer, error: VendorError, sent: int) -> Event:
    """
    Write an error in the middle of a stream.
    """
    document = anthropic_error(error, answer.id("req_"))
    return Event(orjson.dumps(document), "error")


def _count(answer: Answer) -> dict[str, Any]:
    return answer.add({"input_tokens": answer.tokens.input})


_PING = Event(b'{"type":"ping"}', "ping")

MESSAGES = Operation(
    name="message",
    vendor=Vendor.ANTHROPIC,
    read=read_message,
    whole=_whole,
    events=_events,
    error_event=_error_event,
    ping=_PING,
)
COUNT_TOKENS = Operation(
    name="count_tokens",
    vendor=Vendor.ANTHROPIC,
    read=read_count,
    whole=_count,
    is_free=True,
)
