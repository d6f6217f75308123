"""
What a request for a response asks for, and what is refused.
"""

from __future__ import annotations

import pytest

from gateway.testing.fake.ask import Rules, Tool
from gateway.testing.fake.openai_responses_request import read_response
from gateway.testing.fake.seal import Seal

WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
SHELL = {"type": "custom", "name": "shell"}
CALL = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "3 C"}
LOOSE = Rules(is_strict=False, seal=Seal("fake"))


def body(given="hello", **fields):
    return {"model": "gpt-x", "input": given, **fields}


def user(*content):
    return {"role": "user", "content": list(content)}


def test_reads_what_decides_the_answer(rules):
    """
    Model, stream, cap and the text to echo are read.
    """
    ask = read_response(body("hi", stream=True, max_output_tokens=20), rules)

    assert (ask.model, ask.is_stream, ask.cap, ask.echo) == ("gpt-x", True, 20, "hi")


def test_instructions_and_tools_are_input(rules):
    """
    All that the model reads is counted.
    """
    plain = read_response(body(), rules).input_tokens
    more = read_response(body(instructions="be brief", tools=[WEATHER]), rules)

    assert more.input_tokens > plain


@pytest.mark.parametrize(
    ("items", "echo"),
    [
        (
            [
                user(
                    {"type": "input_text", "text": "a"},
                    {"type": "input_text", "text": "b"},
                )
            ],
            "a\nb",
        ),
        ([user(), CALL, RESULT], "3 C"),
        (
            [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
            "a",
        ),
    ],
    ids=repr,
)
def test_echoes_what_the_caller_said_last(rules, items, echo):
    """
    Texts and outputs of tools are the caller's, calls and answers are not.
    """
    assert read_response(body(items), rules).echo == echo


@pytest.mark.parametrize(
    ("choice", "forced"),
    [
        ("auto", None),
        ("required", Tool("weather", {"type": "object"})),
        ({"type": "function", "name": "weather"}, Tool("weather", {"type": "object"})),
        ({"type": "custom", "name": "shell"}, Tool("shell", is_custom=True)),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [SHELL]},
            Tool("shell", is_custom=True),
        ),
        ({"type": "allowed_tools", "mode": "auto", "tools": [SHELL]}, None),
        ({"type": "web_search"}, None),
    ],
    ids=repr,
)
def test_tool_choice(rules, choice, forced):
    """
    A tool is forced by every spelling that forces one.
    """
    asked = body(tools=[WEATHER, SHELL], tool_choice=choice)

    assert read_response(asked, rules).forced == forced


def test_a_result_that_was_just_told_forces_nothing(rules):
    """
    After the output of a tool the model may talk.
    """
    asked = body([CALL, RESULT], tools=[WEATHER], tool_choice="required")

    assert read_response(asked, rules).forced is None


@pytest.mark.parametrize(
    ("reasoning", "reasons"),
    [(None, False), ({"effort": "none"}, False), ({}, True), ({"effort": "low"}, True)],
    ids=repr,
)
def test_effort(rules, reasoning, reasons):
    """
    The model thinks where some effort is wanted.
    """
    assert read_response(body(reasoning=reasoning), rules).reasons is reasons


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"given": None}, "input"),
        ({"given": 5}, "input"),
        ({"given": []}, "input"),
        ({"given": ["hi"]}, "input[0]"),
        ({"given": [{"role": "god"}]}, "input[0].role"),
        ({"tools": {}}, "tools"),
        ({"reasoning": "high"}, "reasoning"),
        ({"tools": [{"type": "function"}], "tool_choice": "required"}, "tools"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.name"),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "function", "name": "x"}},
            "tool_choice",
        ),
        ({"max_output_tokens": "9"}, "max_output_tokens"),
    ],
    ids=repr,
)
def test_always_refuses(refusal, fields, param):
    """
    What cannot be understood is refused by its parameter.
    """
    error = refusal(read_response, body(**fields), LOOSE)

    assert (error.status, error.param) == (400, param)


STRICT = [
    ({"messages": []}, "messages"),
    ({"max_output_tokens": 15}, "max_output_tokens"),
    ({"tools": [{"type": "function"}]}, "tools[0].name"),
    ({"given": [user({"type": "text"})]}, "input[0].content[0].type"),
    ({"given": [user({"type": "input_image"})]}, "input[0].content[0].image_url"),
    ({"given": [CALL]}, "input"),
    ({"given": [RESULT]}, "input"),
]


@pytest.mark.parametrize(("fields", "param"), STRICT, ids=repr)
def test_refuses_where_strict(refusal, fields, param):
    """
    What the vendor refuses although it could be understood is refused.
    """
    error = refusal(read_response, body(**fields))

    assert (error.status, error.param) == (400, param)


@pytest.mark.parametrize(("fields", "param"), STRICT, ids=repr)
def test_takes_it_where_not_strict(refusal, fields, param):
    """
    Without strictness the same requests are answered.
    """
    assert refusal(read_response, body(**fields), LOOSE) is None


@pytest.mark.parametrize(
    ("kind", "wants_json"), [("text", False), ("json_object", True)], ids=str
)
def test_formats_without_a_schema(rules, kind, wants_json):
    """
    JSON may be wanted without a schema.
    """
    ask = read_response(body(text={"format": {"type": kind}}), rules)

    assert (ask.wants_json, ask.schema) == (wants_json, None)


def test_state_at_the_vendor_may_hold_the_call(refusal):
    """
    With an earlier response the call of an output is not in the input.
    """
    assert refusal(read_response, body([RESULT], previous_response_id="resp_1")) is None


def test_reasoning_of_another_account_is_refused(refusal, rules):
    """
    Encrypted reasoning is bound to who got it.
    """
    own = {
        "type": "reasoning",
        "summary": [],
        "encrypted_content": rules.seal.make("a"),
    }
    other = {**own, "encrypted_content": Seal("else").make("a")}

    assert refusal(read_response, body([own])) is None
    assert refusal(read_response, body([other])).code == "invalid_encrypted_content"


def test_images_by_file_are_taken(refusal):
    """
    An image may be a file at the vendor.
    """
    image = {"type": "input_image", "file_id": "file_1"}

    assert refusal(read_response, body([user(image)])) is None
