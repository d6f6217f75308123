"""
Turns, written as items.
"""

from __future__ import annotations

import pytest

from gateway.dialects.openai_responses.write_turns import reasoning_parts
from gateway.neutral import (
    Losses,
    MediaBlock,
    Opaque,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    TextBlock,
    ToolCall,
    ToolResult,
    Turn,
)


def written(kit, *turns, losses=None, dialect="other"):
    ask = kit.ask(dialect=dialect)
    ask.turns = list(turns)
    return kit.written(ask, losses)["input"]


def assistant(*blocks):
    return Turn(role="assistant", blocks=list(blocks))


def user(*blocks):
    return Turn(role="user", blocks=list(blocks))


def test_tool_loop(kit):
    """
    Reasoning, words, calls and results are items in their order.
    """
    seal = Seal(dialect="openai_responses", data="gAAAA", item_id="rs_1")

    items = written(
        kit,
        assistant(
            ReasoningBlock(text="Hm.", is_summary=True, seal=seal),
            TextBlock(text="Let me see."),
            ToolCall(id="c1", name="f", arguments='{"x":1}'),
            ToolCall(id="c2", name="g", arguments="free", kind="custom"),
            ToolCall(id="c3", name="f"),
        ),
        user(
            ToolResult(call_id="c1", content=[TextBlock(text="3 C")]),
            ToolResult(call_id="c2", content=[TextBlock(text="ok")]),
            ToolResult(call_id="c3"),
            TextBlock(text="And?"),
        ),
    )

    assert items == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "encrypted_content": "gAAAA",
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "Let me see.", "annotations": []}
            ],
        },
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"x":1}'},
        {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "free"},
        {"type": "function_call", "call_id": "c3", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "3 C"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "ok"},
        {"type": "function_call_output", "call_id": "c3", "output": ""},
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "And?"}],
        },
    ]


@pytest.mark.parametrize(
    ("turn", "loss"),
    [
        (
            assistant(ReasoningBlock(text="x", seal=Seal(dialect="other", data="s"))),
            "reasoning=dropped",
        ),
        (assistant(ReasoningBlock(text="x")), "reasoning=dropped"),
        (assistant(Opaque(dialect="other", raw={"type": "bash"})), "bash=dropped"),
        (assistant(MediaBlock(kind="image", url="u")), "image=dropped"),
        (
            Turn(role="user", blocks=[TextBlock(text="x")], name="Jane"),
            "messages.name=dropped",
        ),
        (
            assistant(ToolCall(id="x" * 65, name="f")),
            "tool_calls=emulated, tool_calls.id=changed",
        ),
        (
            assistant(ToolCall(id="c", name="f", cache={"type": "ephemeral"})),
            "tool_calls=emulated, cache_control=dropped",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_no_item_is_recorded(kit, turn, loss):
    """
    Nothing is lost in silence.
    """
    losses = Losses()

    written(kit, user(TextBlock(text="x")), turn, losses=losses)

    assert losses.header() == loss


def test_result_in_the_assistants_turn(kit):
    """
    Wherever a result stands it is an item.
    """
    items = written(kit, assistant(ToolCall(id="c", name="f"), ToolResult(call_id="c")))

    assert [item["type"] for item in items] == ["function_call", "function_call_output"]


def test_long_ids_still_meet(kit):
    """
    A call and its result agree on an id that had to be shortened.
    """
    items = written(
        kit,
        assistant(ToolCall(id="x" * 99, name="f")),
        user(ToolResult(call_id="x" * 99)),
    )

    assert items[0]["call_id"] == items[1]["call_id"]
    assert len(items[0]["call_id"]) <= 64


def test_own_items_go_back(kit):
    """
    What came in this dialect goes back as it was, reasoning without a seal too.
    """
    raw = {"type": "computer_call", "call_id": "c"}

    items = written(
        kit,
        assistant(
            Opaque(dialect="openai_responses", raw=raw),
            ReasoningBlock(text="shown"),
            RefusalBlock(text="No."),
        ),
        dialect="openai_responses",
    )

    assert items == [
        raw,
        {
            "type": "reasoning",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "shown"}],
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "refusal", "refusal": "No."}],
        },
    ]


@pytest.mark.parametrize(
    ("block", "parts"),
    [
        (ReasoningBlock(text="ab", parts=["a", "b"]), ["a", "b"]),
        (ReasoningBlock(text="ab"), ["ab"]),
        (ReasoningBlock(text="ab", parts=["a", "", "b"]), ["a", "b"]),
        (ReasoningBlock(), []),
    ],
    ids=["several", "one", "empty", "none"],
)
def test_parts_are_all_of_the_text(block, parts):
    """
    Joined, the parts are the text; one that says nothing is none.
    """
    assert reasoning_parts(block) == parts
    assert "".join(reasoning_parts(block)) == block.text
