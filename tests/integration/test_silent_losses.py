"""
What the neutral form holds is written in every dialect, refused by name, or listed as lost.

For each member a request is written without and with it.  Where the two documents are the same
the member must be on the list of losses; over the registry, so that a new dialect is covered.
"""

from __future__ import annotations

import attrs
import pytest

from gateway.dialects import Dialect, core_dialects
from gateway.errors import Untranslatable
from gateway.neutral import (
    Ask,
    Losses,
    MediaBlock,
    Opaque,
    Reasoning,
    ReasoningBlock,
    RefusalBlock,
    ResponseFormat,
    Seal,
    TextBlock,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    ToolResult,
    Turn,
)

TRANSLATED = [
    dialect
    for dialect in core_dialects()
    if type(dialect).stream_writer is not Dialect.stream_writer
]
#: What a dialect does in any case, so that asking for it changes nothing.
ALWAYS = {
    ("anthropic_messages", "reasoning.wants_seal"),  # thinking is signed
    ("anthropic_messages", "format.is_strict"),  # a schema is enforced
}


@attrs.frozen
class Limits:
    max_output_tokens: int = 8192
    takes_sampling: bool | None = None
    reasons_adaptively: bool | None = None


ELSEWHERE = "elsewhere"
CACHE = {"type": "ephemeral"}
CLOSED = {"type": "object", "properties": {}, "additionalProperties": False}
OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: X"}
FUNCTION = ToolDefinition(name="f", parameters=CLOSED)
CUSTOM = ToolDefinition(name="f", kind="custom")
HOSTED = ToolDefinition(name="x", kind="hosted", raw={}, dialect=ELSEWHERE)
FORMAT = ResponseFormat(kind="json_schema", name="n", schema=CLOSED)
DESCRIBED = attrs.evolve(FORMAT, schema={**CLOSED, "description": "Its own."})
WORDS = TextBlock(text="hi")
CALL = ToolCall(id="c1", name="f", arguments="{}")
RESULT = ToolResult(call_id="c1", content=[WORDS])
THOUGHT = ReasoningBlock(text="hm", seal=Seal(dialect=ELSEWHERE, data="eA=="))
STRANGE = Opaque(dialect=ELSEWHERE, raw={"type": "x"})
IMAGE = MediaBlock(kind="image", url="https://example.org/a.png")
PDF = MediaBlock(kind="document", media_type="application/pdf", data="JVBERi0=")
LINK = MediaBlock(kind="document", url="https://example.org/a.pdf")
PROSE = MediaBlock(kind="document", media_type="text/plain", text="some words")
SOUND = MediaBlock(kind="audio", media_type="audio/mpeg", data="UklGRg==")


def ask(*turns, **members):
    turns = [*turns] or [Turn(role="user", blocks=[WORDS])]
    members = {"tools": [FUNCTION], **members}
    return Ask(model="m", dialect=ELSEWHERE, turns=turns, **members)


def said(*blocks, role="user", **members):
    before = [Turn(role="user", blocks=[WORDS])]
    after = [Turn(role="user", blocks=[TextBlock(text="well?")])]
    return ask(*before, Turn(role=role, blocks=[*blocks], **members), *after)


def loop(call=CALL, result=RESULT):
    return ask(
        Turn(role="user", blocks=[WORDS]),
        Turn(role="assistant", blocks=[call]),
        Turn(role="user", blocks=[result]),
    )


def asks():
    plain = ask()
    members = {
        "tool_choice": ToolChoice(mode="required"),
        "parallel_tool_calls": False,
        "max_output_tokens": 77,
        "temperature": 0.5,
        "top_p": 0.5,
        "top_k": 5,
        "seed": 3,
        "frequency_penalty": 0.5,
        "presence_penalty": 0.5,
        "stop": ["END"],
        "n": 2,
        "logprobs": True,
        "top_logprobs": 2,
        "response_format": ResponseFormat(kind="json_object"),
        "verbosity": "low",
        "service_tier": "priority",
        "user": "u-1",
        "metadata": {"a": "b"},
        "prediction": "the answer",
        "cache": CACHE,
        "extras": {"new": 1},
        "is_stream": True,
    }
    for name, value in members.items():
        yield name, plain, attrs.evolve(plain, **{name: value})
    low = Reasoning(effort="low")
    yield "reasoning", plain, attrs.evolve(plain, reasoning=low)
    for name, value in {"summary": "concise", "wants_seal": True}.items():
        asked = attrs.evolve(low, **{name: value})
        yield f"reasoning.{name}", ask(reasoning=low), ask(reasoning=asked)
    budget = Reasoning(mode="on", budget_tokens=5000)
    yield "reasoning.budget_tokens", plain, ask(reasoning=budget)


def formats_and_tools():
    changes = {"schema": OPEN, "is_strict": True, "description": "A report."}
    for name, value in changes.items():
        changed = attrs.evolve(FORMAT, **{name: value})
        yield (
            f"format.{name}",
            ask(response_format=FORMAT),
            ask(response_format=changed),
        )
    changed = attrs.evolve(DESCRIBED, description="A report.")
    both = ask(response_format=DESCRIBED), ask(response_format=changed)
    yield "format.description beside the schema's", *both
    for tool, changes in (
        (FUNCTION, {"name": "g", "description": "It", "parameters": OPEN}),
        (FUNCTION, {"is_strict": True, "cache": CACHE}),
        (CUSTOM, {"description": "It", "format": GRAMMAR, "cache": CACHE}),
    ):
        for name, value in changes.items():
            changed = attrs.evolve(tool, **{name: value})
            yield f"{tool.kind}.{name}", ask(tools=[tool]), ask(tools=[changed])
    yield "hosted", ask(), ask(tools=[FUNCTION, HOSTED])


def words():
    for role in ("user", "assistant", "system"):
        bare = said(WORDS, role=role)
        annotated = TextBlock(text="hi", annotations=[{"type": "x", "url": "u"}])
        cached = TextBlock(text="hi", cache=CACHE)
        yield f"{role}.annotations", bare, said(annotated, role=role)
        yield f"{role}.cache", bare, said(cached, role=role)
        yield f"{role}.name", bare, said(WORDS, role=role, name="ann")
        for block in (IMAGE, STRANGE):
            name = type(block).__name__
            yield f"{role}.{name}", bare, said(WORDS, block, role=role)
    for block in (RefusalBlock(text="no"), THOUGHT):
        name = type(block).__name__
        yield name, said(WORDS, role="assistant"), said(block, WORDS, role="assistant")


def media():
    document = {"title": "T", "context": "C", "cites": True, "cache": CACHE}
    for name, block, changes in (
        ("image", IMAGE, {"detail": "low", "cache": CACHE}),
        ("pdf", PDF, {"detail": "high", **document}),
        ("link", LINK, document),
        ("prose", PROSE, document),
        ("sound", SOUND, {"cache": CACHE}),
    ):
        yield name, said(WORDS), said(WORDS, block)
        for member, value in changes.items():
            changed = attrs.evolve(block, **{member: value})
            yield f"{name}.{member}", said(WORDS, block), said(WORDS, changed)


def calls():
    yield "call.cache", loop(), loop(call=attrs.evolve(CALL, cache=CACHE))
    for name, value in {"cache": CACHE, "is_error": True}.items():
        yield (
            f"result.{name}",
            loop(),
            loop(result=attrs.evolve(RESULT, **{name: value})),
        )
    for block in (IMAGE, PROSE, STRANGE, RefusalBlock(text="no"), THOUGHT):
        richer = attrs.evolve(RESULT, content=[WORDS, block])
        yield f"result.{type(block).__name__}", loop(), loop(result=richer)


CASES = [*asks(), *formats_and_tools(), *words(), *media(), *calls()]


def written(dialect, given):
    """
    Return what is sent, None if it is refused, and what is said of it.
    """
    losses = Losses()
    try:
        doc = dialect.from_neutral(given, losses, Limits()).encode()
    except Untranslatable as refusal:
        return None, {*refusal.fields}
    return doc, {loss.field for loss in losses.found}


@pytest.mark.parametrize("dialect", TRANSLATED, ids=str)
@pytest.mark.parametrize(
    ("name", "without", "given"), [pytest.param(*case, id=case[0]) for case in CASES]
)
def test_nothing_is_lost_in_silence(dialect, name, without, given):
    """
    A member that leaves no trace in the document leaves one on the list.
    """
    bare, lost_anyway = written(dialect, without)

    doc, told = written(dialect, given)

    is_told = bool(told - lost_anyway) or (doc is None and bool(told))
    is_kept = doc not in (None, bare)
    assert (is_kept or is_told) is not ((dialect.name, name) in ALWAYS)
