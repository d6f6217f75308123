"""
Calls and results that do not meet.
"""

from __future__ import annotations

import copy

import pytest

from gateway.dialects.repair import repair_calls
from gateway.errors import Untranslatable
from gateway.neutral import Losses, TextBlock, ToolCall, ToolResult, Turn

CACHE = {"type": "ephemeral"}


def call(call_id="c1", **members):
    return ToolCall(id=call_id, name="f", **members)


def result(call_id="c1", words="ok", **members):
    return ToolResult(call_id=call_id, content=[TextBlock(text=words)], **members)


def turn(role, *blocks, **members):
    given = [TextBlock(text=b) if isinstance(b, str) else b for b in blocks]
    return Turn(role=role, blocks=given, **members)


def told(block):
    """
    Tell a block in short.
    """
    match block:
        case ToolCall():
            return f"call {block.id}"
        case ToolResult():
            return f"{block.call_id}: {' '.join(map(told, block.content))}"
    return block.text


def repaired(*turns):
    """
    Return who says what after the repair, and the losses; the turns are left alone.
    """
    losses = Losses()
    before = copy.deepcopy(turns)

    out = repair_calls(turns, losses)

    assert turns == before
    return [(t.role, [*map(told, t.blocks)]) for t in out], losses.header()


@pytest.mark.parametrize(
    "turns",
    [
        [],
        [turn("user", "a"), turn("user"), turn("assistant", "b")],
        [turn("assistant", call()), turn("user", result()), turn("user", "b")],
        [turn("assistant", call(), call("c2")), turn("user", result(), result("c2"))],
        [
            turn("assistant", call(kind="custom")),
            turn("user", result(kind="custom"), "b"),
        ],
        [turn("user", "a"), turn("system", "b", is_developer=True)],
    ],
)
def test_what_is_in_order_stays(turns):
    """
    A conversation that every provider takes is not touched.
    """
    assert repair_calls(turns, Losses(is_strict=True)) == turns


def test_results_stand_in_the_order_of_their_calls():
    """
    All results of a batch come next, whoever else spoke in between.
    """
    turns, lost = repaired(
        turn("assistant", call(), call("c2"), call("c3")),
        turn("system", "note"),
        turn("user", "b", result("c3")),
        turn("user", result("c2"), result()),
    )

    assert turns == [
        ("assistant", ["call c1", "call c2", "call c3"]),
        ("user", ["c1: ok", "c2: ok", "c3: ok"]),
        ("system", ["note"]),
        ("user", ["b"]),
    ]
    assert lost == ""


def test_results_come_before_what_else_the_model_says():
    """
    What stands between a call and its result is said in the turn that calls.
    """
    turns, lost = repaired(
        turn("assistant", "a"),
        turn("assistant", call()),
        turn("assistant", "b", name="ann"),
        turn("user", result()),
    )

    assert turns == [
        ("assistant", ["a"]),
        ("assistant", ["call c1", "b"]),
        ("user", ["c1: ok"]),
    ]
    assert lost == "messages.name=dropped"


@pytest.mark.parametrize(
    "after", [[], [turn("user", "b")], [turn("assistant", "b"), turn("user", "c")]]
)
def test_call_without_a_result_gets_one(after):
    """
    It says that there is none, before anybody goes on, and of the kind of the call.
    """
    losses = Losses()

    turns = repair_calls([turn("assistant", call(kind="custom")), *after], losses)

    (made, *_) = turns[1].blocks
    assert told(made) == "c1: No result was given for this call."
    assert made.kind == "custom"
    assert losses.header() == "tool_calls=emulated"


@pytest.mark.parametrize(
    ("orphan", "words"),
    [
        (result("c9"), ["Result of a tool call that is not shown here:", "ok"]),
        (
            result("c9", is_error=True),
            ["Error of a tool call that is not shown here:", "ok"],
        ),
        (ToolResult(call_id="c9"), ["Result of a tool call that is not shown here:"]),
    ],
    ids=["result", "error", "empty"],
)
def test_result_without_its_call_is_text(orphan, words):
    """
    It is not lost, but told where it stood.
    """
    turns, lost = repaired(turn("user", orphan, "b"))

    assert turns == [("user", [*words, "b"])]
    assert lost == "tool_result=emulated"


@pytest.mark.parametrize("content", [[], [TextBlock(text="ok")]])
def test_text_of_a_result_keeps_its_breakpoint(content):
    """
    The prompt cache ends behind the last of what it became.
    """
    orphan = ToolResult(call_id="c9", content=content, cache=CACHE)

    (only,) = repair_calls([turn("user", orphan)], Losses())

    assert [block.cache for block in only.blocks] == [None] * len(content) + [CACHE]


def test_result_before_its_call_is_no_answer():
    """
    What came too early is text, and the call gets a result that says so.
    """
    turns, lost = repaired(turn("user", result()), turn("assistant", call()))

    assert [role for role, _ in turns] == ["user", "assistant", "user"]
    assert lost == "tool_result=emulated, tool_calls=emulated"


def test_late_result_is_put_behind_its_call():
    """
    The call that nobody had answered gets what came later; nothing is made up.
    """
    turns, lost = repaired(
        turn("assistant", call()),
        turn("user", "well?"),
        turn("assistant", "wait"),
        turn("user", result(is_error=True), "so"),
    )

    assert turns == [
        ("assistant", ["call c1"]),
        ("user", ["c1: ok", "well?"]),
        ("assistant", ["wait"]),
        ("user", ["so"]),
    ]
    assert lost == "tool_result=changed"


def test_last_of_two_results_counts():
    """
    The earlier one is dropped.
    """
    turns, lost = repaired(
        turn("assistant", call()), turn("user", result(words="a"), result(words="b"))
    )

    assert turns[1] == ("user", ["c1: b"])
    assert lost == "tool_result=dropped"


def test_result_in_the_models_own_turn_is_no_words_of_the_model():
    """
    It answers its call as any other; without one it is told by the user.
    """
    turns, lost = repaired(turn("assistant", call(), result(), result("c9"), "b"))

    assert turns == [
        ("assistant", ["call c1", "b"]),
        ("user", ["c1: ok", "Result of a tool call that is not shown here:", "ok"]),
    ]
    assert lost == "tool_result=emulated"


def test_ids_that_come_again_are_made_distinct():
    """
    Providers that count anew in each turn get ids that are unique, results follow.
    """
    turns, lost = repaired(
        turn("assistant", call()),
        turn("user", result(words="x")),
        turn("assistant", call()),
        turn("user", result(words="y")),
    )

    assert [said for _, said in turns] == [
        ["call c1"],
        ["c1: x"],
        ["call c1_2"],
        ["c1_2: y"],
    ]
    assert lost == "tool_calls.id=changed"


def test_equal_ids_in_one_turn_are_paired_in_order():
    """
    Calls without ids of their own still get their own results.
    """
    turns, _ = repaired(
        turn("assistant", call(""), call("")),
        turn("user", result("", "x"), result("", "y")),
    )

    assert turns[1] == ("user", [": x", "_2: y"])


def test_strict_caller_is_told_instead():
    """
    Who wants nothing changed is refused by the name of the field.
    """
    with pytest.raises(Untranslatable) as caught:
        repair_calls([turn("assistant", call())], Losses(is_strict=True))

    assert [*caught.value.fields] == ["tool_calls"]
