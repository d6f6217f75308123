"""
Whole responses, judged by the SDK's own types.
"""

from __future__ import annotations

import pytest
from openai.types.responses import Response
from pydantic import TypeAdapter, ValidationError

from gateway.testing.fake.openai_responses_events import RESPONSES
from gateway.testing.fake.script import Citation, Script, ToolCall, Usage

RESPONSE = TypeAdapter(Response)
CALLS = (
    ToolCall(name="weather", arguments='{"city": "Oslo"}'),
    ToolCall(name="shell", arguments="ls", is_custom=True),
)
TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


def body(given="hello", **fields):
    return {"model": "gpt-x", "input": given, **fields}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"instructions": "be brief", "temperature": 0, "store": False},
        {"tools": [TOOL], "tool_choice": "required"},
        {"tools": [{"type": "custom", "name": "shell"}]},
        {"reasoning": {"effort": "low", "summary": "auto"}},
        {"include": ["reasoning.encrypted_content"], "reasoning": {}},
        {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
        {
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "n",
                    "schema": {"type": "object", "properties": {}},
                }
            }
        },
        {"max_output_tokens": 16, "metadata": {"a": "b"}},
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "script",
    [
        Script(),
        Script(tool_calls=CALLS),
        Script(text="hi", tool_calls=CALLS),
        Script(reasoning="hm", reasoning_part="text"),
        Script(refusal="no"),
        Script(text="x" * 200),
        Script(citations=(Citation(url="https://a", title="A", end=2),)),
        Script(usage=Usage(cached=5, cache_write_5m=2, cache_write_1h=1)),
        Script(stop="failed"),
        Script(stop="content_filter"),
        Script(extra={"new": 1}, extra_inner={"newer": 2}),
        Script(no_usage=True),
    ],
    ids=repr,
)
def test_answers_are_what_the_sdk_expects(whole, script, fields):
    """
    Every whole answer validates against the SDK's type.
    """
    RESPONSE.validate_python(whole(RESPONSES, body(**fields), script))


@pytest.mark.parametrize("key", ["id", "output", "tools", "tool_choice", "created_at"])
def test_the_judge_is_strict(whole, key):
    """
    An answer that lacks a required field does not validate.
    """
    document = whole(RESPONSES, body())
    del document[key]

    with pytest.raises(ValidationError):
        RESPONSE.validate_python(document)


def test_repeats_the_request(whole):
    """
    What was asked stands in the response, with the vendor's defaults.
    """
    document = whole(RESPONSES, body(instructions="be brief", tools=[TOOL], top_p=0.5))

    assert document["instructions"] == "be brief"
    assert (document["temperature"], document["top_p"]) == (1.0, 0.5)
    assert document["tools"] == [{"description": None, "strict": True, **TOOL}]
    assert (document["store"], document["truncation"]) == (True, "disabled")


@pytest.mark.parametrize(
    ("script", "fields", "status", "reason"),
    [
        (Script(), {}, "completed", None),
        (
            Script(text="x" * 99),
            {"max_output_tokens": 16},
            "incomplete",
            "max_output_tokens",
        ),
        (Script(stop="content_filter"), {}, "incomplete", "content_filter"),
        (Script(stop="failed"), {}, "failed", None),
        (Script(stop="cancelled"), {}, "cancelled", None),
    ],
    ids=repr,
)
def test_status(whole, script, fields, status, reason):
    """
    A response that was cut short says why.
    """
    document = whole(RESPONSES, body(**fields), script)

    assert document["status"] == status
    assert (document["incomplete_details"] or {}).get("reason") == reason
    assert (document["error"] is not None) == (status == "failed")


def test_items_in_order(whole):
    """
    Reasoning comes before the message, the message before the calls.
    """
    script = Script(reasoning="hm", text="hi", tool_calls=CALLS)

    items = whole(RESPONSES, body(), script)["output"]

    assert [item["type"] for item in items] == [
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
    ]
    assert items[0]["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert (items[2]["arguments"], items[3]["input"]) == ('{"city": "Oslo"}', "ls")


def test_reasoning_is_sealed_when_asked(whole, rules):
    """
    Encrypted reasoning comes where it was asked for, and can be sent back.
    """
    asked = body(include=["reasoning.encrypted_content"], reasoning={"effort": "low"})

    item = whole(RESPONSES, asked)["output"][0]

    assert item["summary"] == []
    assert rules.seal.recognises(item["encrypted_content"])
    assert "encrypted_content" not in whole(RESPONSES, body(reasoning={}))["output"][0]


def test_reasoning_text_of_open_models(whole):
    """
    The reasoning itself, not a summary, where scripted so.
    """
    script = Script(reasoning="hm", reasoning_part="text")

    item = whole(RESPONSES, body(), script)["output"][0]

    assert item["content"] == [{"type": "reasoning_text", "text": "hm"}]
    assert item["summary"] == []


def test_refusals_are_parts(whole):
    """
    A refusal stands in the message instead of a text.
    """
    items = whole(RESPONSES, body(), Script(refusal="no"))["output"]

    assert items[0]["content"] == [{"type": "refusal", "refusal": "no"}]


def test_usage_in_buckets(whole):
    """
    Cached and written tokens are inside the input, reasoning inside the output.
    """
    usage = Usage(
        input=50, output=9, cached=5, cache_write_5m=2, cache_write_1h=1, reasoning=4
    )

    document = whole(RESPONSES, body(), Script(usage=usage))

    assert document["usage"] == {
        "input_tokens": 50,
        "input_tokens_details": {
            "cached_tokens": 5,
            "cache_write_tokens": 3,
            "cache_write_tokens_details": {"ttl_30m_tokens": 2, "ttl_12h_tokens": 1},
        },
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 59,
    }


def test_what_nobody_has_heard_of_is_everywhere(whole):
    """
    Unknown fields stand at the top level and inside items.
    """
    script = Script(extra={"new": 1}, extra_inner={"newer": 2})

    document = whole(RESPONSES, body(), script)

    assert document["new"] == 1
    assert document["output"][0]["newer"] == 2
