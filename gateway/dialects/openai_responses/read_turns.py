"""
The conversation of a request, read into neutral turns.

Source: the OpenAI API reference, "Create a model response", ``input``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from gateway.dialects.fields import Fields
from gateway.dialects.openai_responses.item_shapes import kind_of
from gateway.dialects.openai_responses.read_blocks import read_parts, read_reasoning
from gateway.dialects.openai_responses.wire import NAME
from gateway.errors import InvalidRequest, Untranslatable
from gateway.neutral import Block, Opaque, TextBlock, ToolCall, ToolResult, Turn

if TYPE_CHECKING:
    from gateway.outcomes import Losses

_Role = Literal["user", "assistant", "system"]
_ROLES: Final[dict[str, _Role]] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}

# These point to what the vendor stored, or hold what only the vendor can read.
_REFUSED: Final = {
    "item_reference": "the item that it names is stored at OpenAI",
    "compaction": "only OpenAI can read what was compacted",
    "compaction_trigger": "only OpenAI compacts a conversation",
}


def read_turns(given: Any, losses: Losses) -> Conversation:
    """
    Read ``input``: a string, or items.

    Raises:
        InvalidRequest: if it is neither, or an item is malformed.
        Untranslatable: if an item must not be lost and has no neutral form.
    """
    conversation = Conversation(losses)
    if given.__class__ is str:
        conversation.say("user", [TextBlock(text=given)])
        return conversation
    if given is not None and given.__class__ is not list:
        raise InvalidRequest("input: must be a string or a list of items")
    for index, item in enumerate(given or ()):
        conversation.take(Fields(item, f"input[{index}]"), item)
    return conversation


class Conversation:
    """
    Turns, put together from items.

    What stands between two things that the user said, or that tools gave back, is one turn of
    the assistant.

    Attributes:
        tools: Definitions of tools that stand among the items.
    """

    def __init__(self, losses: Losses) -> None:
        self.turns: list[Turn] = []
        self.tools: list[Any] = []
        self._losses = losses

    def take(self, fields: Fields, item: dict[str, Any]) -> None:
        """
        Take the next item.
        """
        kind = kind_of(item)
        if kind in _REFUSED:
            raise Untranslatable(fields.place, why=_REFUSED[kind])
        # Its identity and its state at the vendor mean nothing elsewhere.
        for key in ("type", "id", "status", "created_by"):
            fields.take_any(key)
        match kind:
            case "message":
                self._message(fields)
            case "reasoning":
                self._reasoning(fields, item)
            case "function_call":
                self._call(fields, "function", fields.take("arguments", str))
            case "custom_tool_call":
                self._call(fields, "custom", fields.take("input", str))
            case "function_call_output":
                self._output(fields, "function")
            case "custom_tool_call_output":
                self._output(fields, "custom")
            case "additional_tools":
                self._losses.change("additional_tools", "offered from the beginning")
                self.tools.extend(fields.members("tools"))
            case _:
                self._opaque(kind, item)

    def say(
        self, role: _Role, blocks: list[Block], *, is_developer: bool = False
    ) -> None:
        """
        Add what *role* says; the assistant goes on in its turn, a user behind tool results.
        """
        last = self.turns[-1] if self.turns else None
        goes_on = last is not None and last.role == role != "system"
        if last is not None and goes_on and (role == "assistant" or _is_results(last)):
            last.blocks.extend(blocks)
            return
        self.turns.append(Turn(role=role, blocks=blocks, is_developer=is_developer))

    def give_back(self, result: Block) -> None:
        """
        Add what a tool gave back, to the results that came just before.
        """
        last = self.turns[-1] if self.turns else None
        if last is not None and last.role == "user" and _is_results(last):
            last.blocks.append(result)
        else:
            self.turns.append(Turn(role="user", blocks=[result]))

    # --- items ------------------------------------------------------------------------------

    def _message(self, fields: Fields) -> None:
        name = fields.take("role", str) or ""
        role = _ROLES.get(name)
        if role is None:
            msg = f"{fields.at('role')}: must be user, assistant, system or developer"
            raise InvalidRequest(msg)
        content = fields.take_any("content")
        blocks = read_parts(content, self._losses, fields.at("content"))
        fields.drop_rest(self._losses, "message")
        self.say(role, blocks, is_developer=name == "developer")

    def _reasoning(self, fields: Fields, item: dict[str, Any]) -> None:
        for key in ("summary", "content", "encrypted_content"):
            fields.take_any(key)
        fields.drop_rest(self._losses, "reasoning")
        blocks: list[Block] = [*read_reasoning(item)]
        if blocks:
            self.say("assistant", blocks)

    def _call(
        self, fields: Fields, kind: Literal["function", "custom"], given: str | None
    ) -> None:
        call = ToolCall(
            id=fields.needed("call_id"),
            name=fields.needed("name"),
            arguments=given or "",
            kind=kind,
        )
        self._drop_caller(fields)
        if fields.take("async", bool):
            self._losses.drop(
                fields.at("async"), "only OpenAI goes on before a tool answered"
            )
        fields.drop_rest(self._losses, f"{kind}_call")
        self.say("assistant", [call])

    def _output(self, fields: Fields, kind: Literal["function", "custom"]) -> None:
        output = fields.take_any("output")
        result = ToolResult(
            call_id=fields.needed("call_id"),
            content=read_parts(output, self._losses, fields.at("output")),
            kind=kind,
        )
        fields.take_any("name")  # its call has it
        self._drop_caller(fields)
        fields.drop_rest(self._losses, f"{kind}_call_output")
        self.give_back(result)

    def _drop_caller(self, fields: Fields) -> None:
        caller = fields.take("caller", dict)
        if caller is not None and caller.get("type") != "direct":
            self._losses.drop(
                fields.at("caller"), "only OpenAI calls tools from programs"
            )

    def _opaque(self, kind: str, item: dict[str, Any]) -> None:
        block = Opaque(dialect=NAME, raw=item)
        if kind.endswith(("_output", "_response")):
            self.give_back(block)
        else:
            self.say("assistant", [block])


def _is_results(turn: Turn) -> bool:
    return all(isinstance(block, ToolResult | Opaque) for block in turn.blocks)
