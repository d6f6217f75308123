from __future__ import annotations

import pytest

from gateway.errors import ExchangeError
from gateway.neutral import (
    Annotation,
    Close,
    Delta,
    End,
    Failed,
    Finish,
    Open,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    SealDelta,
    Start,
    Stop,
    TextBlock,
    ToolCall,
    Used,
)
from gateway.received import UNREADABLE
from gateway.usage import Usage

START = Start("chatcmpl-1", "gpt-5-mini", 1763600000, None)


def opened(events):
    return [type(event.block) for event in events if isinstance(event, Open)]


def words(events):
    """
    Put together what each block says.
    """
    out = {}
    for event in events:
        if isinstance(event, Delta):
            out[event.index] = out.get(event.index, "") + event.text
    return list(out.values())


class TestText:
    def test_events_in_order(self, kit):
        """
        A plain stream is a start, one block, a finish, the usage and an end.
        """
        docs = [
            kit.event({"role": "assistant", "content": ""}),
            kit.event({"content": "He"}),
            kit.event({"content": "llo"}),
            kit.event(finish="stop"),
            kit.usage_event(),
            kit.done,
        ]

        assert kit.events(docs) == [
            START,
            Open(0, TextBlock(text="")),
            Delta(0, "He"),
            Delta(0, "llo"),
            Close(0),
            Finish(Stop(reason="end", raw="stop")),
            Used(Usage(input=9, output=3)),
            End(),
        ]

    def test_log_probabilities_come_with_their_words(self, kit):
        """
        What was told of half a character waits for the whole one; what is none is left out.
        """
        half, rest = ({"token": token, "logprob": -0.5} for token in ("h", "i"))
        docs = [kit.event({"content": word}) for word in ("", "hi", "!")]
        for doc, likely in zip(docs, [[half], [rest], [{"token": 3}]], strict=True):
            doc["choices"][0]["logprobs"] = {"content": likely, "refusal": None}

        events = kit.events([*docs, kit.event(finish="stop"), kit.done])

        assert [event for event in events if isinstance(event, Delta)] == [
            Delta(0, "hi", [half, rest]),
            Delta(0, "!", []),
        ]

    def test_azure_begins_without_choices(self, kit):
        """
        A first event about the prompt's filter has no id, and is not the start.
        """
        filters = {"id": "", "model": "", "choices": [], "prompt_filter_results": []}

        events = kit.events([filters, kit.event({"content": "Hi"})])

        assert events[0] == START

    def test_other_choices_are_left_out(self, kit):
        """
        More choices than anybody asked for do not mix with the first.
        """
        events = kit.events(
            [kit.event({"content": "a"}), kit.event({"content": "b"}, index=1)]
        )

        assert words(events) == ["a"]

    def test_refusal_is_a_filter(self, kit):
        """
        A refusal in words ends as filtered, though the vendor says stop.
        """
        events = kit.events([kit.event({"refusal": "No"}), kit.event(finish="stop")])

        assert opened(events) == [RefusalBlock]
        assert events[-1] == Finish(Stop(reason="filtered", raw="stop"))

    def test_annotations_before_the_close(self, kit):
        """
        Annotations belong to the text that is open.
        """
        raw = {"type": "url_citation", "url_citation": {"url": "u"}}

        events = kit.events(
            [
                kit.event({"content": "Hi"}),
                kit.event({"annotations": [raw]}, finish="stop"),
            ]
        )

        assert events[-3:-1] == [Annotation(0, raw), Close(0)]

    def test_sources_of_the_whole_answer(self, kit):
        """
        What Perplexity cites beside every event is cited once.
        """
        docs = [
            kit.event({"content": "Hi"}, citations=["u"]),
            kit.event(finish="stop", citations=["u"]),
        ]

        found = [e for e in kit.events(docs) if isinstance(e, Annotation)]

        assert [event.raw["url_citation"] for event in found] == [{"url": "u"}]

    def test_mistral_parts(self, kit):
        """
        Mistral's lists of parts are reasoning and text.
        """
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
        docs = [
            kit.event({"content": [thinking]}),
            kit.event({"content": [{"type": "text", "text": "Hi"}]}),
        ]

        events = kit.events(docs)

        assert opened(events) == [ReasoningBlock, TextBlock]
        assert words(events) == ["Hm", "Hi"]


class TestCalls:
    def test_woven(self, kit):
        """
        Calls stay open until the choice finishes.
        """
        events = kit.events(
            [
                kit.event({"content": "Look:"}),
                kit.event(kit.call(0, name="f", id="call_1")),
                kit.event(kit.call(1, name="g", id="call_2")),
                kit.event(kit.call(0, '{"a"')),
                kit.event(kit.call(1, "{}")),
                kit.event(kit.call(0, ":1}")),
                kit.event(finish="tool_calls"),
            ]
        )

        assert words(events) == ["Look:", '{"a":1}', "{}"]
        assert events[1:4] == [Open(0, TextBlock(text="")), Delta(0, "Look:"), Close(0)]
        assert Open(2, ToolCall(id="call_2", name="g")) in events
        assert events[-3:] == [
            Close(1),
            Close(2),
            Finish(Stop(reason="tool", raw="tool_calls")),
        ]

    def test_ids_are_made_where_missing(self, kit):
        """
        A call without an id is given one, the same every time.
        """
        docs = [
            kit.event(kit.call(0, "{}", name="f")),
            kit.event(kit.call(1, "{}", name="g")),
        ]

        ids = [e.block.id for e in kit.events(docs) if isinstance(e, Open)]

        assert ids == ["call_chatcmpl-1_0", "call_chatcmpl-1_1"]

    def test_two_calls_at_one_index(self, kit):
        """
        Vendors that number every call 0 are understood by the ids.
        """
        docs = [
            kit.event(kit.call(0, '{"a":1}', name="f", id="x")),
            kit.event(kit.call(0, '{"b":2}', name="f", id="y")),
            kit.event(finish="stop"),
        ]

        events = kit.events(docs)

        assert words(events) == ['{"a":1}', '{"b":2}']
        assert [e.index for e in events if isinstance(e, Close)] == [0, 1]

    def test_name_behind_the_id(self, kit):
        """
        A call opens as soon as it has a name, with what came before.
        """
        early = {
            "tool_calls": [{"index": 0, "id": "x", "function": {"arguments": "{"}}]
        }

        events = kit.events([kit.event(early), kit.event(kit.call(0, "}", name="f"))])

        assert events[1:] == [Open(0, ToolCall(id="x", name="f")), Delta(0, "{}")]

    def test_arguments_as_an_object(self, kit):
        """
        Arguments that come as an object are written as JSON source.
        """
        raw = {"index": 0, "id": "x", "function": {"name": "f", "arguments": {"a": 1}}}

        events = kit.events([kit.event({"tool_calls": [raw]})])

        assert words(events) == ['{"a":1}']

    def test_custom(self, kit):
        """
        A custom tool's input is its arguments.
        """
        raw = {"index": 0, "id": "x", "custom": {"name": "sql", "input": "select"}}

        events = kit.events([kit.event({"tool_calls": [raw]})])

        assert events[1].block.kind == "custom"
        assert words(events) == ["select"]

    def test_function_call(self, kit):
        """
        A call of the days before tools is a call.
        """
        docs = [
            kit.event({"function_call": {"name": "f", "arguments": ""}}),
            kit.event({"function_call": {"arguments": "{}"}}),
            kit.event(finish="function_call"),
        ]

        events = kit.events(docs)

        assert words(events) == ["{}"]
        assert events[-1].stop.reason == "tool"

    @pytest.mark.parametrize("finish", ["stop", ""], ids=["stop", "empty"])
    def test_calls_are_the_reason(self, kit, finish):
        """
        Whatever a vendor says, a model that called a tool stopped for it.
        """
        docs = [kit.event(kit.call(0, "{}", name="f"), finish=finish), kit.done]

        (stop,) = [e.stop for e in kit.events(docs) if isinstance(e, Finish)]

        assert stop.reason == "tool"

    def test_cut_call_is_cut(self, kit):
        """
        A call that ran into the cap is reported as too long, not as a call.
        """
        docs = [kit.event(kit.call(0, '{"a', name="f")), kit.event(finish="length")]

        assert kit.events(docs)[-1].stop.reason == "length"


class TestReasoning:
    @pytest.mark.parametrize(
        "key", ["reasoning_content", "reasoning", "reasoning_text"]
    )
    def test_words(self, kit, key):
        """
        Reasoning is read under every name that vendors give it.
        """
        events = kit.events([kit.event({key: "Hm"}), kit.event({"content": "Hi"})])

        assert opened(events) == [ReasoningBlock, TextBlock]
        assert words(events) == ["Hm", "Hi"]

    def test_said_in_two_members(self, kit):
        """
        Words that stand in two members of one delta are said once.
        """
        detail = {"type": "reasoning.text", "text": "Hm", "index": 0}
        delta = {"reasoning": "Hm", "reasoning_details": [detail]}

        assert words(kit.events([kit.event(delta)])) == ["Hm"]

    def test_details_are_sealed_as_a_whole(self, kit):
        """
        OpenRouter's details go into one seal, their pieces put together.
        """
        docs = [
            kit.event({"reasoning_details": [{"type": "t", "text": "a", "index": 0}]}),
            kit.event({"reasoning_details": [{"type": "t", "text": "b", "index": 0}]}),
            kit.event(
                {"reasoning_details": [{"type": "t", "index": 0, "signature": "s"}]}
            ),
            kit.event({"content": "Hi"}),
        ]

        (sealed,) = [e for e in kit.events(docs) if isinstance(e, SealDelta)]

        assert sealed.index == 0
        assert '"text":"ab"' in sealed.seal.data
        assert '"signature":"s"' in sealed.seal.data

    def test_late_details(self, kit):
        """
        What is encrypted behind the calls is a block of its own at the end.
        """
        detail = {"type": "reasoning.encrypted", "data": "ZW5j"}
        docs = [
            kit.event(kit.call(0, "{}", name="f")),
            kit.event({"reasoning_details": [detail]}, finish="tool_calls"),
        ]

        events = kit.events(docs)

        assert opened(events) == [ToolCall, ReasoningBlock]
        assert isinstance(events[-3], SealDelta)

    def test_signature_of_what_was_said(self, kit):
        """
        A signed block seals the reasoning that is open, whose words it repeats.
        """
        block = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
        docs = [
            kit.event({"reasoning_content": "Hm"}),
            kit.event({"thinking_blocks": [block]}),
            kit.event({"content": "Hi"}),
        ]

        events = kit.events(docs)

        assert words(events) == ["Hm", "Hi"]
        assert SealDelta(0, Seal(dialect="openai_chat", data="c2ln")) in events

    def test_signature_of_nothing_said(self, kit):
        """
        A signature whose words were not shown is a block all the same.
        """
        block = {"type": "thinking", "thinking": "", "signature": "c2ln"}

        events = kit.events([kit.event({"thinking_blocks": [block]})])

        assert opened(events) == [ReasoningBlock]
        assert isinstance(events[2], SealDelta)

    def test_redacted(self, kit):
        """
        Hidden reasoning is a block that shows nothing.
        """
        block = {"type": "redacted_thinking", "data": "aGlk"}

        events = kit.events([kit.event({"thinking_blocks": [block]})])

        assert events[1] == Open(0, ReasoningBlock(is_redacted=True))
        assert events[-1] == Close(0)


class TestEnds:
    def test_error(self, kit):
        """
        An error in mid-stream is a fault.
        """
        (event,) = kit.events([{"error": {"message": "Slow down", "code": 429}}])

        assert isinstance(event, Failed)
        assert event.fault.kind == "rate_limit"

    def test_no_finish(self, kit):
        """
        A stream that ends without a reason did not end well for certain.
        """
        events = kit.events([kit.event({"content": "Hi"}), kit.done])

        assert events[-3:] == [Close(0), Finish(Stop(reason="unknown")), End()]

    def test_unknown_finish(self, kit):
        """
        A reason that nobody knows is no silent end.
        """
        events = kit.events([kit.event(finish="odd_reason")])

        assert events[-1] == Finish(Stop(reason="unknown", raw="odd_reason"))

    def test_done_twice(self, kit):
        """
        The end comes once.
        """
        events = kit.events([kit.event(finish="stop"), kit.done, kit.done])

        assert events.count(End()) == 1

    def test_finish_twice(self, kit):
        """
        A vendor that repeats the reason in its last event finishes once.
        """
        docs = [kit.event(finish="stop"), kit.event(finish="stop")]

        assert len([e for e in kit.events(docs) if isinstance(e, Finish)]) == 1


@pytest.mark.parametrize("odd", [None, 1, True, "x", [], {}, [1], {"a": 1}], ids=repr)
def test_any_value_at_any_place(kit, odd):
    """
    Whatever a provider sends, reading it fails in one of the ways that are expected.
    """
    for doc in kit.example("chunks"):
        paths = [*kit.strings(doc), *kit.objects(doc)]
        for path in paths:
            events = [kit.changed(doc, path, lambda _: odd), kit.event(finish="stop")]
            try:
                kit.events([*events, kit.done])
            except (*UNREADABLE, ExchangeError):
                pass
