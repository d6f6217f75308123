from __future__ import annotations

import pytest

from gateway.errors import InvalidRequest, Untranslatable
from gateway.neutral import Reasoning, ResponseFormat, ToolChoice, ToolDefinition


class TestFields:
    def test_plain(self, kit):
        """
        Fields of one name in both forms keep their values.
        """
        doc = {"temperature": 1, "top_p": 0.5, "seed": 3, "n": 2, "verbosity": "low"}

        ask, losses = kit.read(doc)

        assert {key: getattr(ask, key) for key in doc} == doc
        assert losses.found == []

    @pytest.mark.parametrize(
        ("doc", "cap"),
        [
            ({"max_tokens": 5}, 5),
            ({"max_completion_tokens": 7, "max_tokens": 5}, 7),
            ({"max_tokens": -1}, None),
            ({}, None),
        ],
        ids=["older", "both", "endless", "none"],
    )
    def test_cap(self, kit, doc, cap):
        """
        The newer spelling of the cap counts; a negative one is none.
        """
        assert kit.read(doc)[0].max_output_tokens == cap

    @pytest.mark.parametrize(
        ("stop", "read"), [("x", ["x"]), (["x", "y"], ["x", "y"]), (None, [])], ids=repr
    )
    def test_stop(self, kit, stop, read):
        """
        A stop is a list, of one perhaps.
        """
        assert kit.read({"stop": stop})[0].stop == read

    @pytest.mark.parametrize(
        ("doc", "user"),
        [({"user": "a"}, "a"), ({"user": "a", "safety_identifier": "b"}, "b")],
        ids=["user", "identifier"],
    )
    def test_user(self, kit, doc, user):
        """
        The identifier of the end user has two spellings.
        """
        assert kit.read(doc)[0].user == user

    def test_unknown_fields_are_extras(self, kit):
        """
        What the neutral form has no place for is kept, nulls aside.
        """
        doc = {"store": True, "logit_bias": {"1": 2}, "brand_new": "x", "seen": None}

        ask, _ = kit.read(doc)

        assert ask.extras == {"store": True, "logit_bias": {"1": 2}, "brand_new": "x"}

    @pytest.mark.parametrize("wants", [True, False])
    def test_stream(self, kit, wants):
        """
        Whether the caller wants usage is known; other options are extras.
        """
        options = {"include_usage": wants, "include_obfuscation": False}

        ask, _ = kit.read({"stream": True, "stream_options": options})

        assert (ask.is_stream, ask.wants_usage) == (True, wants)
        assert ask.extras == {"stream_options": {"include_obfuscation": False}}

    def test_prediction(self, kit):
        """
        A prediction in parts is one text.
        """
        parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]

        ask, _ = kit.read({"prediction": {"type": "content", "content": parts}})

        assert ask.prediction == "ab"

    def test_audio_is_refused(self, kit):
        """
        An answer in audio cannot be had from another vendor, and is not lost in silence.
        """
        with pytest.raises(Untranslatable, match="modalities"):
            kit.read({"modalities": ["text", "audio"]})

    @pytest.mark.parametrize(
        ("doc", "place"),
        [
            ({"temperature": "hot"}, "temperature: must be a number"),
            ({"seed": True}, "seed: must be an integer"),
            ({"stop": [1]}, "stop: must be a string"),
            ({"tools": [1]}, r"tools\[0\]: must be an object"),
            ({"tool_choice": "sometimes"}, "tool_choice: must be"),
            ({"messages": [{"role": "critic"}]}, r"messages\[0\].role: must be"),
        ],
        ids=["number", "integer", "stop", "tool", "choice", "role"],
    )
    def test_malformed(self, kit, doc, place):
        """
        What is malformed is refused by name.
        """
        with pytest.raises(InvalidRequest, match=place):
            kit.read(doc)


class TestTools:
    def test_function(self, kit):
        """
        A function keeps its schema and its strictness.
        """
        function = {"name": "f", "description": "d", "parameters": {}, "strict": True}
        tool = {"type": "function", "function": function}

        ask, _ = kit.read({"tools": [tool]})

        assert ask.tools == [
            ToolDefinition(name="f", description="d", parameters={}, is_strict=True)
        ]

    def test_functions_of_the_days_before_tools(self, kit):
        """
        Functions are tools.
        """
        ask, losses = kit.read({"functions": [{"name": "f"}], "function_call": "auto"})

        assert ask.tools == [ToolDefinition(name="f")]
        assert ask.tool_choice == ToolChoice(mode="auto")
        assert losses.found == []

    def test_custom_grammar_is_flat(self, kit):
        """
        A custom tool's grammar is spelled as Responses spells it.
        """
        grammar = {"syntax": "lark", "definition": "start: X"}
        custom = {"name": "sql", "format": {"type": "grammar", "grammar": grammar}}

        ask, _ = kit.read({"tools": [{"type": "custom", "custom": custom}]})

        assert ask.tools[0].format == {"type": "grammar", **grammar}

    @pytest.mark.parametrize(
        "doc",
        [{"tools": [{"type": "browser"}]}, {"web_search_options": {}}],
        ids=["tool", "search"],
    )
    def test_hosted(self, kit, doc):
        """
        What the provider runs is known as hosted.
        """
        assert [tool.kind for tool in kit.read(doc)[0].tools] == ["hosted"]

    def test_member_nobody_knows_is_recorded(self, kit):
        """
        A tool's new member is on the list of losses.
        """
        tool = {"type": "function", "function": {"name": "f", "novel": 1}}

        assert kit.read({"tools": [tool]})[1].header() == "tools.function.novel=dropped"

    @pytest.mark.parametrize(
        ("choice", "read"),
        [
            ("auto", ToolChoice(mode="auto")),
            ("none", ToolChoice(mode="none")),
            ("required", ToolChoice(mode="required")),
            ("any", ToolChoice(mode="required")),
            (
                {"type": "function", "function": {"name": "f"}},
                ToolChoice(mode="named", names=("f",)),
            ),
            (
                {"type": "custom", "custom": {"name": "f"}},
                ToolChoice(mode="named", names=("f",)),
            ),
            (
                {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "required",
                        "tools": [{"type": "function", "function": {"name": "f"}}],
                    },
                },
                ToolChoice(mode="required", names=("f",)),
            ),
        ],
        ids=["auto", "none", "required", "any", "named", "custom", "allowed"],
    )
    def test_choice(self, kit, choice, read):
        """
        Each spelling of a choice is read.
        """
        assert kit.read({"tool_choice": choice})[0].tool_choice == read


class TestReasoning:
    @pytest.mark.parametrize(
        ("doc", "read"),
        [
            ({}, None),
            ({"reasoning_effort": "low"}, Reasoning(effort="low")),
            ({"reasoning_effort": "none"}, Reasoning(mode="off")),
            ({"thinking": {"type": "disabled"}}, Reasoning(mode="off")),
            ({"thinking": {"type": "enabled"}}, Reasoning(mode="adaptive")),
            (
                {"thinking": {"type": "enabled", "budget_tokens": 9}},
                Reasoning(mode="on", budget_tokens=9),
            ),
            (
                {"reasoning": {"max_tokens": 9, "exclude": True}},
                Reasoning(mode="on", budget_tokens=9, summary="omitted"),
            ),
            ({"reasoning": {"enabled": False}}, Reasoning(mode="off")),
        ],
        ids=repr,
    )
    def test_spellings(self, kit, doc, read):
        """
        OpenAI's, OpenRouter's and DeepSeek's wishes are one wish.
        """
        assert kit.read(doc)[0].reasoning == read


class TestFormat:
    @pytest.mark.parametrize("kind", ["text", "json_object"])
    def test_plain(self, kit, kind):
        """
        A format without a schema.
        """
        ask, _ = kit.read({"response_format": {"type": kind}})

        assert ask.response_format == ResponseFormat(kind=kind)

    def test_schema(self, kit):
        """
        A schema keeps its name and strictness.
        """
        inner = {"name": "a", "schema": {"type": "object"}, "strict": False}

        ask, _ = kit.read(
            {"response_format": {"type": "json_schema", "json_schema": inner}}
        )

        assert ask.response_format == ResponseFormat(
            kind="json_schema", name="a", schema={"type": "object"}, is_strict=False
        )

    def test_unknown(self, kit):
        """
        A format that nobody knows must not be lost.
        """
        with pytest.raises(Untranslatable):
            kit.read({"response_format": {"type": "grammar"}})
