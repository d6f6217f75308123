"""
Where the texts are in a request to Anthropic.

Source: Anthropic's API reference, create a message, count tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.anthropic_messages.block_texts import (
    BLOCK,
    CONTENT,
    DEFINITION,
)
from gateway.dialects.anthropic_messages.rules import (
    CACHE,
    CONTAINER,
    at,
    ids,
    opaque,
)
from gateway.dialects.shapes import (
    SCHEMA_WORDS,
    Shape,
    Walk,
    each,
    either,
    everything,
    free,
    identifier,
    node,
    said_by,
    text,
)
from gateway.views import (
    MESSAGE,
    NAME,
    SCHEMA,
    UNKNOWN,
    Text,
)

if TYPE_CHECKING:
    from gateway.views import Request


_ROLES: Final = ("user", "assistant", "system")


def _user(walk: Walk, box: Any, key: Any, value: Any) -> None:
    # An opaque identifier by the vendor's rule; people put anything there.
    if value.__class__ is str:
        walk.add(box, key, NAME)
    else:
        identifier(walk, box, key, value)


_MESSAGE: Final[Shape] = {
    "role": identifier,
    "content": either(text(MESSAGE), CONTENT),
    "clear_at": identifier,
    "output_config": node(ids("effort")),
}


def _messages(walk: Walk, box: Any, key: Any, value: Any) -> None:
    if value.__class__ is not list:
        everything(walk, box, key, value, UNKNOWN)
        return
    out, view = walk.out, walk.view
    for place, message in enumerate(value):
        if message.__class__ is dict and len(message) == 2:  # most are role and content
            role = message.get("role")
            content = message.get("content")
            if role in _ROLES:
                if content.__class__ is str:
                    if content:
                        out.append(
                            Text(view, message, "content", MESSAGE, role, (place,))
                        )
                    continue
                if content.__class__ is list:
                    walk.role = role
                    _blocks(walk, content, place)
                    continue
        _message(walk, value, place, message)
    walk.role = "user"
    walk.lane = ()


def _blocks(walk: Walk, content: list[Any], place: int) -> None:
    for index, block in enumerate(content):
        if block.__class__ is dict and len(block) == 2 and block.get("type") == "text":
            text_ = block.get("text")
            if text_.__class__ is str:
                if text_:
                    walk.out.append(
                        Text(
                            walk.view, block, "text", MESSAGE, walk.role, (place, index)
                        )
                    )
                continue
        walk.lane = (place, index)
        BLOCK(walk, content, index, block)


def _message(walk: Walk, box: Any, key: int, value: Any) -> None:
    walk.lane = (key,)
    if value.__class__ is not dict:
        everything(walk, box, key, value, UNKNOWN)
        return
    role = value.get("role")
    walk.role = role if role in _ROLES else None
    walk.shape(value, _MESSAGE)


_FORMAT = at(
    "schema",
    said_by(
        "system",
        node({"type": identifier, "schema": free(SCHEMA, SCHEMA_WORDS)}),
    ),
)
_AMOUNT = either(identifier, node(ids("type value")))
_EDIT = node(
    {
        **ids("type pause_after_compaction"),
        "trigger": _AMOUNT,
        "keep": _AMOUNT,
        "clear_at_least": _AMOUNT,
        "clear_tool_inputs": each(identifier),
        "exclude_tools": each(identifier),
        "instructions": text(MESSAGE, "system"),
    }
)
_MCP_SERVER = node(
    {
        **ids("type name"),
        "url": text(NAME, "system"),
        "authorization_token": opaque,
        "tool_configuration": node(
            {"enabled": identifier, "allowed_tools": each(identifier)}
        ),
    }
)

_REQUEST: Final[Shape] = {
    **ids("model max_tokens stream temperature top_p top_k service_tier speed"),
    **ids("inference_geo user_profile_id workspace_id anthropic_version"),
    "system": at("system", said_by("system", either(text(MESSAGE), CONTENT))),
    "messages": _messages,
    "tools": at("tools", each(DEFINITION)),
    "tool_choice": node(ids("type name disable_parallel_tool_use")),
    "stop_sequences": at("stop_sequences", each(text(MESSAGE))),
    "thinking": node(
        {
            **ids("type budget_tokens display"),
            "block_binding": node(ids("prefix_mismatch_behavior")),
        }
    ),
    "output_config": node(
        {
            "effort": identifier,
            "format": _FORMAT,
            "task_budget": node(ids("type total remaining")),
        }
    ),
    "output_format": _FORMAT,
    "metadata": node({"user_id": _user}),
    "cache_control": CACHE,
    "container": CONTAINER,
    "diagnostics": node(ids("previous_message_id")),
    "thread": node(ids("type previous_message_id")),
    "betas": each(identifier),
    "anthropic_beta": each(identifier),
    "context_management": node({"edits": each(_EDIT)}),
    "compaction": node({"type": identifier, "instructions": text(MESSAGE, "system")}),
    "mcp_servers": at("mcp_servers", each(_MCP_SERVER)),
}


def request_texts(request: Request) -> list[Text]:
    """
    List the texts of a request to generate or to count tokens.
    """
    walk = Walk(request, "user")
    walk.shape(request.doc, _REQUEST)
    return walk.out
