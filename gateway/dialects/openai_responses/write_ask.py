"""
A request in the neutral form, written for a provider.

Source: the OpenAI API reference, "Create a model response".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.openai_responses.read_ask import ENCRYPTED
from gateway.dialects.openai_responses.wire import LOGPROBS, LONGEST_NAME, NAME
from gateway.dialects.openai_responses.write_turns import TurnWriter
from gateway.dialects.strictness import enforced
from gateway.dialects.tool_names import ToolNames
from gateway.errors import Untranslatable

if TYPE_CHECKING:
    from gateway.dialects import ModelLimits
    from gateway.neutral import Ask, Losses, ResponseFormat, ToolDefinition

Doc = dict[str, Any]

#: The vendor accepts no lower cap.
_LEAST_OUTPUT: Final = 16
_NO_PARAMETERS: Final[Doc] = {"type": "object", "properties": {}}
_NO_WORD: Final = "OpenAI's Responses have no such field"
_BAD_LETTERS: Final = re.compile(r"[^a-zA-Z0-9_-]")

# Fields that the vendor's chat completions spell in the same way.
_SHARED: Final = frozenset(
    "store prompt_cache_key prompt_cache_retention prompt_cache_options moderation".split()
)
_TIERS: Final = {
    **{
        tier: tier for tier in "auto default flex scale priority fast ultrafast".split()
    },
    "standard": "default",
    "standard_only": "default",
}
# The least thinking budget at which a level of effort stands for it, highest first.
_EFFORTS: Final = ((8192, "high"), (2048, "medium"), (0, "low"))


def write_ask(ask: Ask, losses: Losses, limits: ModelLimits) -> Doc:
    """
    Write *ask*; what the dialect cannot say goes on *losses*.

    Raises:
        Untranslatable: if something that must not be lost cannot be said.
    """
    return _AskWriter(ask, losses, limits).write()


class _AskWriter:
    """
    Writes one request.
    """

    def __init__(self, ask: Ask, losses: Losses, limits: ModelLimits) -> None:
        self.ask = ask
        self.losses = losses
        self.limits = limits
        self.is_own = ask.dialect == NAME
        self.names = ToolNames.of(ask, longest=LONGEST_NAME)

    def write(self) -> Doc:
        """
        Put the document together, its stable parts first, for prompt caches.
        """
        ask = self.ask
        if ask.n is not None and ask.n > 1:
            raise Untranslatable("n", dialect=NAME, why="one answer to a request")
        if self.names.changed:
            self.losses.change("tools.name", "written in the letters that OpenAI takes")
        doc: Doc = {"model": ask.model}
        self._write_tools(doc)
        self._write_conversation(doc)
        self._write_reasoning(doc)
        self._write_text(doc)
        self._write_sampling(doc)
        self._write_limits(doc)
        self._write_account(doc)
        self._write_extras(doc)
        if ask.is_stream:
            doc["stream"] = True
        return doc

    def _write_conversation(self, doc: Doc) -> None:
        instructions, items = TurnWriter(self.ask, self.names, self.losses).write()
        if instructions is not None and not items:
            # Something must be there to be answered.
            part = {"type": "input_text", "text": instructions}
            items = [{"type": "message", "role": "system", "content": [part]}]
            instructions = None
        if instructions is not None:
            doc["instructions"] = instructions
        doc["input"] = items

    # --- tools --------------------------------------------------------------------------------

    def _write_tools(self, doc: Doc) -> None:
        ask = self.ask
        tools = [tool for tool in map(self._tool, ask.tools) if tool is not None]
        if not tools:
            if ask.tool_choice is not None and ask.tool_choice.mode in (
                "required",
                "named",
            ):
                self.losses.drop("tool_choice", "no tool is offered")
            return
        doc["tools"] = tools
        choice = self._choice(tools)
        if choice is not None:
            doc["tool_choice"] = choice
        if ask.parallel_tool_calls is not None:
            doc["parallel_tool_calls"] = ask.parallel_tool_calls

    def _tool(self, tool: ToolDefinition) -> Doc | None:
        if tool.cache is not None:
            self.losses.drop("cache_control", "OpenAI caches prefixes by itself")
        if tool.kind == "hosted":
            if tool.dialect == NAME and tool.raw is not None:
                return tool.raw
            self.losses.drop(f"tools.{tool.name}", "OpenAI does not run this tool")
            return None
        doc: Doc = {"type": tool.kind, "name": self.names[tool.name]}
        if tool.description is not None:
            doc["description"] = tool.description
        if tool.kind == "custom":
            if tool.format is not None:
                doc["format"] = _flat(tool.format)
            return doc
        doc["parameters"] = tool.parameters or _NO_PARAMETERS
        if tool.is_strict is not None or not self.is_own:
            # Left out it would mean that the schema is enforced, and may be refused.
            doc["strict"] = self._strict(bool(tool.is_strict), tool.parameters)
        return doc

    def _strict(self, wanted: bool, schema: Doc | None) -> bool:
        return enforced(schema, self.losses, wanted=wanted, is_own=self.is_own)

    def _choice(self, tools: list[Doc]) -> str | Doc | None:
        choice = self.ask.tool_choice
        if choice is None:
            return None
        if choice.mode == "none" or not choice.names:
            return choice.mode
        kinds = {tool["name"]: tool["type"] for tool in tools if "name" in tool}
        kinds.update((tool["type"], "") for tool in tools if "name" not in tool)
        named = [self._named(name, kinds) for name in choice.names]
        allowed = [one for one in named if one is not None]
        if len(allowed) < len(named):
            self.losses.drop("tool_choice", "no such tool is offered to OpenAI")
        if not allowed:
            return None
        if choice.mode == "named":
            return allowed[0]
        return {"type": "allowed_tools", "mode": choice.mode, "tools": allowed}

    def _named(self, name: str, kinds: dict[str, str]) -> Doc | None:
        if kinds.get(name) == "":
            return {"type": name}
        written = self.names[name]
        kind = kinds.get(written)
        return {"type": kind, "name": written} if kind else None

    # --- what the answer should be ------------------------------------------------------------

    def _write_reasoning(self, doc: Doc) -> None:
        wanted = self.ask.reasoning
        if wanted is None:
            return
        reasoning: Doc = {}
        effort = wanted.effort
        if wanted.mode == "off":
            effort = "none"
        elif effort is None and wanted.budget_tokens is not None:
            effort = next(e for least, e in _EFFORTS if wanted.budget_tokens >= least)
            self.losses.change("reasoning.budget_tokens", f"written as effort {effort}")
        if effort is not None:
            reasoning["effort"] = effort
        if wanted.summary is not None and wanted.summary != "omitted":
            reasoning["summary"] = wanted.summary
        if reasoning:
            doc["reasoning"] = reasoning
        if wanted.wants_seal and wanted.mode != "off":
            doc["include"] = [ENCRYPTED]

    def _write_text(self, doc: Doc) -> None:
        text: Doc = {}
        wanted = self.ask.response_format
        if wanted is not None:
            text["format"] = self._format(wanted)
        if self.ask.verbosity is not None:
            text["verbosity"] = self.ask.verbosity
        if text:
            doc["text"] = text

    def _format(self, wanted: ResponseFormat) -> Doc:
        form: Doc = {"type": wanted.kind}
        if wanted.kind == "json_schema":
            form["name"] = _BAD_LETTERS.sub("_", wanted.name or "answer")[:64]
            form["schema"] = wanted.schema or {}
            if wanted.description is not None:
                form["description"] = wanted.description
            if wanted.is_strict is not None:
                form["strict"] = self._strict(wanted.is_strict, wanted.schema)
        return form

    # --- sampling and limits ------------------------------------------------------------------

    def _write_sampling(self, doc: Doc) -> None:
        ask = self.ask
        for name in ("temperature", "top_p"):
            value = getattr(ask, name)
            if value is None:
                continue
            if self.limits.takes_sampling is False:
                self.losses.drop(name, "the model takes no sampling")
            else:
                doc[name] = value
        for name in ("top_k", "seed", "prediction"):
            if getattr(ask, name) is not None:
                self.losses.drop(name, _NO_WORD)
        for name in ("stop", "frequency_penalty", "presence_penalty"):
            if getattr(ask, name):  # zero asks for nothing
                self.losses.drop(name, _NO_WORD)
        if ask.logprobs:
            doc["include"] = [*doc.get("include", ()), LOGPROBS]
        if ask.top_logprobs:
            doc["top_logprobs"] = ask.top_logprobs

    def _write_limits(self, doc: Doc) -> None:
        wanted, most = self.ask.max_output_tokens, self.limits.max_output_tokens
        if wanted is None:
            return
        cap = wanted if most is None else min(wanted, most)
        cap = max(cap, _LEAST_OUTPUT)
        if cap != wanted:
            self.losses.change(
                "max_output_tokens", f"the model takes {cap} at this end"
            )
        doc["max_output_tokens"] = cap

    # --- the rest -----------------------------------------------------------------------------

    def _write_account(self, doc: Doc) -> None:
        ask = self.ask
        if ask.user is not None:
            doc["safety_identifier"] = ask.user
        if ask.metadata:
            self._write_metadata(doc, ask.metadata)
        if ask.cache is not None:
            self.losses.drop("cache_control", "OpenAI caches prefixes by itself")
        if ask.service_tier is not None:
            tier = ask.service_tier if self.is_own else _TIERS.get(ask.service_tier)
            if tier is None:
                self.losses.drop("service_tier", "OpenAI has no such tier")
            else:
                doc["service_tier"] = tier
        # Whoever does not speak the dialect cannot fetch what was stored.
        doc["store"] = False

    def _write_metadata(self, doc: Doc, metadata: Doc) -> None:
        kept = {key: value for key, value in metadata.items() if isinstance(value, str)}
        if len(kept) < len(metadata):
            self.losses.drop("metadata", "OpenAI takes strings only")
        if kept:
            doc["metadata"] = kept

    def _write_extras(self, doc: Doc) -> None:
        ask = self.ask
        for key, value in ask.extras.items():
            if self.is_own or (ask.dialect == "openai_chat" and key in _SHARED):
                doc[key] = _joined(doc.get(key), value)
            else:
                self.losses.drop(key, _NO_WORD)


def _joined(written: Any, extra: Any) -> Any:
    """
    Put what only this dialect knows of a field beside what was written of it.
    """
    if isinstance(written, dict) and isinstance(extra, dict):
        return {**extra, **written}
    if isinstance(written, list) and isinstance(extra, list):
        return [*extra, *written]
    return extra


def _flat(form: Doc) -> Doc:
    """
    Write a custom tool's format without the inner object that chat completions have.
    """
    inner = form.get("grammar")
    return {"type": "grammar", **inner} if isinstance(inner, dict) else form
