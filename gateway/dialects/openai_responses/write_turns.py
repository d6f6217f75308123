"""
Neutral turns, written as items.

Source: the OpenAI API reference, "Create a model response", ``input``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.dialects.openai_responses.wire import NAME, call_id
from gateway.dialects.openai_responses.write_blocks import PartWriter
from gateway.dialects.repair import repair_calls
from gateway.neutral import (
    Block,
    MediaBlock,
    Opaque,
    ReasoningBlock,
    RefusalBlock,
    TextBlock,
    ToolCall,
    ToolResult,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.dialects.tool_names import ToolNames
    from gateway.neutral import Ask, Losses, Turn

Doc = dict[str, Any]


class TurnWriter:
    """
    Writes the turns of one request.
    """

    def __init__(self, ask: Ask, names: ToolNames, losses: Losses) -> None:
        self._ask = ask
        self._names = names
        self._losses = losses
        self._parts = PartWriter(ask.dialect, losses)

    def write(self) -> tuple[str | None, list[Doc]]:
        """
        Return the instructions, and the conversation as items.

        The first instruction is the request's own where it is one text; others stand in the
        conversation, in front.
        """
        first, *others = self._ask.instructions or (None,)
        instructions = None if first is None else self._one_text(first)
        if first is not None and instructions is None:
            others.insert(0, first)
        turns = self._ask.turns
        if self._ask.dialect != NAME:
            turns = repair_calls(turns, self._losses)
        items: list[Doc] = []
        for turn in [*others, *turns]:
            if turn is not None:
                items.extend(self._turn(turn))
        return instructions, items

    def _one_text(self, turn: Turn) -> str | None:
        if len(turn.blocks) != 1 or turn.is_developer or turn.name is not None:
            return None
        block = turn.blocks[0]
        if not isinstance(block, TextBlock) or not block.text:
            return None
        if block.cache is not None:
            if self._ask.dialect == NAME:
                return None
            self._parts.drop_cache()
        return block.text

    # --- turns --------------------------------------------------------------------------------

    def _turn(self, turn: Turn) -> list[Doc]:
        if turn.name is not None:
            self._losses.drop("messages.name", "participants have no names here")
        if turn.role == "assistant":
            return self._assistant(turn.blocks)
        role = "user"
        if turn.role == "system":
            role = "developer" if turn.is_developer else "system"
        return self._speaker(role, turn.blocks)

    def _speaker(self, role: str, blocks: Iterable[Block]) -> list[Doc]:
        items: list[Doc] = []
        said: list[Block] = []
        for block in blocks:
            if isinstance(block, ToolResult):
                items.append(self._result(block))
            elif isinstance(block, Opaque):
                items.extend(self._opaque(block))
            else:
                said.append(block)
        parts = self._parts.inputs(said)
        if parts:
            items.append({"type": "message", "role": role, "content": parts})
        return items

    def _result(self, result: ToolResult) -> Doc:
        is_custom = result.kind == "custom"
        kind = "custom_tool_call_output" if is_custom else "function_call_output"
        output = self._parts.result(result)
        return {"type": kind, "call_id": self._id(result.call_id), "output": output}

    def _assistant(self, blocks: Iterable[Block]) -> list[Doc]:
        items: list[Doc] = []
        said: list[TextBlock | RefusalBlock] = []
        for block in blocks:
            if isinstance(block, TextBlock | RefusalBlock):
                said.append(block)
                continue
            items.extend(self._message(said))
            said = []
            items.extend(self._other(block))
        items.extend(self._message(said))
        return items

    def _message(self, said: list[TextBlock | RefusalBlock]) -> list[Doc]:
        parts = self._parts.outputs(said)
        if not parts:
            return []
        return [{"type": "message", "role": "assistant", "content": parts}]

    def _other(self, block: Block) -> list[Doc]:
        match block:
            case ToolCall():
                return [self._call(block)]
            case ReasoningBlock():
                return self._reasoning(block)
            case Opaque():
                return self._opaque(block)
            case ToolResult():
                return [self._result(block)]
            case MediaBlock():
                self._losses.drop(block.kind, "an assistant's message holds words only")
        return []

    def _call(self, call: ToolCall) -> Doc:
        if call.cache is not None:
            self._parts.drop_cache()
        head = {"call_id": self._id(call.id), "name": self._names[call.name]}
        if call.kind == "custom":
            return {"type": "custom_tool_call", **head, "input": call.arguments}
        return {"type": "function_call", **head, "arguments": call.arguments or "{}"}

    def _reasoning(self, block: ReasoningBlock) -> list[Doc]:
        seal = block.seal
        parts = reasoning_parts(block)
        summary = [{"type": "summary_text", "text": part} for part in parts]
        if seal is not None and seal.dialect == NAME:
            item: Doc = {"type": "reasoning", "summary": summary}
            if seal.item_id is not None:
                item["id"] = seal.item_id
            return [{**item, "encrypted_content": seal.data}]
        if seal is None and self._ask.dialect == NAME:
            if block.is_summary:
                return [{"type": "reasoning", "summary": summary}]
            shown = [{"type": "reasoning_text", "text": part} for part in parts]
            return [{"type": "reasoning", "summary": [], "content": shown}]
        self._losses.drop("reasoning", "OpenAI takes back only what it sealed itself")
        return []

    def _opaque(self, block: Opaque) -> list[Doc]:
        if block.dialect == NAME:
            return [block.raw]
        self._losses.drop(
            str(block.raw.get("type"))[:64], "only its own vendor knows it"
        )
        return []

    def _id(self, raw: str) -> str:
        written = call_id(raw)
        if written != raw:
            self._losses.change("tool_calls.id", "OpenAI's ids have 1 to 64 letters")
        return written


def reasoning_parts(block: ReasoningBlock) -> list[str]:
    """
    Return the parts of a block's text; none where nothing of it is shown.
    """
    return [part for part in block.parts or [block.text] if part]
