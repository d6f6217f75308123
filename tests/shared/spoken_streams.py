"""
Streams that say what a test wants, in every dialect that has streams, and what a caller sees.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import attrs

from gateway import neutral
from gateway.dialects import Dialect, core_dialects
from gateway.neutral import Close, Delta, End, Finish, Open, Start, Stop, Used
from gateway.usage import Usage
from gateway.views import Chunk

#: By name: every dialect with streams.
STREAMED = {
    dialect.name: dialect for dialect in core_dialects() if dialect.facts() is not None
}
#: Those that have tools and reasoning as well.
CALLING = {
    name: dialect
    for name, dialect in STREAMED.items()
    if type(dialect).stream_writer is not Dialect.stream_writer
}


def frames_of(
    dialect: Dialect,
    parts: Sequence[str],
    calls: Sequence[Sequence[str]] = (),
    reasoning: Sequence[str] = (),
) -> list[bytes]:
    """
    Write the frames of an answer: its text in *parts*, the arguments of its *calls* in pieces.
    """
    if dialect.name not in CALLING:
        return _completion(parts)
    return [chunk.encode() for chunk in _written(dialect, parts, calls, reasoning)]


def asked(dialect: Dialect):
    """
    Make a request that asks for a stream.
    """
    turn = neutral.Turn(role="user", blocks=[neutral.TextBlock(text="Hi")])
    tool = neutral.ToolDefinition(name="send", parameters={"type": "object"})
    ask = neutral.Ask(
        model="m", is_stream=True, turns=[turn], tools=[tool], max_output_tokens=100
    )
    return dialect.from_neutral(ask, neutral.Losses(), _Unlimited())


@attrs.define
class Seen:
    """
    What a caller saw of a stream.
    """

    dialect: Dialect
    frames: list[bytes]

    def said(self) -> dict[tuple, str]:
        """
        Return each running text, by its lane.
        """
        out: dict[tuple, str] = {}
        for lane, value in self._pieces("delta"):
            out[lane] = out.get(lane, "") + value
        return out

    def of_kind(self, kind: str) -> list[str]:
        return [text for lane, text in self.said().items() if kind in lane]

    def prefixes(self) -> Iterator[tuple[tuple, str]]:
        """
        Yield each running text as it stood after each event.
        """
        at: dict[tuple, str] = {}
        for lane, value in self._pieces("delta"):
            at[lane] = at.get(lane, "") + value
            yield lane, at[lane]

    def repeats(self) -> list[tuple[tuple, str]]:
        return list(self._pieces("repeat"))

    @property
    def raw(self) -> bytes:
        return b"".join(self.frames)

    def _pieces(self, form: str) -> Iterator[tuple[tuple, str]]:
        for frame in self.frames:
            for text in Chunk(self.dialect, frame).texts():
                if text.form == form:
                    yield text.lane, text.value


async def seen_through(made, dialect: Dialect, frames: Sequence[bytes], read=1) -> Seen:
    """
    Send *frames* through a filter, *read* at a time.
    """
    out = []
    for at in range(0, len(frames), read):
        chunks = [Chunk(dialect, frame) for frame in frames[at : at + read]]
        out += [chunk.encode() for chunk in await made.feed(chunks)]
    out += [chunk.encode() for chunk in await made.flush()]
    return Seen(dialect, out)


def cuts_of(text: str) -> Iterator[list[str]]:
    """
    Cut *text* in two at every place.
    """
    for at in range(1, len(text)):
        yield [text[:at], text[at:]]


class _Unlimited:
    max_output_tokens = None
    takes_sampling = None
    reasons_adaptively = None


def _written(dialect, parts, calls, reasoning):
    writer = dialect.stream_writer(asked(dialect), neutral.Losses())
    blocks = []
    if reasoning:
        blocks.append((neutral.ReasoningBlock(text=""), reasoning))
    if parts:
        blocks.append((neutral.TextBlock(text=""), parts))
    for number, pieces in enumerate(calls):
        blocks.append((neutral.ToolCall(id=f"call_{number}", name="send"), pieces))
    events = [Start("id_1", "m", 1763600000)]
    for index, (block, pieces) in enumerate(blocks):
        events.append(Open(index, block))
        events += [Delta(index, piece) for piece in pieces]
        events.append(Close(index))
    stop = Stop(reason="tool" if calls else "end", raw="")
    events += [Finish(stop), Used(Usage(input=9, output=12)), End()]
    return [chunk for event in events for chunk in writer.write(event)]


def _completion(parts: Sequence[str]) -> list[bytes]:
    base = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}
    choices = [
        {"text": part, "index": 0, "logprobs": None, "finish_reason": None}
        for part in parts
    ]
    choices.append({**choices[-1], "text": "", "finish_reason": "stop"})
    docs = [json.dumps({**base, "choices": [choice]}) for choice in choices]
    return [*(f"data: {doc}\n\n".encode() for doc in docs), b"data: [DONE]\n\n"]
