"""
Write chat completions, whole and as chunks.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from gateway.testing.fake.answer import CREATED, Answer, Said, Stop, call_pieces
from gateway.testing.fake.errors import Vendor, VendorError, openai_error
from gateway.testing.fake.frames import DONE, Event
from gateway.testing.fake.openai_chat_request import read_chat
from gateway.testing.fake.openai_usage import chat_usage, token_logprob
from gateway.testing.fake.operation import Operation
from gateway.testing.fake.script import ToolCall

__all__ = ["CHAT", "error_chunk"]

_FINISH: dict[Stop, str] = {
    "end": "stop",
    "length": "length",
    "stop_sequence": "stop",
    "tool": "tool_calls",
    "refusal": "stop",
}
_FINGERPRINT = "fp_fake"

# A delta, what the model wrote in it, and its log probabilities.
_Step = tuple[dict[str, Any], str, dict[str, Any] | None]


def _whole(answer: Answer) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": answer.id("chatcmpl-"),
        "object": "chat.completion",
        "created": CREATED,
        "model": answer.model,
        "choices": [
            _choice(answer, index, said) for index, said in enumerate(answer.said)
        ],
        "service_tier": "default",
        "system_fingerprint": _FINGERPRINT,
    }
    if not answer.script.no_usage:
        document["usage"] = chat_usage(answer.tokens)
    return answer.add(document)


def _choice(answer: Answer, index: int, said: Said) -> dict[str, Any]:
    has_content = said.text or not (said.calls or said.refusal is not None)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": said.text if has_content else None,
        "refusal": said.refusal,
        "annotations": _annotations(answer),
    }
    if said.reasoning and _shows_reasoning(answer):
        message[answer.script.reasoning_key] = said.reasoning
    if said.calls:
        message["tool_calls"] = [
            _call(call, answer.call_id("call_", number, index))
            for number, call in enumerate(said.calls)
        ]
    return {
        "index": index,
        "message": answer.add_inner(message),
        "logprobs": _logprobs(answer, said.pieces) if _wants_logprobs(answer) else None,
        "finish_reason": answer.stop_word(said, _FINISH),
    }


def _shows_reasoning(answer: Answer) -> bool:
    """
    Say whether reasoning is told: OpenAI itself only counts it, others tell it.
    """
    script = answer.script
    return script.reasoning is not None or script.reasoning_pieces is not None


def _annotations(answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "start_index": citation.start,
                "end_index": citation.end,
                "title": citation.title,
                "url": citation.url,
            },
        }
        for citation in answer.script.citations
    ]


def _call(call: ToolCall, call_id: str, arguments: str | None = None) -> dict[str, Any]:
    written = call.arguments if arguments is None else arguments
    if call.is_custom:
        inner = {"name": call.name, "input": written}
        return {"id": call_id, "type": "custom", "custom": inner}
    inner = {"name": call.name, "arguments": written}
    return {"id": call_id, "type": "function", "function": inner}


def _wants_logprobs(answer: Answer) -> bool:
    return answer.ask.body.get("logprobs") is True


def _logprobs(answer: Answer, pieces: Iterable[str]) -> dict[str, Any]:
    count = answer.ask.body.get("top_logprobs") or 0
    content = [token_logprob(piece, count) for piece in pieces]
    return {"content": content, "refusal": None}


def _events(answer: Answer) -> Iterator[Event]:
    place = answer.script.usage_place
    is_asked = _wants_usage(answer)
    lanes = [_lane(answer, index, said) for index, said in enumerate(answer.said)]
    for index, (delta, text, logprobs) in _take_turns(lanes):
        chunk = _chunk(answer, index, answer.add_inner(delta), logprobs=logprobs)
        yield _event(answer, chunk, text, has_usage=place == "every_chunk")
    for index, said in enumerate(answer.said):
        is_last = index == len(answer.said) - 1
        chunk = _chunk(answer, index, {}, finish=answer.stop_word(said, _FINISH))
        has_usage = place == "every_chunk" or (place == "last_choice" and is_last)
        yield _event(answer, chunk, has_usage=has_usage)
    if is_asked and place == "own_chunk":
        chunk = {**_chunk(answer, 0, {}), "choices": []}
        yield _event(answer, chunk, has_usage=True)
    yield DONE


def _wants_usage(answer: Answer) -> bool:
    options = answer.ask.body.get("stream_options")
    is_asked = isinstance(options, dict) and options.get("include_usage") is True
    return is_asked and not answer.script.no_usage


def _take_turns(lanes: list[Iterator[_Step]]) -> Iterator[tuple[int, _Step]]:
    """
    Let the choices speak in turn, as they do when several were asked for.
    """
    for steps in itertools.zip_longest(*lanes):
        for index, step in enumerate(steps):
            if step is not None:
                yield index, step


def _lane(answer: Answer, index: int, said: Said) -> Iterator[_Step]:
    shows = _shows_reasoning(answer)
    role = {"role": "assistant", "content": "", "refusal": None}
    yield role, "" if shows else said.reasoning, None
    if shows:
        for piece in said.reasoning_pieces:
            yield {answer.script.reasoning_key: piece}, piece, None
    for piece in said.refusal_pieces:
        yield {"refusal": piece}, piece, None
    if said.text or answer.script.never_end:
        yield from _text_steps(answer, said)
    if answer.script.citations:
        yield {"annotations": _annotations(answer)}, "", None
    yield from _call_steps(answer, index, said)


def _text_steps(answer: Answer, said: Said) -> Iterator[_Step]:
    has_logprobs = _wants_logprobs(answer)
    for piece in answer.pieces(said):
        logprobs = _logprobs(answer, (piece,)) if has_logprobs else None
        yield {"content": piece}, piece, logprobs


def _call_steps(answer: Answer, choice: int, said: Said) -> Iterator[_Step]:
    calls = [
        _one_call(call, number, answer.call_id("call_", number, choice), said.split)
        for number, call in enumerate(said.calls)
    ]
    if answer.script.interleave_calls:
        for steps in itertools.zip_longest(*calls):
            yield from (step for step in steps if step is not None)
    else:
        yield from itertools.chain.from_iterable(calls)


def _one_call(
    call: ToolCall, number: int, call_id: str, split: int | None
) -> Iterator[_Step]:
    yield {"tool_calls": [{"index": number, **_call(call, call_id, "")}]}, "", None
    kind, key = ("custom", "input") if call.is_custom else ("function", "arguments")
    for piece in call_pieces(call, split):
        yield {"tool_calls": [{"index": number, kind: {key: piece}}]}, piece, None


def _chunk(
    answer: Answer,
    index: int,
    delta: dict[str, Any],
    *,
    finish: str | None = None,
    logprobs: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "id": answer.id("chatcmpl-"),
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": answer.model,
        "service_tier": "default",
        "system_fingerprint": _FINGERPRINT,
        "choices": [
            {
                "index": index,
                "delta": delta,
                "logprobs": logprobs,
                "finish_reason": finish,
            }
        ],
    }


def _event(
    answer: Answer, chunk: dict[str, Any], text: str = "", *, has_usage: bool
) -> Event:
    """
    Finish a chunk: whoever asked for usage has the key in each, mostly null.
    """
    if has_usage and not answer.script.no_usage:
        chunk["usage"] = chat_usage(answer.tokens)
    elif _wants_usage(answer):
        chunk["usage"] = None
    options = answer.ask.body.get("stream_options")
    if options and options.get("include_obfuscation") is True:
        chunk["obfuscation"] = "x" * (-len(text) % 16)
    return Event(orjson.dumps(answer.add(chunk)), text=text)


def error_chunk(answer: Answer, error: VendorError, sent: int) -> Event:
    """
    Write an error in the middle of a stream of chunks.
    """
    return Event(orjson.dumps({"error": openai_error(error)}))


CHAT = Operation(
    name="chat",
    vendor=Vendor.OPENAI,
    read=read_chat,
    whole=_whole,
    events=_events,
    error_event=error_chunk,
)
