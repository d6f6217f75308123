from __future__ import annotations

import pytest

from gateway.neutral import (
    Annotation,
    Close,
    Delta,
    Failed,
    Fault,
    Finish,
    MediaBlock,
    Opaque,
    Open,
    Ping,
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

TEXT = TextBlock(text="")
USAGE = {"stream_options": {"include_usage": True}}


def call(call_id="call_1", name="f", **rest):
    return ToolCall(id=call_id, name=name, **rest)


def final(kit, events, **asked):
    chunks, _ = kit.written(events, **asked)
    return kit.accumulate([chunk.encode() for chunk in chunks])


class TestAccumulated:
    def test_text(self, kit):
        """
        The SDK puts the pieces together and finds a finish.
        """
        message = final(kit, kit.said((TEXT, "He", "llo"))).choices[0]

        assert message.message.content == "Hello"
        assert message.message.role == "assistant"
        assert message.finish_reason == "stop"

    def test_woven_calls(self, kit):
        """
        Parallel calls whose arguments are woven arrive whole.
        """
        events = [
            Start("m", "x"),
            Open(0, TEXT),
            Delta(0, "Look:"),
            Close(0),
            Open(1, call()),
            Open(2, call("call_2", "g")),
            Delta(1, '{"a"'),
            Delta(2, "{"),
            Delta(1, ":1}"),
            Delta(2, "}"),
            Close(1),
            Close(2),
            Finish(Stop(reason="tool")),
        ]

        choice = final(kit, events).choices[0]

        found = [
            (one.id, one.function.name, one.function.arguments)
            for one in choice.message.tool_calls
        ]
        assert found == [("call_1", "f", '{"a":1}'), ("call_2", "g", "{}")]
        assert choice.finish_reason == "tool_calls"

    def test_calls_alone_have_no_content(self, kit):
        """
        Content is null, not empty, if only tools were called.
        """
        events = kit.said((call(), "{}"), stop=Stop(reason="tool"))

        assert final(kit, events).choices[0].message.content is None

    @pytest.mark.parametrize("is_closed", [True, False])
    def test_call_without_arguments_has_none_in_json(self, kit, is_closed):
        """
        Nothing was told of its arguments, and the caller finds an object all the same.
        """
        close = [Close(0)] if is_closed else []
        events = [Start("m", "x"), Open(0, call()), *close, Finish(Stop(reason="tool"))]

        choice = final(kit, events).choices[0]

        assert choice.message.tool_calls[0].function.arguments == "{}"

    def test_custom_tool_may_be_given_nothing(self, kit):
        """
        Free text is no JSON: none of it stays none.
        """
        events = [Open(0, call(kind="custom")), Close(0), Finish(Stop(reason="tool"))]

        chunks, _ = kit.written([Start("m", "x"), *events])

        inputs = [
            one["custom"]["input"]
            for chunk in chunks
            if not chunk.is_done
            for one in chunk.doc["choices"][0]["delta"].get("tool_calls", ())
        ]
        assert inputs == [""]

    @pytest.mark.parametrize("block", [TEXT, RefusalBlock(text="")], ids=["text", "no"])
    def test_log_probabilities_only_if_asked(self, kit, block):
        """
        Whoever asked finds them beside the words, of a refusal too; nobody else does.
        """
        likely = [{"token": "hi", "logprob": -0.5, "bytes": None, "top_logprobs": []}]
        events = [Start("m", "x"), Open(0, block), Delta(0, "hi", likely), Close(0)]
        events += [Finish(Stop(reason="end"))]

        asked = final(kit, events, logprobs=True).choices[0].logprobs
        silent = final(kit, events).choices[0].logprobs

        found = asked.content if block is TEXT else asked.refusal
        assert [(one.token, one.logprob) for one in found] == [("hi", -0.5)]
        assert silent is None

    def test_silence_is_empty_content(self, kit):
        """
        An answer without a block is a message all the same.
        """
        message = final(kit, kit.said()).choices[0].message

        assert (message.role, message.content) == ("assistant", "")

    def test_refusal(self, kit):
        """
        A refusal in words ends like any other answer of this vendor.
        """
        events = kit.said(
            (RefusalBlock(text=""), "No", "."), stop=Stop(reason="filtered", raw="stop")
        )

        choice = final(kit, events).choices[0]

        assert choice.message.refusal == "No."
        assert choice.finish_reason == "stop"

    def test_sealed_reasoning(self, kit):
        """
        Signed reasoning arrives in the words that its signature covers, block by block.
        """
        ours = Seal(dialect="openai_chat", data="c2ln")
        events = [Start("m", "x")]
        for index, words in enumerate(("One.", "Two.")):
            events += [
                Open(index, ReasoningBlock()),
                Delta(index, words),
                SealDelta(index, ours),
                Close(index),
            ]
        events += kit.said((TEXT, "Hi"))[-5:]
        events[-5:] = [Open(9, TEXT), Delta(9, "Hi"), Close(9), *events[-2:]]

        message = final(kit, events).choices[0].message

        assert message.reasoning_content == "One.Two."
        assert [block["thinking"] for block in message.thinking_blocks] == [
            "One.",
            "Two.",
        ]
        assert message.thinking_blocks[1]["signature"] == "c2ln"
        assert message.content == "Hi"

    def test_another_vendors_seal_is_wrapped(self, kit):
        """
        A seal that this dialect has no place of its own for travels wrapped.
        """
        theirs = Seal(dialect="anthropic_messages", data="sig")
        events = kit.said((ReasoningBlock(is_redacted=True),))
        events.insert(2, SealDelta(0, theirs))

        (block,) = final(kit, events).choices[0].message.thinking_blocks

        assert block["type"] == "redacted_thinking"
        assert Seal.read("openai_chat", block["data"]) == theirs

    def test_unsealed_reasoning_needs_no_blocks(self, kit):
        """
        Reasoning that nobody signed is words only.
        """
        chunks, _ = kit.written(kit.said((ReasoningBlock(), "Hm.")))

        assert not any(b"thinking_blocks" in chunk.encode() for chunk in chunks)

    def test_annotations(self, kit):
        """
        Links of several texts come in one list, counted in the content as a whole.
        """
        link = {"url": "u", "title": "t", "start_index": 0, "end_index": 2}
        events = kit.said((TEXT, "Hello "), (TextBlock(text=""), "you"))
        events.insert(-2, Annotation(0, {"type": "url_citation", **link}))
        events.insert(-2, Annotation(1, {"type": "url_citation", "url_citation": link}))
        events.insert(
            -2, Annotation(1, {"type": "web_search_result_location", "url": "w"})
        )

        found = final(kit, events).choices[0].message.annotations

        places = [
            (one.url_citation.start_index, one.url_citation.end_index) for one in found
        ]
        assert places == [(0, 2), (6, 8), (6, 9)]

    def test_usage_only_if_asked(self, kit):
        """
        The usage chunk is sent to who asked for it, as the last.
        """
        events = kit.said((TEXT, "Hi"))
        events.insert(1, Used(Usage(input=1)))
        events.insert(-1, Used(Usage(input=4, cache_read=5, output=2, reasoning=1)))

        asked = final(kit, events, **USAGE)
        not_asked = final(kit, events)

        assert asked.usage.prompt_tokens == 9
        assert asked.usage.prompt_tokens_details.cached_tokens == 5
        assert asked.usage.completion_tokens == 3
        assert not_asked.usage is None

    @pytest.mark.parametrize(
        ("stop", "word", "native"),
        [
            (Stop(reason="length", raw="max_tokens"), "length", None),
            (Stop(reason="paused", raw="pause_turn"), "stop", "pause_turn"),
            (Stop(reason="unknown", raw="odd_end"), "error", "odd_end"),
        ],
        ids=["length", "paused", "unknown"],
    )
    def test_stops(self, kit, stop, word, native):
        """
        The provider's own word is kept where OpenAI's does not tell it all.
        """
        chunks, _ = kit.written(kit.said((TEXT, "Hi"), stop=stop))

        choice = chunks[-2].doc["choices"][0]

        assert choice["finish_reason"] == word
        assert choice.get("native_finish_reason") == native


class TestEvents:
    def test_starts_with_the_role_once(self, kit):
        """
        The first delta has the role, no other: the SDK would put them together.
        """
        chunks, _ = kit.written(kit.said((TEXT, "a"), (call(), "{}")))

        roles = [chunk.doc["choices"][0]["delta"].get("role") for chunk in chunks[:-1]]

        assert roles == ["assistant", *[None] * (len(roles) - 1)]

    def test_first_event_alone_says_nothing(self, kit):
        """
        Before a block begins nothing need be sent, so that a refusal can still have a status.
        """
        chunks, _ = kit.written([Start("m", "x"), Ping()])

        assert chunks == []

    def test_ends_with_done(self, kit):
        """
        The last frame is the vendor's.
        """
        chunks, _ = kit.written(kit.said())

        assert chunks[-1].encode() == kit.done

    def test_fault(self, kit):
        """
        A provider's error in mid-stream is the vendor's error event.
        """
        fault = Fault(status=529, kind="overloaded", message="Busy")

        chunks, _ = kit.written([Start("m", "x"), Failed(fault)])

        assert chunks[0].doc["error"]["message"] == "Busy"
        assert chunks[0].doc["error"]["type"] == "server_error"

    def test_summary_parts_are_paragraphs(self, kit):
        """
        Parts of a summary are told apart.
        """
        events = [
            Start("m", "x"),
            Open(0, ReasoningBlock(is_summary=True)),
            SummaryPart(0),
            Delta(0, "One."),
            SummaryPart(0),
            Delta(0, "Two."),
            Close(0),
            Finish(Stop(reason="end")),
        ]

        message = final(kit, events).choices[0].message

        assert message.reasoning_content == "One.\n\nTwo."

    def test_restores_names(self, kit):
        """
        The caller is told the tool's name that the caller gave it.
        """
        events = kit.said((call(name="my_tool"), "{}"))

        choice = final(kit, events, tools=kit.tools("my.tool")).choices[0]

        assert choice.message.tool_calls[0].function.name == "my.tool"

    def test_functions_of_the_days_before_tools(self, kit):
        """
        Who offered functions is answered with a function call.
        """
        events = kit.said((call(), "{", "}"), stop=Stop(reason="tool"))

        choice = final(kit, events, functions=[{"name": "f"}]).choices[0]

        assert choice.message.function_call.name == "f"
        assert choice.message.function_call.arguments == "{}"
        assert choice.finish_reason == "function_call"

    def test_custom_tool(self, kit):
        """
        A custom tool's input is free text.
        """
        chunks, _ = kit.written(kit.said((call(kind="custom"), "select", " 1")))

        inputs = [
            chunk.doc["choices"][0]["delta"]["tool_calls"][0]["custom"]["input"]
            for chunk in chunks[:3]
        ]

        assert inputs == ["", "select", " 1"]

    @pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "left open"])
    def test_function_that_stood_for_a_custom_tool(self, kit, is_closed):
        """
        A custom tool that was offered as a function is called as the custom tool that it is.
        """
        tools = [{"type": "custom", "custom": {"name": "sql"}}]
        block = (call(name="sql"), '{"input": "sel', 'ect"}')
        events = kit.said(block, stop=Stop(reason="tool"))
        if not is_closed:
            events = [event for event in events if not isinstance(event, Close)]

        chunks, _ = kit.written(events, tools=tools)

        (first,), (second,) = (
            chunk.doc["choices"][0]["delta"]["tool_calls"] for chunk in chunks[:2]
        )
        assert (first["type"], first["custom"]) == (
            "custom",
            {"name": "sql", "input": ""},
        )
        assert second == {"index": 0, "custom": {"input": "select"}}
        assert chunks[2].doc["choices"][0]["finish_reason"] == "tool_calls"

    @pytest.mark.parametrize(
        "block",
        [
            Opaque(dialect="anthropic_messages", raw={"type": "server_tool_use"}),
            MediaBlock(kind="image", data="aaaa"),
        ],
        ids=["opaque", "image"],
    )
    def test_what_has_no_place_is_recorded(self, kit, block):
        """
        A block that the dialect cannot say is on the list of losses.
        """
        _, losses = kit.written(kit.said((block,)))

        assert [loss.action for loss in losses.found] == ["dropped"]

    def test_block_that_opens_with_words(self, kit):
        """
        What a block holds when it opens is said first.
        """
        events = kit.said((TextBlock(text="He"), "llo"), (call(arguments="{"), "}"))

        message = final(kit, events).choices[0].message

        assert message.content == "Hello"
        assert message.tool_calls[0].function.arguments == "{}"
