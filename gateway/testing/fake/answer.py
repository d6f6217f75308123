"""
Decide what is said: from what was asked and what was scripted.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import attrs
import orjson

from gateway.testing.fake.ask import Ask
from gateway.testing.fake.errors import bad_request
from gateway.testing.fake.schema import make_sample
from gateway.testing.fake.script import Script, ToolCall, Usage
from gateway.testing.fake.seal import Seal
from gateway.testing.fake.tokens import BYTES_PER_TOKEN, count_bytes, tokens_of

__all__ = [
    "CREATED",
    "Answer",
    "Said",
    "Stop",
    "Tokens",
    "call_pieces",
    "compose",
    "cut",
]

CREATED = 1_767_225_600  # always the same second: equal requests, equal answers

Stop = Literal["end", "length", "stop_sequence", "tool", "refusal"]

_COUNTED = Usage()
_THOUGHT = "The caller wrote something; an echo will do."
_PIECES = 64  # a text that nobody cut is streamed in about so many
_SHORTEST = 4


@attrs.frozen(kw_only=True)
class Tokens:
    """
    Usage with nothing left open; the parts are inside *input* and *output*.
    """

    input: int
    output: int
    cached: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    input_audio: int = 0
    output_audio: int = 0

    @property
    def cache_write(self) -> int:
        """
        All tokens that were written to a cache.
        """
        return self.cache_write_5m + self.cache_write_1h


@attrs.frozen(kw_only=True)
class Said:
    """
    One alternative of an answer.
    """

    text: str = ""
    given: tuple[str, ...] | None = None  # the pieces that the script asked for
    split: int | None = None
    reasoning: str = ""
    given_reasoning: tuple[str, ...] | None = None
    calls: tuple[ToolCall, ...] = ()
    refusal: str | None = None
    stop: Stop = "end"
    stop_sequence: str | None = None

    @property
    def pieces(self) -> tuple[str, ...]:
        """
        The text, cut for a stream.
        """
        return _pieces(self.text, self.given, self.split)

    @property
    def reasoning_pieces(self) -> tuple[str, ...]:
        """
        The reasoning, cut for a stream.
        """
        return _pieces(self.reasoning, self.given_reasoning, self.split)

    @property
    def refusal_pieces(self) -> tuple[str, ...]:
        """
        The refusal, cut for a stream.
        """
        return _pieces(self.refusal or "", None, self.split)

    @property
    def size(self) -> int:
        """
        How many bytes the model wrote.
        """
        written = count_bytes(self.text)
        if self.reasoning:
            written += count_bytes(self.reasoning)
        if self.refusal:
            written += count_bytes(self.refusal)
        for call in self.calls:
            written += count_bytes(call.arguments)
        return written


@attrs.frozen(kw_only=True)
class Answer:
    """
    All that a writer of a wire format needs to know.
    """

    number: int
    ask: Ask
    script: Script
    seal: Seal
    said: tuple[Said, ...]
    tokens: Tokens

    @property
    def model(self) -> str:
        """
        The name that the answer reports.
        """
        return self.script.model or self.ask.model

    def id(self, prefix: str, *parts: int) -> str:
        """
        Make an id that belongs to this answer alone, and is foreseeable.
        """
        tail = "".join(f"_{part}" for part in parts)
        return f"{prefix}fake{self.number:08d}{tail}"

    def call_id(self, prefix: str, index: int, choice: int = 0) -> str:
        """
        Make the id of tool call *index*, or take the scripted one.
        """
        scripted = self.said[choice].calls[index].id
        return scripted or self.id(prefix, choice, index)

    def stop_word(self, said: Said, words: Mapping[Stop, str]) -> str:
        """
        Say in the vendor's *words* why the model stopped, or as scripted.
        """
        return self.script.stop or words[said.stop]

    def pieces(self, said: Said) -> Iterable[str]:
        """
        Cut the text for a stream; without end where the script says so.
        """
        if self.script.never_end:
            return itertools.cycle(said.pieces or ("and on ",))
        return said.pieces

    def add(self, document: dict[str, Any]) -> dict[str, Any]:
        """
        Add what nobody has heard of to the top level of *document*.
        """
        if self.script.extra:
            document.update(self.script.extra)
        return document

    def add_inner(self, document: dict[str, Any]) -> dict[str, Any]:
        """
        Add what nobody has heard of to a message, delta, item or block.
        """
        if self.script.extra_inner:
            document.update(self.script.extra_inner)
        return document


def compose(ask: Ask, script: Script, *, number: int, seal: Seal) -> Answer:
    """
    Decide what answers *ask*.

    Raises:
        VendorError: 400, where a schema in the request makes no sense.
    """
    said: tuple[Said, ...] = ()
    if ask.is_generated:
        said = tuple([_say(ask, script, choice) for choice in range(ask.choices)])
    return Answer(
        number=number,
        ask=ask,
        script=script,
        seal=seal,
        said=said,
        tokens=_count(ask, said, script.usage or _COUNTED),
    )


def cut(text: str, count: int | None = None) -> tuple[str, ...]:
    """
    Cut *text* into *count* pieces as even as they come, none of them empty.
    """
    if not text:
        return ()
    if count is None:
        size = max(_SHORTEST, -(-len(text) // _PIECES))
        return tuple(text[at : at + size] for at in range(0, len(text), size))
    count = min(count, len(text))
    marks = [len(text) * step // count for step in range(count + 1)]
    return tuple(text[a:b] for a, b in itertools.pairwise(marks))


def call_pieces(call: ToolCall, split: int | None) -> tuple[str, ...]:
    """
    Cut the arguments of *call* for a stream.
    """
    return _pieces(call.arguments, call.pieces, split)


def _say(ask: Ask, script: Script, choice: int) -> Said:
    said = Said(
        text=_text(ask, script, choice),
        given=script.pieces if choice == 0 else None,
        split=script.split,
        reasoning=_reasoning(ask, script),
        given_reasoning=script.reasoning_pieces,
        calls=_calls(ask, script),
        refusal=script.refusal,
        stop="refusal" if script.refusal is not None else "end",
    )
    if said.calls:
        said = attrs.evolve(said, stop="tool")
    if ask.stops and said.text:
        said = _stop_at(said, ask.stops)
    if ask.cap is not None and not script.ignores_cap:
        said = _cap_at(said, ask.cap * BYTES_PER_TOKEN)
    return said


def _text(ask: Ask, script: Script, choice: int) -> str:
    mark = f" [{choice}]" if choice else ""
    if script.pieces is not None:
        return "".join(script.pieces) + mark
    if script.text is not None:
        return script.text + mark
    if script.refusal is not None or script.tool_calls or ask.forced is not None:
        return ""
    if ask.schema is not None:
        return orjson.dumps(_sample(ask.schema)).decode()
    if ask.wants_json:
        return orjson.dumps({"echo": ask.echo + mark}).decode()
    return f"echo: {ask.echo}{mark}"


def _reasoning(ask: Ask, script: Script) -> str:
    if script.reasoning_pieces is not None:
        return "".join(script.reasoning_pieces)
    if script.reasoning is not None:
        return script.reasoning
    return _THOUGHT if ask.reasons else ""


def _calls(ask: Ask, script: Script) -> tuple[ToolCall, ...]:
    if script.tool_calls or ask.forced is None:
        return script.tool_calls
    if script.text is not None or script.pieces is not None:
        return ()
    tool = ask.forced
    if tool.is_custom:
        return (ToolCall(name=tool.name, arguments=ask.echo, is_custom=True),)
    sample = _sample(tool.schema) if tool.schema else {}
    return (ToolCall(name=tool.name, arguments=orjson.dumps(sample).decode()),)


def _sample(schema: Any) -> Any:
    try:
        return make_sample(schema)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise bad_request("Invalid schema: it is no valid JSON Schema.") from None


def _stop_at(said: Said, stops: tuple[str, ...]) -> Said:
    """
    End the text before the first of *stops* that occurs in it.
    """
    found = [(said.text.find(stop), stop) for stop in stops if stop in said.text]
    if not found:
        return said
    at, stop = min(found)
    return attrs.evolve(
        said, text=said.text[:at], calls=(), stop="stop_sequence", stop_sequence=stop
    )


def _cap_at(said: Said, size: int) -> Said:
    """
    End what is said after *size* bytes, in the order in which it is written.
    """
    if said.size <= size:
        return said
    reasoning = _first_bytes(said.reasoning, size)
    size -= count_bytes(reasoning)
    text = _first_bytes(said.text, size)
    size -= count_bytes(text)
    refusal = said.refusal
    if refusal is not None:
        refusal = _first_bytes(refusal, size)
    calls = []
    for call in said.calls:
        if size <= 0:
            break
        arguments = _first_bytes(call.arguments, size)
        size -= count_bytes(arguments)
        pieces = _pieces(arguments, call.pieces, None)
        calls.append(attrs.evolve(call, arguments=arguments, pieces=pieces))
    return attrs.evolve(
        said,
        reasoning=reasoning,
        text=text,
        refusal=refusal,
        calls=tuple(calls),
        stop="length",
    )


def _first_bytes(text: str, size: int) -> str:
    if size <= 0:
        return ""
    return text.encode()[:size].decode(errors="ignore")


def _pieces(
    text: str, given: tuple[str, ...] | None, split: int | None
) -> tuple[str, ...]:
    """
    Cut *text*, along the *given* pieces as far as it goes.
    """
    if given is None:
        return cut(text, split)
    kept = []
    left = len(text)
    for piece in given:
        if left <= 0 and piece:
            break
        kept.append(piece[:left])
        left -= len(piece)
    return tuple(kept)


def _count(ask: Ask, said: tuple[Said, ...], usage: Usage) -> Tokens:
    """
    Fill what *usage* leaves open with what was counted.
    """
    total = usage.input
    if total is None:
        total = ask.input_tokens + usage.input_parts
    parts = {
        "cached": usage.cached,
        "cache_write_5m": usage.cache_write_5m,
        "cache_write_1h": usage.cache_write_1h,
        "input_audio": usage.input_audio,
    }
    if not ask.is_generated:
        return Tokens(input=total, output=0, **parts)
    reasoning = usage.reasoning
    if reasoning is None:
        reasoning = sum([count_bytes(s.reasoning) for s in said]) // BYTES_PER_TOKEN
    output = usage.output
    if output is None:
        counted = sum([tokens_of(each.size) for each in said])
        output = max(counted, reasoning + usage.output_audio)
    return Tokens(
        input=total,
        output=output,
        reasoning=min(reasoning, output - usage.output_audio),
        output_audio=usage.output_audio,
        **parts,
    )
