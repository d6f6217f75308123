"""
A request of this dialect, read into the neutral form.

Source: OpenAI's API reference, "Create chat completion", and what vendors added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.fields import Fields
from gateway.dialects.openai_chat.parts import read_cache
from gateway.dialects.openai_chat.read_messages import MessageReader
from gateway.dialects.openai_chat.wire import NAME
from gateway.errors import InvalidRequest
from gateway.neutral import (
    Ask,
    Reasoning,
    ResponseFormat,
    ToolChoice,
    ToolDefinition,
)

if TYPE_CHECKING:
    from gateway.outcomes import Losses
    from gateway.views import Request

#: Neutral fields that have the same name and meaning here, with their types.
_PLAIN: Final[dict[str, type]] = {
    "temperature": float,
    "top_p": float,
    "top_k": int,
    "seed": int,
    "frequency_penalty": float,
    "presence_penalty": float,
    "n": int,
    "logprobs": bool,
    "top_logprobs": int,
    "parallel_tool_calls": bool,
    "verbosity": str,
    "service_tier": str,
    "metadata": dict,
}


def read_ask(request: Request, losses: Losses) -> Ask:
    """
    Read *request*; what the neutral form has no place for goes to extras or on *losses*.

    Raises:
        InvalidRequest: if a field is malformed.
        Untranslatable: if something must not be lost and nothing else can say it.
    """
    fields = Fields(request.doc)
    ask = Ask(model=fields.take("model", str) or "", dialect=NAME)
    _refuse_audio(fields, losses)
    for key, kind in _PLAIN.items():
        setattr(ask, key, fields.take(key, kind))
    _read_stream(ask, fields)
    _read_messages(ask, fields, losses)
    _read_tools(ask, fields, losses)
    _read_choice(ask, fields, losses)
    ask.max_output_tokens = _cap(fields)
    ask.stop = _stop(fields)
    ask.reasoning = _reasoning(fields, losses)
    ask.response_format = _format(fields, losses)
    ask.prediction = _prediction(fields, losses)
    ask.cache = read_cache(fields, losses)
    user = fields.take("user", str)
    ask.user = fields.take("safety_identifier", str) or user
    ask.extras.update(fields.rest())
    return ask


def _refuse_audio(fields: Fields, losses: Losses) -> None:
    modalities = fields.take("modalities", list) or []
    if any(kind != "text" for kind in modalities):
        losses.refuse("modalities", "only text can be answered")
    fields.take_any("audio")  # the voice of an answer in audio


def _read_stream(ask: Ask, fields: Fields) -> None:
    ask.is_stream = fields.take("stream", bool) or False
    options = fields.inner("stream_options")
    ask.wants_usage = options.take("include_usage", bool) or False
    if options.rest():
        ask.extras["stream_options"] = options.rest()


def _read_messages(ask: Ask, fields: Fields, losses: Losses) -> None:
    reader = MessageReader(losses)
    for message in fields.objects("messages"):
        reader.read(message)
    ask.instructions = reader.instructions
    ask.turns = reader.turns


def _cap(fields: Fields) -> int | None:
    older = fields.take("max_tokens", int)
    cap = fields.take("max_completion_tokens", int)
    cap = older if cap is None else cap
    return cap if cap is not None and cap > 0 else None


def _stop(fields: Fields) -> list[str]:
    stop = fields.take_any("stop")
    words = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InvalidRequest("stop: must be a string or a list of strings")
    return list(words)


# --- tools ----------------------------------------------------------------------------------


def _read_tools(ask: Ask, fields: Fields, losses: Losses) -> None:
    ask.tools = [_tool(tool, losses) for tool in fields.objects("tools")]
    for function in fields.objects("functions"):  # as tools were called until 2023
        ask.tools.append(_function(function, losses))
    if fields.take_any("web_search_options") is not None:
        raw = {
            "type": "web_search",
            "web_search_options": fields.raw["web_search_options"],
        }
        ask.tools.append(
            ToolDefinition(name="web_search", kind="hosted", raw=raw, dialect=NAME)
        )


def _tool(fields: Fields, losses: Losses) -> ToolDefinition:
    kind = fields.take("type", str) or "function"
    if kind == "function":
        tool = _function(fields.inner("function"), losses)
    elif kind == "custom":
        tool = _custom(fields.inner("custom"), losses)
    else:
        return ToolDefinition(name=kind, kind="hosted", raw=fields.raw, dialect=NAME)
    tool.cache = read_cache(fields, losses)
    fields.drop_rest(losses, "tools")
    return tool


def _function(fields: Fields, losses: Losses) -> ToolDefinition:
    tool = ToolDefinition(
        name=fields.take("name", str) or "",
        description=fields.take("description", str),
        parameters=fields.take("parameters", dict),
        is_strict=fields.take("strict", bool),
    )
    fields.drop_rest(losses, "tools.function")
    return tool


def _custom(fields: Fields, losses: Losses) -> ToolDefinition:
    form = fields.take("format", dict)
    if form is not None and isinstance(form.get("grammar"), dict):
        # The flat spelling, which Responses has, is the neutral one.
        form = {"type": "grammar", **form["grammar"]}
    tool = ToolDefinition(
        name=fields.take("name", str) or "",
        kind="custom",
        description=fields.take("description", str),
        format=form,
    )
    fields.drop_rest(losses, "tools.custom")
    return tool


def _read_choice(ask: Ask, fields: Fields, losses: Losses) -> None:
    choice = fields.take_any("tool_choice")
    older = fields.take_any("function_call")
    if choice is None and older is not None:
        choice = {"function": older} if isinstance(older, dict) else older
    if choice is None:
        return
    if isinstance(choice, str):
        ask.tool_choice = _mode(choice)
    else:
        ask.tool_choice = _named(Fields(choice, "tool_choice"), losses)


def _mode(word: str, names: tuple[str, ...] = ()) -> ToolChoice:
    if word == "none":
        return ToolChoice(mode="none")
    if word == "auto":
        return ToolChoice(mode="auto", names=names)
    if word in ("required", "any"):  # Mistral's word
        return ToolChoice(mode="required", names=names)
    raise InvalidRequest("tool_choice: must be auto, none, required or an object")


def _named(fields: Fields, losses: Losses) -> ToolChoice | None:
    kind = fields.take("type", str) or "function"
    if kind == "allowed_tools":
        allowed = fields.inner("allowed_tools")
        names = tuple(_name(tool) for tool in allowed.objects("tools"))
        return _mode(allowed.take("mode", str) or "auto", names)
    if kind in ("function", "custom"):
        return ToolChoice(mode="named", names=(_name(fields, kind),))
    losses.drop("tool_choice", "other vendors have no such choice")
    return None


def _name(fields: Fields, kind: str | None = None) -> str:
    kind = kind or fields.take("type", str) or "function"
    name = fields.inner(kind).take("name", str) or fields.take("name", str)
    if not name:
        raise InvalidRequest(f"{fields.at(kind)}.name: must be a string")
    return name


# --- what the answer is like ----------------------------------------------------------------


def _reasoning(fields: Fields, losses: Losses) -> Reasoning | None:
    """
    Read OpenAI's effort, OpenRouter's ``reasoning``, and ``thinking`` as DeepSeek writes it.
    """
    effort = fields.take("reasoning_effort", str)
    theirs = fields.inner("reasoning")
    thinking = fields.inner("thinking")
    effort = effort or theirs.take("effort", str)
    budget = theirs.take("max_tokens", int)
    budget = budget or thinking.take("budget_tokens", int)
    kind = thinking.take("type", str)
    is_enabled = theirs.take("enabled", bool)
    summary = theirs.take("summary", str)
    if theirs.take("exclude", bool):
        summary = "omitted"
    theirs.drop_rest(losses, "reasoning")
    thinking.drop_rest(losses, "thinking")
    if effort == "none" or kind == "disabled" or is_enabled is False:
        return Reasoning(mode="off")
    if budget is not None:
        return Reasoning(
            mode="on", effort=effort, budget_tokens=budget, summary=summary
        )
    if kind in ("enabled", "adaptive") or is_enabled:
        return Reasoning(mode="adaptive", effort=effort, summary=summary)
    if effort is None and summary is None:
        return None
    return Reasoning(effort=effort, summary=summary)


def _format(fields: Fields, losses: Losses) -> ResponseFormat | None:
    form = fields.inner("response_format")
    if not form.raw:
        return None
    kind = form.take("type", str)
    if kind == "text":
        return ResponseFormat(kind="text")
    if kind == "json_object":
        return ResponseFormat(kind="json_object")
    if kind != "json_schema":
        losses.refuse("response_format.type", "no such format is known here")
    inner = form.inner("json_schema")
    read = ResponseFormat(
        kind="json_schema",
        name=inner.take("name", str),
        schema=inner.take("schema", dict) or {},
        is_strict=inner.take("strict", bool),
        description=inner.take("description", str),
    )
    inner.drop_rest(losses, "response_format.json_schema")
    return read


def _prediction(fields: Fields, losses: Losses) -> str | None:
    prediction = fields.inner("prediction")
    content: Any = prediction.take_any("content")
    if isinstance(content, list):
        pieces = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(piece for piece in pieces if isinstance(piece, str))
    return content if isinstance(content, str) and content else None
