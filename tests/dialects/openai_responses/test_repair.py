"""
Calls and results that do not meet.
"""

from __future__ import annotations

import pytest

from gateway.dialects.openai_responses.repair import repair_calls
from gateway.neutral import Losses


def call(number, kind="function_call"):
    return {"type": kind, "call_id": f"c{number}", "name": "f", "arguments": "{}"}


def output(number, said="ok", kind="function_call_output"):
    return {"type": kind, "call_id": f"c{number}", "output": said}


def user(text="x"):
    parts = [{"type": "input_text", "text": text}]
    return {"type": "message", "role": "user", "content": parts}


@pytest.mark.parametrize(
    "items",
    [
        [user()],
        [user(), call(1), output(1), user()],
        [call(1), call(2), output(2), output(1)],
        [call(1, "custom_tool_call"), output(1, kind="custom_tool_call_output")],
    ],
)
def test_what_meets_stays(items):
    """
    A conversation in order is not touched.
    """
    losses = Losses(is_strict=True)

    assert repair_calls(items, losses) == items


def test_call_without_a_result():
    """
    It gets one that says so, before the user goes on.
    """
    losses = Losses()
    items = [call(1), call(2, "custom_tool_call"), output(1), user()]

    *_, made, last = repair_calls(items, losses)

    assert (made["type"], made["call_id"]) == ("custom_tool_call_output", "c2")
    assert last == user()
    assert losses.header() == "tool_calls=emulated"


def test_call_at_the_end():
    """
    A conversation that ends with a call gets its result too.
    """
    assert repair_calls([user(), call(1)], Losses())[-1]["call_id"] == "c1"


@pytest.mark.parametrize(
    "said", ["words", [{"type": "input_image", "image_url": "u", "detail": "auto"}]]
)
def test_result_without_a_call(said):
    """
    It is not lost, but told in a message.
    """
    losses = Losses()

    (message,) = repair_calls([output(1, said)], losses)

    assert message["role"] == "user"
    assert len(message["content"]) == 2
    assert losses.header() == "tool_result=emulated"


def test_result_before_its_call():
    """
    A result that came too early is no answer.
    """
    types = [item["type"] for item in repair_calls([output(1), call(1)], Losses())]

    assert types == ["message", "function_call", "function_call_output"]


def test_two_results_of_one_call():
    """
    The later one counts.
    """
    losses = Losses()

    items = repair_calls([call(1), output(1, "a"), output(1, "b")], losses)

    assert [item.get("output") for item in items] == [None, "b"]
    assert losses.header() == "tool_result=dropped"
