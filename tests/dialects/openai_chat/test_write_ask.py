from __future__ import annotations

import pytest

from gateway.neutral import (
    Reasoning,
    ResponseFormat,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    ToolResult,
)

CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


class TestFields:
    def test_least(self, kit):
        """
        A request that says little is written as little.
        """
        doc, losses = kit.write(kit.ask())

        assert doc == {
            "model": "gpt-x",
            "messages": [{"role": "user", "content": "Hello"}],
        }
        assert losses.found == []

    def test_plain(self, kit):
        """
        Fields of one name in both forms keep their values.
        """
        fields = {"temperature": 0.5, "top_p": 0.1, "seed": 3, "stop": ["x"], "n": 2}

        doc, losses = kit.write(kit.ask(**fields))

        assert {key: doc[key] for key in fields} == fields
        assert losses.found == []

    def test_usage_is_always_asked_for(self, kit):
        """
        A stream tells what it used, whether the caller wants to know or not.
        """
        doc, _ = kit.write(kit.ask(is_stream=True, wants_usage=False))

        assert doc["stream_options"] == {"include_usage": True}

    def test_sampling_that_the_model_refuses(self, kit):
        """
        A model that takes no sampling is sent none.
        """
        ask = kit.ask(temperature=0.5, top_p=0.1)

        doc, losses = kit.write(ask, takes_sampling=False)

        assert "temperature" not in doc
        assert losses.header() == "temperature=dropped, top_p=dropped"

    def test_cap_beyond_the_model(self, kit):
        """
        A cap that the model refuses is lowered to what it gives.
        """
        doc, losses = kit.write(
            kit.ask(max_output_tokens=99_000), max_output_tokens=16_384
        )

        assert doc["max_completion_tokens"] == 16_384
        assert losses.header() == "max_tokens=changed"

    @pytest.mark.parametrize(
        ("fields", "loss"),
        [
            ({"top_k": 5}, "top_k=dropped"),
            ({"extras": {"container": "x"}}, "container=dropped"),
            ({"service_tier": "batchy"}, "service_tier=dropped"),
            ({"metadata": {"a": {}}}, "metadata=dropped"),
            ({"cache": {"type": "ephemeral"}}, "cache_control=dropped"),
        ],
        ids=["top_k", "extras", "tier", "metadata", "cache"],
    )
    def test_what_cannot_be_said_is_recorded(self, kit, fields, loss):
        """
        Nothing is lost in silence.
        """
        assert kit.write(kit.ask(**fields))[1].header() == loss

    def test_user_and_prediction(self, kit):
        """
        Fields of other names are found under them.
        """
        doc, _ = kit.write(kit.ask(user="u", prediction="p", metadata={"a": "b"}))

        assert doc["user"] == "u"
        assert doc["prediction"] == {"type": "content", "content": "p"}
        assert doc["metadata"] == {"a": "b"}


class TestTools:
    def test_definition(self, kit):
        """
        A tool without a schema takes no arguments.
        """
        doc, _ = kit.write(kit.ask(tools=[ToolDefinition(name="f", description="d")]))

        empty = {"type": "object", "properties": {}}
        function = {"name": "f", "description": "d", "parameters": empty}
        assert doc["tools"] == [{"type": "function", "function": function}]

    def test_custom(self, kit):
        """
        A grammar stands one level deeper here.
        """
        form = {"type": "grammar", "syntax": "lark", "definition": "start: X"}
        tool = ToolDefinition(name="sql", kind="custom", format=form)

        doc, _ = kit.write(kit.ask(tools=[tool]))

        grammar = {"syntax": "lark", "definition": "start: X"}
        assert doc["tools"][0]["custom"]["format"]["grammar"] == grammar

    def test_hosted_by_another_vendor(self, kit):
        """
        Another vendor's own tool is dropped, with the choice among nothing.
        """
        tool = ToolDefinition(
            name="web_search", kind="hosted", raw={}, dialect="anthropic_messages"
        )

        doc, losses = kit.write(
            kit.ask(tools=[tool], tool_choice=ToolChoice(mode="required"))
        )

        assert not {"tools", "tool_choice"} & doc.keys()
        assert losses.header() == "tools.web_search=dropped"

    @pytest.mark.parametrize(
        ("choice", "written"),
        [
            (ToolChoice(mode="auto"), "auto"),
            (ToolChoice(mode="none"), "none"),
            (ToolChoice(mode="required"), "required"),
            (
                ToolChoice(mode="named", names=("f",)),
                {"type": "function", "function": {"name": "f"}},
            ),
            (
                ToolChoice(mode="auto", names=("f",)),
                {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "auto",
                        "tools": [{"type": "function", "function": {"name": "f"}}],
                    },
                },
            ),
        ],
        ids=["auto", "none", "required", "named", "allowed"],
    )
    def test_choice(self, kit, choice, written):
        """
        Each choice has its spelling.
        """
        ask = kit.ask(tools=[ToolDefinition(name="f")], tool_choice=choice)

        assert kit.write(ask)[0]["tool_choice"] == written

    def test_names_that_are_refused(self, kit):
        """
        A name that OpenAI refuses is written otherwise, everywhere the same.
        """
        name = "mcp.server/tool" + "x" * 80
        ask = kit.ask(
            kit.turn("assistant", ToolCall(id="c", name=name)),
            kit.turn("user", ToolResult(call_id="c")),
            tools=[ToolDefinition(name=name)],
            tool_choice=ToolChoice(mode="named", names=(name,)),
        )

        doc, losses = kit.write(ask)

        written = doc["tools"][0]["function"]["name"]
        assert len(written) == 64
        assert doc["tool_choice"]["function"]["name"] == written
        call = doc["messages"][0]["tool_calls"][0]
        assert call["function"]["name"] == written
        assert losses.header() == "tools.name=changed"

    @pytest.mark.parametrize(
        ("schema", "strict"), [(CLOSED, True), ({"type": "object"}, False)], ids=repr
    )
    def test_strictness(self, kit, schema, strict):
        """
        Strictness is asked for only where OpenAI can keep it.
        """
        tool = ToolDefinition(name="f", parameters=schema, is_strict=True)

        doc, losses = kit.write(kit.ask(tools=[tool]))

        assert doc["tools"][0]["function"]["strict"] is strict
        assert bool(losses.found) is not strict


class TestReasoning:
    @pytest.mark.parametrize(
        ("wanted", "effort"),
        [
            (Reasoning(effort="high"), "high"),
            (Reasoning(mode="off"), "none"),
            (Reasoning(mode="on", budget_tokens=31_999), "high"),
            (Reasoning(mode="on", budget_tokens=4096), "low"),
            (Reasoning(mode="adaptive"), None),
            (Reasoning(mode="adaptive", effort="max"), "max"),
        ],
        ids=repr,
    )
    def test_effort(self, kit, wanted, effort):
        """
        A budget is worth an effort.
        """
        doc, _ = kit.write(kit.ask(reasoning=wanted))

        assert doc.get("reasoning_effort") == effort

    def test_what_cannot_be_said_is_recorded(self, kit):
        """
        Summaries and seals are Responses'.
        """
        wanted = Reasoning(effort="low", summary="auto", wants_seal=True)

        _, losses = kit.write(kit.ask(reasoning=wanted))

        assert losses.header() == (
            "reasoning.summary=dropped, reasoning.encrypted_content=dropped"
        )

    def test_model_without_reasoning(self, kit):
        """
        A model that is known to take no effort is sent none.
        """
        ask = kit.ask(reasoning=Reasoning(effort="low"))

        doc, losses = kit.write(ask, takes_effort=False)

        assert "reasoning_effort" not in doc
        assert losses.header() == "reasoning=dropped"


class TestFormat:
    def test_schema(self, kit):
        """
        A schema is given the name that OpenAI requires.
        """
        form = ResponseFormat(kind="json_schema", schema=CLOSED, is_strict=True)

        doc, _ = kit.write(kit.ask(response_format=form))

        inner = {"name": "answer", "schema": CLOSED, "strict": True}
        assert doc["response_format"] == {"type": "json_schema", "json_schema": inner}

    def test_object(self, kit):
        """
        Any JSON will do.
        """
        doc, _ = kit.write(kit.ask(response_format=ResponseFormat(kind="json_object")))

        assert doc["response_format"] == {"type": "json_object"}


class TestRoundTrip:
    def test_rich_request(self, kit):
        """
        A request of this dialect, read and written again, asks for the same.
        """
        doc = kit.example("plain_request")

        ask, read = kit.read(doc)
        written, losses = kit.write(ask)

        assert written == doc
        assert (read.found, losses.found) == ([], [])
