"""
Conversations as Anthropic accepts them: alternating, begun by a user, calls answered.
"""

from __future__ import annotations

import pytest

from gateway.dialects.anthropic_messages.turns import instructions_of, write_turns
from gateway.dialects.anthropic_messages.write_blocks import BlockWriter
from gateway.dialects.tool_names import ToolNames
from gateway.neutral import (
    Losses,
    MediaBlock,
    ReasoningBlock,
    TextBlock,
    ToolCall,
    ToolResult,
    Turn,
)

ORPHAN = "Result of a tool call that is not shown here:"


def call(id_="t1", name="go"):
    return ToolCall(id=id_, name=name, arguments="{}")


def result(id_="t1", text="done"):
    return ToolResult(call_id=id_, content=[TextBlock(text=text)])


def turn(role, *blocks, **fields):
    made = [TextBlock(text=b) if isinstance(b, str) else b for b in blocks]
    return Turn(role=role, blocks=made, **fields)


def written(*turns, is_own=False):
    losses = Losses()
    messages = write_turns(
        turns, BlockWriter(ToolNames([], longest=128), losses, is_own)
    )
    return [(m["role"], told(m["content"])) for m in messages], losses.header()


def told(content):
    if isinstance(content, str):
        return content
    return [
        block.get("text")
        or block.get("id")
        or (block.get("tool_use_id"), block.get("content"))
        for block in content
    ]


def test_turns_of_one_side_become_one():
    """
    Roles alternate; what one side said in several turns is one turn.
    """
    messages = written(
        turn("user", "a"), turn("user", "b"), turn("assistant", "c"), turn("user", "d")
    )

    assert messages == ([("user", ["a", "b"]), ("assistant", "c"), ("user", "d")], "")


def test_empty_turns_are_left_out():
    """
    A turn that says nothing would be refused, and leaves its neighbours together.
    """
    messages = written(turn("user", "a"), turn("assistant", ""), turn("user", "b"))

    assert messages == ([("user", ["a", "b"])], "")


def test_turn_of_dropped_reasoning_is_left_out():
    """
    A turn of which only another vendor's reasoning was there does not stay as a husk.
    """
    messages, lost = written(
        turn("user", "a"),
        turn("assistant", ReasoningBlock(text="Hm.")),
        turn("user", "b"),
    )

    assert messages == [("user", ["a", "b"])]
    assert lost == "reasoning=dropped"


@pytest.mark.parametrize(
    "turns",
    [(), (turn("assistant", "hi"),), (turn("user", ""),)],
    ids=["none", "answer", "empty"],
)
def test_user_speaks_first(turns):
    """
    Where no user began, one is made up, on the record.
    """
    messages, lost = written(*turns)

    assert messages[0] == ("user", "Please proceed.")
    assert lost == "messages=emulated"


def test_later_instruction_keeps_its_place():
    """
    A system message in mid-conversation is marked text where it stands.

    Moved to the front it would change the prefix that is cached.
    """
    messages, lost = written(
        turn("user", "a"),
        turn("assistant", "b"),
        turn("system", "c"),
        turn("user", "d"),
    )

    assert messages[2] == ("user", ["<system>\nc\n</system>", "d"])
    assert lost == "messages.system=emulated"


def test_own_instruction_stays_a_system_turn():
    """
    A request of this dialect has its system turns as they were.
    """
    messages, lost = written(
        turn("user", "a"), turn("system", "b"), turn("user", "c"), is_own=True
    )

    assert messages == [("user", "a"), ("system", "b"), ("user", "c")]
    assert lost == ""


def test_results_stand_first_in_the_order_of_the_calls():
    """
    All results of a parallel batch stand in the next turn, before anything else.
    """
    messages, lost = written(
        turn("user", "a"),
        turn("assistant", call("t1"), call("t2"), call("t3")),
        turn("user", "b", result("t3"), result("t1")),
        turn("user", result("t2")),
    )

    assert messages[2] == (
        "user",
        [("t1", "done"), ("t2", "done"), ("t3", "done"), "b"],
    )
    assert lost == ""


@pytest.mark.parametrize(
    ("after", "last"),
    [
        ((), []),
        ((turn("user", "b"),), ["b"]),
        ((turn("user", result("other"), "b"),), [ORPHAN, "done", "b"]),
    ],
    ids=["end", "talk", "another's result"],
)
def test_call_without_result_gets_one(after, last):
    """
    An unanswered call is answered with a result that says so.
    """
    messages, lost = written(turn("user", "a"), turn("assistant", call()), *after)

    assert messages[2] == (
        "user",
        [("t1", "No result was given for this call."), *last],
    )
    assert "tool_calls=emulated" in lost.split(", ")


def test_result_without_call_becomes_text():
    """
    An orphan is told as words, since its call was cut off.
    """
    messages, lost = written(turn("user", result("gone", "42"), "and?"))

    assert messages == [("user", [ORPHAN, "42", "and?"])]
    assert lost == "tool_result=emulated"


def test_begun_answer_ends_without_white_space():
    """
    A prefill is kept, trimmed as the vendor demands.
    """
    messages, lost = written(turn("user", "a"), turn("assistant", "The answer is: "))

    assert messages[-1] == ("assistant", "The answer is:")
    assert lost == "messages=changed"


def test_names_of_participants_are_on_the_record():
    """
    Anthropic has no place for who among the users spoke.
    """
    assert written(turn("user", "a", name="ann"))[1] == "messages.name=dropped"


def test_instructions_that_are_not_text_are_handed_back():
    """
    A picture among the instructions cannot stand in system.
    """
    losses = Losses()
    image = MediaBlock(kind="image", url="u")
    writer = BlockWriter(ToolNames([], longest=128), losses)

    system, others = instructions_of([turn("system", "a", image)], writer)

    assert [block["type"] for block in system] == ["text"]
    assert [block["type"] for block in others] == ["image"]
    assert losses.header() == "system=emulated"


def test_names_of_instructors_are_on_the_record():
    """
    Who among the instructors spoke has no place either.
    """
    losses = Losses()

    instructions_of(
        [turn("system", "a", name="ann")],
        BlockWriter(ToolNames([], longest=128), losses),
    )

    assert losses.header() == "messages.name=dropped"
