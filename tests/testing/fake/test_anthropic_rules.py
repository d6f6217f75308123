"""
What the Messages API refuses although it could be understood.
"""

from __future__ import annotations

import pytest

from gateway.testing.fake.anthropic_request import read_message
from gateway.testing.fake.ask import Rules
from gateway.testing.fake.seal import Seal

WEATHER = {"name": "weather", "input_schema": {"type": "object"}}
USE = {"type": "tool_use", "id": "t1", "name": "weather", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "3 C"}
TEXT = {"type": "text", "text": "and?"}
THREAD = {"type": "continue", "previous_message_id": "msg_1"}
LOOSE = Rules(is_strict=False, seal=Seal("fake"))


def talk(*turns):
    """
    Make a conversation in which user and assistant alternate.
    """
    roles = ["user", "assistant"] * len(turns)
    return [
        {"role": role, "content": turn if isinstance(turn, str) else list(turn)}
        for role, turn in zip(roles, turns, strict=False)
    ]


def image(**source):
    return talk([{"type": "image", "source": source}])


STRICT = [
    ({"unheard": 1}, "unheard: Extra inputs are not permitted"),
    ({"temperature": 1.5}, "temperature"),
    ({"thinking": {"type": "enabled", "budget_tokens": 1023}}, "budget_tokens"),
    ({"thinking": {"type": "enabled"}}, "budget_tokens"),
    ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "must be greater than"),
    (
        {
            "thinking": {"type": "adaptive"},
            "tools": [WEATHER],
            "tool_choice": {"type": "any"},
        },
        "Thinking may not be enabled",
    ),
    ({"thread": {"type": "fork"}}, "thread: Input tag"),
    ({"thread": {"type": "continue"}}, "previous_message_id"),
    ({"thread": THREAD, "system": "be brief"}, "system: Cannot be changed"),
    ({"thread": THREAD, "tools": [WEATHER]}, "tools: Cannot be changed"),
    ({"tools": ["weather"]}, "tools.0: Input"),
    ({"tools": [{**WEATHER, "name": "a.b"}]}, "tools.0.custom.name"),
    ({"tools": [{"name": "weather"}]}, "tools.0.custom.input_schema"),
    ({"messages": talk("a", [USE], [RESULT])}, "must define tools"),
    ({"messages": talk("a", "b")[1:]}, "first message"),
    ({"messages": talk([{"type": "video"}])}, "'video'"),
    ({"messages": talk([{"type": "text", "text": ""}])}, "must be non-empty"),
    ({"messages": talk("")}, "must be non-empty"),
    (
        {"tools": [WEATHER], "messages": talk("a", [{**USE, "id": "a.b"}], [RESULT])},
        "tool_use.id",
    ),
    (
        {"tools": [WEATHER], "messages": talk("a", [{**USE, "input": "{}"}], [RESULT])},
        "tool_use.input",
    ),
    ({"tools": [WEATHER], "messages": talk("a", [USE])}, "without `tool_result`"),
    ({"tools": [WEATHER], "messages": talk("a", [USE], "b")}, "without `tool_result`"),
    ({"tools": [WEATHER], "messages": talk([RESULT])}, "unexpected `tool_use_id`"),
    (
        {"tools": [WEATHER], "messages": talk("a", [USE], [TEXT, RESULT])},
        "must come first",
    ),
    ({"messages": image(type="base64", media_type="image/bmp", data="")}, "media_type"),
    ({"messages": image(type="base64", media_type="image/png")}, "base64.data"),
    ({"messages": image(type="url", url="x")}, "url.url"),
    ({"messages": image(type="path")}, "image.source"),
]


@pytest.mark.parametrize(("fields", "said"), STRICT, ids=repr)
def test_refuses_where_strict(message, refusal, fields, said):
    """
    Each rule of the vendor's validation has its refusal.
    """
    error = refusal(read_message, message(**fields))

    assert error.status == 400
    assert said in error.message


@pytest.mark.parametrize(("fields", "said"), STRICT, ids=repr)
def test_takes_it_where_not_strict(message, refusal, fields, said):
    """
    Without strictness the same requests are answered.
    """
    assert refusal(read_message, message(**fields), LOOSE) is None


def thinking_body(message, block):
    return message(tools=[WEATHER], messages=talk("a", [block, USE], [RESULT, TEXT]))


def test_a_whole_conversation_is_taken(message, refusal, rules):
    """
    Signed thinking, a call and its result, and images pass the strictest check.
    """
    signature = rules.seal.make("hm")
    block = {"type": "thinking", "thinking": "hm", "signature": signature}
    body = thinking_body(message, block)
    body["messages"][0]["content"] = [
        {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}},
        TEXT,
    ]

    assert refusal(read_message, body) is None


@pytest.mark.parametrize("turns", [(), ([RESULT],)], ids=["resumed", "result"])
def test_a_conversation_that_is_kept_is_continued(message, refusal, turns):
    """
    By what is new in it, which may be the result of a call that stands in it, or nothing.
    """
    assert refusal(read_message, message(thread=THREAD, messages=talk(*turns))) is None


@pytest.mark.parametrize(
    ("text", "of", "owner", "is_taken"),
    [
        ("hm", "hm", "fake", True),
        ("", "hm", "fake", True),
        ("Hm", "hm", "fake", False),
        ("hm", "hm", "else", False),
        (None, "hm", "fake", False),
    ],
    ids=repr,
)
def test_signatures_are_checked(message, refusal, text, of, owner, is_taken):
    """
    Thinking goes back unchanged, or without its text, to who signed it.
    """
    signature = Seal(owner).make(of)
    block = {"type": "thinking", "thinking": text, "signature": signature}

    error = refusal(read_message, thinking_body(message, block))

    assert (error is None) == is_taken


def test_redacted_thinking_is_checked(message, refusal):
    """
    Redacted data of another account is refused.
    """
    block = {"type": "redacted_thinking", "data": Seal("else").make("a")}

    error = refusal(read_message, thinking_body(message, block))

    assert "redacted_thinking" in error.message


def test_tools_at_the_vendor_need_no_schema(message, refusal):
    """
    A server tool is known by its type.
    """
    tool = {"type": "web_search_20260318", "name": "web_search"}

    assert refusal(read_message, message(tools=[tool])) is None
