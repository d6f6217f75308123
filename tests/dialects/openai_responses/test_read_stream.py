"""
Streams that providers write, read into neutral events.
"""

from __future__ import annotations

import pytest

from gateway.assembly import Collector, events_of
from gateway.neutral import (
    Annotation,
    Answer,
    Close,
    Delta,
    End,
    Failed,
    Finish,
    Opaque,
    Open,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    SealDelta,
    Start,
    Stop,
    SummaryPart,
    TextBlock,
    ToolCall,
    Used,
)
from gateway.usage import Usage

MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant"}
LIKELY = [
    {
        "token": "It ",
        "logprob": -0.1,
        "top_logprobs": [{"token": "He", "logprob": -2.0}],
    }
]
CREATED = {
    "type": "response.created",
    "response": {
        "id": "resp_1",
        "model": "m",
        "created_at": 7.0,
        "service_tier": "flex",
    },
}


def completed(*output, **members):
    response = {"status": "completed", "output": list(output), **members}
    return {"type": "response.completed", "response": response}


def collected(events):
    collector = Collector()
    for event in events:
        collector.take(event)
    return collector


def test_story(kit):
    """
    A stream of the vendor's own tells each thing once, in order.
    """
    events = kit.read_stream(kit.events())

    assert events[:15] == [
        Start("resp_1", "gpt-5.5", 1_763_600_000, "auto"),
        Open(0, ReasoningBlock()),
        Delta(0, "Rain "),
        Delta(0, "falls down."),
        Open(1, ReasoningBlock(is_summary=True)),
        Delta(1, "Thought"),
        Delta(1, " of rain."),
        SummaryPart(1),
        Delta(1, "And of "),
        Delta(1, "sun."),
        SealDelta(
            1, Seal(dialect="openai_responses", data="gAAAAABo-x_y=", item_id="rs_1")
        ),
        Close(0),
        Close(1),
        Open(2, TextBlock(text="")),
        Delta(2, "It ", LIKELY),
    ]
    assert sum(isinstance(event, Annotation) for event in events) == 4
    assert sum(isinstance(event, Open) for event in events) == len(
        {event.index for event in events if isinstance(event, Open)}
    )
    assert isinstance(events[-3], Finish)
    assert events[-3].stop == Stop(reason="tool", raw="completed")
    assert isinstance(events[-2], Used)
    assert events[-1] == End()


def test_stream_says_what_the_whole_answer_says(kit):
    """
    Collected, the events are the answer that the whole response gives.
    """
    events = kit.events()
    whole = kit.dialect.read_answer(kit.response(events[-1]["response"]))

    answer = collected(kit.read_stream(events)).answer

    assert [type(block) for block in answer.blocks] == [type(b) for b in whole.blocks]
    for got, wanted in zip(answer.blocks, whole.blocks, strict=True):
        for name in ("text", "arguments", "seal", "annotations", "raw", "id", "name"):
            assert getattr(got, name, None) == getattr(wanted, name, None)
    assert answer.usage == whole.usage
    assert answer.stop == whole.stop


def test_every_prefix_opens_before_it_tells(kit):
    """
    Whatever the order of a stream, text belongs to a block that is open.
    """
    is_open = set()
    for event in kit.read_stream(kit.events()):
        if isinstance(event, Open) and not isinstance(event.block, Opaque):
            is_open.add(event.index)
        elif isinstance(event, Close):
            is_open.remove(event.index)
        elif isinstance(event, Delta | SealDelta | SummaryPart | Annotation):
            assert event.index in is_open
    assert is_open == set()


def test_read_what_was_written(kit):
    """
    What the writer says the reader hears: an answer comes back as it was.
    """
    seal = Seal(dialect="anthropic_messages", data="sig")
    answer = Answer(
        id="resp_1",
        model="m",
        blocks=[
            ReasoningBlock(text="Hm.", seal=seal),
            TextBlock(text="It rains."),
            RefusalBlock(text="No more."),
            ToolCall(id="call_1", name="f", arguments='{"x":1}'),
            ToolCall(id="call_2", name="g", arguments="free", kind="custom"),
        ],
        stop=Stop(reason="tool", raw="completed"),
        usage=Usage(input=1, cache_read=2, output=3, reasoning=4, service_tier="flex"),
        created=7,
        service_tier="flex",
    )
    written = [chunk.doc for chunk in kit.stream(events_of(answer))]

    read = collected(kit.read_stream(written)).answer

    # That it was no summary shows only when the seal is read, after the words.
    read.blocks[0].is_summary = False
    assert read == answer


class TestSparseStreams:
    """
    Servers of other vendors leave out most of what repeats, or all that does not.
    """

    def told(self, kit, *events):
        found = collected(kit.read_stream([CREATED, *events]))
        return [
            getattr(block, "text", None) or getattr(block, "arguments", None)
            for block in found.answer.blocks
        ]

    def test_only_deltas(self, kit):
        """
        Words need neither items nor parts to be heard.
        """
        delta = {
            "type": "response.output_text.delta",
            "output_index": 0,
            "content_index": 0,
        }

        told = self.told(
            kit, {**delta, "delta": "He"}, {**delta, "delta": "llo"}, completed()
        )

        assert told == ["Hello"]

    def test_only_the_end_of_a_text(self, kit):
        """
        Words that were never streamed are told when they are done.
        """
        done = {
            "type": "response.output_text.done",
            "output_index": 0,
            "content_index": 0,
        }

        assert self.told(kit, {**done, "text": "Hello"}, completed()) == ["Hello"]

    def test_only_done_items(self, kit):
        """
        Items that were never streamed are told when they are done.
        """
        part = {"type": "output_text", "text": "Hello", "annotations": []}
        call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
        done = "response.output_item.done"

        told = self.told(
            kit,
            {"type": done, "output_index": 0, "item": {**MESSAGE, "content": [part]}},
            {"type": done, "output_index": 1, "item": {**call, "id": "fc_1"}},
            completed(),
        )

        assert told == ["Hello", "{}"]

    def test_only_the_whole_response(self, kit):
        """
        A stream of one event tells all.
        """
        part = {"type": "output_text", "text": "Hello", "annotations": []}

        assert self.told(kit, completed({**MESSAGE, "content": [part]})) == ["Hello"]

    def test_gaps_in_the_output(self, kit):
        """
        An item that was done is not told again because it has moved in the whole response.
        """
        part = {"type": "output_text", "text": "Hello", "annotations": []}
        item = {**MESSAGE, "content": [part]}
        done = {"type": "response.output_item.done", "output_index": 3, "item": item}

        assert self.told(kit, done, completed(item)) == ["Hello"]

    def test_arguments_of_nobody_wait_for_their_call(self, kit):
        """
        Arguments whose call was not added are told with it.
        """
        delta = {
            "type": "response.function_call_arguments.delta",
            "output_index": 0,
            "delta": '{"x":1}',
        }
        call = {
            "type": "function_call",
            "call_id": "c",
            "name": "f",
            "arguments": '{"x":1}',
        }
        done = {"type": "response.output_item.done", "output_index": 0, "item": call}

        assert self.told(kit, delta, done, completed()) == ['{"x":1}']

    def test_nothing_is_told_twice(self, kit):
        """
        Words that come behind the end of their part, and an item done twice, are repeats.
        """
        at = {"output_index": 0, "content_index": 0}
        part = {"type": "output_text", "text": "Hello", "annotations": []}
        done = {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {**MESSAGE, "content": [part]},
        }

        told = self.told(
            kit,
            {"type": "response.output_text.delta", **at, "delta": "Hello"},
            {"type": "response.content_part.done", **at, "part": part},
            {"type": "response.output_text.delta", **at, "delta": "late"},
            done,
            done,
            completed(done["item"], done["item"]),
        )

        assert told == ["Hello"]

    @pytest.mark.parametrize(
        "event",
        [
            {"type": "response.output_text.delta"},
            {"type": "response.output_text.delta", "delta": 1},
            {"type": "response.output_item.done", "item": 1},
            {
                "type": "response.output_item.done",
                "item": {"type": "reasoning", "summary": 1},
            },
            {"type": "response.content_part.done", "part": {"type": "output_text"}},
            {"type": "response.output_text.annotation.added"},
            {"type": "response.never.heard"},
        ],
        ids=str,
    )
    def test_malformed_events_are_passed_over(self, kit, event):
        """
        What cannot be read says nothing, and breaks nothing.
        """
        assert self.told(kit, event, completed()) == []


class TestReasoning:
    def done(self, **members):
        item = {"type": "reasoning", "id": "rs_1", "summary": [], **members}
        return {"type": "response.output_item.done", "output_index": 0, "item": item}

    def test_seal_without_words(self, kit):
        """
        Encrypted reasoning of which nothing is shown is a block with a seal.
        """
        seal = Seal(dialect="openai_responses", data="gAAAA", item_id="rs_1")

        events = kit.read_stream([CREATED, self.done(encrypted_content="gAAAA")])

        assert events[1:] == [
            Open(0, ReasoningBlock(is_summary=True)),
            SealDelta(0, seal),
            Close(0),
        ]

    def test_hidden_by_another_provider(self, kit):
        """
        What another gateway wrapped opens as what it was.
        """
        wrapped = Seal(dialect="x", data="hidden", item_id="redacted").wrap()

        events = kit.read_stream([CREATED, self.done(encrypted_content=wrapped)])

        assert events[1:] == [
            Open(
                0,
                ReasoningBlock(is_redacted=True, seal=Seal(dialect="x", data="hidden")),
            ),
            Close(0),
        ]

    def test_nothing_at_all(self, kit):
        """
        Reasoning that shows and seals nothing is no block.
        """
        assert kit.read_stream([CREATED, self.done()])[1:] == []


class TestEnds:
    @pytest.mark.parametrize(
        ("kind", "response", "stop"),
        [
            ("completed", {"status": "completed"}, Stop(reason="end", raw="completed")),
            ("completed", {}, Stop(reason="end", raw="completed")),
            (
                "incomplete",
                {
                    "status": "incomplete",
                    "incomplete_details": {"reason": "max_output_tokens"},
                },
                Stop(reason="length", raw="max_output_tokens"),
            ),
        ],
    )
    def test_stop(self, kit, kind, response, stop):
        """
        The closing event tells why the model stopped.
        """
        event = {"type": f"response.{kind}", "response": response}

        events = kit.read_stream([CREATED, event])

        assert events[1:] == [Finish(stop), End()]

    def test_call_makes_it_a_tool_stop(self, kit):
        """
        A call that only the stream showed is why a completed answer stopped.
        """
        item = {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}
        added = {"type": "response.output_item.added", "output_index": 0, "item": item}

        events = kit.read_stream([CREATED, added, completed()])

        assert Finish(Stop(reason="tool", raw="completed")) in events

    @pytest.mark.parametrize(
        "event",
        [
            {"type": "error", "code": "server_error", "message": "No.", "param": None},
            {"type": "error", "error": {"code": "server_error", "message": "No."}},
            {
                "type": "response.failed",
                "response": {"error": {"code": "server_error", "message": "No."}},
            },
        ],
        ids=["flat", "nested", "failed"],
    )
    def test_error_fails_once(self, kit, event):
        """
        An error is told once, though vendors send an event and a failed response.
        """
        failed = {
            "type": "response.failed",
            "response": {"error": {"message": "Else."}},
        }

        *_, last = kit.read_stream([CREATED, event, failed])

        assert isinstance(last, Failed)
        assert (last.fault.kind, last.fault.message) == ("server", "No.")
