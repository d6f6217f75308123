"""
Requests, read into the neutral form.
"""

from __future__ import annotations

import pytest

from gateway.errors import InvalidRequest, Untranslatable
from gateway.neutral import (
    Losses,
    Reasoning,
    ResponseFormat,
    TextBlock,
    ToolChoice,
    ToolDefinition,
    Turn,
)

SCHEMA = {"type": "object", "properties": {"x": {"type": "string"}}}


class TestSettings:
    def test_fields_find_their_places(self, kit):
        """
        What the neutral form has a name for stands there.
        """
        ask = kit.read(
            input="Hello",
            stream=True,
            max_output_tokens=9,
            temperature=1,
            top_p=0.5,
            parallel_tool_calls=False,
            metadata={"a": "b"},
            service_tier="flex",
            safety_identifier="user_1",
            top_logprobs=2,
            include=["message.output_text.logprobs"],
        )

        assert (ask.model, ask.dialect, ask.is_stream) == (
            "gpt-5.5",
            "openai_responses",
            True,
        )
        assert (ask.max_output_tokens, ask.temperature, ask.top_p) == (9, 1, 0.5)
        assert (ask.parallel_tool_calls, ask.service_tier) == (False, "flex")
        assert (ask.user, ask.metadata) == ("user_1", {"a": "b"})
        assert (ask.logprobs, ask.top_logprobs) == (True, 2)
        assert ask.extras == {}

    def test_the_old_name_of_the_user(self, kit):
        """
        Where there is no safety identifier the user is it.
        """
        assert kit.read(input="x", user="user_2").user == "user_2"

    def test_unheard_of_fields_are_extras(self, kit):
        """
        What nobody here has heard of is kept for a writer of the same dialect.
        """
        ask = kit.read(input="x", truncation="auto", brand_new={"a": 1}, nothing=None)

        assert ask.extras == {"truncation": "auto", "brand_new": {"a": 1}}

    def test_what_translation_does_anyway_is_no_loss(self, kit):
        """
        That nothing is stored, truncated or padded holds of every translated exchange.
        """
        losses = Losses(is_strict=True)

        ask = kit.read(
            losses,
            input="x",
            store=False,
            background=False,
            truncation="disabled",
            stream_options={"include_obfuscation": False},
        )

        assert ask.extras == {}

    def test_storing_is_asked_for(self, kit):
        """
        That an answer be stored is something that others cannot do.
        """
        assert kit.read(input="x", store=True).extras == {"store": True}

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("previous_response_id", "resp_1"),
            ("conversation", "conv_1"),
            ("conversation", {"id": "conv_1"}),
            ("prompt", {"id": "pmpt_1"}),
            ("background", True),
        ],
    )
    def test_state_at_the_vendor_is_refused_by_name(self, kit, field, value):
        """
        What is stored at the vendor cannot be sent to another one.
        """
        with pytest.raises(Untranslatable) as caught:
            kit.read(input="x", **{field: value})

        assert caught.value.fields == (field,)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("instructions", 1),
            ("instructions", ["x"]),
            ("max_output_tokens", "many"),
            ("max_output_tokens", True),
            ("temperature", "hot"),
            ("tools", {}),
            ("tools", ["x"]),
            ("tools", [{"type": "function"}]),
            ("tool_choice", "maybe"),
            ("tool_choice", {"type": "function"}),
            ("tool_choice", {"type": "allowed_tools", "mode": "none"}),
            ("text", {"format": {"type": "xml"}}),
            ("text", "x"),
            ("reasoning", "much"),
            ("include", "all"),
            ("metadata", []),
            ("input", 1),
            ("input", ["x"]),
        ],
    )
    def test_malformed_fields_are_named(self, kit, field, value):
        """
        A field of a wrong type is an error that names it and quotes nothing.
        """
        with pytest.raises(InvalidRequest) as caught:
            kit.read(**{"input": "x", field: value})

        assert field in str(caught.value)
        assert "hot" not in str(caught.value)


class TestOutput:
    @pytest.mark.parametrize(
        ("given", "include", "wanted", "extra"),
        [
            ({"effort": "low"}, [], Reasoning(effort="low"), None),
            ({"effort": "none"}, [], Reasoning(mode="off"), None),
            (
                {"effort": "max", "summary": "auto"},
                ["reasoning.encrypted_content"],
                Reasoning(effort="max", summary="auto", wants_seal=True),
                None,
            ),
            ({"generate_summary": "concise"}, [], Reasoning(summary="concise"), None),
            (None, ["reasoning.encrypted_content"], Reasoning(wants_seal=True), None),
            ({"mode": "pro"}, [], None, {"mode": "pro"}),
            (None, [], None, None),
        ],
    )
    def test_reasoning(self, kit, given, include, wanted, extra):
        """
        Effort, summary and seal are asked for in several places.
        """
        ask = kit.read(input="x", reasoning=given, include=include)

        assert ask.reasoning == wanted
        assert ask.extras.get("reasoning") == extra

    @pytest.mark.parametrize(
        ("given", "wanted"),
        [
            ({"type": "text"}, ResponseFormat(kind="text")),
            ({"type": "json_object"}, ResponseFormat(kind="json_object")),
            (
                {
                    "type": "json_schema",
                    "name": "n",
                    "schema": SCHEMA,
                    "strict": True,
                    "description": "d",
                },
                ResponseFormat(
                    kind="json_schema",
                    name="n",
                    schema=SCHEMA,
                    is_strict=True,
                    description="d",
                ),
            ),
            (None, None),
        ],
    )
    def test_format(self, kit, given, wanted):
        """
        The format of the answer's text is flat in this dialect.
        """
        ask = kit.read(input="x", text={"format": given, "verbosity": "low"})

        assert ask.response_format == wanted
        assert ask.verbosity == "low"


class TestTools:
    def test_kinds(self, kit):
        """
        Functions and custom tools are read, hosted ones kept as they are.
        """
        hosted = {"type": "web_search", "search_context_size": "low"}
        ask = kit.read(
            input="x",
            tools=[
                {
                    "type": "function",
                    "name": "f",
                    "description": "d",
                    "parameters": SCHEMA,
                    "strict": True,
                },
                {"type": "custom", "name": "c", "format": {"type": "text"}},
                hosted,
            ],
        )

        assert ask.tools == [
            ToolDefinition(
                name="f", description="d", parameters=SCHEMA, is_strict=True
            ),
            ToolDefinition(name="c", kind="custom", format={"type": "text"}),
            ToolDefinition(
                name="web_search", kind="hosted", raw=hosted, dialect="openai_responses"
            ),
        ]

    def test_what_only_the_vendor_does_with_a_tool_is_recorded(self, kit):
        """
        Members that the neutral form has no place for are on the list of losses.
        """
        losses = Losses()
        tool = {
            "type": "function",
            "name": "f",
            "parameters": {},
            "defer_loading": True,
            "async": True,
            "allowed_callers": ["programmatic"],
            "output_schema": SCHEMA,
        }

        kit.read(losses, input="x", tools=[tool])

        assert {loss.field for loss in losses.found} == {
            "tools.defer_loading",
            "tools.async",
            "tools.allowed_callers",
            "tools.output_schema",
        }

    @pytest.mark.parametrize(
        ("given", "wanted"),
        [
            ("auto", ToolChoice(mode="auto")),
            ("none", ToolChoice(mode="none")),
            ("required", ToolChoice(mode="required")),
            ({"type": "function", "name": "f"}, ToolChoice(mode="named", names=("f",))),
            ({"type": "custom", "name": "c"}, ToolChoice(mode="named", names=("c",))),
            (
                {
                    "type": "allowed_tools",
                    "mode": "required",
                    "tools": [
                        {"type": "function", "name": "f"},
                        {"type": "web_search"},
                    ],
                },
                ToolChoice(mode="required", names=("f",)),
            ),
            (
                {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp"}]},
                ToolChoice(mode="none"),
            ),
            (None, None),
        ],
    )
    def test_choice(self, kit, given, wanted):
        """
        All spellings of a choice are read.
        """
        assert kit.read(input="x", tool_choice=given).tool_choice == wanted

    def test_choice_of_a_hosted_tool_is_an_extra(self, kit):
        """
        Others do not know the tool, the same dialect does.
        """
        ask = kit.read(input="x", tool_choice={"type": "web_search_preview"})

        assert ask.extras == {"tool_choice": {"type": "web_search_preview"}}


class TestInstructions:
    def test_leading_run(self, kit):
        """
        Instructions and the system messages in front are one run; a later one stays in place.
        """
        ask = kit.read(
            instructions="One.",
            input=[
                {"role": "developer", "content": "Two."},
                {"role": "user", "content": "Hello"},
                {"role": "system", "content": "Three."},
            ],
        )

        assert ask.instructions == [
            Turn(role="system", blocks=[TextBlock(text="One.")]),
            Turn(role="system", blocks=[TextBlock(text="Two.")], is_developer=True),
        ]
        assert [turn.role for turn in ask.turns] == ["user", "system"]

    def test_tools_among_the_items(self, kit):
        """
        Tools that come up in the conversation are offered from its beginning.
        """
        losses = Losses()
        item = {
            "type": "additional_tools",
            "role": "developer",
            "tools": [{"type": "custom", "name": n} for n in ("early", "late")],
        }

        ask = kit.read(
            losses, input=[item], tools=[{"type": "custom", "name": "early"}]
        )

        assert [tool.name for tool in ask.tools] == ["early", "late"]
        assert losses.header() == "additional_tools=changed"
