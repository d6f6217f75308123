"""
A request to Anthropic, read into the neutral form.

Source: Anthropic's API reference, create a message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from gateway.dialects.anthropic_messages.read_blocks import read_content
from gateway.dialects.anthropic_messages.wire import NAME
from gateway.dialects.fields import Fields
from gateway.errors import InvalidRequest, Untranslatable
from gateway.neutral import (
    Ask,
    Reasoning,
    ResponseFormat,
    ToolChoice,
    ToolDefinition,
    ToolResult,
    Turn,
)

if TYPE_CHECKING:
    from gateway.outcomes import Losses
    from gateway.views import Request

_TIERS: Final = {"standard_only": "default"}
_ROLES: Final[dict[str | None, Literal["user", "assistant", "system"]]] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
}
_DIRECT: Final = ["direct"]


def read_ask(request: Request, losses: Losses) -> Ask:
    """
    Read *request*; what the neutral form has no place for goes to extras or on *losses*.

    Raises:
        InvalidRequest: if a field is malformed.
        Untranslatable: if something in it must not be lost and only Anthropic can say it.
    """
    fields = Fields(request.doc, "")
    _refuse_state(fields)
    ask = Ask(model=fields.take("model", str) or "", dialect=NAME)
    ask.is_stream = fields.take("stream", bool) or False
    _read_limits(ask, fields, losses)
    _read_sampling(ask, fields)
    ask.instructions = _instructions(fields, losses)
    _read_messages(ask, fields, losses)
    ask.tools = _tools(fields, losses)
    _read_choice(ask, fields, losses)
    _read_output(ask, fields, losses)
    _read_metadata(ask, fields)
    ask.cache = fields.take("cache_control", dict)
    ask.extras = fields.rest()
    return ask


def _refuse_state(fields: Fields) -> None:
    if fields.take_any("thread") is not None:
        # By this code Anthropic's SDK knows to send the whole conversation instead.
        why = "the conversation is held at Anthropic; send all of it, without thread"
        raise Untranslatable("thread", why=why, code="thread_unsupported_request")
    if fields.take_any("compaction") is not None:
        why = "only Anthropic compacts a conversation"
        raise Untranslatable("compaction", why=why)


def _read_limits(ask: Ask, fields: Fields, losses: Losses) -> None:
    ask.max_output_tokens = fields.take("max_tokens", int)
    if ask.max_output_tokens == 0:
        losses.refuse(
            "max_tokens", "0 asks to warm a prompt cache, which only Anthropic does"
        )


def _read_sampling(ask: Ask, fields: Fields) -> None:
    ask.temperature = fields.take("temperature", float)
    ask.top_p = fields.take("top_p", float)
    ask.top_k = fields.take("top_k", int)
    stop = fields.take("stop_sequences", list) or []
    if not all(isinstance(one, str) for one in stop):
        raise InvalidRequest("stop_sequences: must be a list of strings")
    ask.stop = list(stop)
    tier = fields.take("service_tier", str)
    ask.service_tier = _TIERS.get(tier, tier) if tier else None


def _read_metadata(ask: Ask, fields: Fields) -> None:
    metadata = Fields(fields.take("metadata", dict) or {}, "metadata")
    ask.user = metadata.take("user_id", str)
    ask.metadata = metadata.rest() or None


# --- messages ---------------------------------------------------------------------------


def _instructions(fields: Fields, losses: Losses) -> list[Turn]:
    blocks = read_content(fields.take_any("system"), losses, "system")
    return [Turn(role="system", blocks=blocks)] if blocks else []


def _read_messages(ask: Ask, fields: Fields, losses: Losses) -> None:
    for index, message in enumerate(fields.take("messages", list) or []):
        turn = _turn(Fields(message, f"messages[{index}]"), losses)
        if turn.role == "system" and not ask.turns:
            ask.instructions.append(turn)
        else:
            ask.turns.append(turn)


def _turn(fields: Fields, losses: Losses) -> Turn:
    role = fields.take("role", str)
    if role not in _ROLES:
        raise InvalidRequest(f"{fields.at('role')}: must be user, assistant or system")
    content = fields.take_any("content")
    blocks = read_content(content, losses, fields.at("content"))
    fields.drop_rest(losses, "messages")
    results = [block for block in blocks if isinstance(block, ToolResult)]
    others = [block for block in blocks if not isinstance(block, ToolResult)]
    return Turn(role=_ROLES[role], blocks=[*results, *others])


# --- tools ------------------------------------------------------------------------------


def _tools(fields: Fields, losses: Losses) -> list[ToolDefinition]:
    return [
        _tool(tool, Fields(tool, f"tools[{index}]"), losses)
        for index, tool in enumerate(fields.take("tools", list) or [])
    ]


def _tool(raw: Any, fields: Fields, losses: Losses) -> ToolDefinition:
    kind = fields.take("type", str) or "custom"
    name = fields.take("name", str) or ""
    if kind != "custom":
        return ToolDefinition(name=name or kind, kind="hosted", raw=raw, dialect=NAME)
    definition = ToolDefinition(
        name=name,
        description=fields.take("description", str),
        parameters=fields.take("input_schema", dict),
        is_strict=fields.take("strict", bool),
        cache=fields.take("cache_control", dict),
    )
    callers = fields.take("allowed_callers", list)
    if callers not in (None, _DIRECT):
        losses.drop("tools.allowed_callers", "only Anthropic calls tools from code")
    if fields.take("defer_loading", bool):
        losses.change("tools.defer_loading", "the tool is loaded at once")
    fields.drop_rest(losses, "tools")
    return definition


def _read_choice(ask: Ask, fields: Fields, losses: Losses) -> None:
    given = fields.take("tool_choice", dict)
    if given is None:
        return
    choice = Fields(given, "tool_choice")
    kind = choice.take("type", str) or ""
    if kind == "tool":
        name = choice.take("name", str) or ""
        ask.tool_choice = ToolChoice(mode="named", names=(name,))
    elif kind == "auto":
        ask.tool_choice = ToolChoice(mode="auto")
    elif kind == "any":
        ask.tool_choice = ToolChoice(mode="required")
    elif kind == "none":
        ask.tool_choice = ToolChoice(mode="none")
    else:
        raise InvalidRequest("tool_choice.type: must be auto, any, tool or none")
    if choice.take("disable_parallel_tool_use", bool):
        ask.parallel_tool_calls = False
    choice.drop_rest(losses, "tool_choice")


# --- thinking and output ----------------------------------------------------------------


def _read_output(ask: Ask, fields: Fields, losses: Losses) -> None:
    config = Fields(fields.take("output_config", dict) or {}, "output_config")
    effort = config.take("effort", str)
    wanted = config.take("format", dict) or fields.take("output_format", dict)
    if wanted is not None:
        ask.response_format = _format(Fields(wanted, "output_config.format"), losses)
    config.drop_rest(losses, "output_config")
    thinking = fields.take("thinking", dict)
    if thinking is not None:
        ask.reasoning = _reasoning(Fields(thinking, "thinking"), effort, losses)
    elif effort:
        ask.reasoning = Reasoning(effort=effort)


def _format(fields: Fields, losses: Losses) -> ResponseFormat:
    kind = fields.take("type", str)
    if kind != "json_schema":
        raise InvalidRequest(f"{fields.at('type')}: must be json_schema")
    schema = fields.take("schema", dict) or {}
    fields.drop_rest(losses, "output_config.format")
    return ResponseFormat(kind="json_schema", schema=schema, is_strict=True)


def _reasoning(fields: Fields, effort: str | None, losses: Losses) -> Reasoning:
    kind = fields.take("type", str)
    display = fields.take("display", str)
    budget = fields.take("budget_tokens", int)
    fields.drop_rest(losses, "thinking")
    if kind == "disabled":
        return Reasoning(mode="off", effort=effort)
    if kind == "between_tools":
        losses.change("thinking", "between_tools is written as adaptive")
    elif kind not in ("enabled", "adaptive"):
        raise InvalidRequest("thinking.type: must be enabled, adaptive or disabled")
    return Reasoning(
        mode="on" if kind == "enabled" else "adaptive",
        effort=effort,
        budget_tokens=budget,
        summary=None if display is None else _summary(display),
        wants_seal=True,
    )


def _summary(display: str) -> str:
    return "omitted" if display == "omitted" else "auto"
