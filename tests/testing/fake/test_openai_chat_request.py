"""
What a chat request asks for, and what is refused.
"""

from __future__ import annotations

import pytest

from gateway.testing.fake.ask import Rules, Tool
from gateway.testing.fake.openai_chat_request import read_chat
from gateway.testing.fake.seal import Seal

WEATHER = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object"}},
}
SHELL = {"type": "custom", "custom": {"name": "shell"}}
CALL = {
    "role": "assistant",
    "tool_calls": [{"id": "c1", "type": "function"}, {"id": "c2", "type": "function"}],
}
LOOSE = Rules(is_strict=False, seal=Seal("fake"))


def result(call_id):
    return {"role": "tool", "tool_call_id": call_id, "content": "3 C"}


def test_reads_what_decides_the_answer(chat, rules):
    """
    Model, stream, cap, stops, choices and the text to echo are read.
    """
    body = chat("hi", stream=True, max_completion_tokens=9, stop="x", n=2)

    ask = read_chat(body, rules)

    assert (ask.model, ask.is_stream, ask.echo) == ("gpt-x", True, "hi")
    assert (ask.cap, ask.stops, ask.choices) == (9, ("x",), 2)
    assert ask.input_tokens == 1


def test_the_newer_cap_is_stronger(chat, rules):
    """
    Of two caps the one that is not deprecated counts.
    """
    assert read_chat(chat(max_tokens=5, max_completion_tokens=6), rules).cap == 6


@pytest.mark.parametrize(
    ("choice", "forced"),
    [
        ("auto", None),
        ("none", None),
        ("required", Tool("weather", {"type": "object"})),
        (
            {"type": "function", "function": {"name": "weather"}},
            Tool("weather", {"type": "object"}),
        ),
        (
            {"type": "custom", "custom": {"name": "shell"}},
            Tool("shell", is_custom=True),
        ),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [SHELL]},
            },
            Tool("shell", is_custom=True),
        ),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [SHELL]},
            },
            None,
        ),
    ],
    ids=repr,
)
def test_tool_choice(chat, rules, choice, forced):
    """
    A tool is forced by every spelling that forces one.
    """
    body = chat(tools=[WEATHER, SHELL], tool_choice=choice)

    assert read_chat(body, rules).forced == forced


def test_a_result_that_was_just_told_forces_nothing(chat, rules):
    """
    After the result of a tool the model may talk.
    """
    body = chat(tools=[WEATHER], tool_choice="required")
    body["messages"] += [CALL, result("c1"), result("c2")]

    assert read_chat(body, rules).forced is None


@pytest.mark.parametrize(
    ("wanted", "wants_json", "schema"),
    [
        ({"type": "text"}, False, None),
        ({"type": "json_object"}, True, None),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {"a": 1}}},
            True,
            {"a": 1},
        ),
    ],
    ids=repr,
)
def test_response_format(chat, rules, wanted, wants_json, schema):
    """
    JSON is wanted with a schema or without.
    """
    ask = read_chat(chat(response_format=wanted), rules)

    assert (ask.wants_json, ask.schema) == (wants_json, schema)


@pytest.mark.parametrize(
    ("effort", "reasons"), [(None, False), ("none", False), ("low", True)], ids=str
)
def test_effort(chat, rules, effort, reasons):
    """
    The model thinks where some effort is wanted.
    """
    assert read_chat(chat(reasoning_effort=effort), rules).reasons is reasons


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "god"}]}, "messages[0].role"),
        ({"n": 0.5}, "n"),
        ({"n": 129}, "n"),
        ({"tools": {}}, "tools"),
        ({"stop": 7}, "stop"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"tools": [{"type": "function"}], "tool_choice": "required"}, "tools"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {}}},
            "tool_choice",
        ),
    ],
    ids=repr,
)
def test_always_refuses(chat, refusal, fields, param):
    """
    What cannot be understood is refused by its parameter.
    """
    error = refusal(read_chat, chat(**fields), LOOSE)

    assert (error.status, error.param) == (400, param)


STRICT = [
    ({"unheard": 1}, "unheard"),
    ({"temperature": 2.5}, "temperature"),
    ({"tools": []}, "tools"),
    (
        {"tools": [{"type": "function", "function": {"name": "a.b"}}]},
        "tools[0].function.name",
    ),
    ({"top_logprobs": 2}, "top_logprobs"),
    ({"stream_options": {}}, "stream_options"),
    (
        {"messages": [{"role": "user", "content": [{"type": "input_text"}]}]},
        "messages[0].content[0].type",
    ),
    (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": "x"}}],
                }
            ]
        },
        "messages[0].content[0].image_url",
    ),
    ({"messages": [CALL, result("c1")]}, "messages"),
    ({"messages": [CALL, result("c1"), {"role": "user"}, result("c2")]}, "messages"),
    ({"messages": [{"role": "user"}, result("c1")]}, "messages[1].role"),
]


@pytest.mark.parametrize(("fields", "param"), STRICT, ids=repr)
def test_refuses_where_strict(chat, refusal, fields, param):
    """
    What the vendor refuses although it could be understood is refused.
    """
    error = refusal(read_chat, chat(**fields))

    assert (error.status, error.param) == (400, param)


@pytest.mark.parametrize(("fields", "param"), STRICT, ids=repr)
def test_takes_it_where_not_strict(chat, refusal, fields, param):
    """
    Without strictness the same requests are answered.
    """
    assert refusal(read_chat, chat(**fields), LOOSE) is None


def test_a_whole_conversation_is_taken(chat, refusal):
    """
    Calls and results that meet, images and texts pass the strictest check.
    """
    body = chat(tools=[WEATHER, SHELL])
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
    body["messages"] += [
        CALL,
        result("c2"),
        result("c1"),
        {"role": "user", "content": [image, {"type": "text", "text": "and this?"}]},
    ]

    assert refusal(read_chat, body) is None
