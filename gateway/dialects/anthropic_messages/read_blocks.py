"""
Anthropic's content blocks, read into neutral ones.

Source: Anthropic's API reference, content blocks of messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway import codec
from gateway.dialects.anthropic_messages.wire import NAME, read_id
from gateway.dialects.content import read_content as content_of
from gateway.dialects.fields import Fields
from gateway.neutral import (
    Block,
    MediaBlock,
    Opaque,
    ReasoningBlock,
    Seal,
    TextBlock,
    ToolCall,
    ToolResult,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.outcomes import Losses


def read_content(content: Any, losses: Losses, place: str) -> list[Block]:
    """
    Read a message's content: a string or a list of blocks.

    Raises:
        InvalidRequest: if it is neither, or a block is malformed.
    """
    return content_of(content, place, lambda block: read_block(block, losses))


def read_block(fields: Fields, losses: Losses) -> Block:
    """
    Read one block; what has no neutral form becomes `Opaque`.
    """
    kind = fields.take("type", str)
    reader = _READERS.get(kind or "")
    if reader is None:
        return Opaque(dialect=NAME, raw=fields.raw)
    read = reader(fields, losses)
    if not isinstance(read, Opaque):
        fields.drop_rest(losses, kind or "")
    return read


def _text(fields: Fields, losses: Losses) -> Block:
    annotations = fields.take("citations", list) or []
    return TextBlock(
        text=fields.take("text", str) or "",
        annotations=[one for one in annotations if isinstance(one, dict)],
        cache=fields.take("cache_control", dict),
    )


def _image(fields: Fields, losses: Losses) -> Block:
    media = MediaBlock(kind="image", cache=fields.take("cache_control", dict))
    _source(media, fields, losses)
    return media


def _document(fields: Fields, losses: Losses) -> Block:
    media = MediaBlock(
        kind="document",
        title=fields.take("title", str),
        context=fields.take("context", str),
        cites=_switch(fields),
        cache=fields.take("cache_control", dict),
    )
    _source(media, fields, losses)
    return media


def _switch(fields: Fields) -> bool | None:
    citations = fields.take("citations", dict)
    enabled = citations.get("enabled") if citations else None
    return enabled if isinstance(enabled, bool) else None


def _source(media: MediaBlock, fields: Fields, losses: Losses) -> None:
    source = Fields(fields.take("source", dict) or {}, fields.at("source"))
    kind = source.take("type", str)
    if kind == "base64":
        media.media_type = source.take("media_type", str)
        media.data = source.take("data", str) or ""
    elif kind == "text":
        media.media_type = source.take("media_type", str)
        media.text = source.take("data", str) or ""
    elif kind == "url":
        media.url = source.take("url", str) or ""
    elif kind == "file":
        media.file_id = source.take("file_id", str) or ""
    elif kind == "content":
        content = source.take_any("content")
        media.blocks = read_content(content, losses, source.at("content"))
    else:
        losses.refuse(source.at("type"), "no such source is known here")
    source.drop_rest(losses, f"{media.kind}.source")


def _search_result(fields: Fields, losses: Losses) -> Block:
    losses.emulate("search_result", "written as a document")
    content = fields.take_any("content")
    return MediaBlock(
        kind="document",
        blocks=read_content(content, losses, fields.at("content")),
        title=fields.take("title", str),
        context=fields.take("source", str),
        cites=_switch(fields),
        cache=fields.take("cache_control", dict),
    )


def _thinking(fields: Fields, losses: Losses) -> Block:
    signature = fields.take("signature", str)
    seal = Seal.read(NAME, signature) if signature else None
    return ReasoningBlock(
        text=fields.take("thinking", str) or "",
        # Another vendor's reasoning came to this caller as a summary.
        is_summary=seal is not None and seal.dialect != NAME,
        seal=seal,
    )


def _redacted_thinking(fields: Fields, losses: Losses) -> Block:
    data = fields.take("data", str)
    return ReasoningBlock(
        is_redacted=True, seal=Seal.read(NAME, data) if data else None
    )


def _tool_use(fields: Fields, losses: Losses) -> Block:
    caller = fields.take("caller", dict)
    if caller is not None and caller.get("type") != "direct":
        losses.drop("tool_use.caller", "only Anthropic calls tools from code")
    given = fields.take_any("input")
    return ToolCall(
        id=read_id(fields.take("id", str) or ""),
        name=fields.take("name", str) or "",
        arguments=codec.dumps({} if given is None else given).decode(),
        cache=fields.take("cache_control", dict),
    )


def _tool_result(fields: Fields, losses: Losses) -> Block:
    content = fields.take_any("content")
    return ToolResult(
        call_id=read_id(fields.take("tool_use_id", str) or ""),
        content=read_content(content, losses, fields.at("content")),
        is_error=fields.take("is_error", bool) or False,
        cache=fields.take("cache_control", dict),
    )


def _compaction(fields: Fields, losses: Losses) -> Block:
    summary = fields.take("content", str)
    cache = fields.take("cache_control", dict)
    if not summary:
        losses.refuse("compaction", "only Anthropic can read what was compacted")
    losses.emulate("compaction", "its summary is written as text")
    fields.take_any("signature")
    fields.take_any("encrypted_content")
    return TextBlock(
        text=f"Summary of the conversation so far:\n{summary}", cache=cache
    )


_READERS: Final[dict[str, Callable[[Fields, Losses], Block]]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "compaction": _compaction,
}
