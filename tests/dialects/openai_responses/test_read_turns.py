"""
Conversations, read into turns.
"""

from __future__ import annotations

import pytest

from gateway.dialects.openai_responses.read_turns import read_turns
from gateway.errors import InvalidRequest, Untranslatable
from gateway.neutral import (
    Losses,
    Opaque,
    ReasoningBlock,
    Seal,
    TextBlock,
    ToolCall,
    ToolResult,
    Turn,
)

CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "3 C"}
REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "Hm."}],
    "encrypted_content": "gAAAA",
}


def turns(given, losses=None):
    return read_turns(given, losses or Losses()).turns


def test_a_string_is_what_the_user_says():
    """
    The easy form of the input is one turn.
    """
    assert turns("Hello") == [Turn(role="user", blocks=[TextBlock(text="Hello")])]


def test_tool_loop():
    """
    Reasoning, words and calls are one turn of the assistant, results begin the user's.
    """
    read = turns(
        [
            {"role": "user", "content": "Weather?"},
            REASONING,
            {
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Let me see."}],
            },
            CALL,
            {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "x"},
            OUTPUT,
            {"type": "custom_tool_call_output", "call_id": "c2", "output": "y"},
            {"role": "user", "content": "And?"},
        ]
    )

    assert read == [
        Turn(role="user", blocks=[TextBlock(text="Weather?")]),
        Turn(
            role="assistant",
            blocks=[
                ReasoningBlock(
                    text="Hm.",
                    is_summary=True,
                    seal=Seal(dialect="openai_responses", data="gAAAA", item_id="rs_1"),
                ),
                TextBlock(text="Let me see."),
                ToolCall(id="c1", name="f", arguments="{}"),
                ToolCall(id="c2", name="g", arguments="x", kind="custom"),
            ],
        ),
        Turn(
            role="user",
            blocks=[
                ToolResult(call_id="c1", content=[TextBlock(text="3 C")]),
                ToolResult(call_id="c2", content=[TextBlock(text="y")], kind="custom"),
                TextBlock(text="And?"),
            ],
        ),
    ]


def test_messages_of_the_user_stay_apart():
    """
    Two things that a user said one after the other are two turns.
    """
    read = turns([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}])

    assert [turn.blocks[0].text for turn in read] == ["a", "b"]


def test_hosted_calls_are_opaque():
    """
    What only the vendor understands is kept: calls with the assistant, results with the user.
    """
    call = {"type": "computer_call", "call_id": "c"}
    output = {"type": "computer_call_output", "call_id": "c"}

    read = turns([call, output])

    assert read == [
        Turn(role="assistant", blocks=[Opaque(dialect="openai_responses", raw=call)]),
        Turn(role="user", blocks=[Opaque(dialect="openai_responses", raw=output)]),
    ]


def test_reasoning_that_says_nothing_is_no_turn():
    """
    An item of which nothing is left leaves no empty turn.
    """
    assert turns([{"type": "reasoning", "id": "rs_1", "summary": []}]) == []


@pytest.mark.parametrize("kind", ["item_reference", "compaction", "compaction_trigger"])
def test_what_is_stored_or_locked_at_the_vendor_is_refused(kind):
    """
    Leaving it out would leave the model without its conversation.
    """
    with pytest.raises(Untranslatable) as caught:
        turns([{"role": "user", "content": "x"}, {"type": kind, "id": "x"}])

    assert caught.value.fields == ("input[1]",)


def test_reference_without_a_type():
    """
    An item with nothing but an id is a reference.
    """
    with pytest.raises(Untranslatable):
        turns([{"id": "msg_1"}])


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"role": "user", "content": "x", "phase": "commentary"}, "message.phase"),
        ({**CALL, "namespace": "crm"}, "function_call.namespace"),
        ({**CALL, "caller": {"type": "program", "caller_id": "p"}}, "input[0].caller"),
        ({**OUTPUT, "brand_new": 1}, "function_call_output.brand_new"),
        ({**REASONING, "brand_new": 1}, "reasoning.brand_new"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_members_without_a_place_are_recorded(item, field):
    """
    Nothing is lost in silence.
    """
    losses = Losses()

    turns([item], losses)

    assert [loss.field for loss in losses.found] == [field]


def test_identity_is_no_loss():
    """
    Ids and states that mean something at the vendor only are left out without a word.
    """
    losses = Losses(is_strict=True)
    item = {**CALL, "id": "fc_1", "status": "completed", "caller": {"type": "direct"}}

    assert turns([item, {**OUTPUT, "id": "fo_1", "name": "f"}], losses)


@pytest.mark.parametrize(
    ("item", "place"),
    [
        ("x", "input[0]"),
        ({"role": "critic", "content": "x"}, "input[0].role"),
        ({"role": "user", "content": 1}, "input[0].content"),
        ({"role": "user", "content": ["x"]}, "input[0].content[0]"),
        ({"type": "function_call", "name": "f"}, "input[0].call_id"),
        ({"type": "function_call", "call_id": "c", "name": 1}, "input[0].name"),
        ({**CALL, "arguments": {}}, "input[0].arguments"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_malformed_items_are_named(item, place):
    """
    An error names the place and quotes nothing.
    """
    with pytest.raises(InvalidRequest, match=r"must be|required") as caught:
        turns([item])

    assert str(caught.value).startswith(f"{place}:")
