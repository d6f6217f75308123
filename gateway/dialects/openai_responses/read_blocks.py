"""
Content parts and reasoning, read into neutral blocks.

Source: the OpenAI API reference, "Create a model response", ``input`` and ``output``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.content import read_content
from gateway.dialects.fields import Fields
from gateway.dialects.media import read_data_url
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

    from gateway.outcomes import Losses

#: Stands in a wrapped seal for a block that its provider had hidden.
REDACTED: Final = "redacted"


def read_parts(content: Any, losses: Losses, place: str) -> list[Block]:
    """
    Read content: a string or a list of parts.

    Raises:
        InvalidRequest: if it is neither, or a part is malformed.
        Untranslatable: if it has a part of a type that nobody here knows.
    """
    return read_content(content, place, lambda part: _part(part, losses))


def _part(fields: Fields, losses: Losses) -> Block:
    kind = fields.needed("type")
    reader = _READERS.get(kind)
    if reader is None:
        raise Untranslatable(
            fields.place, why=f"nobody here knows parts of type {kind[:64]}"
        )
    block = reader(fields, losses)
    fields.drop_rest(losses, kind)
    return block


def _text(fields: Fields, losses: Losses) -> Block:
    return TextBlock(
        text=fields.take("text", str) or "", cache=_breakpoint(fields, losses)
    )


def _breakpoint(fields: Fields, losses: Losses) -> dict[str, Any] | None:
    given = fields.take("prompt_cache_breakpoint", dict)
    if given is None:
        return None
    if given.get("ttl") is not None:
        losses.change("prompt_cache_breakpoint.ttl", "lifetimes differ: the default")
    return {"type": "ephemeral"}


def _output_text(fields: Fields, losses: Losses) -> Block:
    if fields.members("logprobs"):
        losses.drop("output_text.logprobs", "only OpenAI's Responses take them back")
    return TextBlock(
        text=fields.take("text", str) or "",
        annotations=[
            one for one in fields.members("annotations") if isinstance(one, dict)
        ],
    )


def _refusal(fields: Fields, losses: Losses) -> Block:
    return RefusalBlock(text=fields.take("refusal", str) or "")


def _image(fields: Fields, losses: Losses) -> Block:
    block = MediaBlock(
        kind="image",
        detail=fields.take("detail", str),
        cache=_breakpoint(fields, losses),
    )
    _locate(block, fields, fields.take("image_url", str), fields.take("file_id", str))
    return block


def _file(fields: Fields, losses: Losses) -> Block:
    block = MediaBlock(
        kind="document",
        title=fields.take("filename", str),
        detail=fields.take("detail", str),
        cache=_breakpoint(fields, losses),
    )
    data = fields.take("file_data", str)
    if data is not None and read_data_url(data) is None:
        block.data = data
        block.media_type = _type_by_name(block.title)
        return block
    url = fields.take("file_url", str)
    _locate(block, fields, data or url, fields.take("file_id", str))
    return block


def _locate(
    block: MediaBlock, fields: Fields, url: str | None, file_id: str | None
) -> None:
    if url:
        found = read_data_url(url)
        if found is None:
            block.url = url
        else:
            kind, block.data = found
            block.media_type = kind or None
    elif file_id:
        block.file_id = file_id
    else:
        raise InvalidRequest(
            f"{fields.place}: has neither data, nor a URL, nor a file id"
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
    audio = fields.inner("input_audio")
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
