"""
Answers of the fake vendor in each dialect, byte by byte, to be played again in any pieces.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, Self

import aiohttp
import attrs

from gateway import codec
from gateway.sse import Frames
from gateway.testing.fake import FakeUpstream, Script, ToolCall

#: What a vendor answers, and how: dialect, the path below the fake vendor, the request.
_ASKED: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "openai_chat": (
        "/v1/chat/completions",
        {"messages": [{"role": "user", "content": "hello"}]},
    ),
    "openai_responses": ("/v1/responses", {"input": "hello"}),
    "anthropic_messages": (
        "/v1/messages",
        {"max_tokens": 500, "messages": [{"role": "user", "content": "hello"}]},
    ),
    "openai_completions": ("/v1/completions", {"prompt": "hello"}),
}
_NO_TOOLS: Final = frozenset({"openai_completions"})
_MODEL: Final = "replayed"
#: Bytes beside the border of an event at which a stream is cut as well.
_BESIDE: Final = 2
#: No float holds it, so whoever parses arguments and writes them again loses it.
_BIG: Final = 12345678901234567891
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "application/json",
    "anthropic-version": "2023-06-01",
}
_TOOL: Final[Mapping[str, Any]] = {
    "openai_chat": {
        "type": "function",
        "function": {"name": "note", "parameters": {"type": "object"}},
    },
    "openai_responses": {
        "type": "function",
        "name": "note",
        "parameters": {"type": "object"},
    },
    "anthropic_messages": {"name": "note", "input_schema": {"type": "object"}},
}


@attrs.frozen(kw_only=True)
class Recording:
    """
    One answer of a vendor, as a stream.

    Attributes:
        dialect: The dialect that it is in.
        request: What was asked, without the model.
        stream: The answer's bytes.
    """

    dialect: str
    request: Mapping[str, Any]
    stream: bytes = attrs.field(repr=False)

    def __str__(self) -> str:
        return self.dialect

    @property
    def frames(self) -> Sequence[bytes]:
        """
        The stream's events.
        """
        frames = Frames()
        return [*frames.feed(self.stream), *frames.finish()]

    def reads(self, events: int) -> list[bytes]:
        """
        Cut the stream into reads of so many *events*.
        """
        frames = self.frames
        return [
            b"".join(frames[at : at + events]) for at in range(0, len(frames), events)
        ]

    def bytewise(self) -> list[bytes]:
        """
        Cut the stream at every byte: reads of one byte each.
        """
        return [self.stream[at : at + 1] for at in range(len(self.stream))]

    def halves(self) -> Iterable[list[bytes]]:
        """
        Cut the stream in two: at the borders of events, and some bytes before and behind.

        Elsewhere in an event it makes no difference to a plugin where a read ends: events come
        whole out of it, in the same order.
        """
        places = set()
        at = 0
        for frame in self.frames:
            at += len(frame)
            places |= set(range(at - _BESIDE, at + _BESIDE + 1))
        for place in sorted(places):
            if 0 < place < len(self.stream):
                yield [self.stream[:place], self.stream[place:]]

    def body(self, model: str) -> bytes:
        """
        Write the request for *model*.
        """
        return codec.dumps({"model": model, "stream": True, **self.request})


async def record(says: str, dialects: Iterable[str] | None = None) -> list[Recording]:
    """
    Ask the fake vendor in each dialect that has streams; it says *says*, and calls a tool with it.

    Args:
        dialects: Those of the core that are wanted; left out: all.
    """
    async with _Vendor() as vendor:
        return [
            await vendor.record(dialect, _pieces(says, len(says) // 4 or 1))
            for dialect in _wanted(dialects)
        ]


async def record_cuts(
    says: str, dialects: Iterable[str] | None = None
) -> AsyncIterator[list[Recording]]:
    """
    As `record`, once for every place at which a vendor may cut the text in two.

    Yields:
        For each dialect all of them: the same answer, in other pieces.
    """
    async with _Vendor() as vendor:
        for dialect in _wanted(dialects):
            yield [
                await vendor.record(dialect, (says[:at], says[at:]))
                for at in range(1, len(says))
            ]


def _wanted(dialects: Iterable[str] | None) -> Iterable[str]:
    return _ASKED if dialects is None else dialects


def _pieces(text: str, length: int) -> tuple[str, ...]:
    return tuple(text[at : at + length] for at in range(0, len(text), length))


class _Vendor:
    """
    The fake vendor, and a client that writes down what it says.
    """

    def __init__(self) -> None:
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._fake = await self._stack.enter_async_context(FakeUpstream())
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession())
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def record(self, dialect: str, pieces: tuple[str, ...]) -> Recording:
        """
        Let it say *pieces*, and the same in a tool's arguments.
        """
        path, request = _ASKED[dialect]
        script, asked = Script(pieces=pieces), dict(request)
        if dialect not in _NO_TOOLS:
            said = "".join(pieces)
            arguments = codec.dumps({"words": said, "big": _BIG}).decode()
            at = max(1, len(arguments) - len(pieces[-1]) - 30)
            call = ToolCall(name="note", pieces=(arguments[:at], arguments[at:]))
            script = attrs.evolve(script, tool_calls=(call,))
            asked["tools"] = [_TOOL[dialect]]
        self._fake.script(_MODEL, script)
        document = codec.dumps({"model": _MODEL, "stream": True, **asked})
        url = self._fake.url + path
        async with self._session.post(url, data=document, headers=_HEADERS) as answer:
            stream = await answer.read()
        return Recording(dialect=dialect, request=asked, stream=stream)


@attrs.define
class Replay:
    """
    A vendor in this process that says what it is told, in the pieces that it is told.

    Attributes:
        parts: The next answer's bytes, where it is asked for a stream.
        says: What it answers to whoever asks for no stream: to plugins that ask a model.
        asked: The bodies that it was sent.
    """

    parts: Sequence[bytes] = ()
    says: str = "ok"
    asked: list[bytes] = attrs.field(factory=list)

    async def answer(
        self, operation: str, body: bytes
    ) -> tuple[int, dict[str, str], AsyncIterator[bytes]]:
        """
        Answer one request; see `gateway.providers.vendors.InProcess`.
        """
        self.asked.append(body)
        if not codec.read(body).get("stream"):
            return (
                200,
                {"content-type": "application/json"},
                self._spoken([self._whole()]),
            )
        return 200, {"content-type": "text/event-stream"}, self._spoken(self.parts)

    def _whole(self) -> bytes:
        message = {"role": "assistant", "content": self.says}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return codec.dumps(
            {
                "id": "replayed",
                "object": "chat.completion",
                "created": 0,
                "model": "m",
                "choices": [choice],
                "usage": usage,
            }
        )

    async def _spoken(self, parts: Sequence[bytes]) -> AsyncIterator[bytes]:
        for part in parts:
            yield part
