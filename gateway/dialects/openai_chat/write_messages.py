"""
Neutral turns, written as messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

from gateway.dialects.openai_chat.parts import (
    write_cache,
    write_content,
    write_parts,
)
from gateway.dialects.openai_chat.reasoning import for_provider, write_reasoning
from gateway.dialects.openai_chat.wire import NAME
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
    Turn,
)

if TYPE_CHECKING:
    from gateway.dialects.tool_names import ToolNames
    from gateway.outcomes import Losses


@attrs.frozen
class MessageWriter:
    """
    Writes the turns of one request.

    Attributes:
        names: What each tool is called to OpenAI.
        is_own: The request was read from this dialect.
    """

    names: ToolNames
    losses: Losses
    is_own: bool

    def write(self, turns: Iterable[Turn]) -> list[dict[str, Any]]:
        """
        Write *turns*, one message each and one for each tool's result.

        Another dialect's are repaired where OpenAI refuses them.
        """
        if not self.is_own:
            turns = repair_calls(turns, self.losses)
        out: list[dict[str, Any]] = []
        for turn in turns:
            match turn.role:
                case "system":
                    out.append(self._instruction(turn))
                case "assistant":
                    out.append(self._assistant(turn))
                case "user":
                    out += self._user(turn)
        return out

    def _instruction(self, turn: Turn) -> dict[str, Any]:
        role = "developer" if turn.is_developer else "system"
        message = {"role": role, "content": self._content(turn.blocks)}
        self._annotate(message, turn.blocks)
        return self._named(message, turn)

    def _user(self, turn: Turn) -> list[dict[str, Any]]:
        results = [block for block in turn.blocks if isinstance(block, ToolResult)]
        others = [block for block in turn.blocks if not isinstance(block, ToolResult)]
        shown: list[Block] = []
        out = [self._result(result, shown) for result in results]
        if shown or others or not results:
            message = {"role": "user", "content": self._content([*shown, *others])}
            self._annotate(message, others)
            out.append(self._named(message, turn))
        return out

    def _named(self, message: dict[str, Any], turn: Turn) -> dict[str, Any]:
        if turn.name is not None:
            message["name"] = turn.name
        return message

    def _content(self, blocks: list[Block]) -> str | list[dict[str, Any]]:
        return write_content(blocks, self.losses, is_own=self.is_own)

    # --- the model's ------------------------------------------------------------------------

    def _assistant(self, turn: Turn) -> dict[str, Any]:
        thoughts = [block for block in turn.blocks if isinstance(block, ReasoningBlock)]
        calls = [block for block in turn.blocks if isinstance(block, ToolCall)]
        refusals = [block for block in turn.blocks if isinstance(block, RefusalBlock)]
        said = [block for block in turn.blocks if isinstance(block, _SAID)]
        hosted = [block for block in said if _is_call(block)]
        content = self._content([block for block in said if block not in hosted])
        message: dict[str, Any] = {
            "role": "assistant",
            **write_reasoning(for_provider(thoughts, self.losses)),
            "content": content or (None if calls or hosted or refusals else ""),
        }
        self._annotate(message, said)
        if refusals:
            message["refusal"] = "".join(block.text for block in refusals)
        if calls or hosted:
            message["tool_calls"] = [
                *(self._call(call) for call in calls),
                *(block.raw for block in hosted if isinstance(block, Opaque)),
            ]
        return self._named(message, turn)

    def _annotate(self, message: dict[str, Any], said: Iterable[Block]) -> None:
        found = [
            raw
            for block in said
            if isinstance(block, TextBlock)
            for raw in block.annotations
        ]
        if not found:
            return
        if self.is_own:
            message["annotations"] = found
        else:
            self.losses.drop("annotations", "providers of this dialect take none back")

    def _call(self, call: ToolCall) -> dict[str, Any]:
        name = self.names[call.name]
        if call.kind == "custom":
            inner = {"name": name, "input": call.arguments}
        else:
            inner = {"name": name, "arguments": call.arguments or "{}"}
        written = {"id": call.id, "type": call.kind, call.kind: inner}
        self._cache(written, call.cache)
        return written

    # --- the tools' -------------------------------------------------------------------------

    def _result(self, result: ToolResult, shown: list[Block]) -> dict[str, Any]:
        """
        Write *result*; what a tool cannot say here goes to *shown*, for the user to show.
        """
        words: list[Block] = []
        for block in result.content:
            if isinstance(block, MediaBlock) and not _is_written(block):
                self.losses.change(
                    "tool_result.content", f"the {block.kind} is shown by the user"
                )
                shown.append(TextBlock(text=f"Result of call {result.call_id}:"))
                shown.append(block)
            else:
                words.append(block)
        content: Any = write_parts(words, self.losses, is_own=self.is_own)
        if result.is_error:
            self.losses.emulate("tool_result.is_error", "said in the result's text")
            content.insert(0, {"type": "text", "text": "Error:"})
        is_plain = all(part.keys() == {"type", "text"} for part in content)
        if is_plain and (len(content) < 2 or result.is_error):
            content = " ".join(part["text"] for part in content)
        message = {"role": "tool", "tool_call_id": result.call_id, "content": content}
        self._cache(message, result.cache)
        return message

    def _cache(self, place: dict[str, Any], cache: dict[str, Any] | None) -> None:
        if cache is not None:
            write_cache(place, cache, self.losses, is_own=self.is_own)


_SAID = (TextBlock, MediaBlock, Opaque)


def _is_call(block: Block) -> bool:
    """
    Tell whether *block* is a call of a kind that only this dialect knows.
    """
    return isinstance(block, Opaque) and block.dialect == NAME and "id" in block.raw


def _is_written(block: MediaBlock) -> bool:
    return block.text is not None or block.blocks is not None
