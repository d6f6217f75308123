"""
Items as they are streamed.
"""

from __future__ import annotations

from gateway.dialects.openai_responses.write_items import (
    CallItem,
    CustomCallItem,
    MessageItem,
    OpaqueItem,
    ReasoningItem,
)
from gateway.neutral import ReasoningBlock, ToolCall


def names(emits):
    return [name.removeprefix("response.") for name, _ in emits]


def test_message_is_idle_when_no_part_is_open():
    """
    A message can be done only when nobody is going on in it.
    """
    item = MessageItem(0, "msg_1")
    first, _ = item.open(is_refusal=False)
    second, _ = item.open(is_refusal=True)

    item.close(first)
    assert not item.is_idle

    item.close(second)
    assert item.is_idle


def test_part_is_closed_once():
    """
    A part that was closed is not closed again.
    """
    item = MessageItem(0, "msg_1")
    number, _ = item.open(is_refusal=True)
    item.tell(number, "No.")

    assert names(item.close(number)) == ["refusal.done", "content_part.done"]
    assert item.close(number) == []


def test_call_begins_without_arguments():
    """
    When a call is added its arguments are yet to come; when it is done they are whole.
    """
    item = CallItem(0, "fc_1", ToolCall(id="c", name="f"), "f")
    ((_, added),) = item.begin()
    item.tell(0, '{"x"')
    item.tell(0, ":1}")
    item.close(0)
    ((_, done),) = item.done("completed")

    assert (added["item"]["arguments"], added["item"]["status"]) == ("", "in_progress")
    assert (done["item"]["arguments"], done["item"]["status"]) == (
        '{"x":1}',
        "completed",
    )


def test_wrapped_input_is_told_when_it_is_complete():
    """
    The input that a function's arguments hold cannot be told piece by piece.
    """
    item = CustomCallItem(0, "ctc_1", ToolCall(id="c", name="f"), "f")

    assert item.tell(0, '{"input":') == []
    assert item.tell(0, '"free"}') == []
    assert names(item.close(0)) == [
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
    ]
    assert item.doc("completed")["input"] == "free"


def test_summary_part_is_added_with_its_first_words():
    """
    A part without words is not announced, one with words once.
    """
    item = ReasoningItem(0, "rs_1", ReasoningBlock())

    assert item.end_part() == []
    assert names(item.tell(0, "a")) == [
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
    ]
    assert names(item.tell(0, "b")) == ["reasoning_summary_text.delta"]
    assert names(item.close(0)) == [
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
    ]


def test_opaque_item_is_copied():
    """
    Each event has a copy of its own.
    """
    item = OpaqueItem(0, {"type": "web_search_call", "id": "ws_1", "action": {}})
    ((_, added),) = item.begin()
    ((_, done),) = item.done("completed")

    added["item"]["action"]["query"] = "x"

    assert done["item"] == {"type": "web_search_call", "id": "ws_1", "action": {}}
    assert item.tell(0, "x") == item.close(0) == []
