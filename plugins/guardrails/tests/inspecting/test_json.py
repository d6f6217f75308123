"""
JSON that models write stays JSON, redacted and restored: in answers, in arguments, and within them.
"""

from __future__ import annotations

import json

import pytest

from gateway.testing import Script, ToolCall

CARD = 4111111111111111
QUOTED = 'a"b\\c'
KEY = "key-1\n2"
CUSTOM = {"QUOTED": r'a"b\\c', "KEY": r"key-[\w\\]{4}"}
RULES = {
    "pii": {
        "detectors": [{"type": "pii", "custom": CUSTOM}],
        "action": "redact",
        "restore": True,
    }
}
PARAMETERS = {"type": "object"}
CALL = {"id": "call_1", "type": "function"}
FUNCTION = {"name": "pay", "arguments": json.dumps({"card": CARD})}
VERSION = {"anthropic-version": "2023-06-01"}


def chat(said):
    called = {"role": "assistant", "tool_calls": [{**CALL, "function": FUNCTION}]}
    turns = [called, {"role": "tool", "tool_call_id": "call_1", "content": "ok"}]
    return "/v1/chat/completions", {
        "model": "openai/m",
        "messages": [*turns, {"role": "user", "content": said}],
        "tools": [{"type": "function", "function": {"name": "pay"}}],
    }


def responses(said):
    called = {"type": "function_call", "call_id": "call_1", **FUNCTION}
    result = {"type": "function_call_output", "call_id": "call_1", "output": "ok"}
    return "/v1/responses", {
        "model": "openai/m",
        "input": [called, result, {"role": "user", "content": said}],
        "tools": [{"type": "function", "name": "pay", "parameters": PARAMETERS}],
    }


def messages(said):
    use = {"type": "tool_use", "id": "toolu_1", "name": "pay", "input": {"card": CARD}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}
    return "/v1/messages", {
        "model": "anthropic/m",
        "max_tokens": 99,
        "messages": [
            {"role": "user", "content": "pay"},
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result, {"type": "text", "text": said}]},
        ],
        "tools": [{"name": "pay", "input_schema": PARAMETERS}],
    }


def said_in(node, *keys):
    """
    Put together what stands at the first of *keys* that is there, wherever it is, in order.
    """
    if isinstance(node, list):
        return "".join(said_in(one, *keys) for one in node)
    if not isinstance(node, dict):
        return ""
    for key in keys:
        if isinstance(node.get(key), str) and node[key]:
            return node[key]
        if isinstance(node.get(key), dict) and node[key] and key == "input":
            return json.dumps(node[key])
    return "".join(said_in(one, *keys) for one in node.values())


def read(answer, is_stream, *keys):
    """
    Return the JSON of an answer.
    """
    assert answer.status == 200, answer.body
    if not is_stream:
        return json.loads(said_in(answer.json, *keys))
    events = answer.events()
    if "type" in events[0] and events[0]["type"].startswith("response."):
        (last,) = [one for one in events if one["type"] == "response.completed"]
        deltas = [one["delta"] for one in events if one["type"].endswith(".delta")]
        assert json.loads("".join(deltas)) == json.loads(said_in(last, *keys))
        return json.loads("".join(deltas))
    return json.loads(said_in(events, *keys))


def text_of(answer, is_stream):
    return read(answer, is_stream, "content", "text")


def arguments_of(answer, is_stream):
    return read(answer, is_stream, "arguments", "partial_json", "input")


each_dialect = pytest.mark.parametrize("asked", [chat, responses, messages])
both = pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])


async def answered(gate, fake, asked, script, is_stream):
    fake.script("m", script)
    path, document = asked
    async with gate(RULES) as gated:
        return await gated.client.post(path, {**document, "stream": is_stream}, VERSION)


@both
@each_dialect
async def test_redacted_answers(gate, fake, asked, is_stream):
    """
    A number without quotes that is redacted leaves a string.
    """
    said = '{"card": 5555555555554444, "of": ["x\\nann@acme.com", 5555555555554444]}'
    script = Script(text=said, split=9)

    answer = await answered(gate, fake, asked("hi"), script, is_stream)

    of = ["x\n<EMAIL_1>", "<CREDIT_CARD_2>"]
    assert text_of(answer, is_stream) == {"card": "<CREDIT_CARD_2>", "of": of}


@both
@each_dialect
async def test_redacted_arguments_within_arguments(gate, fake, asked, is_stream):
    """
    JSON in a string of arguments is JSON on both levels still.
    """
    inner = {"mail": "ann@acme.com", "card": 5555555555554444}
    call = ToolCall(name="pay", arguments=json.dumps({"payload": json.dumps(inner)}))

    answer = await answered(
        gate, fake, asked("hi"), Script(tool_calls=(call,)), is_stream
    )

    payload = json.loads(arguments_of(answer, is_stream)["payload"])
    assert payload == {"mail": "<EMAIL_1>", "card": "<CREDIT_CARD_2>"}


@both
@each_dialect
async def test_restored_arguments(gate, fake, asked, is_stream):
    """
    What is put back is escaped for each level, and a number is a number again.
    """
    inner = json.dumps({"quoted": "<QUOTED_1>", "card": "<CREDIT_CARD_1>"})
    told = {
        "payload": inner,
        "card": "<CREDIT_CARD_1>",
        "text": "of <CREDIT_CARD_1>, <QUOTED_1>",
        "<CREDIT_CARD_1>": 1,
    }
    call = ToolCall(name="pay", arguments=json.dumps(told))

    answer = await answered(
        gate, fake, asked(QUOTED), Script(tool_calls=(call,)), is_stream
    )

    told = arguments_of(answer, is_stream)
    assert json.loads(told["payload"]) == {"quoted": QUOTED, "card": CARD}
    assert told["card"] == CARD
    assert told["text"] == f"of {CARD}, {QUOTED}"
    assert told[str(CARD)] == 1


@both
@each_dialect
async def test_restored_answers(gate, fake, asked, is_stream):
    """
    So it is where the answer itself is JSON, asked for or not.
    """
    script = Script(text='{"q": "<QUOTED_1>", "card": "<CREDIT_CARD_1>"}', split=9)

    answer = await answered(gate, fake, asked(QUOTED), script, is_stream)

    assert text_of(answer, is_stream) == {"q": QUOTED, "card": CARD}


async def test_what_stands_in_json_of_a_request_comes_back_as_it_was(gate, fake):
    """
    A value of JSON that was pasted is known decoded, and a number as a number.
    """
    pasted = json.dumps({"key": KEY, "note": "to:\nann@acme.com", "card": CARD})
    script = Script(
        text='{"k": "<KEY_1>", "to": "<EMAIL_1>", "card": "<CREDIT_CARD_1>"}'
    )
    path, document = (
        "/v1/chat/completions",
        {
            "model": "openai/m",
            "messages": [{"role": "user", "content": pasted}],
        },
    )

    answer = await answered(gate, fake, (path, document), script, False)

    sent = json.loads(fake.requests[-1].json["messages"][0]["content"])
    assert sent["note"] == "to:\n<EMAIL_1>"
    assert sent["card"] == "<CREDIT_CARD_1>"
    assert text_of(answer, False) == {"k": KEY, "to": "ann@acme.com", "card": CARD}
