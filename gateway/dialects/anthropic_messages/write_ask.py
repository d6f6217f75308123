"""
A request in the neutral form, written to Anthropic.

Source: Anthropic's API reference, create a message; fields that Anthropic does not know are
refused by it, so none is ever guessed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.anthropic_messages.schema import closed_schema
from gateway.dialects.anthropic_messages.turns import instructions_of, write_turns
from gateway.dialects.anthropic_messages.wire import LONGEST_NAME, NAME
from gateway.dialects.anthropic_messages.write_blocks import BlockWriter
from gateway.dialects.anthropic_messages.write_thinking import (
    Thinking,
    is_thoughtless_loop,
    write_thinking,
)
from gateway.dialects.content import shortest
from gateway.dialects.custom_tools import PARAMETERS
from gateway.dialects.tool_names import ToolNames

if TYPE_CHECKING:
    from gateway.dialects import ModelLimits
    from gateway.neutral import Ask, Losses, ResponseFormat, ToolDefinition

Doc = dict[str, Any]

#: The output cap that is sent where neither the caller nor the catalog names one: the most
#: that every Claude 4 model and its successors accept, so that nobody is cut off early.
DEFAULT_MAX_TOKENS: Final = 32_000

_NO_PARAMETERS: Final = {"type": "object", "properties": {}}
_JSON_ONLY: Final = "Answer with one JSON object and nothing else."
_TIERS: Final = {"auto": "auto", "default": "standard_only"}
_NO_WORD: Final = "Anthropic has no such field"


def write_ask(ask: Ask, losses: Losses, limits: ModelLimits) -> Doc:
    """
    Write *ask*; what Anthropic cannot say goes on *losses*.

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
        self.blocks = BlockWriter(self.names, losses, self.is_own)

    def write(self) -> Doc:
        """
        Put the document together, its stable parts first, for prompt caches.
        """
        ask = self.ask
        self._refuse()
        if self.names.changed:
            self.losses.change(
                "tools.name", "written in the letters that Anthropic takes"
            )
        doc: Doc = {"model": ask.model, "max_tokens": self._max_tokens()}
        if ask.is_stream:
            doc["stream"] = True
        system, messages = self._conversation()
        if system:
            doc["system"] = system
        doc["messages"] = messages
        self._write_tools(doc)
        thinking = self._thinking(doc)
        if thinking.config is not None:
            doc["thinking"] = thinking.config
        self._write_output(doc, thinking)
        self._write_sampling(doc, thinking)
        self._write_rest(doc)
        return doc

    def _refuse(self) -> None:
        ask, losses = self.ask, self.losses
        if ask.n is not None and ask.n > 1:
            losses.refuse("n", "Anthropic gives one answer to a request")

    def _max_tokens(self) -> int:
        wanted, most = self.ask.max_output_tokens, self.limits.max_output_tokens
        if wanted is None:
            if most is not None:
                return most  # the same as no cap
            if not self.losses.is_strict:  # nothing that the caller said is lost
                why = f"Anthropic wants a cap, none is known: {DEFAULT_MAX_TOKENS}"
                self.losses.emulate("max_output_tokens", why)
            return DEFAULT_MAX_TOKENS
        if most is not None and wanted > most:
            self.losses.change("max_output_tokens", f"the model gives at most {most}")
            return most
        return wanted

    # --- conversation -------------------------------------------------------------------

    def _conversation(self) -> tuple[str | list[Doc], list[Doc]]:
        system, others = instructions_of(self.ask.instructions, self.blocks)
        wanted = self.ask.response_format
        if wanted is not None and wanted.kind == "json_object":
            self.losses.emulate("response_format", "asked for in the instructions")
            system.append({"type": "text", "text": _JSON_ONLY})
        messages = write_turns(self.ask.turns, self.blocks)
        if others:
            first = messages[0]["content"]
            if isinstance(first, str):
                first = [{"type": "text", "text": first}]
            messages[0]["content"] = [*others, *first]
        return shortest(system), messages

    # --- tools --------------------------------------------------------------------------

    def _write_tools(self, doc: Doc) -> None:
        tools = [tool for tool in map(self._tool, self._offered()) if tool is not None]
        if tools:
            only = self._choice(tools)
        else:
            used = sorted(set(self.ask.called_names()))
            if not used:
                return
            # Calls in the history are refused unless tools are there to be called.
            self.losses.emulate(
                "tools", "stand-ins for the tools that the history calls"
            )
            tools = [self._stand_in(name) for name in used]
            only = {"type": "none"}
        doc["tools"] = tools
        if only is not None:
            doc["tool_choice"] = only

    def _choice(self, tools: list[Doc]) -> Doc | None:
        choice = self.ask.tool_choice
        only: Doc | None = None
        if choice is not None and choice.mode == "named":
            name = self.names[choice.names[0]]
            if any(tool.get("name") == name for tool in tools):
                only = {"type": "tool", "name": name}
            else:
                self.losses.drop("tool_choice", "no such tool is offered to Anthropic")
        elif choice is not None:
            only = {"type": "any" if choice.mode == "required" else choice.mode}
        if self.ask.parallel_tool_calls is False and only != {"type": "none"}:
            only = {**(only or {"type": "auto"}), "disable_parallel_tool_use": True}
        return only

    def _offered(self) -> list[ToolDefinition]:
        choice, tools = self.ask.tool_choice, self.ask.tools
        if choice is None or choice.mode == "named" or not choice.names:
            return tools
        allowed = [tool for tool in tools if tool.name in choice.names]
        if len(allowed) < len(tools):
            self.losses.emulate("tool_choice", "only the allowed tools are offered")
        return allowed

    def _tool(self, tool: ToolDefinition) -> Doc | None:
        if tool.kind == "hosted":
            if tool.dialect == NAME:
                return tool.raw
            self.losses.drop(f"tools.{tool.name}", "Anthropic does not run this tool")
            return None
        doc: Doc = {"name": self.names[tool.name]}
        if tool.description is not None:
            doc["description"] = tool.description
        doc["input_schema"] = self._parameters(tool)
        if tool.is_strict:
            doc["strict"] = True
        if tool.cache is not None:
            doc["cache_control"] = tool.cache
        return doc

    def _parameters(self, tool: ToolDefinition) -> Doc:
        if tool.kind == "custom":
            self.losses.emulate("tools.custom", "its free text is the member input")
            if tool.format is not None and tool.format.get("type") != "text":
                self.losses.drop("tools.format", "Anthropic follows no grammar")
            return PARAMETERS
        schema = tool.parameters
        if not schema:
            return _NO_PARAMETERS
        if tool.is_strict and not self.is_own:
            schema = closed_schema(schema, self.losses, "tools.parameters")
        return schema if "type" in schema else {"type": "object", **schema}

    def _stand_in(self, name: str) -> Doc:
        return {
            "name": self.names[name],
            "description": "No longer offered.",
            "input_schema": _NO_PARAMETERS,
        }

    # --- thinking and output ------------------------------------------------------------

    def _thinking(self, doc: Doc) -> Thinking:
        thinking = write_thinking(self.ask, self.losses, self.limits, doc["max_tokens"])
        if not thinking.is_on or self.is_own:
            return thinking
        if doc.get("tool_choice", {}).get("type") in ("any", "tool"):
            self.losses.drop(
                "reasoning", "Anthropic does not think before a forced tool"
            )
            thinking.config = None
        elif thinking.is_manual and is_thoughtless_loop(doc["messages"]):
            self.losses.drop(
                "reasoning", "the tool call that it led to came without signed thinking"
            )
            thinking.config = None
        return thinking

    def _write_output(self, doc: Doc, thinking: Thinking) -> None:
        config: Doc = {}
        if thinking.effort is not None:
            config["effort"] = thinking.effort
        wanted = self.ask.response_format
        if wanted is not None and wanted.kind == "json_schema":
            schema = wanted.schema or {}
            if not self.is_own:
                schema = closed_schema(schema, self.losses, "response_format.schema")
                schema = self._labelled(schema, wanted)
            config["format"] = {"type": "json_schema", "schema": schema}
        if config:
            doc["output_config"] = config

    def _labelled(self, schema: Doc, wanted: ResponseFormat) -> Doc:
        """
        Keep the name and description of a format where Anthropic has a place: in its schema.
        """
        labels: Doc = {}
        if wanted.name and "title" not in schema:
            labels["title"] = wanted.name
        if wanted.description and "description" not in schema:
            labels["description"] = wanted.description
        elif wanted.description not in (None, "", schema.get("description")):
            self.losses.drop(
                "response_format.description", "the schema has a description of its own"
            )
        return {**schema, **labels}

    # --- the rest -----------------------------------------------------------------------

    def _write_sampling(self, doc: Doc, thinking: Thinking) -> None:
        ask = self.ask
        given = {"temperature": ask.temperature, "top_p": ask.top_p, "top_k": ask.top_k}
        given = {key: value for key, value in given.items() if value is not None}
        if not self.is_own:
            self._fit_sampling(given, thinking)
        doc.update(given)
        stop = [one for one in ask.stop if one.strip()]
        if len(stop) < len(ask.stop):
            self.losses.drop("stop", "Anthropic refuses sequences of white space")
        if stop:
            doc["stop_sequences"] = stop

    def _fit_sampling(self, given: dict[str, Any], thinking: Thinking) -> None:
        losses = self.losses
        if given.get("top_p") == 1:
            del given["top_p"]  # which says nothing
        if self.limits.takes_sampling is False:
            self._drop_sampling(given, tuple(given), "the model takes no sampling")
        elif thinking.is_on:
            if given.get("temperature") == 1:
                del given["temperature"]  # which is what thinking wants
            names = ("temperature", "top_k", "top_p")
            self._drop_sampling(given, names, "not together with thinking")
        elif "temperature" in given and "top_p" in given:
            self._drop_sampling(given, ("top_p",), "not together with temperature")
        if given.get("temperature", 0) > 1:
            losses.change("temperature", "Anthropic's goes up to 1")
            given["temperature"] = 1
        if given.get("temperature", 0) < 0:
            losses.change("temperature", "Anthropic's begins at 0")
            given["temperature"] = 0

    def _drop_sampling(
        self, given: dict[str, Any], names: tuple[str, ...], why: str
    ) -> None:
        for name in names:
            if given.pop(name, None) is not None:
                self.losses.drop(name, why)

    def _write_rest(self, doc: Doc) -> None:
        ask = self.ask
        self._write_tier(doc)
        self._write_user(doc)
        if ask.cache is not None:
            doc["cache_control"] = ask.cache
        for name in ("seed", "verbosity", "prediction"):
            if getattr(ask, name) is not None:
                self.losses.drop(name, _NO_WORD)
        for name in (
            "frequency_penalty",
            "presence_penalty",
            "logprobs",
            "top_logprobs",
        ):
            if getattr(ask, name):  # zero and false ask for nothing
                self.losses.drop(name, _NO_WORD)
        if self.is_own:
            doc.update(ask.extras)
            return
        for name in ask.extras:
            self.losses.drop(name, _NO_WORD)

    def _write_tier(self, doc: Doc) -> None:
        tier = self.ask.service_tier
        if tier is None:
            return
        if tier in _TIERS:
            doc["service_tier"] = _TIERS[tier]
        elif tier == "priority":
            self.losses.change("service_tier", "priority where it was bought: auto")
            doc["service_tier"] = "auto"
        elif self.is_own:
            doc["service_tier"] = tier
        else:
            self.losses.drop("service_tier", "Anthropic has no such tier")

    def _write_user(self, doc: Doc) -> None:
        ask = self.ask
        metadata: Doc = {}
        if ask.user is not None:
            metadata["user_id"] = self._user(ask.user)
        if ask.metadata:
            if self.is_own:
                metadata.update(ask.metadata)
            else:
                self.losses.drop("metadata", "Anthropic takes an opaque user id only")
        if metadata:
            doc["metadata"] = metadata

    def _user(self, user: str) -> str:
        if self.is_own or ("@" not in user and len(user) <= 256):
            return user
        # Always the same one, so that the vendor can still tell its end users apart.
        self.losses.change("user", "Anthropic takes no e-mail address: a pseudonym")
        return hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()[:32]
