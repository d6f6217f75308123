from __future__ import annotations

import pytest

from gateway.errors import UpstreamError
from gateway.neutral import (
    Answer,
    Losses,
    MediaBlock,
    Opaque,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    Stop,
    TextBlock,
    ToolCall,
)
from gateway.received import UNREADABLE
from gateway.usage import Usage


def message(kit, finish="stop", **members):
    choice = {"index": 0, "message": members, "finish_reason": finish}
    doc = {"id": "chatcmpl-1", "created": 5, "model": "m", "choices": [choice]}
    return kit.dialect.read_answer(kit.response(doc))


def write(kit, *blocks, stop=None, usage=None, **asked):
    answer = Answer(
        id="msg_1",
        model="x",
        blocks=list(blocks),
        stop=stop or Stop(reason="end"),
        usage=usage,
    )
    losses = Losses()
    response = kit.dialect.write_answer(answer, kit.asked(**asked), losses)
    return response.doc, losses


class TestRead:
    def test_all_of_it(self, kit):
        """
        A rich answer is read block by block, reasoning first, calls last.
        """
        answer = kit.dialect.read_answer(kit.response(kit.example("response")))

        assert [type(block) for block in answer.blocks] == [
            ReasoningBlock,
            TextBlock,
            MediaBlock,
            ToolCall,
            ToolCall,
            ToolCall,
        ]
        assert answer.blocks[0].seal == Seal(dialect="openai_chat", data="c2ln")
        assert answer.blocks[3].arguments == '{"city": "New York"}'
        assert answer.stop == Stop(reason="tool", raw="TOOL_USE")
        assert answer.usage == Usage(
            input=8, cache_read=1, output=2, reasoning=1, service_tier="default"
        )
        assert (answer.id, answer.created) == ("chatcmpl-1", 1763600000)

    def test_citations_of_the_whole_answer(self, kit):
        """
        What stands beside the choices is cited by the text.
        """
        answer = kit.dialect.read_answer(kit.response(kit.example("response")))

        kinds = [raw["type"] for raw in answer.blocks[1].annotations]

        assert kinds == ["url_citation", "file_citation", "url_citation"]

    def test_refusal(self, kit):
        """
        A refusal in words is filtered, though the vendor says stop.
        """
        answer = message(kit, content=None, refusal="No")

        assert answer.blocks == [RefusalBlock(text="No")]
        assert answer.stop == Stop(reason="filtered", raw="stop")

    @pytest.mark.parametrize(
        ("finish", "reason"), [("", "tool"), ("stop", "tool"), ("length", "length")]
    )
    def test_calls_are_the_reason(self, kit, finish, reason):
        """
        A call in the output is why the model stopped, unless it was cut.
        """
        call = {"id": "c", "type": "function", "function": {"name": "f"}}

        assert message(kit, finish, tool_calls=[call]).stop.reason == reason

    @pytest.mark.parametrize("finish", [None, "", "odd"], ids=repr)
    def test_no_known_reason(self, kit, finish):
        """
        An answer that does not say why it ended did not end well for certain.
        """
        assert message(kit, finish, content="Hi").stop.reason == "unknown"

    def test_calls_without_ids(self, kit):
        """
        A call without an id is given one by its place.
        """
        call = {"function": {"name": "f", "arguments": {"a": 1}}}

        answer = message(kit, tool_calls=[call, call])

        assert [block.id for block in answer.blocks] == ["call_0", "call_1"]
        assert answer.blocks[0].arguments == '{"a":1}'

    def test_unknown_call(self, kit):
        """
        A call of a kind that nobody knows is kept as it came.
        """
        raw = {"id": "c", "type": "browse", "browse": {}}

        assert message(kit, tool_calls=[raw]).blocks == [
            Opaque(dialect="openai_chat", raw=raw)
        ]

    def test_error_with_status_200(self, kit):
        """
        An error where an answer should be is an error of the provider.
        """
        response = kit.response({"error": {"message": "Slow down", "code": 429}})

        with pytest.raises(UpstreamError) as caught:
            kit.dialect.read_answer(response)

        assert caught.value.details["fault"].kind == "rate_limit"

    @pytest.mark.parametrize("doc", [[], {}, {"choices": []}, "x"], ids=repr)
    def test_no_answer(self, kit, doc):
        """
        What is no answer is reported as unreadable.
        """
        with pytest.raises(UNREADABLE):
            kit.dialect.read_answer(kit.response(doc))

    @pytest.mark.parametrize("content", [7, [{"type": 7}], [[]]], ids=repr)
    def test_malformed_content_is_no_fault_of_the_callers(self, kit, content):
        """
        A provider's answer that cannot be read is told as such, and has its reason all the same.
        """
        doc = kit.example("response")
        doc["choices"] = [{"message": {"content": content}, "finish_reason": "length"}]

        with pytest.raises(ValueError, match="the answer is malformed"):
            kit.dialect.read_answer(kit.response(doc))
        assert kit.dialect.stop_of(kit.response(doc)).reason == "length"

    @pytest.mark.parametrize(
        "odd", [None, 1, True, "x", [], {}, [1], {"a": 1}], ids=repr
    )
    def test_any_value_at_any_place(self, kit, odd):
        """
        Whatever a provider sends, reading it fails in one of the ways that are expected.
        """
        doc = kit.example("response")
        for path in [*kit.strings(doc), *kit.objects(doc)]:
            response = kit.response(kit.changed(doc, path, lambda _: odd))
            for read in (
                kit.dialect.read_answer,
                kit.dialect.stop_of,
                kit.dialect.usage_of,
                kit.dialect.error_of,
            ):
                try:
                    read(response)
                except (*UNREADABLE, UpstreamError):
                    pass


class TestWrite:
    def test_sdk_reads_it(self, kit):
        """
        The SDK finds everything where it looks for it.
        """
        doc, losses = write(
            kit,
            ReasoningBlock(text="Hm", seal=Seal(dialect="openai_chat", data="c2ln")),
            TextBlock(text="He"),
            TextBlock(text="llo"),
            ToolCall(id="c", name="f"),
            stop=Stop(reason="tool", raw="tool_use"),
            usage=Usage(input=3, cache_read=4, output=2, reasoning=1),
        )

        read = kit.completion(doc)

        choice = read.choices[0]
        assert choice.message.content == "Hello"
        assert choice.message.reasoning_content == "Hm"
        assert choice.message.tool_calls[0].function.arguments == "{}"
        assert choice.finish_reason == "tool_calls"
        assert read.usage.prompt_tokens == 7
        assert losses.found == []

    def test_calls_alone_have_no_content(self, kit):
        """
        Content is null if only tools were called, and empty if nothing was said.
        """
        call, _ = write(kit, ToolCall(id="c", name="f"))
        nothing, _ = write(kit)

        assert call["choices"][0]["message"]["content"] is None
        assert nothing["choices"][0]["message"]["content"] == ""

    def test_refusal(self, kit):
        """
        A refusal in words ends like any other answer of this vendor; a filter does not.
        """
        refused, _ = write(
            kit, RefusalBlock(text="No"), stop=Stop(reason="filtered", raw="stop")
        )
        filtered, _ = write(
            kit, TextBlock(text="No"), stop=Stop(reason="filtered", raw="refusal")
        )

        assert refused["choices"][0]["message"]["refusal"] == "No"
        assert refused["choices"][0]["finish_reason"] == "stop"
        assert filtered["choices"][0]["finish_reason"] == "content_filter"

    def test_annotations_count_in_the_content(self, kit):
        """
        Places in a later text are moved behind the texts before it.
        """
        link = {"url": "u", "title": "t", "start_index": 0, "end_index": 2}
        cited = TextBlock(text="you", annotations=[{"type": "url_citation", **link}])

        doc, _ = write(kit, TextBlock(text="Hello "), cited)

        (found,) = doc["choices"][0]["message"]["annotations"]
        assert found["url_citation"]["start_index"] == 6
        assert found["url_citation"]["end_index"] == 8

    def test_restores_names(self, kit):
        """
        The caller is told the tool's name that the caller gave it.
        """
        doc, _ = write(
            kit, ToolCall(id="c", name="my_tool"), tools=kit.tools("my.tool")
        )

        call = doc["choices"][0]["message"]["tool_calls"][0]
        assert call["function"]["name"] == "my.tool"

    def test_function_that_stood_for_a_custom_tool(self, kit):
        """
        A custom tool that was offered as a function is called as the custom tool that it is.
        """
        doc, _ = write(
            kit,
            ToolCall(id="c", name="sql", arguments='{"input":"select 1"}'),
            tools=[{"type": "custom", "custom": {"name": "sql"}}],
        )

        (call,) = doc["choices"][0]["message"]["tool_calls"]
        custom = {"name": "sql", "input": "select 1"}
        assert call == {"id": "c", "type": "custom", "custom": custom}

    def test_functions_of_the_days_before_tools(self, kit):
        """
        Who offered functions is answered with one call, and told of more.
        """
        doc, losses = write(
            kit,
            ToolCall(id="c", name="f", arguments="{}"),
            ToolCall(id="d", name="f"),
            stop=Stop(reason="tool"),
            functions=[{"name": "f"}],
        )

        choice = doc["choices"][0]
        assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}
        assert choice["finish_reason"] == "function_call"
        assert losses.header() == "tool_calls=dropped"

    def test_what_has_no_place_is_recorded(self, kit):
        """
        A block that the dialect cannot say is on the list of losses.
        """
        raw = {"type": "server_tool_use"}

        _, losses = write(kit, Opaque(dialect="anthropic_messages", raw=raw))

        assert losses.header() == "content.server_tool_use=dropped"

    def test_read_again(self, kit):
        """
        What was written is read as what it was written from.
        """
        answer = Answer(
            id="chatcmpl-1",
            model="m",
            blocks=[
                ReasoningBlock(
                    text="Hm", seal=Seal(dialect="openai_chat", data="c2ln")
                ),
                TextBlock(text="Hello"),
                ToolCall(id="c", name="f", arguments='{"a":1}'),
                ToolCall(id="d", name="sql", arguments="select", kind="custom"),
            ],
            stop=Stop(reason="tool", raw="tool_calls"),
            usage=Usage(
                input=3,
                cache_read=4,
                cache_write_5m=1,
                output=2,
                service_tier="default",
            ),
            created=5,
            service_tier="default",
        )
        written = kit.dialect.write_answer(answer, kit.asked(), Losses())

        assert kit.dialect.read_answer(written) == answer


class TestStop:
    def test_worst_choice(self, kit):
        """
        With several choices the worst stop is the answer's.
        """
        response = kit.response(kit.example("response"))

        assert kit.dialect.stop_of(response).reason == "filtered"

    def test_no_choices(self, kit):
        """
        An error stopped for no reason of the model's.
        """
        assert kit.dialect.stop_of(kit.response({"error": "x"})) is None
