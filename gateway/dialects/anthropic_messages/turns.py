"""
A conversation, written as the turns that Anthropic accepts.

Source: Anthropic's API reference: turns of user and assistant alternate and a user begins;
each call of a tool is answered in the very next turn, before anything else in it, once, and
no result stands without its call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.content import shortest
from gateway.dialects.repair import repair_calls
from gateway.neutral import TextBlock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.dialects.anthropic_messages.write_blocks import BlockWriter
    from gateway.neutral import Losses, Turn

Doc = dict[str, Any]

#: Said for a user who said nothing, where the format demands that one speaks first.
_GO_ON: Final = "Please proceed."


def write_turns(turns: Iterable[Turn], writer: BlockWriter) -> list[Doc]:
    """
    Write *turns* as the ``messages`` of a request, repaired where Anthropic refuses them.

    Every repair that changes what is said is on the writer's losses.
    """
    losses = writer.losses
    if not writer.is_own:
        turns = repair_calls(turns, losses)
    messages = _merged(_written(turns, writer))
    if not messages or messages[0]["role"] == "assistant":
        losses.emulate("messages", "Anthropic wants a user to speak first")
        messages.insert(0, _message("user", [{"type": "text", "text": _GO_ON}]))
    _trim_prefill(messages[-1], losses)
    for message in messages:
        message["content"] = shortest(message["content"])
    return messages


def _message(role: str, content: list[Doc]) -> Doc:
    return {"role": role, "content": content}


def _written(turns: Iterable[Turn], writer: BlockWriter) -> Iterable[Doc]:
    for turn in turns:
        if turn.name is not None:
            writer.losses.drop(
                "messages.name", "Anthropic's participants have no names"
            )
        content = writer.write(turn.blocks)
        if not content:
            continue
        role = turn.role
        if role == "system" and not writer.is_own:
            # Where it stands, so that what is before it stays in the prompt cache.  Only
            # the newest models take a system turn there, and nobody tells which.
            writer.losses.emulate(
                "messages.system", "written as marked text of the user"
            )
            role, content = "user", _marked(content)
        yield _message(role, content)


def _marked(content: list[Doc]) -> list[Doc]:
    return [
        {**block, "text": f"<system>\n{block['text']}\n</system>"}
        if block["type"] == "text"
        else block
        for block in content
    ]


def _merged(messages: Iterable[Doc]) -> list[Doc]:
    merged: list[Doc] = []
    for message in messages:
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1]["content"] += message["content"]
        else:
            merged.append(message)
    return merged


# --- the ends ---------------------------------------------------------------------------


def _trim_prefill(message: Doc, losses: Losses) -> None:
    content = message["content"]
    if message["role"] != "assistant" or content[-1]["type"] != "text":
        return
    text = content[-1]["text"]
    if text != text.rstrip():
        losses.change(
            "messages", "an answer begun for the model ends without white space"
        )
        content[-1]["text"] = text.rstrip()


def instructions_of(
    turns: Iterable[Turn], writer: BlockWriter
) -> tuple[list[Doc], list[Doc]]:
    """
    Write the leading instructions.

    Returns:
        The blocks of ``system``, and those that may not stand there.
    """
    system: list[Doc] = []
    others: list[Doc] = []
    for turn in turns:
        if turn.name is not None:
            writer.losses.drop(
                "messages.name", "Anthropic's participants have no names"
            )
        for block in turn.blocks:
            written = writer.write([block])
            (system if isinstance(block, TextBlock) else others).extend(written)
    if others:
        writer.losses.emulate(
            "system", "what is not text is moved to the first user turn"
        )
    return system, others
