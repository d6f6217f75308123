"""
The vendor that is always there: it answers in this process, offline, and says so.

It speaks OpenAI's chat completions and embeddings as far as a first try of the gateway
and of plugins needs them; what it cannot do it refuses, as a vendor would.  A token is
a word or a sign with the blanks before it, and usage counts exactly those.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import math
import re
import struct
from array import array
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, ClassVar, Final

import attrs

from gateway import codec
from gateway.clock import Clock, SystemClock

Answer = tuple[int, dict[str, str], AsyncIterator[bytes]]

SAYS: Final = "This is the gateway's demo provider; no model was asked. You said: "
MAX_TOKENS: Final = 4096
MAX_CHOICES: Final = 8
MAX_INPUTS: Final = 2048
DIMENSIONS: Final = 256
MAX_DIMENSIONS: Final = 3072

_TOKEN = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")
_JSON: Final = {"content-type": "application/json"}
_EVENTS: Final = {"content-type": "text/event-stream; charset=utf-8"}


class _Refusal(Exception):
    """
    What a vendor would answer with an error.
    """

    def __init__(
        self, message: str, param: str | None = None, status: int = 400
    ) -> None:
        super().__init__(message)
        self.param = param
        self.status = status


@attrs.define(kw_only=True, eq=False)
class DemoVendor:
    """
    Echoes the last user message, and embeds texts by their hash.

    Equal texts have equal vectors, and any two others stand about at right angles:
    nothing can be learnt from their distance.

    Args:
        pace_s: The pause between two tokens of a stream.
    """

    models: ClassVar[tuple[str, ...]] = ("echo", "embed")

    clock: Clock = attrs.field(factory=SystemClock)
    pace_s: float = 0.01
    _numbers: Iterator[int] = attrs.field(
        factory=lambda: itertools.count(1), init=False
    )

    async def answer(self, operation: str, body: bytes) -> Answer:
        """
        Answer one request; see `gateway.providers.vendors.InProcess`.
        """
        try:
            doc = codec.read(body)
            if not isinstance(doc, dict):
                msg = "the body must be a JSON object"
                raise _Refusal(msg)
            if operation == "generate":
                return self._chat(doc)
            if operation == "embed":
                return 200, dict(_JSON), _whole(_embeddings(doc))
            msg = f"the demo provider has no operation {operation}"
            raise _Refusal(msg, status=404)
        except codec.JsonError as exc:
            return _error(_Refusal(str(exc)))
        except _Refusal as exc:
            return _error(exc)

    def _chat(self, doc: dict[str, Any]) -> Answer:
        _check(doc, "echo")
        for field in ("tool_choice", "response_format"):
            _refuse_demand(doc, field)
        choices = _number(doc, "n", 1, MAX_CHOICES)
        said, prompt_tokens = _read_messages(doc.get("messages"))
        tokens = _TOKEN.findall(SAYS + said)
        cap = _cap(doc)
        head = {
            "id": f"chatcmpl-demo-{next(self._numbers)}",
            "created": int(self.clock.now()),
            "model": doc["model"],
        }
        finish = "length" if len(tokens) > cap else "stop"
        tokens = tokens[:cap]
        usage = _usage(prompt_tokens, choices * len(tokens))
        if doc.get("stream") is True:
            wants_usage = _wants_usage(doc)
            frames = _frames(
                head, tokens, finish, choices, usage if wants_usage else None
            )
            return 200, dict(_EVENTS), self._paced(frames)
        return (
            200,
            dict(_JSON),
            _whole(_completion(head, tokens, finish, choices, usage)),
        )

    async def _paced(self, frames: Iterable[bytes]) -> AsyncIterator[bytes]:
        for frame in frames:
            yield frame
            await asyncio.sleep(self.pace_s)


async def _whole(document: dict[str, Any]) -> AsyncIterator[bytes]:
    yield codec.dumps(document)


def _error(refusal: _Refusal) -> Answer:
    document = {
        "error": {
            "message": str(refusal),
            "type": "invalid_request_error",
            "param": refusal.param,
            "code": "model_not_found" if refusal.status == 404 else None,
        }
    }
    return refusal.status, dict(_JSON), _whole(document)


# --- reading ------------------------------------------------------------------


def _check(doc: dict[str, Any], model: str) -> None:
    if doc.get("model") != model:
        msg = f"for this the demo provider has the model {model} and no other"
        raise _Refusal(msg, "model", 404)


def _refuse_demand(doc: dict[str, Any], field: str) -> None:
    """
    Refuse what demands more than words: a tool call, a document by a schema.
    """
    if doc.get(field) not in (None, "auto", "none", {"type": "text"}):
        msg = f"{field}: the demo provider calls no tools and fills no schemas"
        raise _Refusal(msg, field)


def _number(doc: dict[str, Any], field: str, default: int, most: int) -> int:
    value = doc.get(field)
    if value is None:
        return default
    if type(value) is not int or not 1 <= value <= most:
        msg = f"{field}: must be a whole number from 1 to {most}"
        raise _Refusal(msg, field)
    return value


def _cap(doc: dict[str, Any]) -> int:
    field = "max_completion_tokens"
    if doc.get(field) is None:
        field = "max_tokens"
    return min(_number(doc, field, MAX_TOKENS, 1 << 31), MAX_TOKENS)


def _wants_usage(doc: dict[str, Any]) -> bool:
    options = doc.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _read_messages(messages: Any) -> tuple[str, int]:
    """
    Return the last user message's text, and the number of tokens in all messages.
    """
    if not isinstance(messages, list) or not messages:
        msg = "messages: at least one is required"
        raise _Refusal(msg, "messages")
    said, tokens = "", 0
    for message in messages:
        text = _text_of(message)
        tokens += _count(text)
        if message.get("role") == "user":
            said = text
    return said, tokens


def _text_of(message: Any) -> str:
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return " ".join(part for part in parts if isinstance(part, str))
    if content is None and isinstance(message, dict):
        return ""  # an assistant's turn that only called tools
    msg = "messages: each is an object whose content is text or a list of parts"
    raise _Refusal(msg, "messages")


def _count(text: str) -> int:
    return sum(1 for _ in _TOKEN.finditer(text))


# --- chat ---------------------------------------------------------------------


def _usage(prompt: int, completion: int) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _completion(
    head: dict[str, Any],
    tokens: list[str],
    finish: str,
    choices: int,
    usage: dict[str, Any],
) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(tokens), "refusal": None}
    return {
        **head,
        "object": "chat.completion",
        "choices": [
            {
                "index": index,
                "message": message,
                "logprobs": None,
                "finish_reason": finish,
            }
            for index in range(choices)
        ],
        "usage": usage,
    }


def _frames(
    head: dict[str, Any],
    tokens: list[str],
    finish: str,
    choices: int,
    usage: dict[str, Any] | None,
) -> Iterator[bytes]:
    """
    Write the stream: an opening, one event a token and choice, an end, usage if wanted.
    """
    deltas: list[tuple[dict[str, Any], str | None]] = [
        ({"role": "assistant", "content": "", "refusal": None}, None),
        *(({"content": token}, None) for token in tokens),
        ({}, finish),
    ]
    base = {**head, "object": "chat.completion.chunk"}
    if usage is not None:
        base["usage"] = None
    for delta, reason in deltas:
        for index in range(choices):
            choice = {
                "index": index,
                "delta": delta,
                "logprobs": None,
                "finish_reason": reason,
            }
            yield _frame({**base, "choices": [choice]})
    if usage is not None:
        yield _frame({**base, "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def _frame(document: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % codec.dumps(document)


# --- embeddings ---------------------------------------------------------------


def _embeddings(doc: dict[str, Any]) -> dict[str, Any]:
    _check(doc, "embed")
    dimensions = _number(doc, "dimensions", DIMENSIONS, MAX_DIMENSIONS)
    encoding = doc.get("encoding_format", "float")
    if encoding not in ("float", "base64"):
        msg = "encoding_format: must be float or base64"
        raise _Refusal(msg, "encoding_format")
    inputs = _read_inputs(doc.get("input"))
    data = []
    for index, text in enumerate(inputs):
        vector = _vector(text, dimensions)
        embedding = vector.tolist() if encoding == "float" else _base64(vector)
        data.append({"object": "embedding", "index": index, "embedding": embedding})
    tokens = sum(
        _count(text) if isinstance(text, str) else len(text) for text in inputs
    )
    return {
        "object": "list",
        "data": data,
        "model": doc["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _read_inputs(value: Any) -> list[str | list[int]]:
    """
    Read a text, a list of token numbers, or a list of either.
    """
    inputs = [value] if isinstance(value, str) or _is_tokens(value) else value
    if (
        not isinstance(inputs, list)
        or not 0 < len(inputs) <= MAX_INPUTS
        or not all(isinstance(one, str) or _is_tokens(one) for one in inputs)
    ):
        msg = f"input: a text, or a list of 1 to {MAX_INPUTS}, is required"
        raise _Refusal(msg, "input")
    return inputs


def _is_tokens(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(type(one) is int for one in value)
    )


def _vector(text: str | list[int], dimensions: int) -> array[float]:
    """
    Make a unit vector that depends on nothing but *text*.
    """
    seed = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else None
    hashed = hashlib.shake_256(codec.dumps(text) if seed is None else seed)
    words = struct.unpack(f"<{dimensions}I", hashed.digest(4 * dimensions))
    values = [word / (1 << 31) - 1.0 for word in words]
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return array("f", [value / length for value in values])


def _base64(vector: array[float]) -> str:
    packed = struct.pack(f"<{len(vector)}f", *vector)
    return base64.b64encode(packed).decode()
