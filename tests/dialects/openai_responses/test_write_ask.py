"""
Neutral requests, written for a provider.
"""

from __future__ import annotations

import attrs
import pytest

from gateway.errors import Untranslatable
from gateway.neutral import (
    Losses,
    Reasoning,
    ResponseFormat,
    TextBlock,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    Turn,
)

SCHEMA = {"type": "object", "properties": {"x": {"type": "string"}}}
FUNCTION = ToolDefinition(name="f", description="d", parameters=SCHEMA)
STORED = ("previous_response_id", "conversation", "prompt")
LOCKED = ("compaction", "compaction_trigger", "item_reference")


class TestRoundTrip:
    def rich(self, kit):
        """
        The example request, but for what is refused.
        """
        doc = kit.example("request")
        for field in STORED:
            del doc[field]
        doc["input"] = [item for item in doc["input"] if item.get("type") not in LOCKED]
        return doc

    def test_rich_request_comes_back(self, kit):
        """
        Read, written and read again a request says what it said.
        """
        first = kit.read(**self.rich(kit))
        losses = Losses()

        written = kit.written(first, losses)
        second = kit.read(**written)

        assert losses.found == []
        assert second == first

    def test_fields_come_back(self, kit):
        """
        What the neutral form does not name goes back to where it was.
        """
        doc = self.rich(kit)

        written = kit.written(kit.read(**doc))

        for key in doc:
            if key not in ("input", "tools", "user", "stream_options", "truncation"):
                assert key in written or doc[key] in (False, None), key
        assert written["reasoning"]["context"] == "auto"
        assert written["prompt_cache_options"] == doc["prompt_cache_options"]
        assert sorted(written["include"]) == sorted(doc["include"])

    def test_no_node_is_shared(self, kit):
        """
        Editing the provider's request leaves the caller's alone.
        """
        asked = kit.request(
            input="x", tools=[{"type": "function", "name": "f", "parameters": SCHEMA}]
        )
        ask = kit.dialect.to_neutral(asked, Losses())

        written = kit.dialect.from_neutral(ask, Losses(), kit.limits)
        written.doc["tools"][0]["parameters"]["properties"].clear()

        assert asked.doc["tools"][0]["parameters"]["properties"] == SCHEMA["properties"]


class TestSettings:
    def test_minimal(self, kit):
        """
        A plain question needs little, and is not stored.
        """
        assert kit.written(kit.ask("Hello", is_stream=True)) == {
            "model": "m",
            "input": [
                {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": "Hello"}],
                }
            ],
            "store": False,
            "stream": True,
        }

    def test_all_that_has_a_place(self, kit):
        """
        Fields that the dialect knows are written without loss.
        """
        losses = Losses()
        ask = kit.ask(
            max_output_tokens=99,
            temperature=0.5,
            top_p=0.9,
            user="user_1",
            metadata={"a": "b"},
            service_tier="flex",
            verbosity="low",
            logprobs=True,
            top_logprobs=2,
            n=1,
            seed=None,
        )

        doc = kit.written(ask, losses)

        assert losses.found == []
        assert (doc["max_output_tokens"], doc["temperature"], doc["top_p"]) == (
            99,
            0.5,
            0.9,
        )
        assert (doc["safety_identifier"], doc["metadata"]) == ("user_1", {"a": "b"})
        assert (doc["service_tier"], doc["text"]) == ("flex", {"verbosity": "low"})
        assert doc["include"] == ["message.output_text.logprobs"]
        assert doc["top_logprobs"] == 2

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("top_k", 5),
            ("seed", 1),
            ("stop", ["\n"]),
            ("frequency_penalty", 0.5),
            ("presence_penalty", 0.5),
            ("prediction", "so"),
            ("extras", {"thinking": {}}),
            ("service_tier", "turbo"),
            ("metadata", {"a": 1}),
        ],
    )
    def test_what_has_no_place_is_recorded(self, kit, field, value):
        """
        A field that the dialect does not know is dropped with a record.
        """
        losses = Losses()

        doc = kit.written(kit.ask(**{field: value}), losses)

        (loss,) = losses.found
        assert loss.action == "dropped"
        assert loss.field == (field if field != "extras" else "thinking")
        assert loss.field not in doc

    @pytest.mark.parametrize(
        ("field", "value"), [("stop", []), ("frequency_penalty", 0), ("n", 1)]
    )
    def test_what_asks_for_nothing_is_no_loss(self, kit, field, value):
        """
        A penalty of zero is none.
        """
        losses = Losses(is_strict=True)

        kit.written(kit.ask(**{field: value}), losses)

        assert losses.found == []

    def test_several_answers_are_refused(self, kit):
        """
        There is one answer to a request in this dialect.
        """
        with pytest.raises(Untranslatable) as caught:
            kit.written(kit.ask(n=2))

        assert caught.value.fields == ("n",)

    def test_chat_extras_that_are_spelt_alike(self, kit):
        """
        What the vendor's other dialect calls by the same name is kept.
        """
        losses = Losses()
        extras = {"prompt_cache_key": "k", "store": True, "logit_bias": {}}

        doc = kit.written(kit.ask(dialect="openai_chat", extras=extras), losses)

        assert (doc["prompt_cache_key"], doc["store"]) == ("k", True)
        assert losses.header() == "logit_bias=dropped"

    @pytest.mark.parametrize(
        ("wanted", "most", "written"),
        [(5, None, 16), (500, 100, 100), (50, 100, 50), (5, 8, 16)],
    )
    def test_caps_fit_the_vendor_and_the_model(self, kit, wanted, most, written):
        """
        A cap that the vendor would refuse is changed with a record.
        """
        losses = Losses()
        limits = attrs.evolve(kit.limits, max_output_tokens=most)

        doc = kit.written(kit.ask(max_output_tokens=wanted), losses, limits)

        assert doc["max_output_tokens"] == written
        assert bool(losses.found) == (written != wanted)

    def test_model_that_takes_no_sampling(self, kit):
        """
        What the model would refuse is dropped with a record.
        """
        losses = Losses()
        limits = attrs.evolve(kit.limits, takes_sampling=False)

        doc = kit.written(kit.ask(temperature=1, top_p=1), losses, limits)

        assert "temperature" not in doc
        assert losses.header() == "temperature=dropped, top_p=dropped"


class TestReasoning:
    @pytest.mark.parametrize(
        ("wanted", "written", "include"),
        [
            (
                Reasoning(effort="high", summary="auto"),
                {"effort": "high", "summary": "auto"},
                None,
            ),
            (Reasoning(mode="off"), {"effort": "none"}, None),
            (Reasoning(mode="off", wants_seal=True), {"effort": "none"}, None),
            (Reasoning(mode="adaptive", summary="omitted"), None, None),
            (Reasoning(mode="on", budget_tokens=1024), {"effort": "low"}, None),
            (Reasoning(mode="on", budget_tokens=4096), {"effort": "medium"}, None),
            (Reasoning(mode="on", budget_tokens=32000), {"effort": "high"}, None),
            (Reasoning(wants_seal=True), None, ["reasoning.encrypted_content"]),
        ],
    )
    def test_effort(self, kit, wanted, written, include):
        """
        Effort, or the effort that a budget stands for; the seal where it is wanted.
        """
        doc = kit.written(kit.ask(reasoning=wanted))

        assert doc.get("reasoning") == written
        assert doc.get("include") == include


class TestFormat:
    def test_schema(self, kit):
        """
        The schema is flat, with a name in the letters that the vendor takes.
        """
        schema = {**SCHEMA, "required": ["x"], "additionalProperties": False}
        wanted = ResponseFormat(
            kind="json_schema", name="my answer", schema=schema, is_strict=True
        )

        doc = kit.written(kit.ask(response_format=wanted))

        assert doc["text"] == {
            "format": {
                "type": "json_schema",
                "name": "my_answer",
                "schema": schema,
                "strict": True,
            }
        }

    def test_schema_that_is_not_enforced(self, kit):
        """
        A schema that OpenAI would refuse is not to be enforced, which is on the record.
        """
        wanted = ResponseFormat(kind="json_schema", schema=SCHEMA, is_strict=True)
        tool = ToolDefinition(name="f", parameters=SCHEMA, is_strict=True)
        losses = Losses()

        doc = kit.written(kit.ask(response_format=wanted, tools=[tool]), losses)

        assert doc["text"]["format"]["strict"] is doc["tools"][0]["strict"] is False
        assert losses.header() == "strict=changed"

    def test_schema_without_a_name(self, kit):
        """
        The vendor wants a name where another dialect has none.
        """
        wanted = ResponseFormat(kind="json_schema", schema=SCHEMA)

        assert kit.written(kit.ask(response_format=wanted))["text"]["format"]["name"]


class TestTools:
    def test_function(self, kit):
        """
        A function is flat, and says that its schema is not enforced, which is the default.
        """
        doc = kit.written(kit.ask(tools=[FUNCTION, ToolDefinition(name="g")]))

        assert doc["tools"] == [
            {
                "type": "function",
                "name": "f",
                "description": "d",
                "parameters": SCHEMA,
                "strict": False,
            },
            {
                "type": "function",
                "name": "g",
                "parameters": {"type": "object", "properties": {}},
                "strict": False,
            },
        ]

    def test_custom(self, kit):
        """
        A custom tool's format has no inner object here.
        """
        grammar = {"syntax": "lark", "definition": "start: A"}
        tool = ToolDefinition(
            name="c", kind="custom", format={"type": "grammar", "grammar": grammar}
        )

        (written,) = kit.written(kit.ask(tools=[tool]))["tools"]

        assert written["format"] == {"type": "grammar", **grammar}

    def test_hosted_tool_of_another_vendor_is_dropped(self, kit):
        """
        Nobody here runs it.
        """
        losses = Losses()
        tool = ToolDefinition(name="bash", kind="hosted", raw={}, dialect="other")

        doc = kit.written(
            kit.ask(tools=[tool], tool_choice=ToolChoice(mode="required")), losses
        )

        assert "tools" not in doc
        assert losses.header() == "tools.bash=dropped, tool_choice=dropped"

    @pytest.mark.parametrize(
        ("choice", "written"),
        [
            (ToolChoice(mode="auto"), "auto"),
            (ToolChoice(mode="none"), "none"),
            (ToolChoice(mode="required"), "required"),
            (ToolChoice(mode="named", names=("f",)), {"type": "function", "name": "f"}),
            (ToolChoice(mode="named", names=("c",)), {"type": "custom", "name": "c"}),
            (
                ToolChoice(mode="auto", names=("f", "web_search")),
                {
                    "type": "allowed_tools",
                    "mode": "auto",
                    "tools": [
                        {"type": "function", "name": "f"},
                        {"type": "web_search"},
                    ],
                },
            ),
        ],
    )
    def test_choice(self, kit, choice, written):
        """
        Every choice has its spelling.
        """
        hosted = ToolDefinition(
            name="web_search",
            kind="hosted",
            raw={"type": "web_search"},
            dialect="openai_responses",
        )
        tools = [FUNCTION, ToolDefinition(name="c", kind="custom"), hosted]

        assert (
            kit.written(kit.ask(tools=tools, tool_choice=choice))["tool_choice"]
            == written
        )

    def test_choice_of_a_tool_that_is_not_offered(self, kit):
        """
        A choice that the vendor would refuse is dropped with a record.
        """
        losses = Losses()
        choice = ToolChoice(mode="named", names=("gone",))

        doc = kit.written(kit.ask(tools=[FUNCTION], tool_choice=choice), losses)

        assert "tool_choice" not in doc
        assert losses.header() == "tool_choice=dropped"

    def test_names_are_written_alike_everywhere(self, kit):
        """
        A name that the vendor does not take is changed in tools, history and choice.
        """
        losses = Losses()
        ask = kit.ask(
            tools=[ToolDefinition(name="a.b")],
            tool_choice=ToolChoice(mode="named", names=("a.b",)),
        )
        ask.turns.append(Turn(role="assistant", blocks=[ToolCall(id="c", name="a.b")]))

        doc = kit.written(ask, losses)

        assert doc["tools"][0]["name"] == doc["tool_choice"]["name"] == "a_b"
        assert doc["input"][1]["name"] == "a_b"
        assert losses.found[0].field == "tools.name"


class TestInstructions:
    def turn(self, text, **members):
        return Turn(role="system", blocks=[TextBlock(text=text)], **members)

    def test_first_one_is_the_requests_own(self, kit):
        """
        The first instruction stands apart, further ones in front of the conversation.
        """
        ask = kit.ask(
            instructions=[self.turn("One."), self.turn("Two.", is_developer=True)]
        )

        doc = kit.written(ask)

        assert doc["instructions"] == "One."
        assert [item["role"] for item in doc["input"]] == ["developer", "user"]

    @pytest.mark.parametrize(
        "turn",
        [
            Turn(role="system", blocks=[TextBlock(text="One.")], is_developer=True),
            Turn(
                role="system", blocks=[TextBlock(text="One."), TextBlock(text="Two.")]
            ),
            Turn(role="system", blocks=[]),
        ],
        ids=["developer", "two texts", "none"],
    )
    def test_what_is_not_one_text_is_a_message(self, kit, turn):
        """
        Instructions of another shape stand in front of the conversation.
        """
        doc = kit.written(kit.ask(instructions=[turn]))

        assert "instructions" not in doc
        assert len(doc["input"]) == (2 if turn.blocks else 1)

    def test_breakpoints_of_instructions(self, kit):
        """
        A cache breakpoint is kept where it came from this dialect, else dropped.
        """
        block = TextBlock(text="One.", cache={"type": "ephemeral"})
        turns = [Turn(role="system", blocks=[block])]
        losses = Losses()

        own = kit.written(kit.ask(instructions=turns, dialect="openai_responses"))
        other = kit.written(kit.ask(instructions=turns, cache={}), losses)

        assert own["input"][0]["content"][0]["prompt_cache_breakpoint"]
        assert other["instructions"] == "One."
        assert losses.header() == "cache_control=dropped"

    def test_nothing_but_instructions(self, kit):
        """
        The vendor wants something to answer, so the instructions are the conversation.
        """
        doc = kit.written(
            attrs.evolve(kit.ask(), turns=[], instructions=[self.turn("One.")])
        )

        assert "instructions" not in doc
        assert [item["role"] for item in doc["input"]] == ["system"]
