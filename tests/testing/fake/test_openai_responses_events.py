"""
Streamed responses, judged by the SDK's own types.
"""

from __future__ import annotations

import pytest
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from gateway.testing.fake.openai_responses_events import RESPONSES
from gateway.testing.fake.script import Citation, Script, ToolCall

EVENT = TypeAdapter(ResponseStreamEvent)
CALLS = (
    ToolCall(name="weather", pieces=('{"city"', ': "Oslo"}')),
    ToolCall(name="shell", arguments="ls", is_custom=True),
)
CITED = Citation(url="https://a", title="A", end=2)
SCRIPTS = [
    Script(),
    Script(text=""),
    Script(tool_calls=CALLS),
    Script(reasoning="hm", text="hi", tool_calls=CALLS),
    Script(reasoning="hm", reasoning_part="text"),
    Script(refusal="I will not"),
    Script(citations=(CITED, CITED), text="hi"),
    Script(stop="failed"),
    Script(text="x" * 99),
    Script(extra={"new": 1}, extra_inner={"newer": 2}),
]
REQUESTS = [
    {},
    {"max_output_tokens": 16},
    {"reasoning": {"summary": "auto"}, "include": ["reasoning.encrypted_content"]},
    {"include": ["message.output_text.logprobs"], "top_logprobs": 1},
    {"stream_options": {"include_obfuscation": True}},
]


def body(**fields):
    return {"model": "gpt-x", "input": "hello", "stream": True, **fields}


@pytest.mark.parametrize("fields", REQUESTS, ids=repr)
@pytest.mark.parametrize("script", SCRIPTS, ids=repr)
class TestEveryStream:
    def test_events_are_what_the_sdk_expects(self, events, script, fields):
        """
        Every event validates against the SDK's union.
        """
        for event in events(RESPONSES, body(**fields), script):
            EVENT.validate_python(event)

    def test_numbers_are_dense(self, events, script, fields):
        """
        Sequence numbers count from zero, output indexes grow by one.
        """
        found = events(RESPONSES, body(**fields), script)

        added = [e for e in found if e["type"] == "response.output_item.added"]
        assert [e["sequence_number"] for e in found] == list(range(len(found)))
        assert [e["output_index"] for e in added] == list(range(len(added)))

    def test_what_is_added_is_done(self, events, script, fields):
        """
        Items and parts that were opened are closed, under the same ids.
        """
        found = events(RESPONSES, body(**fields), script)

        def ids(kind):
            return [
                e.get("item_id") or e["item"]["id"] for e in found if e["type"] == kind
            ]

        for kind in ("output_item", "content_part", "reasoning_summary_part"):
            assert ids(f"response.{kind}.added") == ids(f"response.{kind}.done")

    def test_deltas_make_what_done_repeats(self, events, script, fields):
        """
        Deltas joined are the text that the done event repeats.
        """
        found = events(RESPONSES, body(**fields), script)

        written: dict[str, str] = {}
        for event in found:
            if event["type"].endswith(".delta"):
                place = event["type"].removesuffix(".delta") + event["item_id"]
                written[place] = written.get(place, "") + event["delta"]
        for event in found:
            place = event["type"].removesuffix(".done") + event.get("item_id", "")
            if place in written and event["type"].endswith(".done"):
                values = {v for k, v in event.items() if isinstance(v, str)}
                assert written.pop(place) in values
        assert written == {}

    def test_the_end_holds_the_whole(self, events, whole, script, fields):
        """
        The terminal event has the response that would have come whole.
        """
        found = events(RESPONSES, body(**fields), script)

        last = found[-1]
        assert last["response"] == whole(RESPONSES, body(**fields), script)
        assert last["type"] == f"response.{last['response']['status']}"


def test_begins_as_documented(events):
    """
    A stream opens with created and in_progress, then the first item.
    """
    names = [event["type"] for event in events(RESPONSES, body())]

    assert names[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]


def test_annotations_come_before_the_text_is_done(events):
    """
    Each citation is an event with an index of its own.
    """
    script = Script(citations=(CITED, CITED), text="hi")

    names = [event["type"] for event in events(RESPONSES, body(), script)]

    first = names.index("response.output_text.annotation.added")
    assert names[first : first + 3] == [
        "response.output_text.annotation.added",
        "response.output_text.annotation.added",
        "response.output_text.done",
    ]


def test_hidden_reasoning_is_billed_with_its_item(answer):
    """
    Reasoning that is not told was written all the same.
    """
    asked = body(reasoning={"effort": "low"})

    found = list(RESPONSES.events(answer(RESPONSES, asked)))

    assert found[2].name == "response.output_item.added"
    assert found[2].text != ""
