"""
A request, read into the neutral form.

Source: the OpenAI API reference, "Create a model response".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from gateway.dialects.fields import Fields
from gateway.dialects.openai_responses.read_turns import read_turns
from gateway.dialects.openai_responses.wire import LOGPROBS, NAME
from gateway.errors import InvalidRequest, Untranslatable
from gateway.neutral import (
    Ask,
    Reasoning,
    ResponseFormat,
    TextBlock,
    ToolChoice,
    ToolDefinition,
    Turn,
)

if TYPE_CHECKING:
    from gateway.outcomes import Losses
    from gateway.views import Request

ENCRYPTED: Final = "reasoning.encrypted_content"

# What is stored at the vendor cannot be sent to another one.
_STORED: Final = {
    "previous_response_id": "the conversation is stored at OpenAI; send it as input",
    "conversation": "the conversation is stored at OpenAI; send it as input",
    "prompt": "the template is stored at OpenAI; send its text",
}
# These say what a translated exchange does anyway.
_SATISFIED: Final[dict[str, Any]] = {
    "background": False,
    "store": False,
    "truncation": "disabled",
}
_MODES: Final[dict[str, Literal["auto", "none", "required"]]] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
}


def read_ask(request: Request, losses: Losses) -> Ask:
    """
    Read *request*.

    Raises:
        InvalidRequest: if a field is malformed.
        Untranslatable: if it needs what only the vendor has: stored state, background work.
    """
    fields = Fields(request.doc)
    _refuse_state(fields)
    ask = Ask(
        model=fields.needed("model"),
        is_stream=fields.take("stream", bool) or False,
        dialect=NAME,
        user=fields.take("safety_identifier", str),
        metadata=fields.take("metadata", dict),
        service_tier=fields.take("service_tier", str),
        max_output_tokens=fields.take("max_output_tokens", int),
        temperature=fields.take("temperature", float),
        top_p=fields.take("top_p", float),
        parallel_tool_calls=fields.take("parallel_tool_calls", bool),
    )
    if ask.user is None:
        ask.user = fields.take("user", str)
    _read_conversation(ask, fields, losses)
    _read_choice(ask, fields, losses)
    _read_included(ask, fields)
    _read_text(ask, fields)
    _read_streaming(fields, losses)
    for key, value in fields.rest().items():
        if key not in _SATISFIED or value != _SATISFIED[key]:
            ask.extras[key] = value
    return ask


def _refuse_state(fields: Fields) -> None:
    for key, why in _STORED.items():
        if fields.take_any(key) is not None:
            raise Untranslatable(key, why=why)
    if fields.take("background", bool):
        raise Untranslatable(
            "background", why="the answer would have to be fetched at OpenAI"
        )


# --- conversation ---------------------------------------------------------------------------


def _read_conversation(ask: Ask, fields: Fields, losses: Losses) -> None:
    instructions = fields.take("instructions", str)
    if instructions:
        ask.instructions = [Turn(role="system", blocks=[TextBlock(text=instructions)])]
    conversation = read_turns(fields.take_any("input"), losses)
    leading = 0
    for turn in conversation.turns:
        if turn.role != "system":
            break
        leading += 1
    ask.instructions += conversation.turns[:leading]
    ask.turns = conversation.turns[leading:]
    ask.tools = [_tool(tool, losses) for tool in fields.objects("tools")]
    offered = {tool.name for tool in ask.tools}
    for raw in conversation.tools:
        tool = _tool(Fields(raw, "additional_tools"), losses)
        if tool.name not in offered:
            ask.tools.append(tool)


# --- tools ----------------------------------------------------------------------------------


def _tool(fields: Fields, losses: Losses) -> ToolDefinition:
    kind = fields.needed("type")
    if kind == "function":
        tool = ToolDefinition(
            name=fields.needed("name"),
            description=fields.take("description", str),
            parameters=fields.take("parameters", dict),
            is_strict=fields.take("strict", bool),
        )
    elif kind == "custom":
        tool = ToolDefinition(
            name=fields.needed("name"),
            kind="custom",
            description=fields.take("description", str),
            format=fields.take("format", dict),
        )
    else:
        return ToolDefinition(name=kind, kind="hosted", raw=fields.raw, dialect=NAME)
    if fields.take("defer_loading", bool):
        losses.change("tools.defer_loading", "the tool is loaded at once")
    callers = fields.members("allowed_callers")
    if callers and "direct" not in callers:
        losses.drop("tools.allowed_callers", "only OpenAI calls tools from programs")
    if fields.take("async", bool):
        losses.drop("tools.async", "only OpenAI goes on before a tool answered")
    fields.drop_rest(losses, "tools")
    return tool


def _read_choice(ask: Ask, fields: Fields, losses: Losses) -> None:
    given = fields.take_any("tool_choice")
    if given is None:
        return
    if given.__class__ is str:
        mode = _MODES.get(given)
        if mode is None:
            msg = "tool_choice: must be auto, none, required or an object"
            raise InvalidRequest(msg)
        ask.tool_choice = ToolChoice(mode=mode)
        return
    choice = Fields(given, "tool_choice")
    kind = choice.needed("type")
    if kind in {"function", "custom"}:
        ask.tool_choice = ToolChoice(mode="named", names=(choice.needed("name"),))
    elif kind == "allowed_tools":
        ask.tool_choice = _allowed(choice, losses)
    else:  # a hosted tool, which has no name that others know
        ask.extras["tool_choice"] = given


def _allowed(choice: Fields, losses: Losses) -> ToolChoice:
    mode = _MODES.get(choice.needed("mode"))
    if mode not in {"auto", "required"} or mode is None:
        raise InvalidRequest("tool_choice.mode: must be auto or required")
    names = []
    for tool in choice.objects("tools"):
        if tool.needed("type") in {"function", "custom"}:
            names.append(tool.needed("name"))
        else:
            losses.drop("tool_choice.tools", "only OpenAI runs its hosted tools")
    if not names:  # which would allow all
        return ToolChoice(mode="none")
    return ToolChoice(mode=mode, names=tuple(names))


# --- what the answer should be ---------------------------------------------------------------


def _read_included(ask: Ask, fields: Fields) -> None:
    included = fields.members("include")
    ask.logprobs = True if LOGPROBS in included else None
    ask.top_logprobs = fields.take("top_logprobs", int)
    others = [one for one in included if one not in (LOGPROBS, ENCRYPTED)]
    if others:
        ask.extras["include"] = others
    _read_reasoning(ask, fields.inner("reasoning"), wants_seal=ENCRYPTED in included)


def _read_reasoning(ask: Ask, fields: Fields, *, wants_seal: bool) -> None:
    effort = fields.take("effort", str)
    summary = fields.take("summary", str) or fields.take("generate_summary", str)
    is_off = effort == "none"
    if effort or summary or wants_seal:
        ask.reasoning = Reasoning(
            mode="off" if is_off else None,
            effort=None if is_off else effort,
            summary=summary,
            wants_seal=wants_seal,
        )
    fields.take_any("generate_summary")
    if fields.rest():
        ask.extras["reasoning"] = fields.rest()


def _read_text(ask: Ask, fields: Fields) -> None:
    text = fields.inner("text")
    ask.verbosity = text.take("verbosity", str)
    given = text.inner("format")
    kind = given.take("type", str)
    if kind == "json_schema":
        ask.response_format = ResponseFormat(
            kind="json_schema",
            name=given.take("name", str),
            schema=given.take("schema", dict),
            is_strict=given.take("strict", bool),
            description=given.take("description", str),
        )
    elif kind == "json_object":
        ask.response_format = ResponseFormat(kind="json_object")
    elif kind == "text":
        ask.response_format = ResponseFormat(kind="text")
    elif kind is not None:
        raise InvalidRequest(
            "text.format.type: must be text, json_object or json_schema"
        )
    if text.rest():
        ask.extras["text"] = text.rest()


def _read_streaming(fields: Fields, losses: Losses) -> None:
    options = fields.inner("stream_options")
    options.take_any("include_obfuscation")  # padding, which says nothing
    options.drop_rest(losses, "stream_options")
