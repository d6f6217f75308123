"""
A request, read into the neutral form.
"""

from __future__ import annotations

import pytest

from gateway.errors import InvalidRequest, Untranslatable
from gateway.neutral import (
    Reasoning,
    ResponseFormat,
    TextBlock,
    ToolChoice,
    ToolDefinition,
    ToolResult,
    Turn,
)

OWN = "anthropic_messages"


def test_plain_request_is_read(kit):
    """
    The everyday fields have their everyday places.
    """
    ask, losses = kit.read(
        {
            "model": "claude-x",
            "max_tokens": 100,
            "stream": True,
            "system": "Be brief.",
            "messages": [{"role": "user", "content": "Hello"}],
            "temperature": 1,
            "top_p": 0.5,
            "top_k": 7,
            "stop_sequences": ["x"],
            "metadata": {"user_id": "u"},
            "cache_control": {"type": "ephemeral"},
        }
    )

    assert (ask.model, ask.max_output_tokens, ask.is_stream) == ("claude-x", 100, True)
    assert ask.instructions == [kit.turn("system", "Be brief.")]
    assert ask.turns == [kit.turn("user", "Hello")]
    assert (ask.temperature, ask.top_p, ask.top_k, ask.stop) == (1, 0.5, 7, ["x"])
    assert (ask.user, ask.cache) == ("u", {"type": "ephemeral"})
    assert (ask.dialect, ask.extras, losses.found) == (OWN, {}, [])


def test_system_turns_keep_their_place(kit):
    """
    Only those that lead are instructions; a later one stays in the conversation.
    """
    ask, _ = kit.read(
        {
            "system": "one",
            "messages": [
                {"role": "system", "content": "two"},
                {"role": "user", "content": "three"},
                {"role": "system", "content": "four"},
            ],
        }
    )

    assert ask.instructions == [kit.turn("system", "one"), kit.turn("system", "two")]
    assert ask.turns == [kit.turn("user", "three"), kit.turn("system", "four")]


def test_results_come_first_in_their_turn(kit):
    """
    Results of tools stand before what else the user says.
    """
    result = {"type": "tool_result", "tool_use_id": "t", "content": "x"}
    text = {"type": "text", "text": "y"}

    ask, _ = kit.read({"messages": [{"role": "user", "content": [text, result]}]})

    assert ask.turns == [
        kit.user(ToolResult(call_id="t", content=[TextBlock(text="x")]), "y")
    ]


def test_function_tools_are_read(kit):
    """
    A tool of the caller has its schema, strictness and cache breakpoint.
    """
    tool = {
        "type": "custom",
        "name": "go",
        "description": "Goes.",
        "input_schema": {"type": "object"},
        "strict": True,
        "cache_control": {"type": "ephemeral"},
        "allowed_callers": ["direct"],
        "defer_loading": False,
    }

    ask, losses = kit.read({"tools": [tool]})

    assert ask.tools == [
        ToolDefinition(
            name="go",
            description="Goes.",
            parameters={"type": "object"},
            is_strict=True,
            cache={"type": "ephemeral"},
        )
    ]
    assert losses.found == []


def test_tools_that_the_vendor_defined_stay_whole(kit):
    """
    A tool with a versioned type means nothing to anybody else.
    """
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    screen = {"type": "computer_toolset_20260801"}

    ask, _ = kit.read({"tools": [search, screen]})

    assert [(t.kind, t.name, t.raw, t.dialect) for t in ask.tools] == [
        ("hosted", "web_search", search, OWN),
        ("hosted", "computer_toolset_20260801", screen, OWN),
    ]


@pytest.mark.parametrize(
    ("choice", "read", "parallel"),
    [
        ({"type": "auto"}, ToolChoice(mode="auto"), None),
        ({"type": "any"}, ToolChoice(mode="required"), None),
        ({"type": "none"}, ToolChoice(mode="none"), None),
        ({"type": "tool", "name": "go"}, ToolChoice(mode="named", names=("go",)), None),
        (
            {"type": "auto", "disable_parallel_tool_use": True},
            ToolChoice(mode="auto"),
            False,
        ),
        (
            {"type": "auto", "disable_parallel_tool_use": False},
            ToolChoice(mode="auto"),
            None,
        ),
        (None, None, None),
    ],
)
def test_tool_choice_is_read(kit, choice, read, parallel):
    """
    Every choice has a neutral one, and whether calls may be parallel stands apart.
    """
    ask, _ = kit.read({"tool_choice": choice})

    assert (ask.tool_choice, ask.parallel_tool_calls) == (read, parallel)


@pytest.mark.parametrize(
    ("thinking", "effort", "read"),
    [
        (
            {"type": "enabled", "budget_tokens": 2048},
            None,
            Reasoning(mode="on", budget_tokens=2048, wants_seal=True),
        ),
        (
            {"type": "adaptive", "display": "omitted"},
            "high",
            Reasoning(
                mode="adaptive", effort="high", summary="omitted", wants_seal=True
            ),
        ),
        (
            {"type": "adaptive", "display": "summarized"},
            None,
            Reasoning(mode="adaptive", summary="auto", wants_seal=True),
        ),
        ({"type": "disabled"}, None, Reasoning(mode="off")),
        (None, "low", Reasoning(effort="low")),
        (None, None, None),
    ],
)
def test_thinking_is_read(kit, thinking, effort, read):
    """
    Mode, budget, effort and display have their neutral places.
    """
    config = {"effort": effort} if effort else None

    ask, losses = kit.read({"thinking": thinking, "output_config": config})

    assert ask.reasoning == read
    assert losses.found == []


@pytest.mark.parametrize("place", ["output_config", "output_format"])
def test_structured_output_is_read(kit, place):
    """
    A schema for the answer is read where it stands, and where betas had it.
    """
    wanted = {"type": "json_schema", "schema": {"type": "object"}}
    doc = {place: wanted if place == "output_format" else {"format": wanted}}

    ask, _ = kit.read(doc)

    assert ask.response_format == ResponseFormat(
        kind="json_schema", schema={"type": "object"}, is_strict=True
    )


def test_tier_has_a_neutral_word(kit):
    """
    standard_only is what OpenAI calls default.
    """
    assert kit.read({"service_tier": "standard_only"})[0].service_tier == "default"
    assert kit.read({"service_tier": "auto"})[0].service_tier == "auto"


def test_unknown_fields_are_extras(kit):
    """
    Fields that only Anthropic has, or nobody knows yet, are kept by name.
    """
    ask, losses = kit.read({"container": "c_1", "mood": "glad", "speed": None})

    assert ask.extras == {"container": "c_1", "mood": "glad"}
    assert losses.found == []


@pytest.mark.parametrize(
    ("doc", "lost"),
    [
        ({"thinking": {"type": "between_tools"}}, "thinking=changed"),
        (
            {"thinking": {"type": "adaptive", "block_binding": {}}},
            "thinking.block_binding=dropped",
        ),
        (
            {"output_config": {"task_budget": {"total": 1}}},
            "output_config.task_budget=dropped",
        ),
        (
            {"tools": [{"name": "n", "input_examples": []}]},
            "tools.input_examples=dropped",
        ),
        (
            {"tools": [{"name": "n", "defer_loading": True}]},
            "tools.defer_loading=changed",
        ),
        (
            {"tools": [{"name": "n", "allowed_callers": ["code"]}]},
            "tools.allowed_callers=dropped",
        ),
        ({"tool_choice": {"type": "auto", "new": 1}}, "tool_choice.new=dropped"),
        (
            {"messages": [{"role": "system", "content": "x", "clear_at": "never"}]},
            "messages.clear_at=dropped",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_nested_fields_are_not_lost_in_silence(kit, doc, lost):
    """
    Nested fields without a neutral place are on the record.
    """
    _, losses = kit.read(doc)

    assert losses.header() == lost


@pytest.mark.parametrize(
    "doc",
    [
        {"messages": [{"role": "robot", "content": "x"}]},
        {"messages": ["x"]},
        {"tool_choice": {"type": "perhaps"}},
        {"thinking": {"type": "perhaps"}},
        {"output_config": {"format": {"type": "xml"}}},
        {"stop_sequences": [1]},
        {"temperature": "hot"},
        {"tools": [{"name": 3}]},
    ],
    ids=lambda doc: next(iter(doc)),
)
def test_malformed_fields_are_refused_by_name(kit, doc):
    """
    What cannot be understood is the caller's mistake, and told by its place.
    """
    with pytest.raises(InvalidRequest, match=next(iter(doc))):
        kit.read(doc)


def test_warming_a_cache_is_refused(kit):
    """
    A request for no answer at all makes no sense to another vendor.
    """
    with pytest.raises(Untranslatable, match="max_tokens"):
        kit.read({"max_tokens": 0})


def test_conversation_held_at_the_vendor_is_refused_in_its_words(kit):
    """
    Of a thread only the new messages are sent; the code makes the SDK send them all.
    """
    with pytest.raises(Untranslatable, match="thread") as caught:
        kit.read({"thread": {"type": "continue", "previous_message_id": "msg_0"}})

    assert caught.value.code == "thread_unsupported_request"


def test_rich_request_comes_back_as_it_was(kit):
    """
    Read and written again in this dialect a rich request says the same.
    """
    example = kit.example("request")

    ask, losses = kit.read(example)
    again, more = kit.write(ask, max_output_tokens=None)

    assert [loss.field for loss in losses.found] == [
        *("image.transformations", "search_result", "tools.input_examples"),
    ]
    assert more.found == []
    assert normal(again) == normal(example)


def normal(doc):
    """
    Return what a request says, without what the neutral form has no place for.
    """
    doc = {**doc, "messages": merged(doc["messages"])}
    doc["tools"] = [
        {k: v for k, v in t.items() if k not in ("input_examples", "allowed_callers")}
        for t in doc["tools"]
    ]
    for tool in doc["tools"]:
        if tool.get("type") == "custom":
            del tool["type"]
    return doc


def merged(messages):
    found = []
    for message in messages:
        content = message["content"]
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        content = [plain(block) for block in content]
        if found and found[-1]["role"] == message["role"]:
            found[-1]["content"] += content
        else:
            found.append({"role": message["role"], "content": content})
    return found


def plain(block):
    block = {k: v for k, v in block.items() if k not in ("transformations", "caller")}
    if block["type"] == "search_result":
        return {
            "type": "document",
            "source": {"type": "content", "content": block["content"]},
            "title": block["title"],
            "context": block["source"],
            "citations": block["citations"],
        }
    if block["type"] == "document" and isinstance(block["source"].get("content"), str):
        text = block["source"]["content"]
        return {
            **block,
            "source": {"type": "content", "content": [{"type": "text", "text": text}]},
        }
    return block


def test_turn_type_is_neutral(kit):
    """
    Turns of users and assistants are read with their roles.
    """
    ask, _ = kit.read(
        {
            "messages": [
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": "b"},
            ]
        }
    )

    assert ask.turns == [
        Turn(role="user", blocks=[TextBlock(text="a")]),
        Turn(role="assistant", blocks=[TextBlock(text="b")]),
    ]
