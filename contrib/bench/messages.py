"""
The bytes on the wire: what callers ask, and what the upstream answers.

The model's name tells the upstream how to answer, because a gateway passes it on and a
plain proxy does so too.
"""

from __future__ import annotations

import json
from typing import Any, Final

#: How the upstream answers: whole; events one by one; all at once; one, then nothing.
WHOLE: Final = "whole"
DRIP: Final = "drip"
BURST: Final = "burst"
STALL: Final = "stall"
KINDS: Final = (WHOLE, DRIP, BURST, STALL)

#: Events of a stream, the first with the role and the last with the reason included;
#: ``[DONE]`` and a usage chunk that was asked for come on top.
EVENTS: Final = 100
DONE: Final = b"data: [DONE]\n\n"

_ID = "chatcmpl-BnCh0000000000000000000000000"
_CREATED = 1_760_000_000
_USAGE = {
    "prompt_tokens": 48,
    "completion_tokens": 98,
    "total_tokens": 146,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}
# With what prompts have: line ends, quotes, letters beyond ASCII.
_SENTENCE = (
    "The ledger of the “Übersee” branch was closed on Friday; compare it with the "
    'draft, say what is missing, and answer as "yes" or "no".\n'
)


def dumps(document: Any) -> bytes:
    """
    Write *document* as the vendors' clients and servers do: compact, UTF-8.
    """
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def prompt(size: int) -> str:
    """
    Return a prompt of *size* bytes or a little less, as cut at a character.
    """
    text = _SENTENCE * (size // len(_SENTENCE.encode()) + 1)
    return text.encode()[:size].decode(errors="ignore")


def chat_request(
    *, authority: str, path: str, model: str, size: int, is_stream: bool, key: str
) -> bytes:
    """
    Write a whole HTTP/1.1 request for a chat answer.

    Args:
        authority: host and port.
        size: bytes of the prompt.
    """
    message = {"role": "user", "content": prompt(size)}
    document: dict[str, Any] = {"model": model, "messages": [message]}
    if is_stream:
        document["stream"] = True
    body = dumps(document)
    head = (
        f"POST {path} HTTP/1.1\r\n"
        f"Host: {authority}\r\n"
        "Accept: application/json\r\n"
        "Accept-Encoding: identity\r\n"
        f"Authorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\n"
        "User-Agent: gatewright-bench\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def whole_answer() -> bytes:
    """
    Write the upstream's answer that is not streamed, head included.
    """
    message = {"role": "assistant", "content": "Yes. " * 20, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    body = dumps(
        {
            "id": _ID,
            "object": "chat.completion",
            "created": _CREATED,
            "model": WHOLE,
            "choices": [choice],
            "usage": _USAGE,
            "service_tier": "default",
            "system_fingerprint": "fp_bench",
        }
    )
    head = (
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: application/json\r\n"
        "x-request-id: req_bench\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


STREAM_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: text/event-stream; charset=utf-8\r\n"
    b"x-request-id: req_bench\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
STREAM_END: Final = b"0\r\n\r\n"


def stream_events() -> list[bytes]:
    """
    Write the `EVENTS` events of a streamed answer, as SSE frames.
    """
    first = {"role": "assistant", "content": "", "refusal": None}
    words = [{"content": f" word{number}"} for number in range(EVENTS - 2)]
    frames = [event(first), *(event(word) for word in words)]
    frames.append(event({}, finish_reason="stop"))
    return frames


def event(delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    """
    Write one event with *delta*, as an SSE frame.
    """
    choice = {
        "index": 0,
        "delta": delta,
        "logprobs": None,
        "finish_reason": finish_reason,
    }
    return _frame({"choices": [choice]})


def usage_event() -> bytes:
    """
    Write the event that answers ``stream_options.include_usage``.
    """
    return _frame({"choices": [], "usage": _USAGE})


def _frame(rest: dict[str, Any]) -> bytes:
    document = {
        "id": _ID,
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": "bench-model",
        "service_tier": "default",
        "system_fingerprint": "fp_bench",
    }
    return b"data: %b\n\n" % dumps(document | rest)


def chunked(data: bytes) -> bytes:
    """
    Frame *data* as one chunk of a chunked body.
    """
    return b"%x\r\n%b\r\n" % (len(data), data)
