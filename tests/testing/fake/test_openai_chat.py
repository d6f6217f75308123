"""
Chat completions, judged by the SDK's own types.
"""

from __future__ import annotations

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter, ValidationError

from gateway.testing.fake.openai_chat import CHAT
from gateway.testing.fake.script import Citation, Script, ToolCall, Usage

COMPLETION = TypeAdapter(ChatCompletion)
CHUNK = TypeAdapter(ChatCompletionChunk)
TWO_CALLS = (
    ToolCall(name="weather", pieces=('{"city"', ': "Oslo"}')),
    ToolCall(name="time", arguments="{}"),
)
CITED = Citation(url="https://a.example/", title="A", start=0, end=4)
SCRIPTS = [
    Script(),
    Script(text=""),
    Script(pieces=("one ", "two")),
    Script(tool_calls=TWO_CALLS),
    Script(tool_calls=TWO_CALLS, text="let me see", interleave_calls=True),
    Script(reasoning="hm", text="ok"),
    Script(reasoning="hm", text="ok", reasoning_key="reasoning"),
    Script(refusal="I will not"),
    Script(citations=(CITED,), text="some text"),
    Script(usage=Usage(input=9, output=5, cached=3, reasoning=2, output_audio=1)),
    Script(no_usage=True),
    Script(usage_place="last_choice"),
    Script(usage_place="every_chunk"),
    Script(stop="content_filter"),
    Script(extra={"new": {"a": 1}}, extra_inner={"newer": "text"}),
]
REQUESTS = [
    {},
    {"n": 2},
    {"logprobs": True, "top_logprobs": 2},
    {"response_format": {"type": "json_object"}},
    {"max_completion_tokens": 1},
]


@pytest.mark.parametrize("fields", REQUESTS, ids=repr)
@pytest.mark.parametrize("script", SCRIPTS, ids=repr)
def test_answers_are_what_the_sdk_expects(chat, whole, script, fields):
    """
    Every whole answer validates against the SDK's type.
    """
    COMPLETION.validate_python(whole(CHAT, chat(**fields), script))


@pytest.mark.parametrize("fields", REQUESTS, ids=repr)
@pytest.mark.parametrize("script", SCRIPTS, ids=repr)
def test_chunks_are_what_the_sdk_expects(chat, events, script, fields):
    """
    Every chunk of every stream validates against the SDK's type.
    """
    body = chat(stream=True, stream_options={"include_usage": True}, **fields)

    for chunk in events(CHAT, body, script):
        CHUNK.validate_python(chunk)


@pytest.mark.parametrize("key", ["id", "choices", "created", "model", "object"])
def test_the_judge_is_strict(chat, whole, key):
    """
    An answer that lacks a required field does not validate.
    """
    document = whole(CHAT, chat())
    del document[key]

    with pytest.raises(ValidationError):
        COMPLETION.validate_python(document)


def test_a_whole_answer(chat, whole):
    """
    The echo has a role, a reason and a usage.
    """
    document = whole(CHAT, chat("hello"))

    choice = document["choices"][0]
    assert choice["message"]["content"] == "echo: hello"
    assert choice["finish_reason"] == "stop"
    assert document["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize(
    ("script", "fields", "finish"),
    [
        (Script(), {}, "stop"),
        (Script(), {"max_tokens": 1}, "length"),
        (Script(), {"stop": "ell"}, "stop"),
        (Script(tool_calls=TWO_CALLS), {}, "tool_calls"),
        (Script(refusal="no"), {}, "stop"),
        (Script(stop="brand_new"), {}, "brand_new"),
    ],
    ids=repr,
)
def test_finish_reasons(chat, whole, events, script, fields, finish):
    """
    Whole and streamed, the reason is the vendor's word, or the scripted one.
    """
    body = chat("hello", **fields)

    choices = [
        chunk["choices"] for chunk in events(CHAT, {**body, "stream": True}, script)
    ]

    assert whole(CHAT, body, script)["choices"][0]["finish_reason"] == finish
    assert [c[0]["finish_reason"] for c in choices if c][-1] == finish


def test_the_role_comes_once(chat, events):
    """
    The first delta has the role, and no other has.
    """
    deltas = [c["choices"][0]["delta"] for c in events(CHAT, chat(stream=True))]

    assert ["role" in delta for delta in deltas] == [True] + [False] * (len(deltas) - 1)
    assert deltas[-1] == {}


def test_parallel_calls_have_an_index_each(chat, events):
    """
    A call opens with id and name, its arguments follow in pieces.
    """
    chunks = events(CHAT, chat(stream=True), Script(tool_calls=TWO_CALLS))

    deltas = [c["choices"][0]["delta"].get("tool_calls", []) for c in chunks]
    calls = [call for delta in deltas for call in delta]
    assert [call["index"] for call in calls] == [0, 0, 0, 1, 1]
    assert calls[0] == {
        "index": 0,
        "id": "call_fake00000007_0_0",
        "type": "function",
        "function": {"name": "weather", "arguments": ""},
    }
    assert calls[1] == {"index": 0, "function": {"arguments": '{"city"'}}


def test_parallel_calls_may_take_turns(chat, events):
    """
    Interleaved, the deltas of two calls alternate.
    """
    script = Script(tool_calls=TWO_CALLS, interleave_calls=True)

    chunks = events(CHAT, chat(stream=True), script)

    deltas = [c["choices"][0]["delta"].get("tool_calls", []) for c in chunks]
    assert [call["index"] for delta in deltas for call in delta] == [0, 1, 0, 1, 0]


def test_a_custom_tool_is_called_with_text(chat, whole, events):
    """
    A custom call has an input instead of arguments.
    """
    script = Script(tool_calls=(ToolCall(name="sh", arguments="ls", is_custom=True),))

    document = COMPLETION.validate_python(whole(CHAT, chat(), script))

    chunks = events(CHAT, chat(stream=True), script)
    assert document.choices[0].message.tool_calls[0].custom.input == "ls"
    assert chunks[2]["choices"][0]["delta"]["tool_calls"][0]["custom"] == {
        "input": "ls"
    }


def test_choices_take_turns(chat, events):
    """
    Several choices are streamed alternately, each with its own text.
    """
    chunks = events(CHAT, chat("hey", n=2, stream=True))

    order = [chunk["choices"][0]["index"] for chunk in chunks]
    texts = ["", ""]
    for chunk in chunks:
        choice = chunk["choices"][0]
        texts[choice["index"]] += choice["delta"].get("content", "")
    assert order[:4] == [0, 1, 0, 1]
    assert texts == ["echo: hey", "echo: hey [1]"]


def test_usage_comes_only_when_asked(chat, events):
    """
    Unasked, no chunk has a usage; asked, all have the key and the last its value.
    """
    asked = chat(stream=True, stream_options={"include_usage": True})

    without = events(CHAT, chat(stream=True))
    having = events(CHAT, asked)

    assert not any("usage" in chunk for chunk in without)
    assert [chunk["usage"] for chunk in having[:-1]] == [None] * (len(having) - 1)
    assert having[-1]["choices"] == []
    assert having[-1]["usage"]["total_tokens"] > 0


@pytest.mark.parametrize(
    ("place", "having"), [("last_choice", 1), ("every_chunk", 7)], ids=str
)
def test_usage_where_compatible_vendors_put_it(chat, events, place, having):
    """
    Some vendors send usage unasked: with the last choice, or with each chunk.
    """
    chunks = events(CHAT, chat(stream=True), Script(usage_place=place))

    assert sum(bool(chunk.get("usage")) for chunk in chunks) == having
    assert chunks[-1]["usage"]["total_tokens"] > 0


def test_reasoning_is_told_only_where_scripted(chat, whole):
    """
    The vendor itself counts reasoning and hides it.
    """
    hidden = whole(CHAT, chat(reasoning_effort="high"))
    told = whole(CHAT, chat(), Script(reasoning="hm", text="ok"))

    details = hidden["usage"]["completion_tokens_details"]
    assert details["reasoning_tokens"] > 0
    assert "reasoning_content" not in hidden["choices"][0]["message"]
    assert told["choices"][0]["message"]["reasoning_content"] == "hm"


def test_log_probabilities_when_asked(chat, whole):
    """
    Each piece is a token with its alternatives.
    """
    document = whole(CHAT, chat("x", logprobs=True, top_logprobs=2))

    content = document["choices"][0]["logprobs"]["content"]
    assert "".join(entry["token"] for entry in content) == "echo: x"
    assert {len(entry["top_logprobs"]) for entry in content} == {2}


def test_what_nobody_has_heard_of_is_everywhere(chat, whole, events):
    """
    Unknown fields stand at the top level and inside messages and deltas.
    """
    script = Script(extra={"new": 1}, extra_inner={"newer": 2})

    document = whole(CHAT, chat(), script)
    chunk = events(CHAT, chat(stream=True), script)[0]

    assert (document["new"], chunk["new"]) == (1, 1)
    assert document["choices"][0]["message"]["newer"] == 2
    assert chunk["choices"][0]["delta"]["newer"] == 2


def test_obfuscation_when_asked(chat, events):
    """
    Padding comes with each chunk where it was asked for.
    """
    body = chat(stream=True, stream_options={"include_obfuscation": True})

    assert all("obfuscation" in chunk for chunk in events(CHAT, body))


def test_a_stream_without_end_goes_on(chat, answer):
    """
    The pieces are said again and again.
    """
    found = CHAT.events(
        answer(CHAT, chat(stream=True), Script(text="on", never_end=True))
    )

    texts = [next(found).text for _ in range(50)]
    assert texts == [""] + ["on"] * 49
