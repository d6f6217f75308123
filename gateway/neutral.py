"""
The neutral form that translation goes through: messages, answers and stream events.

N dialects need N readers and N writers.  The neutral form holds the union of what they can say;
what a writer's dialect cannot say goes on the list of `Losses`, never lost in silence.  Where
caller and provider speak one dialect nothing goes through here.

Source of the correspondences: the vendors' API references (OpenAI chat completions and Responses,
Anthropic messages), one row a concept in ``tests/dialects/translation_table.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import attrs

from gateway.outcomes import SEAL_MARK, Fault, Loss, Losses, Seal, Stop, StopReason
from gateway.usage import Usage

__all__ = [
    "SEAL_MARK",
    "Annotation",
    "Answer",
    "Ask",
    "Block",
    "Close",
    "Delta",
    "End",
    "Event",
    "Failed",
    "Fault",
    "Finish",
    "Loss",
    "Losses",
    "MediaBlock",
    "Opaque",
    "Open",
    "Ping",
    "Reasoning",
    "ReasoningBlock",
    "RefusalBlock",
    "ResponseFormat",
    "Seal",
    "SealDelta",
    "Start",
    "Stop",
    "StopReason",
    "SummaryPart",
    "TextBlock",
    "ToolCall",
    "ToolChoice",
    "ToolDefinition",
    "ToolResult",
    "Turn",
    "Used",
]

# --- content --------------------------------------------------------------------------------


@attrs.define(kw_only=True)
class TextBlock:
    """
    Words.

    Attributes:
        annotations: Citations and the like, each as the dialect that it came in wrote it.
        logprobs: The likelihoods of its tokens, as `gateway.dialects.logprobs` reads them.
        cache: The prompt-cache breakpoint behind the block (Anthropic's ``cache_control``).
    """

    text: str
    annotations: list[dict[str, Any]] = attrs.Factory(list)
    logprobs: list[dict[str, Any]] = attrs.Factory(list)
    cache: dict[str, Any] | None = None


@attrs.define(kw_only=True)
class RefusalBlock:
    """
    The model's own words of refusal.
    """

    text: str
    logprobs: list[dict[str, Any]] = attrs.Factory(list)


@attrs.define(kw_only=True)
class ReasoningBlock:
    """
    Reasoning: what was shown of it, and the seal that the provider wants back.

    Attributes:
        text: The reasoning, or its summary; may be empty beside a seal.
        is_summary: Whether *text* is a summary of hidden reasoning.
        parts: The summary's parts where there are several; joined they are *text*.  Who shows
            them as one text shows `paragraphs`.
        is_redacted: The provider hid all of it; only the seal stands.
    """

    text: str = ""
    is_summary: bool = False
    parts: list[str] = attrs.Factory(list)
    seal: Seal | None = None
    is_redacted: bool = False

    @property
    def paragraphs(self) -> str:
        """
        The reasoning as one text, the parts of a summary apart from each other.
        """
        return "\n\n".join(self.parts) if self.parts else self.text


@attrs.define(kw_only=True)
class MediaBlock:
    """
    An image, a document, audio or video.

    Exactly one of *url*, *data*, *text*, *file_id* and *blocks* is set.

    Attributes:
        kind: ``image``, ``document``, ``audio`` or ``video``.
        media_type: As declared, ``image/png``; None where only a URL is known.
        data: Base64.
        text: A text document's words.
        blocks: A document that is itself made of blocks (Anthropic's ``content`` source).
        detail: OpenAI's ``low``, ``high``, ``auto``.
        title: A document's title or file name.
    """

    kind: Literal["image", "document", "audio", "video"]
    media_type: str | None = None
    url: str | None = None
    data: str | None = None
    text: str | None = None
    file_id: str | None = None
    blocks: list[Block] | None = None
    detail: str | None = None
    title: str | None = None
    context: str | None = None
    cites: bool | None = None
    cache: dict[str, Any] | None = None


@attrs.define(kw_only=True)
class ToolCall:
    """
    The model calls a tool.

    Attributes:
        arguments: JSON source, as the model wrote it; "" means no arguments.  For a
            ``custom`` tool the free text.
        kind: ``function`` or ``custom``.
    """

    id: str
    name: str
    arguments: str = ""
    kind: Literal["function", "custom"] = "function"
    cache: dict[str, Any] | None = None


@attrs.define(kw_only=True)
class ToolResult:
    """
    What a tool gave back.
    """

    call_id: str
    content: list[Block] = attrs.Factory(list)
    is_error: bool = False
    kind: Literal["function", "custom"] = "function"
    cache: dict[str, Any] | None = None


@attrs.define(kw_only=True)
class Opaque:
    """
    A block that only its own dialect understands (a hosted tool's call, say).
    """

    dialect: str
    raw: dict[str, Any]


Block = (
    TextBlock
    | RefusalBlock
    | ReasoningBlock
    | MediaBlock
    | ToolCall
    | ToolResult
    | Opaque
)


@attrs.define(kw_only=True)
class Turn:
    """
    What one side said.

    Attributes:
        role: ``user``, ``assistant``, or ``system`` for an instruction in mid-conversation.
            Tool results are blocks of a ``user`` turn, before its other blocks.
        is_developer: OpenAI's ``developer`` rather than ``system``.
        name: OpenAI's ``name`` of a participant.
    """

    role: Literal["user", "assistant", "system"]
    blocks: list[Block] = attrs.Factory(list)
    is_developer: bool = False
    name: str | None = None


# --- requests -------------------------------------------------------------------------------


@attrs.define(kw_only=True)
class ToolDefinition:
    """
    A tool that the caller offers.

    Attributes:
        kind: ``function``; ``custom`` (free text input); ``hosted`` (the provider runs it).
        parameters: JSON Schema of the arguments; None where the caller gave none.
        format: A custom tool's input format, as OpenAI writes it.
        raw: A hosted tool as its dialect wrote it, with *dialect* its name.
    """

    name: str
    kind: Literal["function", "custom", "hosted"] = "function"
    description: str | None = None
    parameters: dict[str, Any] | None = None
    is_strict: bool | None = None
    format: dict[str, Any] | None = None
    cache: dict[str, Any] | None = None
    raw: dict[str, Any] | None = None
    dialect: str | None = None


@attrs.frozen(kw_only=True)
class ToolChoice:
    """
    Whether and which tools the model must call.

    Attributes:
        mode: ``auto``, ``none``, ``required`` or ``named``.
        names: The one name of ``named``; the allowed ones of ``auto`` and ``required``, empty
            for all.
    """

    mode: Literal["auto", "none", "required", "named"]
    names: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Reasoning:
    """
    How much the model should think, and what the caller wants to see of it.

    Attributes:
        mode: ``off``, ``on`` (with *budget_tokens*), ``adaptive``; None: the model's default.
        effort: ``minimal``, ``low``, ``medium``, ``high``, ``xhigh``, ``max``, or None.
        summary: OpenAI's ``auto``, ``concise``, ``detailed``; Anthropic's display
            ``summarized``/``omitted`` come as ``auto``/``omitted``.
        wants_seal: The caller asked for encrypted reasoning content.
    """

    mode: Literal["off", "on", "adaptive"] | None = None
    effort: str | None = None
    budget_tokens: int | None = None
    summary: str | None = None
    wants_seal: bool = False


@attrs.frozen(kw_only=True)
class ResponseFormat:
    """
    What the answer's text must be.

    Attributes:
        kind: ``text``, ``json_object`` or ``json_schema``.
    """

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: dict[str, Any] | None = None
    is_strict: bool | None = None
    description: str | None = None


@attrs.define(kw_only=True)
class Ask:
    """
    A request to generate.

    Attributes:
        instructions: The leading run of system messages.
        user: An opaque id of the end user.
        extras: Top-level fields that the reader knows but the neutral form does not name, and
            fields it has never heard of; every writer but the reader's own drops them, with a
            record each.
        dialect: The dialect that it was read from.
    """

    model: str
    is_stream: bool = False
    wants_usage: bool = True
    instructions: list[Turn] = attrs.Factory(list)
    turns: list[Turn] = attrs.Factory(list)
    tools: list[ToolDefinition] = attrs.Factory(list)
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: list[str] = attrs.Factory(list)
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning: Reasoning | None = None
    response_format: ResponseFormat | None = None
    verbosity: str | None = None
    service_tier: str | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None
    prediction: str | None = None
    cache: dict[str, Any] | None = None
    extras: dict[str, Any] = attrs.Factory(dict)
    dialect: str = ""

    def called_names(self) -> Iterator[str]:
        """
        Yield the names of the tools that its turns call.
        """
        for turn in self.turns:
            for block in turn.blocks:
                if isinstance(block, ToolCall):
                    yield block.name


# --- answers --------------------------------------------------------------------------------


@attrs.define(kw_only=True)
class Answer:
    """
    A whole answer.

    Attributes:
        created: Unix seconds, or None where the dialect has no such field.
    """

    id: str
    model: str
    blocks: list[Block] = attrs.Factory(list)
    stop: Stop = attrs.field(default=Stop(reason="end"))
    usage: Usage | None = None
    created: int | None = None
    service_tier: str | None = None


# --- stream events --------------------------------------------------------------------------


@attrs.frozen
class Start:
    """
    The answer begins.
    """

    id: str
    model: str
    created: int | None = None
    service_tier: str | None = None


@attrs.frozen
class Open:
    """
    A block begins: *block* is what is known of it, without its text (arguments, reasoning).

    Its type tells the kind: `TextBlock`, `RefusalBlock`, `ReasoningBlock`, `ToolCall`, or
    `Opaque`, which is whole and closes at once.  A seal that is known already stands in it.
    """

    index: int
    block: Block


@attrs.frozen
class Delta:
    """
    The next piece of an open block's text, arguments or reasoning.

    Attributes:
        logprobs: The likelihoods of the piece's tokens, where the provider told them.
    """

    index: int
    text: str
    logprobs: Sequence[dict[str, Any]] = ()


@attrs.frozen
class SealDelta:
    """
    The seal of an open reasoning block, in place of one that it was opened with.

    It covers all of the block, so a writer says it once, when the block closes.
    """

    index: int
    seal: Seal


@attrs.frozen
class Annotation:
    """
    An annotation of an open text block, as the dialect that it came in wrote it.
    """

    index: int
    raw: dict[str, Any]


@attrs.frozen
class SummaryPart:
    """
    A further part of a reasoning summary begins in the open block.

    The first part begins with the block, and no event says so.
    """

    index: int


@attrs.frozen
class Close:
    """
    A block is complete.
    """

    index: int


@attrs.frozen
class Finish:
    """
    The model stopped.
    """

    stop: Stop


@attrs.frozen
class Used:
    """
    What was used so far; the last one counts.
    """

    usage: Usage


@attrs.frozen
class End:
    """
    The stream ended well.
    """


@attrs.frozen
class Failed:
    """
    The provider reported an error in mid-stream.
    """

    fault: Fault


@attrs.frozen
class Ping:
    """
    Nothing happened, and the connection lives.
    """


Event = (
    Start
    | Open
    | Delta
    | SealDelta
    | Annotation
    | SummaryPart
    | Close
    | Finish
    | Used
    | End
    | Failed
    | Ping
)
