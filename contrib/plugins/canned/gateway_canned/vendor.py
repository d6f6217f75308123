"""
A vendor of chat completions that says what it was told to say.

Source: OpenAI's API reference, "Chat completions".
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from typing import Any

from gateway import codec

Spoken = tuple[int, dict[str, str], AsyncIterator[bytes]]


class CannedVendor:
    """
    Answers in this process.

    Args:
        answers: What to say, by a word that the last message must hold.
        otherwise: What to say where none fits.
        pace_s: The pause between two words of a stream.
    """

    def __init__(
        self, answers: Mapping[str, str], otherwise: str, pace_s: float
    ) -> None:
        self._answers = {word.casefold(): said for word, said in answers.items()}
        self._otherwise = otherwise
        self._pace_s = pace_s
        self._numbers = itertools.count(1)

    async def answer(self, operation: str, body: bytes) -> Spoken:
        """
        Answer one request, as `gateway.Vendor.in_process` must.
        """
        asked = codec.read(body)
        said = self._said(asked)
        head = {
            "id": f"canned-{next(self._numbers)}",
            "created": 0,
            "model": asked["model"],
        }
        usage = {
            "prompt_tokens": _words(codec.dumps(asked["messages"]).decode()),
            "completion_tokens": _words(said),
        }
        usage["total_tokens"] = sum(usage.values())
        if asked.get("stream"):
            kind = {"content-type": "text/event-stream"}
            return 200, kind, self._streamed(head, said, usage)
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": said},
            "finish_reason": "stop",
        }
        document = {
            **head,
            "object": "chat.completion",
            "choices": [choice],
            "usage": usage,
        }
        return 200, {"content-type": "application/json"}, _whole(document)

    def _said(self, asked: Mapping[str, Any]) -> str:
        last = codec.dumps(asked["messages"][-1:]).decode().casefold()
        fits = (said for word, said in self._answers.items() if word in last)
        return next(fits, self._otherwise)

    async def _streamed(
        self, head: dict[str, Any], said: str, usage: dict[str, int]
    ) -> AsyncIterator[bytes]:
        head = {**head, "object": "chat.completion.chunk"}
        for number, word in enumerate(said.split(" ")):
            if self._pace_s and number:
                await asyncio.sleep(self._pace_s)
            delta = {"content": f" {word}" if number else word}
            yield _event({**head, "choices": [{"index": 0, "delta": delta}]})
        end = {"index": 0, "delta": {}, "finish_reason": "stop"}
        yield _event({**head, "choices": [end]})
        yield _event({**head, "choices": [], "usage": usage})
        yield b"data: [DONE]\n\n"


async def _whole(document: dict[str, Any]) -> AsyncIterator[bytes]:
    yield codec.dumps(document)


def _event(document: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % codec.dumps(document)


def _words(text: str) -> int:
    return len(text.split()) or 1
