"""
Messages of a request, read into neutral turns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.fields import Fields
from gateway.dialects.openai_chat.parts import read_cache, read_content
from gateway.dialects.openai_chat.reasoning import ALL_KEYS, read_reasoning
from gateway.dialects.openai_chat.wire import NAME
from gateway.errors import InvalidRequest
from gateway.neutral import (
    Block,
    Opaque,
    RefusalBlock,
    TextBlock,
    ToolCall,
    ToolResult,
    Turn,
)

if TYPE_CHECKING:
    from gateway.outcomes import Losses

_ROLES: Final = "system, developer, user, assistant, tool or function"


class MessageReader:
    """
    Reads one request's messages, in their order.

    Attributes:
        instructions: The leading run of system messages.
        turns: All others.
    """

    def __init__(self, losses: Losses) -> None:
        self.instructions: list[Turn] = []
        self.turns: list[Turn] = []
        self._losses = losses
        self._results: Turn | None = None
        self._names: dict[str, str] = {}
        self._function_ids: dict[str, str] = {}

    def read(self, fields: Fields) -> None:
        """
        Read the next message.

        Raises:
            InvalidRequest: if it is malformed.
        """
        role = fields.take("role", str) or ""
        if role in ("tool", "function"):
            self._read_result(fields, role)
            return
        self._results = None
        if role in ("system", "developer"):
            self._read_instruction(fields, is_developer=role == "developer")
        elif role == "user":
            self.turns.append(
                Turn(
                    role="user",
                    blocks=self._content(fields),
                    name=fields.take("name", str),
                )
            )
        elif role == "assistant":
            self.turns.append(self._assistant(fields))
        else:
            raise InvalidRequest(f"{fields.at('role')}: must be {_ROLES}")
        self._cached(fields)
        fields.drop_rest(self._losses, "messages")

    def _content(self, fields: Fields) -> list[Block]:
        return read_content(
            fields.take_any("content"), self._losses, fields.at("content")
        )

    def _cached(self, fields: Fields) -> None:
        """
        Take a breakpoint at the message itself for one behind its last block.
        """
        cache = read_cache(fields, self._losses)
        if cache is None:
            return
        turns = self.turns or self.instructions
        last = turns[-1].blocks[-1] if turns[-1].blocks else None
        if isinstance(last, TextBlock) and last.cache is None:
            last.cache = cache
        else:
            self._losses.drop("messages.cache_control", "it stands behind no text")

    def _read_instruction(self, fields: Fields, *, is_developer: bool) -> None:
        turn = Turn(
            role="system",
            blocks=self._content(fields),
            is_developer=is_developer,
            name=fields.take("name", str),
        )
        (self.turns or self.instructions).append(turn)

    # --- the model's ------------------------------------------------------------------------

    def _assistant(self, fields: Fields) -> Turn:
        blocks: list[Block] = [*read_reasoning(fields.raw)]
        for key in ALL_KEYS:
            fields.take_any(key)
        content = self._content(fields)
        annotations = fields.take("annotations", list) or []
        self._annotate(content, [raw for raw in annotations if isinstance(raw, dict)])
        blocks += content
        blocks += self._heard(fields)
        refusal = fields.take("refusal", str)
        if refusal:
            blocks.append(RefusalBlock(text=refusal))
        for call in fields.objects("tool_calls"):
            blocks.append(self._call(call))
        blocks += self._function_call(fields)
        return Turn(role="assistant", blocks=blocks, name=fields.take("name", str))

    def _annotate(self, content: list[Block], annotations: list[Any]) -> None:
        texts = [block for block in content if isinstance(block, TextBlock)]
        if len(texts) == 1:
            texts[0].annotations += annotations
        elif annotations:
            self._losses.drop("messages.annotations", "they count in several parts")

    def _heard(self, fields: Fields) -> list[Block]:
        """
        Read an earlier answer in audio: its transcript, for the sound lies with the provider.
        """
        audio = fields.inner("audio")
        if not audio.raw:
            return []
        transcript = audio.take("transcript", str)
        if not transcript:
            self._losses.refuse("messages.audio", "the provider keeps what was said")
        self._losses.emulate("messages.audio", "its transcript is written as text")
        return [TextBlock(text=transcript or "")]

    def _call(self, fields: Fields) -> Block:
        kind = fields.take("type", str) or "function"
        call_id = fields.take("id", str) or ""
        fields.take_any("index")
        if kind == "function":
            inner = fields.inner("function")
            source = inner.take("arguments", str) or ""
            call = ToolCall(id=call_id, name="", arguments=source)
        elif kind == "custom":
            inner = fields.inner("custom")
            source = inner.take("input", str) or ""
            call = ToolCall(id=call_id, name="", arguments=source, kind="custom")
        else:
            return Opaque(dialect=NAME, raw=fields.raw)
        call.name = inner.take("name", str) or ""
        call.cache = read_cache(fields, self._losses)
        inner.drop_rest(self._losses, f"tool_calls.{kind}")
        fields.drop_rest(self._losses, "tool_calls")
        self._names[call_id] = call.name
        return call

    def _function_call(self, fields: Fields) -> list[Block]:
        """
        Read a call of the days before tools, which has no id.
        """
        inner = fields.inner("function_call")
        if not inner.raw:
            return []
        name = inner.take("name", str) or ""
        call_id = f"call_{len(self.turns)}_{name}"
        self._function_ids[name] = call_id
        return [
            ToolCall(
                id=call_id, name=name, arguments=inner.take("arguments", str) or ""
            )
        ]

    # --- the tools' -------------------------------------------------------------------------

    def _read_result(self, fields: Fields, role: str) -> None:
        """
        Read a result into the turn that holds all those in a row.
        """
        name = fields.take("name", str)
        call_id = fields.take("tool_call_id", str) or ""
        if role == "function":
            call_id = self._function_ids.get(name or "", call_id or f"call_{name}")
        elif name is not None and self._names.get(call_id) != name:
            self._losses.drop("messages.name", "a result is known by its call")
        result = ToolResult(
            call_id=call_id,
            content=self._content(fields),
            cache=read_cache(fields, self._losses),
        )
        fields.drop_rest(self._losses, "messages")
        if self._results is None:
            self._results = Turn(role="user")
            self.turns.append(self._results)
        self._results.blocks.append(result)
