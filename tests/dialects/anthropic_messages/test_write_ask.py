"""
A neutral request, written to Anthropic; the SDK's own types are the judge.
"""

from __future__ import annotations

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from pydantic import TypeAdapter

from gateway.errors import Untranslatable
from gateway.neutral import (
    Losses,
    MediaBlock,
    Reasoning,
    ReasoningBlock,
    ResponseFormat,
    Seal,
    TextBlock,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    ToolResult,
)

PARAMS = TypeAdapter(MessageCreateParamsNonStreaming)
GO = ToolDefinition(name="go", parameters={"type": "object", "properties": {}})
STOP = ToolDefinition(name="stop")
SIGNED = ReasoningBlock(
    text="Hm.", seal=Seal(dialect="anthropic_messages", data="c2ln")
)
CALL = ToolCall(id="t1", name="go", arguments='{"x": 1}')
RESULT = ToolResult(call_id="t1", content=[TextBlock(text="done")])


def test_rich_request_satisfies_the_vendors_types(kit):
    """
    What is written passes the types of Anthropic's own SDK.
    """
    ask = kit.ask(
        kit.user("Look:", MediaBlock(kind="image", url="https://x")),
        kit.turn("assistant", SIGNED, "Going.", CALL),
        kit.user(RESULT, "And?"),
        kit.turn("system", "Hurry."),
        kit.user("Well?"),
        instructions=[kit.turn("system", "Be brief.")],
        tools=[GO, STOP],
        tool_choice=ToolChoice(mode="auto"),
        parallel_tool_calls=False,
        reasoning=Reasoning(effort="high"),
        response_format=ResponseFormat(
            kind="json_schema", name="n", schema={"type": "object", "properties": {}}
        ),
        stop=["x"],
        service_tier="default",
        user="u_1",
    )

    doc, losses = kit.write(ask, reasons_adaptively=True)

    PARAMS.validate_python(doc, strict=False)
    assert losses.header() == "messages.system=emulated"
    assert list(doc)[:4] == ["model", "max_tokens", "system", "messages"]


def test_nothing_is_sent_that_nobody_asked_for(kit):
    """
    A plain request is a plain request.
    """
    doc, losses = kit.write(kit.ask(max_output_tokens=100))

    assert doc == {
        "model": "claude-x",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hello"}],
    }
    assert losses.found == []


@pytest.mark.parametrize(
    ("wanted", "known", "sent", "lost"),
    [
        (100, None, 100, ""),
        (None, 64_000, 64_000, ""),
        (None, None, 32_000, "max_output_tokens=emulated"),
        (100_000, 64_000, 64_000, "max_output_tokens=changed"),
    ],
    ids=["asked", "catalog", "default", "too much"],
)
def test_cap_is_always_sent(kit, wanted, known, sent, lost):
    """
    Anthropic demands a cap: the caller's, the model's own, or one that is large.
    """
    ask = kit.ask(max_output_tokens=wanted)

    doc, losses = kit.write(ask, max_output_tokens=known)

    assert (doc["max_tokens"], losses.header()) == (sent, lost)


def test_stream_is_asked_for(kit):
    """
    Whoever wants a stream gets one.
    """
    assert kit.write(kit.ask(is_stream=True))[0]["stream"] is True


def test_instructions_are_short_where_they_are_one(kit):
    """
    One plain instruction is a string, several are blocks in their order.
    """
    one, _ = kit.write(kit.ask(instructions=[kit.turn("system", "a")]))
    two, _ = kit.write(
        kit.ask(instructions=[kit.turn("system", "a"), kit.turn("system", "b")])
    )

    assert one["system"] == "a"
    assert [block["text"] for block in two["system"]] == ["a", "b"]


def test_instructions_alone_get_a_user(kit):
    """
    A request of system messages only still has a user turn.
    """
    ask = kit.ask(instructions=[kit.turn("system", "Sing.")])
    ask.turns = []

    doc, losses = kit.write(ask)

    assert doc["messages"] == [{"role": "user", "content": "Please proceed."}]
    assert losses.header() == "messages=emulated"


def test_pictures_in_instructions_go_to_the_user(kit):
    """
    What may not stand in system stands first in the first user turn.
    """
    image = MediaBlock(kind="image", url="https://x")
    ask = kit.ask(instructions=[kit.turn("system", "Like this:", image)])

    doc, losses = kit.write(ask)

    assert doc["system"] == "Like this:"
    assert [b["type"] for b in doc["messages"][0]["content"]] == ["image", "text"]
    assert losses.header() == "system=emulated"


@pytest.mark.parametrize(
    ("choice", "parallel", "sent"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="auto"), None, {"type": "auto"}),
        (
            ToolChoice(mode="required"),
            False,
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        (ToolChoice(mode="none"), False, {"type": "none"}),
        (ToolChoice(mode="named", names=("go",)), None, {"type": "tool", "name": "go"}),
    ],
)
def test_tool_choice_is_written(kit, choice, parallel, sent):
    """
    Choice and parallelism are one object at Anthropic's.
    """
    ask = kit.ask(tools=[GO], tool_choice=choice, parallel_tool_calls=parallel)

    doc, losses = kit.write(ask)

    assert doc.get("tool_choice") == sent
    assert losses.found == []


def test_allowed_tools_are_the_only_ones_offered(kit):
    """
    A choice among some tools offers just these.
    """
    ask = kit.ask(
        tools=[GO, STOP], tool_choice=ToolChoice(mode="required", names=("stop",))
    )

    doc, losses = kit.write(ask)

    assert [tool["name"] for tool in doc["tools"]] == ["stop"]
    assert doc["tool_choice"] == {"type": "any"}
    assert losses.header() == "tool_choice=emulated"


def test_tools_without_parameters_take_none(kit):
    """
    A schema is demanded, and has the type object.
    """
    typeless = ToolDefinition(name="x", parameters={"properties": {"a": {}}})

    doc, _ = kit.write(kit.ask(tools=[STOP, typeless]))

    assert doc["tools"] == [
        {"name": "stop", "input_schema": {"type": "object", "properties": {}}},
        {"name": "x", "input_schema": {"type": "object", "properties": {"a": {}}}},
    ]


def test_strict_tools_have_closed_schemas(kit):
    """
    A strict tool's schema is one that Anthropic can enforce.
    """
    tool = ToolDefinition(
        name="x",
        description="X.",
        is_strict=True,
        cache={"type": "ephemeral"},
        parameters={"type": "object", "properties": {"n": {"minimum": 1}}},
    )

    doc, losses = kit.write(kit.ask(tools=[tool]))

    assert doc["tools"][0]["strict"] is True
    assert doc["tools"][0]["cache_control"] == {"type": "ephemeral"}
    assert doc["tools"][0]["input_schema"]["additionalProperties"] is False
    assert losses.header() == "tools.parameters=changed"


def test_custom_tools_take_their_text_as_a_member(kit):
    """
    A tool of free text is offered as a function of one string, its grammar is lost.
    """
    tool = ToolDefinition(name="x", kind="custom", format={"type": "grammar"})

    doc, losses = kit.write(kit.ask(tools=[tool]))

    assert doc["tools"][0]["input_schema"]["required"] == ["input"]
    assert losses.header() == "tools.custom=emulated, tools.format=dropped"


def test_hosted_tools_of_others_are_dropped(kit):
    """
    A tool that another vendor runs is not there, and a choice of it is none.
    """
    search = ToolDefinition(
        name="web_search", kind="hosted", raw={"type": "web_search"}, dialect="x"
    )
    ask = kit.ask(
        tools=[search, GO], tool_choice=ToolChoice(mode="named", names=("web_search",))
    )

    doc, losses = kit.write(ask)

    assert [tool["name"] for tool in doc["tools"]] == ["go"]
    assert "tool_choice" not in doc
    assert losses.header() == "tools.web_search=dropped, tool_choice=dropped"


def test_names_are_legal_everywhere(kit):
    """
    A name that Anthropic refuses is written the same in tools, choice and history.
    """
    ask = kit.ask(
        kit.user("x"),
        kit.turn("assistant", ToolCall(id="t1", name="a.b", arguments="{}")),
        kit.user(RESULT),
        tools=[ToolDefinition(name="a.b"), ToolDefinition(name="a/b")],
        tool_choice=ToolChoice(mode="named", names=("a.b",)),
    )

    doc, losses = kit.write(ask)

    first, second = (tool["name"] for tool in doc["tools"])
    assert first == "a_b"
    assert second.startswith("a_b_")
    assert doc["tool_choice"]["name"] == "a_b"
    assert doc["messages"][1]["content"][0]["name"] == "a_b"
    assert losses.header() == "tools.name=changed"


def test_history_with_calls_gets_tools_to_call(kit):
    """
    Calls in the history are refused without tools, so stand-ins are offered, uncallable.
    """
    ask = kit.ask(kit.user("x"), kit.turn("assistant", CALL), kit.user(RESULT))

    doc, losses = kit.write(ask)

    assert [tool["name"] for tool in doc["tools"]] == ["go"]
    assert doc["tool_choice"] == {"type": "none"}
    assert losses.header() == "tools=emulated"


@pytest.mark.parametrize("mode", ["required", "named"])
def test_forced_tool_excludes_thinking(kit, mode):
    """
    Anthropic refuses both together, so the tool wins.
    """
    names = ("go",) if mode == "named" else ()
    ask = kit.ask(
        tools=[GO],
        tool_choice=ToolChoice(mode=mode, names=names),
        reasoning=Reasoning(effort="low"),
    )

    doc, losses = kit.write(ask, reasons_adaptively=True)

    assert "thinking" not in doc
    assert losses.header() == "reasoning=dropped"


@pytest.mark.parametrize(
    ("before", "is_kept"), [((), False), ((SIGNED,), True)], ids=["unsigned", "signed"]
)
def test_manual_thinking_must_have_led_to_the_call(kit, before, is_kept):
    """
    In a tool loop an older model wants the thinking that came before the call.
    """
    ask = kit.ask(
        kit.user("x"),
        kit.turn("assistant", *before, CALL),
        kit.user(RESULT),
        tools=[GO],
        reasoning=Reasoning(mode="on", budget_tokens=2000),
    )

    doc, losses = kit.write(ask, reasons_adaptively=False)

    assert ("thinking" in doc) is is_kept
    assert losses.header() == ("" if is_kept else "reasoning=dropped")


@pytest.mark.parametrize(
    ("fields", "limits", "sent", "lost"),
    [
        ({"temperature": 0.5}, {}, {"temperature": 0.5}, ""),
        ({"temperature": 1.7}, {}, {"temperature": 1}, "temperature=changed"),
        ({"temperature": -1}, {}, {"temperature": 0}, "temperature=changed"),
        ({"top_p": 0.5, "top_k": 3}, {}, {"top_p": 0.5, "top_k": 3}, ""),
        ({"temperature": 0.5, "top_p": 1}, {}, {"temperature": 0.5}, ""),
        ({"temperature": 0.5, "top_p": 0.5}, {}, {"temperature": 0.5}, "top_p=dropped"),
        (
            {"temperature": 0.5, "top_k": 3},
            {"takes_sampling": False},
            {},
            "temperature=dropped, top_k=dropped",
        ),
        (
            {"temperature": 0.5, "reasoning": Reasoning(effort="low")},
            {"reasons_adaptively": True},
            {},
            "temperature=dropped",
        ),
        (
            {"temperature": 1, "reasoning": Reasoning(effort="low")},
            {"reasons_adaptively": True},
            {},
            "",
        ),
    ],
    ids=[
        *("as is", "too hot", "too cold", "top", "top_p says nothing", "both"),
        *("model takes none", "thinking", "thinking at 1"),
    ],
)
def test_sampling_fits_the_model(kit, fields, limits, sent, lost):
    """
    Sampling is clamped or dropped where Anthropic would refuse it.
    """
    doc, losses = kit.write(kit.ask(**fields), **limits)

    names = ("temperature", "top_p", "top_k")
    assert {name: doc[name] for name in names if name in doc} == sent
    assert losses.header() == lost


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", 7),
        ("frequency_penalty", 0.5),
        ("presence_penalty", 0.5),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("verbosity", "low"),
        ("prediction", "x"),
        ("metadata", {"a": "b"}),
        ("extras", {"prompt_cache_key": "k"}),
        ("service_tier", "flex"),
    ],
)
def test_fields_that_anthropic_lacks_are_dropped_by_name(kit, field, value):
    """
    What has no place is on the record, one by one.
    """
    plain, _ = kit.write(kit.ask())

    doc, losses = kit.write(kit.ask(**{field: value}))

    name = "prompt_cache_key" if field == "extras" else field
    assert doc == plain
    assert losses.header() == f"{name}=dropped"


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1},
        {"frequency_penalty": 0},
        {"presence_penalty": 0.0},
        {"logprobs": False},
        {"response_format": ResponseFormat(kind="text")},
        {"stop": []},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_asks_for_nothing_is_no_loss(kit, fields):
    """
    Values that mean the default leave no trace.
    """
    assert kit.write(kit.ask(**fields))[1].found == []


def test_several_answers_are_refused(kit):
    """
    One answer in place of two would be a lie.
    """
    with pytest.raises(Untranslatable, match="n"):
        kit.write(kit.ask(n=2))


def test_schema_of_the_answer_is_native(kit):
    """
    A schema goes to output_config, with name and description as its labels.
    """
    wanted = ResponseFormat(
        kind="json_schema",
        name="person",
        description="Somebody",
        schema={"type": "object", "properties": {"age": {"minimum": 0}}},
        is_strict=True,
    )

    doc, losses = kit.write(kit.ask(response_format=wanted))

    schema = doc["output_config"]["format"]["schema"]
    assert (schema["title"], schema["description"]) == ("person", "Somebody")
    assert schema["additionalProperties"] is False
    assert losses.header() == "response_format.schema=changed"


def test_any_json_is_asked_for_in_words(kit):
    """
    Without a schema Anthropic can only be told to answer in JSON.
    """
    ask = kit.ask(
        instructions=[kit.turn("system", "Be brief.")],
        response_format=ResponseFormat(kind="json_object"),
    )

    doc, losses = kit.write(ask)

    assert doc["system"][-1]["text"] == "Answer with one JSON object and nothing else."
    assert losses.header() == "response_format=emulated"


@pytest.mark.parametrize(
    ("tier", "sent", "lost"),
    [
        ("auto", "auto", ""),
        ("default", "standard_only", ""),
        ("priority", "auto", "service_tier=changed"),
    ],
)
def test_tier_is_written(kit, tier, sent, lost):
    """
    Tiers have Anthropic's words, where it has one.
    """
    doc, losses = kit.write(kit.ask(service_tier=tier))

    assert (doc["service_tier"], losses.header()) == (sent, lost)


def test_address_of_a_user_becomes_a_pseudonym(kit):
    """
    Anthropic wants no e-mail address; the same user gets the same pseudonym.
    """
    first, losses = kit.write(kit.ask(user="ann@example.org"))
    again, _ = kit.write(kit.ask(user="ann@example.org"))
    plain, _ = kit.write(kit.ask(user="u_1"))

    assert "ann" not in first["metadata"]["user_id"]
    assert first["metadata"] == again["metadata"]
    assert plain["metadata"] == {"user_id": "u_1"}
    assert losses.header() == "user=changed"


def test_blank_stop_sequences_are_dropped(kit):
    """
    Anthropic refuses a stop sequence of white space.
    """
    doc, losses = kit.write(kit.ask(stop=["\n\n", "END"]))

    assert doc["stop_sequences"] == ["END"]
    assert losses.header() == "stop=dropped"


def test_request_shares_nothing_with_the_callers(kit):
    """
    Editing the provider's request in place leaves the caller's alone.
    """
    schema = {"type": "object", "properties": {"a": {"description": "before"}}}
    ask = kit.ask(tools=[ToolDefinition(name="x", parameters=schema)])

    request = kit.dialect.from_neutral(ask, Losses(), kit.limits())
    for text in request.texts():
        if text.value == "before":
            text.replace("after")

    assert schema["properties"]["a"]["description"] == "before"
    assert b"after" in request.encode()


def test_strict_translation_refuses_the_first_loss(kit):
    """
    Whoever wants no loss is told what would have been lost.
    """
    ask = kit.ask(seed=7)

    with pytest.raises(Untranslatable, match="seed"):
        kit.dialect.from_neutral(ask, Losses(is_strict=True), kit.limits())


def test_extras_of_this_dialect_come_back(kit):
    """
    What only Anthropic has is sent to Anthropic as it came.
    """
    ask = kit.ask(extras={"container": "c_1"}, metadata={"team": "t"}, user="a@b")
    ask.dialect = "anthropic_messages"

    doc, losses = kit.write(ask)

    assert doc["container"] == "c_1"
    assert doc["metadata"] == {"user_id": "a@b", "team": "t"}
    assert losses.found == []
