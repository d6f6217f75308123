"""
Content parts of messages, and the neutral blocks that they mean.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.content import read_content as content_of
from gateway.dialects.content import shortest
from gateway.dialects.fields import Fields
from gateway.dialects.media import read_data_url, words_of
from gateway.dialects.openai_chat.wire import NAME
from gateway.neutral import (
    Block,
    MediaBlock,
    Opaque,
    ReasoningBlock,
    RefusalBlock,
    TextBlock,
)

if TYPE_CHECKING:
    from gateway.outcomes import Losses

_AUDIO_TYPES: Final = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_AUDIO_FORMATS: Final = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3"}
#: How a PDF begins in base64.
_PDF: Final = "JVBERi"


def read_content(content: Any, losses: Losses, place: str) -> list[Block]:
    """
    Read a message's ``content``.

    Raises:
        InvalidRequest: if it is malformed.
    """
    # Some vendors that speak the dialect take strings among the parts.
    return content_of(
        content, place, lambda part: read_part(part, losses), takes_strings=True
    )


def read_part(fields: Fields, losses: Losses) -> Block:
    """
    Read one part; one that only this dialect knows becomes `Opaque`.
    """
    kind = fields.take("type", str) or ""
    reader = _READERS.get(kind)
    if reader is None:
        return Opaque(dialect=NAME, raw=fields.raw)
    fields.take_any("index")
    block = reader(fields, losses)
    fields.drop_rest(losses, kind)
    return block


def _text(fields: Fields, losses: Losses) -> Block:
    annotations = fields.take("annotations", list) or []
    return TextBlock(
        text=fields.take("text", str) or "",
        annotations=[raw for raw in annotations if isinstance(raw, dict)],
        cache=read_cache(fields, losses),
    )


def _refusal(fields: Fields, losses: Losses) -> Block:
    return RefusalBlock(text=fields.take("refusal", str) or "")


def _thinking(fields: Fields, losses: Losses) -> Block:
    """
    Read Mistral's reasoning.
    """
    said = fields.take_any("thinking")
    for key in ("closed", "signature"):
        fields.take_any(key)
    if isinstance(said, list):
        pieces = [piece.get("text") for piece in said if isinstance(piece, dict)]
        said = "".join(piece for piece in pieces if isinstance(piece, str))
    return ReasoningBlock(text=said if isinstance(said, str) else "")


def _image(fields: Fields, losses: Losses) -> Block:
    return _linked("image", "image_url", fields, losses)


def _video(fields: Fields, losses: Losses) -> Block:
    return _linked("video", "video_url", fields, losses)


def _audio_link(fields: Fields, losses: Losses) -> Block:
    return _linked("audio", "audio_url", fields, losses)


def _document_link(fields: Fields, losses: Losses) -> Block:
    block = _linked("document", "document_url", fields, losses)
    block.title = fields.take("document_name", str)
    return block


def _linked(kind: Any, key: str, fields: Fields, losses: Losses) -> MediaBlock:
    link = fields.take_any(key)
    inner = Fields({"url": link} if isinstance(link, str) else link, fields.at(key))
    block = MediaBlock(kind=kind)
    _locate(block, inner.take("url", str) or "")
    block.detail = inner.take("detail", str)
    inner.drop_rest(losses, key)
    block.cache = read_cache(fields, losses)
    return block


def _audio(fields: Fields, losses: Losses) -> Block:
    inner = fields.inner("input_audio")
    form = inner.take("format", str) or "wav"
    block = MediaBlock(
        kind="audio",
        media_type=_AUDIO_TYPES.get(form, f"audio/{form}"),
        data=inner.take("data", str) or "",
        cache=read_cache(fields, losses),
    )
    inner.drop_rest(losses, "input_audio")
    return block


def _file(fields: Fields, losses: Losses) -> Block:
    inner = fields.inner("file")
    block = MediaBlock(kind="document", title=inner.take("filename", str))
    data = inner.take("file_data", str)
    file_id = inner.take("file_id", str)
    if data:
        _locate(block, data)
        if block.url is not None and not block.url.startswith(("http:", "https:")):
            block.url, block.data = None, data  # bare base64
            block.media_type = "application/pdf" if data.startswith(_PDF) else None
    else:
        block.file_id = file_id or ""
    block.cache = read_cache(fields, losses)
    inner.drop_rest(losses, "file")
    return block


_READERS: Final[dict[str, Callable[[Fields, Losses], Block]]] = {
    "text": _text,
    "refusal": _refusal,
    "thinking": _thinking,
    "image_url": _image,
    "video_url": _video,
    "audio_url": _audio_link,
    "document_url": _document_link,
    "input_audio": _audio,
    "file": _file,
}


def read_cache(fields: Fields, losses: Losses) -> dict[str, Any] | None:
    """
    Read the prompt-cache breakpoint behind a part, OpenAI's own or Anthropic's.
    """
    ours = fields.take("prompt_cache_breakpoint", dict)
    theirs = fields.take("cache_control", dict)
    if theirs is not None or ours is None:
        return theirs
    ttl = ours.get("ttl")
    if ttl is not None:
        losses.change("prompt_cache_breakpoint.ttl", "other vendors have other times")
    cache: dict[str, Any] = {"type": "ephemeral"}
    if ttl == "12h":
        cache["ttl"] = "1h"
    return cache


def _locate(block: MediaBlock, url: str) -> None:
    """
    Put what *url* gives into *block*: an address, base64, or a text document's words.
    """
    found = read_data_url(url)
    if found is None:
        block.url = url
        return
    kind, data = found
    block.media_type = kind or "text/plain"
    if block.kind == "document":
        block.text = words_of(block.media_type, data)
    if block.text is None:
        block.data = data


# --- writing --------------------------------------------------------------------------------


def write_parts(
    blocks: list[Block], losses: Losses, *, is_own: bool
) -> list[dict[str, Any]]:
    """
    Write *blocks* as content parts.

    Args:
        is_own: They were read from this dialect, so that ids of files lead somewhere and
            parts that only it knows can go back.
    """
    out: list[dict[str, Any]] = []
    for block in blocks:
        match block:
            case TextBlock() | RefusalBlock():
                part: dict[str, Any] = {"type": "text", "text": block.text}
                if isinstance(block, TextBlock):
                    write_cache(part, block.cache, losses, is_own=is_own)
                out.append(part)
            case MediaBlock():
                out += _write_media(block, losses, is_own=is_own)
            case Opaque(dialect=dialect, raw=raw):
                if dialect == NAME:
                    out.append(raw)
                else:
                    kind = raw.get("type")
                    losses.drop(f"content.{kind}", "only its own vendor knows it")
            case ReasoningBlock():
                losses.drop("content.reasoning", "only the model says such a thing")
            case _:
                losses.drop("content", "it does not belong in a message of this role")
    return out


def write_content(
    blocks: list[Block], losses: Losses, *, is_own: bool
) -> str | list[dict[str, Any]]:
    """
    Write *blocks* as ``content``: a string where one says it all.
    """
    parts = write_parts(blocks, losses, is_own=is_own)
    return shortest(parts) or ""


def write_cache(
    part: dict[str, Any], cache: dict[str, Any] | None, losses: Losses, *, is_own: bool
) -> None:
    """
    Write the prompt-cache breakpoint behind *part*, where vendors know one.
    """
    if cache is None:
        return
    if is_own:
        part["cache_control"] = cache
    else:
        losses.drop("cache_control", "providers of this dialect cache by themselves")


def _write_media(
    block: MediaBlock, losses: Losses, *, is_own: bool
) -> list[dict[str, Any]]:
    if block.file_id is not None and not is_own:
        losses.refuse(f"{block.kind}.file_id", "the file lies with another vendor")
    if block.kind == "document":
        return _write_document(block, losses, is_own=is_own)
    if block.kind == "audio" and block.data is not None:
        kind = block.media_type or ""
        form = _AUDIO_FORMATS.get(kind, kind.removeprefix("audio/"))
        part: dict[str, Any] = {
            "type": "input_audio",
            "input_audio": {"data": block.data, "format": form},
        }
    else:
        key = f"{block.kind}_url"
        link = {"url": block.url if block.url is not None else _data_url(block)}
        if block.detail is not None:
            link["detail"] = block.detail
        part = {"type": key, key: link}
    write_cache(part, block.cache, losses, is_own=is_own)
    return [part]


def _write_document(
    block: MediaBlock, losses: Losses, *, is_own: bool
) -> list[dict[str, Any]]:
    if block.cites:
        losses.drop("document.citations", "the dialect cites web pages only")
    if block.detail not in (None, "auto"):
        losses.drop("document.detail", "only images are looked at closely")
    if block.text is not None or block.blocks is not None:
        if not is_own:
            return _quote_document(block, losses)
    elif block.context:
        losses.drop("document.context", "a file has a name only")
    if block.url is not None:
        if not is_own:
            losses.refuse("document.url", "a document is sent whole, or as a file's id")
        part: dict[str, Any] = {"type": "document_url", "document_url": block.url}
        if block.title is not None:
            part["document_name"] = block.title
    else:
        file = {"filename": block.title} if block.title is not None else {}
        if block.file_id is not None:
            file["file_id"] = block.file_id
        else:
            file["file_data"] = _data_url(block)
            if not is_own:
                file.setdefault("filename", "document.pdf")  # required beside data
        part = {"type": "file", "file": file}
    write_cache(part, block.cache, losses, is_own=is_own)
    return [part]


def _quote_document(block: MediaBlock, losses: Losses) -> list[dict[str, Any]]:
    """
    Write a text document as text, told apart from what is said about it.
    """
    losses.emulate("document", "its words are written as text")
    write_cache({}, block.cache, losses, is_own=False)
    inner: list[Block] = [TextBlock(text=block.text)] if block.text else []
    parts = write_parts(block.blocks or inner, losses, is_own=False)
    heads = [f"title: {block.title}"] if block.title else []
    heads += [f"context: {block.context}"] if block.context else []
    head = "\n".join(["<document>", *heads, ""])
    if len(parts) == 1 and parts[0]["type"] == "text":
        return [{"type": "text", "text": f"{head}{parts[0]['text']}\n</document>"}]
    return [
        {"type": "text", "text": head},
        *parts,
        {"type": "text", "text": "</document>"},
    ]


def _data_url(block: MediaBlock) -> str:
    data = block.data
    if data is None:
        data = base64.b64encode((block.text or "").encode()).decode()
    default = "application/pdf" if block.kind == "document" else f"{block.kind}/*"
    return f"data:{block.media_type or default};base64,{data}"
