"""
Where the texts are in a message: of a request, of a whole answer, and in a stream's delta.

The walk's lane, where a message is entered, says which message it is; every text adds (item, part,
kind), so that the lane of a delta is the lane of the whole text that its pieces make.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.dialects.media import document
from gateway.dialects.openai_chat.rules import (
    citations,
    label,
    labels,
    members,
    running,
    seal,
    stray_value,
    whole,
)
from gateway.dialects.shapes import (
    Rule,
    Walk,
    either,
    figure,
    json_source,
    media,
    text,
)
from gateway.views import (
    ARGUMENTS,
    DOCUMENT,
    MESSAGE,
    NAME,
    REASONING,
    REFUSAL,
    SUMMARY,
    TOOL_RESULT,
    TRANSCRIPT,
    Text,
)

_json_source = json_source(ARGUMENTS)

_CACHE = members({"type": label, "ttl": label, "mode": label})


def arguments(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Yield the arguments of a call: JSON source, whole or in pieces.
    """
    if value.__class__ is not str:
        stray_value(walk, box, key, value)
        return
    lane = walk.lane
    walk.lane = (*lane, ARGUMENTS)
    if walk.form == "whole":
        _json_source(walk, box, key, value)
    elif value:
        walk.out.append(
            Text(
                walk.view,
                box,
                key,
                ARGUMENTS,
                walk.role,
                walk.lane,
                walk.form,
                beside=walk.beside,
                is_json=True,
            )
        )
    walk.lane = lane


def _in_call(kind: str) -> Rule:
    """
    Make a rule for a text of a call, whose lane tells the call already.
    """

    def rule(walk: Walk, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is not str:
            stray_value(walk, box, key, value)
        elif value:
            lane = walk.lane
            walk.lane = (*lane, kind)
            walk.add(box, key, kind)
            walk.lane = lane

    return rule


def _indexed(item: str, name: str, rule: Rule) -> Rule:
    """
    Make a rule for a list whose members carry their own ``index`` in a stream.

    A member's lane is (*item*, its index), below *name* where several lists share *item*.
    """

    def each(walk: Walk, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is not list:
            stray_value(walk, box, key, value)
            return
        lane = walk.lane
        for position, member in enumerate(value):
            place = place_of(member, position)
            walk.lane = (*lane, item, (name, place) if name else place)
            rule(walk, value, position, member)
        walk.lane = lane

    return each


def place_of(member: Any, position: int) -> int:
    """
    Return the ``index`` that *member* carries, else its *position*.
    """
    if member.__class__ is dict:
        index = member.get("index")
        if index.__class__ is int:
            return int(index)
    return position


# --- tool calls -----------------------------------------------------------------------------

_FUNCTION = members({"name": _in_call(NAME), "arguments": arguments})
_CUSTOM = members({"name": _in_call(NAME), "input": _in_call(ARGUMENTS)})
_CALL = members(
    {
        "id": label,
        "type": label,
        "index": figure,
        "function": _FUNCTION,
        "custom": _CUSTOM,
        "cache_control": _CACHE,
    }
)


def _function_call(walk: Walk, box: Any, key: Any, value: Any) -> None:
    lane = walk.lane
    walk.lane = (*lane, "function_call", 0)
    _FUNCTION(walk, box, key, value)
    walk.lane = lane


# --- reasoning ------------------------------------------------------------------------------


def _sealed_member(kind: str) -> Rule:
    """
    Make a rule for reasoning that a signature covers, or may come to cover later in a stream.
    """

    def rule(walk: Walk, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is not str:
            stray_value(walk, box, key, value)
        elif value:
            lane, form = walk.lane, walk.form
            is_signed = bool(box.get("signature"))
            walk.sealed = is_signed or (form == "delta" and _gets_signed(box))
            walk.lane = (*lane, kind)
            if form == "delta" and is_signed:
                # Signed means complete: it says again what ``reasoning_content`` said.
                walk.form = "repeat"
                walk.lane = (lane[0], *SHOWN_REASONING)
            walk.add(box, key, kind)
            walk.lane, walk.form, walk.sealed = lane, form, False

    return rule


def _gets_signed(piece: dict[str, Any]) -> bool:
    """
    Tell whether the signature of a *piece* of reasoning comes behind its last one.
    """
    return "thinking" in piece or str(piece.get("format")).startswith("anthropic")


#: The end of the lane of ``reasoning_content``.
SHOWN_REASONING: Final = ("reasoning", "reasoning_content", REASONING)

_THINKING_BLOCK = members(
    {
        "type": label,
        "index": figure,
        "thinking": _sealed_member(REASONING),
        "signature": seal,
        "data": seal,
        "cache_control": _CACHE,
    }
)
_DETAIL = members(
    {
        "type": label,
        "id": label,
        "format": label,
        "index": figure,
        "text": _sealed_member(REASONING),
        "summary": _sealed_member(SUMMARY),
        "signature": seal,
        "data": seal,
    }
)


# --- content parts --------------------------------------------------------------------------


def _words(kind: str) -> Rule:
    """
    Make a rule for a part's words: in a delta they go on where the last part's ended.
    """

    def rule(walk: Walk, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is not str:
            stray_value(walk, box, key, value)
        elif value:
            lane = walk.lane
            part = 0 if walk.form == "delta" else lane[-1]
            walk.lane = (*lane[:-1], 0, part, kind)
            walk.add(box, key, kind)
            walk.lane = lane

    return rule


def _thoughts(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Yield the reasoning in Mistral's ``thinking`` part: a string, or parts of its own.
    """
    lane = walk.lane
    part = "thinking" if walk.form == "delta" else lane[-1]
    walk.lane = (*lane[:-1], "reasoning", part, REASONING)
    if value.__class__ is str:
        if value:
            walk.add(box, key, REASONING)
    elif value.__class__ is list:
        for index, member in enumerate(value):
            _THOUGHT(walk, value, index, member)
    else:
        stray_value(walk, box, key, value)
    walk.lane = lane


def _thought(walk: Walk, box: Any, key: Any, value: Any) -> None:
    if value.__class__ is str:
        walk.add(box, key, REASONING)
    else:
        stray_value(walk, box, key, value)


_THOUGHT = members({"type": label, "text": _thought})

_title = whole(text(DOCUMENT))


_URL = either(document, members({"url": document, "detail": label}))
_PART_SHAPES: dict[str, dict[str, Rule]] = {
    "text": {"text": _words(MESSAGE), "annotations": citations},
    "refusal": {"refusal": _words(REFUSAL)},
    "thinking": {"thinking": _thoughts, "closed": figure, "signature": seal},
    "reference": {"reference_ids": labels},
    "image_url": {"image_url": _URL},
    "video_url": {"video_url": _URL},
    "audio_url": {"audio_url": _URL},
    "document_url": {"document_url": _URL, "document_name": _title},
    "input_audio": {
        "input_audio": either(document, members({"data": document, "format": label}))
    },
    "file": {
        "file": members({"file_data": document, "file_id": label, "filename": _title})
    },
}
_PARTS: dict[str, Rule] = {
    kind: members(
        {
            "type": label,
            "index": figure,
            "citations": citations,
            "cache_control": _CACHE,
            "prompt_cache_breakpoint": _CACHE,
            **shape,
        }
    )
    for kind, shape in _PART_SHAPES.items()
}


def parts(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Walk a list of content parts.
    """
    if value.__class__ is not list:
        stray_value(walk, box, key, value)
        return
    lane = walk.lane
    for position, member in enumerate(value):
        kind = member.get("type") if member.__class__ is dict else None
        rule = _PARTS.get(kind) if kind.__class__ is str else None
        if rule is None:
            stray_value(walk, value, position, member)
        else:
            walk.lane = (*lane, position)
            rule(walk, value, position, member)
            walk.lane = lane


content: Final = either(running(MESSAGE), parts)

# --- messages -------------------------------------------------------------------------------

_AUDIO = members(
    {
        "id": label,
        "data": whole(media),
        "expires_at": figure,
        "format": label,
        "transcript": running(TRANSCRIPT),
    }
)

#: A message's members, its role and content among them; `stray` is the rule for all others.
MESSAGE_RULES: Final[dict[str, Rule]] = {
    "role": label,
    "content": content,
    "refusal": running(REFUSAL),
    "name": running(NAME),
    "reasoning_content": running(REASONING, *SHOWN_REASONING[:2]),
    "reasoning": running(REASONING, "reasoning", "reasoning"),
    "reasoning_text": running(REASONING, "reasoning", "reasoning_text"),
    "reasoning_details": _indexed("reasoning", "details", _DETAIL),
    "thinking_blocks": _indexed("reasoning", "blocks", _THINKING_BLOCK),
    "tool_calls": _indexed("tools", "", _CALL),
    "function_call": _function_call,
    "tool_call_id": label,
    "annotations": citations,
    "citations": citations,
    "search_results": citations,
    "audio": _AUDIO,
    "images": parts,
    "prefix": figure,
    "cache_control": _CACHE,
}

#: The same where a tool speaks.
RESULT_RULES: Final[dict[str, Rule]] = {
    **MESSAGE_RULES,
    "content": either(running(TOOL_RESULT), parts),
}

message: Final = members(MESSAGE_RULES)
