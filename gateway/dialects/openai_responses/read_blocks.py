"""
Content parts and reasoning, read into neutral blocks.

Source: the OpenAI API reference, "Create a model response", ``input`` and ``output``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.openai_responses.fields import Fields
from gateway.dialects.openai_responses.wire import NAME
from gateway.errors import InvalidRequest, Untranslatable
from gateway.neutral import (
    Block,
    MediaBlock,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    TextBlock,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.neutral import Losses

#: Stands in a wrapped seal for a block that its provider had hidden.
REDACTED: Final = "redacted"

_DATA_URL: Final = re.compile(r"data:([\w.+/-]*)((?:;[\w=.+-]+)*?);base64,", re.ASCII)


def read_parts(content: Any, losses: Losses, path: str) -> list[Block]:
    """
    Read content: a string or a list of parts.

    Raises:
        InvalidRequest: if it is neither, or a part is malformed.
        Untranslatable: if it has a part of a type that nobody here knows.
    """
    if content is None or content == "":
        return []
    if content.__class__ is str:
        return [TextBlock(text=content)]
    if content.__class__ is not list:
        raise InvalidRequest(f"{path}: must be a string or a list of parts")
    return [
        _part(Fields(part, f"{path}[{index}]"), losses)
        for index, part in enumerate(content)
    ]


def _part(fields: Fields, losses: Losses) -> Block:
    kind = fields.needed("type")
    reader = _READERS.get(kind)
    if reader is None:
        raise Untranslatable(
            fields.path, why=f"nobody here knows parts of type {kind[:64]}"
        )
    block = reader(fields, losses)
    fields.drop_rest(losses, kind)
    return block


def _text(fields: Fields, losses: Losses) -> Block:
    return TextBlock(
        text=fields.string("text") or "", cache=_breakpoint(fields, losses)
    )


def _breakpoint(fields: Fields, losses: Losses) -> dict[str, Any] | None:
    given = fields.object("prompt_cache_breakpoint")
    if given is None:
        return None
    if given.get("ttl") is not None:
        losses.change("prompt_cache_breakpoint.ttl", "lifetimes differ: the default")
    return {"type": "ephemeral"}


def _output_text(fields: Fields, losses: Losses) -> Block:
    if fields.items("logprobs"):
        losses.drop("output_text.logprobs", "only OpenAI's Responses take them back")
    return TextBlock(
        text=fields.string("text") or "",
        annotations=[
            one for one in fields.items("annotations") if isinstance(one, dict)
        ],
    )


def _refusal(fields: Fields, losses: Losses) -> Block:
    return RefusalBlock(text=fields.string("refusal") or "")


def _image(fields: Fields, losses: Losses) -> Block:
    block = MediaBlock(
        kind="image",
        detail=fields.string("detail"),
        cache=_breakpoint(fields, losses),
    )
    _locate(block, fields, fields.string("image_url"), fields.string("file_id"))
    return block


def _file(fields: Fields, losses: Losses) -> Block:
    block = MediaBlock(
        kind="document",
        title=fields.string("filename"),
        detail=fields.string("detail"),
        cache=_breakpoint(fields, losses),
    )
    data = fields.string("file_data")
    if data is not None and _DATA_URL.match(data) is None:
        block.data = data
        block.media_type = _type_by_name(block.title)
        return block
    url = fields.string("file_url")
    _locate(block, fields, data or url, fields.string("file_id"))
    return block


def _locate(
    block: MediaBlock, fields: Fields, url: str | None, file_id: str | None
) -> None:
    if url:
        head = _DATA_URL.match(url)
        if head is None:
            block.url = url
        else:
            block.media_type = head[1] or None
            block.data = url[head.end() :]
    elif file_id:
        block.file_id = file_id
    else:
        raise InvalidRequest(
            f"{fields.path}: has neither data, nor a URL, nor a file id"
        )


def _type_by_name(name: str | None) -> str:
    suffix = (name or "").rpartition(".")[2].lower()
    return _TYPES.get(suffix, "application/pdf")


_TYPES: Final = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


def _audio(fields: Fields, losses: Losses) -> Block:
    audio = fields.below("input_audio")
    kind = audio.needed("format")
    return MediaBlock(
        kind="audio", media_type=f"audio/{kind}", data=audio.needed("data")
    )


_READERS: Final[dict[str, Callable[[Fields, Losses], Block]]] = {
    "input_text": _text,
    "output_text": _output_text,
    "refusal": _refusal,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}


# --- reasoning ------------------------------------------------------------------------------


def read_reasoning(item: dict[str, Any]) -> list[ReasoningBlock]:
    """
    Read a reasoning item: its text, if it shows one, and its summary under the item's seal.
    """
    blocks = []
    shown = reasoning_parts(item.get("content"))
    summary = reasoning_parts(item.get("summary"))
    seal = read_seal(item)
    if shown:
        blocks.append(_block(shown, is_summary=False))
    if summary or seal is not None:
        blocks.append(_block(summary, is_summary=True))
        seal_block(blocks[-1], seal)
    return blocks


def reasoning_parts(parts: Any) -> list[str]:
    """
    Return the texts of a reasoning item's parts, empty ones left out.
    """
    texts = [
        part.get("text")
        for part in (parts if parts.__class__ is list else ())
        if part.__class__ is dict
    ]
    return [text for text in texts if text.__class__ is str and text]


def read_seal(item: dict[str, Any]) -> Seal | None:
    """
    Read what a reasoning item wants sent back.
    """
    data = item.get("encrypted_content")
    item_id = item.get("id")
    if data.__class__ is not str or not data:
        return None
    return Seal.read(NAME, data, item_id if item_id.__class__ is str else None)


def seal_block(block: ReasoningBlock, seal: Seal | None) -> None:
    """
    Put *seal* on *block*; another provider's covers its reasoning as that provider told it.
    """
    if seal is None:
        return
    block.seal = seal
    if seal.dialect != NAME:
        block.is_summary = False
        if seal.item_id == REDACTED:
            block.is_redacted = True
            block.seal = Seal(dialect=seal.dialect, data=seal.data)


def _block(parts: list[str], *, is_summary: bool) -> ReasoningBlock:
    return ReasoningBlock(
        text="".join(parts),
        is_summary=is_summary,
        parts=parts if len(parts) > 1 else [],
    )
