"""
What a request for a message asks for, and what is refused.
"""

from __future__ import annotations

import pytest

from gateway.testing.fake.anthropic_request import read_count, read_message
from gateway.testing.fake.ask import Rules, Tool
from gateway.testing.fake.seal import Seal

WEATHER = {"name": "weather", "input_schema": {"type": "object"}}
LOOSE = Rules(is_strict=False, seal=Seal("fake"))


def test_reads_what_decides_the_answer(message, rules):
    """
    Model, stream, cap, stops and the text to echo are read.
    """
    ask = read_message(message("hi", stream=True, stop_sequences=["x", ""]), rules)

    assert (ask.model, ask.is_stream, ask.echo) == ("claude-x", True, "hi")
    assert (ask.cap, ask.stops) == (500, ("x",))


def test_system_and_tools_are_input(message, rules):
    """
    All that the model reads is counted.
    """
    plain = read_message(message(), rules).input_tokens
    more = read_message(message(system="be brief", tools=[WEATHER]), rules)

    assert more.input_tokens > plain


@pytest.mark.parametrize(
    ("choice", "forced"),
    [
        ({"type": "auto"}, None),
        ({"type": "none"}, None),
        ({"type": "any"}, Tool("weather", {"type": "object"})),
        ({"type": "tool", "name": "weather"}, Tool("weather", {"type": "object"})),
    ],
    ids=repr,
)
def test_tool_choice(message, rules, choice, forced):
    """
    A tool is forced by name, or the first by any.
    """
    body = message(tools=[WEATHER], tool_choice=choice)

    assert read_message(body, rules).forced == forced


def test_a_result_that_was_just_told_forces_nothing(message, rules):
    """
    After the result of a tool the model may talk.
    """
    body = message(tools=[WEATHER], tool_choice={"type": "any"})
    use = {"type": "tool_use", "id": "t1", "name": "weather", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "3 C"}
    body["messages"] += [
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]

    ask = read_message(body, rules)

    assert (ask.forced, ask.echo) == (None, "3 C")


@pytest.mark.parametrize(
    ("thinking", "reasons"),
    [
        (None, False),
        ({"type": "disabled"}, False),
        ({"type": "adaptive"}, True),
        ({"type": "enabled", "budget_tokens": 1024}, True),
    ],
    ids=repr,
)
def test_thinking(message, thinking, reasons):
    """
    The model thinks where it is switched on.
    """
    assert read_message(message(thinking=thinking), LOOSE).reasons is reasons


def test_output_format(message, rules):
    """
    A schema makes the answer JSON.
    """
    wanted = {"format": {"type": "json_schema", "schema": {"a": 1}}}

    ask = read_message(message(output_config=wanted), rules)

    assert (ask.wants_json, ask.schema) == (True, {"a": 1})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": None}, "model: Field required"),
        ({"model": 5}, "model: Input should be"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": "5"}, "max_tokens: Input should be"),
        ({"max_tokens": -1}, "max_tokens: Input should be"),
        ({"messages": None}, "messages: Field required"),
        ({"messages": "hi"}, "messages: Input should be"),
        ({"messages": []}, "messages: at least one"),
        ({"messages": ["hi"]}, "messages.0: Input"),
        ({"messages": [{"role": "tool", "content": ""}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content: Input"),
        (
            {"messages": [{"role": "user", "content": ["a"]}]},
            "messages.0.content.0.type",
        ),
        ({"system": 5}, "system:"),
        ({"stream": "yes"}, "stream:"),
        ({"tools": {}}, "tools:"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
        (
            {"output_config": {"format": {"type": "json_schema"}}},
            "format.schema: Field",
        ),
        ({"tool_choice": {"type": "any"}}, "tool_choice: Tool not found"),
    ],
    ids=repr,
)
def test_always_refuses(message, refusal, fields, said):
    """
    What cannot be understood is refused with the path of the field.
    """
    error = refusal(read_message, message(**fields), LOOSE)

    assert error.status == 400
    assert said in error.message


def test_counting_needs_no_cap(message, rules, refusal):
    """
    A request that only wants its tokens counted has no max_tokens.
    """
    body = message()
    del body["max_tokens"]

    ask = read_count(body, rules)

    assert (ask.is_generated, ask.input_tokens) == (False, 3)
    assert refusal(read_count, {**body, "unheard": 1}) is not None


def test_no_tokens_at_all_are_allowed(message, rules):
    """
    A cap of zero only warms the cache.
    """
    assert read_message(message(max_tokens=0), rules).cap == 0
