"""
A conversation, written as the turns that Anthropic accepts.

Source: Anthropic's API reference: turns of user and assistant alternate and a user begins;
each call of a tool is answered in the very next turn, before anything else in it, once, and
no result stands without its call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from gateway.dialects.content import shortest
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
    messages = _merged(_written(turns, writer))
    _repair_calls(messages, losses)
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


# --- tool calls and their results -------------------------------------------------------


def _repair_calls(messages: list[Doc], losses: Losses) -> None:
    seen: set[str] = set()
    calls: list[_Call] = []
    place = 0
    while place < len(messages):
        message = messages[place]
        if message["role"] == "assistant":
            calls = _own_ids(message["content"], seen, losses)
            nobody = place + 1 == len(messages) or messages[place + 1]["role"] != "user"
            if calls and nobody:
                messages.insert(place + 1, _message("user", []))
        elif message["role"] == "user":
            message["content"] = _answered(message["content"], calls, losses)
            calls = []
        place += 1


@attrs.define
class _Call:
    """
    A call of a tool in the turn before: its id as it came, as it is sent, and its result.
    """

    raw: str
    own: str
    result: Doc | None = None


def _own_ids(content: list[Doc], seen: set[str], losses: Losses) -> list[_Call]:
    """
    Give each call an id that no call before it had; some providers count anew each turn.
    """
    calls = []
    for block in content:
        if block["type"] != "tool_use":
            continue
        call = _Call(block["id"], block["id"])
        count = 1
        while call.own in seen:
            count += 1
            call.own = f"{call.raw}_{count}"
        if call.own != call.raw:
            losses.change("tool_calls.id", "each call must have an id of its own")
            block["id"] = call.own
        seen.add(call.own)
        calls.append(call)
    return calls


def _answered(content: list[Doc], calls: list[_Call], losses: Losses) -> list[Doc]:
    """
    Put one result for each of *calls* first, and what answers none of them behind as text.
    """
    others: list[Doc] = []
    for block in content:
        if block["type"] != "tool_result":
            others.append(block)
            continue
        asked = [call for call in calls if call.raw == block["tool_use_id"]]
        if not asked:
            losses.change(
                "messages.tool", "a result without its call is written as text"
            )
            others += _as_text(block)
            continue
        call = next((call for call in asked if call.result is None), asked[-1])
        if call.result is not None:
            losses.drop(
                "messages.tool", "of two results of one call the last one counts"
            )
        call.result = {**block, "tool_use_id": call.own}
    for call in calls:
        if call.result is None:
            losses.change(
                "messages.tool", "a call had no result: one that says so is sent"
            )
    return [*(call.result or _no_result(call) for call in calls), *others]


def _no_result(call: _Call) -> Doc:
    return {
        "type": "tool_result",
        "tool_use_id": call.own,
        "content": "This tool gave no result.",
        "is_error": True,
    }


def _as_text(result: Doc) -> list[Doc]:
    content = result.get("content") or []
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return [{"type": "text", "text": "Result of a tool:"}, *content] if content else []


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
