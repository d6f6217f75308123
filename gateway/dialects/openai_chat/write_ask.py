"""
The neutral form of a request, written in this dialect.

Source: OpenAI's API reference, "Create chat completion".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.openai_chat.parts import write_cache
from gateway.dialects.openai_chat.wire import LONGEST_NAME, NAME
from gateway.dialects.openai_chat.write_messages import MessageWriter
from gateway.dialects.strictness import enforced
from gateway.dialects.tool_names import ToolNames

if TYPE_CHECKING:
    from gateway.dialects.dialect import ModelLimits
    from gateway.neutral import Ask, Losses, ResponseFormat, ToolDefinition

#: Neutral fields that have the same name and meaning here.
_PLAIN: Final = (
    "temperature top_p frequency_penalty presence_penalty seed n logprobs top_logprobs "
    "verbosity"
).split()
_SAMPLING: Final = ("temperature", "top_p")
_TIERS: Final = frozenset("auto default flex scale priority fast".split())
#: What a budget of reasoning tokens is worth as an effort, from the largest.
_WORTH: Final = ((16_384, "high"), (8192, "medium"), (0, "low"))
_MAX_METADATA: Final = 16


def write_ask(ask: Ask, losses: Losses, limits: ModelLimits) -> dict[str, Any]:
    """
    Write *ask*; what the dialect cannot say goes on *losses*.
    """
    return _AskWriter(ask, losses, limits).write()


class _AskWriter:
    """
    Writes one request.
    """

    def __init__(self, ask: Ask, losses: Losses, limits: ModelLimits) -> None:
        self._ask = ask
        self._losses = losses
        self._limits = limits
        self._is_own = ask.dialect == NAME
        self._names = ToolNames.of(ask, longest=LONGEST_NAME)
        self._doc: dict[str, Any] = {"model": ask.model}

    def write(self) -> dict[str, Any]:
        ask = self._ask
        self._write_messages()
        self._write_stream()
        self._write_cap()
        self._write_plain()
        self._write_tools()
        self._write_reasoning()
        self._write_format()
        if ask.stop:
            self._doc["stop"] = ask.stop
        if ask.prediction is not None:
            self._doc["prediction"] = {"type": "content", "content": ask.prediction}
        if ask.user is not None:
            self._doc["user"] = ask.user
        self._write_metadata()
        self._write_rest()
        return self._doc

    def _write_messages(self) -> None:
        if self._names.changed:
            self._losses.change(
                "tools.name", "written in the letters that OpenAI takes"
            )
        writer = MessageWriter(self._names, self._losses, self._is_own)
        self._doc["messages"] = writer.write(
            [*self._ask.instructions, *self._ask.turns]
        )

    def _write_stream(self) -> None:
        if self._ask.is_stream:
            self._doc["stream"] = True
            # Always asked for: what the attempt used is read there.
            options = self._ask.extras.get("stream_options") if self._is_own else None
            self._doc["stream_options"] = {"include_usage": True, **(options or {})}

    def _write_cap(self) -> None:
        cap = self._ask.max_output_tokens
        most = self._limits.max_output_tokens
        if cap is None:
            return
        if most is not None and cap > most:
            self._losses.change("max_tokens", f"the model gives {most} at most")
            cap = most
        self._doc["max_completion_tokens"] = cap

    def _write_plain(self) -> None:
        for key in _PLAIN:
            value = getattr(self._ask, key)
            if value is None:
                continue
            if key in _SAMPLING and self._limits.takes_sampling is False:
                self._losses.drop(key, "the model takes none")
            else:
                self._doc[key] = value
        if self._ask.top_k is not None:
            if self._is_own:
                self._doc["top_k"] = self._ask.top_k
            else:
                self._losses.drop("top_k", "the dialect has none")
        tier = self._ask.service_tier
        if tier in _TIERS or (tier is not None and self._is_own):
            self._doc["service_tier"] = tier
        elif tier is not None:
            self._losses.drop("service_tier", "the dialect has no such tier")

    # --- tools ------------------------------------------------------------------------------

    def _write_tools(self) -> None:
        ask = self._ask
        tools = [self._tool(tool) for tool in ask.tools]
        offered = [tool for tool in tools if tool is not None]
        searches = [tool for tool in offered if "web_search_options" in tool]
        offered = [tool for tool in offered if "web_search_options" not in tool]
        for search in searches:
            self._doc["web_search_options"] = search["web_search_options"]
        if not offered:  # an empty list is refused, and so is a choice among nothing
            return
        self._doc["tools"] = offered
        if ask.tool_choice is not None:
            self._doc["tool_choice"] = self._choice()
        if ask.parallel_tool_calls is not None:
            self._doc["parallel_tool_calls"] = ask.parallel_tool_calls

    def _tool(self, tool: ToolDefinition) -> dict[str, Any] | None:
        if tool.kind == "hosted":
            if tool.dialect == NAME:
                return tool.raw
            self._losses.drop(f"tools.{tool.name}", "another vendor runs it")
            return None
        inner: dict[str, Any] = {"name": self._names[tool.name]}
        if tool.description is not None:
            inner["description"] = tool.description
        if tool.kind == "custom":
            if tool.format is not None:
                inner["format"] = _grammar(tool.format)
        else:
            if tool.parameters is not None:
                inner["parameters"] = tool.parameters
            elif not self._is_own:
                inner["parameters"] = {"type": "object", "properties": {}}
            if tool.is_strict is not None:
                inner["strict"] = self._strict(tool.is_strict, tool.parameters)
        written: dict[str, Any] = {"type": tool.kind, tool.kind: inner}
        write_cache(written, tool.cache, self._losses, is_own=self._is_own)
        return written

    def _choice(self) -> str | dict[str, Any]:
        choice = self._ask.tool_choice
        if choice is None or not choice.names:
            return choice.mode if choice is not None else "auto"
        if choice.mode == "named":
            return self._pointer(choice.names[0])
        allowed = [self._pointer(name) for name in choice.names]
        return {
            "type": "allowed_tools",
            "allowed_tools": {"mode": choice.mode, "tools": allowed},
        }

    def _pointer(self, name: str) -> dict[str, Any]:
        customs = {tool.name for tool in self._ask.tools if tool.kind == "custom"}
        kind = "custom" if name in customs else "function"
        return {"type": kind, kind: {"name": self._names[name]}}

    # --- what the answer is like ------------------------------------------------------------

    def _write_reasoning(self) -> None:
        wanted = self._ask.reasoning
        if wanted is None:
            return
        if not self._is_own and getattr(self._limits, "takes_effort", None) is False:
            self._losses.drop("reasoning", "the model takes no effort")
            return
        if wanted.mode == "off":
            self._doc["reasoning_effort"] = "none"
            return
        effort = wanted.effort
        if self._is_own and wanted.mode is not None:
            thinking: dict[str, Any] = {"type": "enabled"}
            if wanted.budget_tokens is not None:
                thinking["budget_tokens"] = wanted.budget_tokens
            self._doc["thinking"] = thinking
        elif effort is None and wanted.budget_tokens is not None:
            self._losses.emulate("reasoning.budget_tokens", "written as an effort")
            budget = wanted.budget_tokens
            effort = next(word for least, word in _WORTH if budget >= least)
        if effort is not None:
            self._doc["reasoning_effort"] = effort
        if wanted.summary not in (None, "omitted"):
            self._losses.drop("reasoning.summary", "the dialect has no summaries")
        if wanted.wants_seal:
            self._losses.drop("reasoning.encrypted_content", "the dialect has none")

    def _write_format(self) -> None:
        form = self._ask.response_format
        if form is None:
            return
        if form.kind == "json_schema":
            written: dict[str, Any] = {
                "type": "json_schema",
                "json_schema": self._schema(form),
            }
        else:
            written = {"type": form.kind}
        self._doc["response_format"] = written

    def _schema(self, form: ResponseFormat) -> dict[str, Any]:
        written: dict[str, Any] = {"name": form.name or "answer"}  # required here
        if form.description is not None:
            written["description"] = form.description
        written["schema"] = form.schema or {}
        if form.is_strict is not None:
            written["strict"] = self._strict(form.is_strict, form.schema)
        return written

    def _strict(self, wanted: bool, schema: dict[str, Any] | None) -> bool:
        return enforced(schema, self._losses, wanted=wanted, is_own=self._is_own)

    # --- the rest ---------------------------------------------------------------------------

    def _write_metadata(self) -> None:
        metadata = self._ask.metadata
        if metadata is None:
            return
        is_plain = all(isinstance(value, str) for value in metadata.values())
        if self._is_own or (is_plain and len(metadata) <= _MAX_METADATA):
            self._doc["metadata"] = metadata
        else:
            self._losses.drop("metadata", "it takes sixteen texts at most")

    def _write_rest(self) -> None:
        write_cache(self._doc, self._ask.cache, self._losses, is_own=self._is_own)
        for field, value in self._ask.extras.items():
            if not self._is_own:
                self._losses.drop(field, "the dialect has no such field")
            elif field not in self._doc:
                self._doc[field] = value


def _grammar(form: Mapping[str, Any]) -> dict[str, Any]:
    """
    Write a custom tool's input format, whose grammar stands one level deeper here.
    """
    if form.get("type") != "grammar" or "grammar" in form:
        return dict(form)
    inner = {key: value for key, value in form.items() if key != "type"}
    return {"type": "grammar", "grammar": inner}
