"""
Whole responses, read into answers.
"""

from __future__ import annotations

import pytest

from gateway.neutral import (
    Opaque,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    Stop,
    TextBlock,
    ToolCall,
)


def test_rich_response(kit):
    """
    Everything that a response says has its place in the answer.
    """
    doc = kit.example("responses")["response"]

    answer = kit.dialect.read_answer(kit.response(doc))

    assert (answer.id, answer.model, answer.created) == (
        "resp_1",
        "gpt-5.5",
        1_763_600_000,
    )
    assert answer.service_tier == "auto"
    assert answer.stop == Stop(reason="tool", raw="completed")
    assert answer.usage.total_input == 75
    assert answer.blocks[:6] == [
        ReasoningBlock(text="Rain falls down."),
        ReasoningBlock(
            text="Thought of rain.And of sun.",
            parts=["Thought of rain.", "And of sun."],
            is_summary=True,
            seal=Seal(dialect="openai_responses", data="gAAAAABo-x_y=", item_id="rs_1"),
        ),
        TextBlock(
            text="It rains.",
            annotations=doc["output"][1]["content"][0]["annotations"],
            logprobs=doc["output"][1]["content"][0]["logprobs"],
        ),
        RefusalBlock(text="I cannot say more."),
        ToolCall(
            id="call_7", name="get_weather", arguments=doc["output"][2]["arguments"]
        ),
        ToolCall(
            id="call_8", name="run_sql", arguments="select * from people", kind="custom"
        ),
    ]
    assert all(isinstance(block, Opaque) for block in answer.blocks[6:])
    assert len(answer.blocks[6:]) == len(doc["output"]) - 4


@pytest.mark.parametrize(
    "doc",
    [
        [],
        {},
        {"output": "x"},
        {"output": [1, {"type": "message", "content": "x"}, {"type": "message"}]},
        {"output": [{"type": "message", "content": [1, {"type": "audio"}]}]},
        {"id": 1, "model": [], "created_at": "now", "usage": []},
    ],
    ids=str,
)
def test_malformed_response_says_nothing(kit, doc):
    """
    What a provider wrote is never an error of the caller's.
    """
    answer = kit.dialect.read_answer(kit.response(doc))

    assert answer.blocks == []
    assert answer.stop.reason == "unknown"


def test_call_without_an_id_of_its_own(kit):
    """
    Some servers have one id for a call, and put it on the item.
    """
    item = {"type": "function_call", "id": "fc_1", "name": "f", "arguments": "{}"}

    (call,) = kit.dialect.read_answer(kit.response({"output": [item]})).blocks

    assert call.id == "fc_1"
