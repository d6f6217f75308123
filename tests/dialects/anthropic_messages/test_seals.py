"""
Reasoning that another vendor sealed, taken out of a request that is passed through.
"""

from __future__ import annotations

import pytest

from gateway import codec
from gateway.neutral import Seal
from gateway.testing import make_request

FOREIGN = Seal(dialect="openai_responses", data="gAAA", item_id="rs_1").wrap()
THINKING = {"type": "thinking", "thinking": "Hm", "signature": FOREIGN}
HIDDEN = {"type": "redacted_thinking", "data": FOREIGN}
OWN = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
TEXT = {"type": "text", "text": "42"}
USE = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "c", "content": "x"}
MANUAL = {"type": "enabled", "budget_tokens": 2048}


def ask(*contents, **rest):
    roles = ("user", "assistant")
    messages = [
        {"role": roles[number % 2], "content": content}
        for number, content in enumerate(contents)
    ]
    body = {"model": "m", "max_tokens": 9000, "messages": messages, **rest}
    return make_request(body, dialect="anthropic_messages")


def contents(request):
    return [message["content"] for message in request.doc["messages"]]


@pytest.mark.parametrize("foreign", [THINKING, HIDDEN], ids=["shown", "hidden"])
def test_foreign_thinking_is_taken_out(foreign):
    """
    What the vendor could not read goes, its own thinking and all that was said stays.
    """
    request = ask("hi", [foreign, TEXT], "why", [OWN, TEXT], "so")

    dropped = request.dialect.drop_foreign_seals(request)

    assert dropped == 1
    assert contents(request) == ["hi", [TEXT], "why", [OWN, TEXT], "so"]
    assert request.is_dirty


def test_a_message_of_nothing_else_goes_too():
    """
    The vendor refuses a message without content.
    """
    request = ask("hi", [THINKING, HIDDEN], "why")

    assert request.dialect.drop_foreign_seals(request) == 2
    assert contents(request) == ["hi", "why"]


def test_nothing_is_written_anew_where_nothing_is_taken_out():
    """
    A request without such thinking stays as it came, to the byte.
    """
    raw = codec.dumps(
        {"model": "m", "max_tokens": 1, "messages": [{"content": "gw1."}]}
    )
    request = make_request(raw.replace(b",", b", "), dialect="anthropic_messages")

    assert request.dialect.drop_foreign_seals(request) == 0
    assert request.encode() == raw.replace(b",", b", ")


@pytest.mark.parametrize(
    ("before", "is_kept"),
    [([THINKING, USE], False), ([OWN, THINKING, USE], True)],
    ids=["taken out", "still there"],
)
def test_manual_thinking_needs_what_led_to_the_call(before, is_kept):
    """
    A loop of tools whose thinking was taken out goes on without manual thinking.
    """
    request = ask("hi", before, [RESULT], thinking=MANUAL)

    request.dialect.drop_foreign_seals(request)

    assert ("thinking" in request.doc) is is_kept
    assert request.edits == (() if is_kept else ("thinking",))


@pytest.mark.parametrize(
    "messages", [["x"], [{"content": ["x", {"type": []}]}], [{}], []], ids=repr
)
def test_malformed_messages_are_left_to_the_vendor(messages):
    """
    What is no message is not touched: the vendor says best what is wrong with it.
    """
    body = {"model": "m", "max_tokens": 1, "messages": messages}
    request = make_request(body, dialect="anthropic_messages")

    assert request.dialect.drop_foreign_seals(request) == 0
