"""
What a fake upstream is told to say, and how it is told to go wrong.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import attrs
from attrs.validators import ge, gt, in_, optional

__all__ = ["Citation", "Ending", "Insert", "Script", "ToolCall", "Usage"]

LineEnd = Literal["\n", "\r\n", "\r"]
RetrySpelling = Literal["seconds", "milliseconds", "date"]
ReasoningKey = Literal["reasoning_content", "reasoning"]
ReasoningPart = Literal["summary", "text"]
UsagePlace = Literal["own_chunk", "last_choice", "every_chunk"]
FailureShape = Literal["error", "failed"]

_COUNT = optional(ge(0))
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Ending(enum.Enum):
    """
    How a stream ends before its time.
    """

    BREAK = "break"  # the connection is reset
    END = "end"  # the body ends well, the terminal event is missing
    STALL = "stall"  # nothing more comes
    ERROR = "error"  # the vendor's error event, then the end


@attrs.frozen(kw_only=True)
class Usage:
    """
    What an answer costs, in tokens.

    *input* and *output* are totals: the cached, written and audio tokens are
    inside *input*, reasoning and audio tokens inside *output*, whatever the wire
    format does with them.  A total that is ``None`` is counted.
    """

    input: int | None = attrs.field(default=None, validator=_COUNT)
    output: int | None = attrs.field(default=None, validator=_COUNT)
    cached: int = attrs.field(default=0, validator=ge(0))
    cache_write_5m: int = attrs.field(default=0, validator=ge(0))
    cache_write_1h: int = attrs.field(default=0, validator=ge(0))
    reasoning: int | None = attrs.field(default=None, validator=_COUNT)
    input_audio: int = attrs.field(default=0, validator=ge(0))
    output_audio: int = attrs.field(default=0, validator=ge(0))

    def __attrs_post_init__(self) -> None:
        if self.input is not None and self.input < self.input_parts:
            raise ValueError(
                f"input={self.input} is less than its parts, {self.input_parts}"
            )
        if self.output is not None and self.output < self.output_parts:
            raise ValueError(
                f"output={self.output} is less than its parts, {self.output_parts}"
            )

    @property
    def input_parts(self) -> int:
        """
        The input tokens that are named one by one.
        """
        written = self.cache_write_5m + self.cache_write_1h
        return self.cached + written + self.input_audio

    @property
    def output_parts(self) -> int:
        """
        The output tokens that are named one by one.
        """
        return (self.reasoning or 0) + self.output_audio


@attrs.frozen(kw_only=True)
class ToolCall:
    """
    One tool call of the answer.

    *arguments* is the JSON text of a function's arguments, or the free input of a
    custom tool; *pieces* are the deltas that it is streamed in.
    """

    name: str
    arguments: str = "{}"
    pieces: tuple[str, ...] | None = None
    id: str | None = None
    is_custom: bool = False

    def __attrs_post_init__(self) -> None:
        if self.pieces is not None:
            object.__setattr__(self, "arguments", "".join(self.pieces))


@attrs.frozen(kw_only=True)
class Citation:
    """
    A source that the answer's text names, from *start* to *end* in characters.
    """

    url: str
    title: str
    start: int = attrs.field(default=0, validator=ge(0))
    end: int = attrs.field(default=0, validator=ge(0))


@attrs.frozen
class Insert:
    """
    Raw bytes, as text, that go out before event number *before* (from 0).
    """

    before: int
    frame: str


@attrs.frozen(kw_only=True, repr=False)
class Script:
    """
    How one request is answered; every field left alone means: as a vendor would.

    Counts named ``*_after`` are events of the stream that went out before it
    happens; a stream that is shorter ends as usual.  For an answer sent whole,
    ``break_after`` and ``stall_after`` happen in the middle of the body.
    """

    # What is said.  Text and reasoning that are given whole are cut into pieces,
    # *split* many; without any text the last text of the caller is echoed.
    text: str | None = None
    pieces: tuple[str, ...] | None = None
    split: int | None = attrs.field(default=None, validator=optional(gt(0)))
    reasoning: str | None = None
    reasoning_pieces: tuple[str, ...] | None = None
    reasoning_key: ReasoningKey = "reasoning_content"  # chat: vendors differ
    reasoning_part: ReasoningPart = "summary"  # responses: or the text itself
    redacted: tuple[str, ...] = ()  # messages: thinking that nobody may read
    tool_calls: tuple[ToolCall, ...] = ()
    interleave_calls: bool = False  # chat: deltas of parallel calls take turns
    refusal: str | None = None
    citations: tuple[Citation, ...] = ()
    stop: str | None = None  # the vendor's own word, sent as it stands here
    model: str | None = None  # the name that the answer reports

    # What it costs.
    usage: Usage | None = None
    no_usage: bool = False
    usage_place: UsagePlace = "own_chunk"  # chat: where compatible vendors put it
    ignores_cap: bool = False  # says more than the caller allowed

    # When.
    latency_ms: float = attrs.field(default=0.0, validator=ge(0))
    event_latency_ms: float = attrs.field(default=0.0, validator=ge(0))

    # How the bytes travel.
    headers: Mapping[str, str] = _NOTHING
    one_write: bool = False  # the whole stream as one burst
    chunk_bytes: int | None = attrs.field(default=None, validator=optional(gt(0)))
    line_end: LineEnd = attrs.field(default="\n", validator=in_(("\n", "\r\n", "\r")))
    split_data: bool = False  # one JSON document over several data lines
    byte_order_mark: bool = False
    comment_every: int | None = attrs.field(default=None, validator=optional(gt(0)))
    ping_every: int | None = attrs.field(default=None, validator=optional(gt(0)))
    gzip: bool = False  # of an answer sent whole

    # How it goes wrong.
    status: int = attrs.field(
        default=200, validator=[ge(200), attrs.validators.lt(600)]
    )
    error_type: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    retry_after_s: float | None = attrs.field(default=None, validator=_COUNT)
    retry_after_as: RetrySpelling = "seconds"
    raw_body: str | None = None  # sent instead of anything that was written for it
    content_type: str | None = None
    silent: bool = False  # reads the request, never answers
    hang_up: bool = False  # reads the request, resets the connection
    break_after: int | None = attrs.field(default=None, validator=_COUNT)
    end_after: int | None = attrs.field(default=None, validator=_COUNT)
    stall_after: int | None = attrs.field(default=None, validator=_COUNT)
    error_after: int | None = attrs.field(default=None, validator=_COUNT)
    error_shape: FailureShape = "error"  # responses: or a failed response
    malformed_after: int | None = attrs.field(default=None, validator=_COUNT)
    half_frame: bool = False  # an early end leaves half of the next event behind
    never_end: bool = False  # says its pieces again and again
    bills_on: bool = False  # goes on, and charges, when the caller has left

    # What nobody has heard of yet.
    extra: Mapping[str, Any] = _NOTHING  # top level of answers and events
    extra_inner: Mapping[str, Any] = _NOTHING  # messages, deltas, items, blocks
    inserts: tuple[Insert, ...] = ()

    # Speed: write the first answer once, send the same bytes ever after.
    canned: bool = False

    # The first thing that ends a stream early, and after how many events.
    ending: tuple[Ending, int] | None = attrs.field(init=False, eq=False)

    @ending.default
    def _find_ending(self) -> tuple[Ending, int] | None:
        after = (
            (self.break_after, Ending.BREAK),
            (self.stall_after, Ending.STALL),
            (self.error_after, Ending.ERROR),
            (self.end_after, Ending.END),
        )
        found = [(count, ending) for count, ending in after if count is not None]
        if not found:
            return None
        count, ending = min(found, key=lambda each: each[0])
        return ending, count

    def __repr__(self) -> str:
        """
        Show what differs from a script that was left alone.
        """
        fields = [
            f"{field.name}={value!r}"
            for field in attrs.fields(Script)
            if field.init and (value := getattr(self, field.name)) != field.default
        ]
        return f"Script({', '.join(fields)})"
