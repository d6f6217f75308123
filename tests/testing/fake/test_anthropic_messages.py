"""
Messages, judged by the SDK's own types.
"""

from __future__ import annotations

import pytest
from anthropic.types import Message, MessageTokensCount, RawMessageStreamEvent
from pydantic import TypeAdapter, ValidationError

from gateway.testing.fake.anthropic_messages import COUNT_TOKENS, MESSAGES
from gateway.testing.fake.script import Citation, Script, ToolCall, Usage

MESSAGE = TypeAdapter(Message)
EVENT = TypeAdapter(RawMessageStreamEvent)
CALLS = (
    ToolCall(name="weather", pieces=('{"city"', ': "Oslo"}')),
    ToolCall(name="time"),
)
SCRIPTS = [
    Script(),
    Script(text=""),
    Script(tool_calls=CALLS),
    Script(text="let me see", tool_calls=CALLS),
    Script(reasoning="hm", redacted=("secret",)),
    Script(refusal="I will not"),
    Script(citations=(Citation(url="https://a", title="A", end=2),), text="hi"),
    Script(usage=Usage(cached=5, cache_write_5m=2, cache_write_1h=1, reasoning=0)),
    Script(stop="pause_turn"),
    Script(extra={"new": 1}, extra_inner={"newer": 2}),
]
REQUESTS = [
    {},
    {"max_tokens": 1},
    {"stop_sequences": ["ell"]},
    {"thinking": {"type": "adaptive"}},
    {"thinking": {"type": "adaptive", "display": "omitted"}},
    {
        "output_config": {
            "format": {"type": "json_schema", "schema": {"type": "object"}}
        }
    },
]


@pytest.mark.parametrize("fields", REQUESTS, ids=repr)
@pytest.mark.parametrize("script", SCRIPTS, ids=repr)
class TestEveryAnswer:
    def test_whole(self, message, whole, script, fields):
        """
        Every whole answer validates against the SDK's type.
        """
        MESSAGE.validate_python(whole(MESSAGES, message(**fields), script))

    def test_streamed(self, message, events, script, fields):
        """
        Every event but the ping validates against the SDK's union.
        """
        body = message(stream=True, **fields)

        for event in events(MESSAGES, body, script):
            if event["type"] != "ping":
                EVENT.validate_python(event)

    def test_one_block_at_a_time(self, message, events, script, fields):
        """
        Blocks open, get their deltas and close, numbered in order.
        """
        opened, closed = [], []
        for event in events(MESSAGES, message(stream=True, **fields), script):
            match event["type"]:
                case "content_block_start":
                    assert len(opened) == len(closed)
                    opened.append(event["index"])
                case "content_block_delta":
                    assert event["index"] == opened[-1]
                    assert event["index"] not in closed
                case "content_block_stop":
                    closed.append(event["index"])

        assert opened == closed == list(range(len(opened)))


@pytest.mark.parametrize("key", ["id", "content", "role", "usage", "type"])
def test_the_judge_is_strict(message, whole, key):
    """
    An answer that lacks a required field does not validate.
    """
    document = whole(MESSAGES, message())
    del document[key]

    with pytest.raises(ValidationError):
        MESSAGE.validate_python(document)


def test_begins_and_ends_as_documented(message, events):
    """
    A stream goes from message_start to message_stop, with a ping on the way.
    """
    names = [event["type"] for event in events(MESSAGES, message("a", stream=True))]

    assert names == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


@pytest.mark.parametrize(
    ("script", "fields", "reason"),
    [
        (Script(), {}, "end_turn"),
        (Script(), {"max_tokens": 1}, "max_tokens"),
        (Script(), {"stop_sequences": ["ell"]}, "stop_sequence"),
        (Script(tool_calls=CALLS), {}, "tool_use"),
        (Script(refusal="no"), {}, "refusal"),
        (Script(stop="brand_new"), {}, "brand_new"),
    ],
    ids=repr,
)
def test_stop_reasons(message, whole, events, script, fields, reason):
    """
    Whole and streamed, the reason is the vendor's word, or the scripted one.
    """
    document = whole(MESSAGES, message(**fields), script)
    streamed = events(MESSAGES, message(stream=True, **fields), script)[-2]["delta"]

    assert document["stop_reason"] == streamed["stop_reason"] == reason
    found = "ell" if reason == "stop_sequence" else None
    assert document["stop_sequence"] == streamed["stop_sequence"] == found


def test_input_is_an_object(message, whole, events):
    """
    A call's input is an object when whole, and pieces of JSON when streamed.
    """
    script = Script(tool_calls=CALLS)

    blocks = whole(MESSAGES, message(), script)["content"]
    found = events(MESSAGES, message(stream=True), script)

    pieces = [
        event["delta"]["partial_json"]
        for event in found
        if event["type"] == "content_block_delta" and event["index"] == 0
    ]
    assert [block["input"] for block in blocks] == [{"city": "Oslo"}, {}]
    assert pieces == ["", '{"city"', ': "Oslo"}']


@pytest.mark.parametrize("arguments", ["not json", "[1]", ""], ids=repr)
def test_what_is_no_object_is_an_empty_one(message, whole, arguments):
    """
    The format has no place for arguments that are no object.
    """
    script = Script(tool_calls=(ToolCall(name="f", arguments=arguments),))

    assert whole(MESSAGES, message(), script)["content"][0]["input"] == {}


def test_thinking_is_signed(message, whole, events, rules):
    """
    The signature fits the thinking, and comes last when streamed.
    """
    script = Script(reasoning="hm", text="ok")

    block = whole(MESSAGES, message(), script)["content"][0]
    found = events(MESSAGES, message(stream=True), script)

    deltas = [e["delta"] for e in found if e.get("index") == 0 and "delta" in e]
    assert rules.seal.recognises(block["signature"], "hm")
    assert [delta["type"] for delta in deltas] == ["thinking_delta", "signature_delta"]
    assert deltas[-1]["signature"] == block["signature"]


def test_thinking_that_is_omitted_keeps_its_signature(message, whole, rules):
    """
    With display omitted the text is empty, and the signature is of the real one.
    """
    body = message(thinking={"type": "adaptive", "display": "omitted"})

    block = whole(MESSAGES, body, Script(reasoning="hm", text="ok"))["content"][0]

    assert block["thinking"] == ""
    assert rules.seal.recognises(block["signature"], "hm")


def test_redacted_thinking_is_sealed(message, whole, rules):
    """
    A redacted block has data that only the vendor knows.
    """
    block = whole(MESSAGES, message(), Script(redacted=("secret",)))["content"][0]

    assert block["type"] == "redacted_thinking"
    assert rules.seal.recognises(block["data"], "secret")


def test_usage_in_buckets(message, whole, events):
    """
    Neither cache bucket is inside input_tokens, and the last event restates all.
    """
    usage = Usage(input=50, output=9, cached=5, cache_write_5m=2, cache_write_1h=1)

    document = whole(MESSAGES, message(), Script(usage=usage))["usage"]
    found = events(MESSAGES, message(stream=True), Script(usage=usage))

    started, ended = found[0]["message"]["usage"], found[-2]["usage"]
    assert (
        document["input_tokens"]
        == started["input_tokens"]
        == ended["input_tokens"]
        == 42
    )
    assert document["cache_read_input_tokens"] == 5
    assert document["cache_creation"] == {
        "ephemeral_5m_input_tokens": 2,
        "ephemeral_1h_input_tokens": 1,
    }
    assert (started["output_tokens"], ended["output_tokens"]) == (1, 9)


def test_no_usage(message, whole, events):
    """
    A script can leave usage out everywhere.
    """
    script = Script(no_usage=True)

    found = events(MESSAGES, message(stream=True), script)

    assert "usage" not in whole(MESSAGES, message(), script)
    assert not any("usage" in event for event in [found[0]["message"], found[-2]])


def test_a_refusal_explains_itself(message, whole):
    """
    The details repeat why.
    """
    document = whole(MESSAGES, message(), Script(refusal="no"))

    assert document["stop_details"]["explanation"] == "no"
    assert document["content"][0]["text"] == "no"


def test_citations(message, whole, events):
    """
    A citation names its source and the text that it stands for.
    """
    script = Script(
        citations=(Citation(url="https://a", title="A", end=2),), text="hi!"
    )

    block = whole(MESSAGES, message(), script)["content"][0]
    found = events(MESSAGES, message(stream=True), script)

    deltas = [e["delta"] for e in found if e["type"] == "content_block_delta"]
    assert block["citations"][0]["cited_text"] == "hi"
    assert deltas[-1] == {"type": "citations_delta", "citation": block["citations"][0]}
    assert found[1]["content_block"]["citations"] == []


def test_counts_tokens(message, whole):
    """
    The count is what the message would be charged.
    """
    body = message()
    del body["max_tokens"]

    count = TypeAdapter(MessageTokensCount).validate_python(whole(COUNT_TOKENS, body))

    assert count.input_tokens == whole(MESSAGES, message())["usage"]["input_tokens"]


def test_a_stream_without_end_goes_on(message, answer):
    """
    The pieces are said again and again, in one block.
    """
    script = Script(text="on", never_end=True)

    found = MESSAGES.events(answer(MESSAGES, message(stream=True), script))

    names = [next(found).name for _ in range(50)]
    assert names[-1] == "content_block_delta"
