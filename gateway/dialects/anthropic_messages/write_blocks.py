"""
Neutral blocks, written as Anthropic's content blocks.

Source: Anthropic's API reference, content blocks; images are JPEG, PNG, GIF or WebP, documents
PDF or text, and blank text is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from gateway import codec
from gateway.dialects.anthropic_messages.wire import NAME, written_id
from gateway.dialects.content import shortest
from gateway.dialects.custom_tools import wrapped
from gateway.dialects.media import IMAGE_TYPES, image_type, words_of
from gateway.neutral import (
    Block,
    MediaBlock,
    Opaque,
    ReasoningBlock,
    RefusalBlock,
    TextBlock,
    ToolCall,
    ToolResult,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.dialects.tool_names import ToolNames
    from gateway.outcomes import Losses

_PDF: Final = "application/pdf"
#: What a text block's citations are called.
CITATIONS: Final = frozenset(
    "char_location page_location content_block_location search_result_location "
    "web_search_result_location".split()
)


@attrs.frozen
class BlockWriter:
    """
    Writes the blocks of one request's messages.

    Attributes:
        is_own: The request was read from this dialect, so that ids of files and hosted
            tools' blocks lead somewhere.
    """

    names: ToolNames
    losses: Losses
    is_own: bool = False

    def write(self, blocks: Iterable[Block]) -> list[dict[str, Any]]:
        """
        Write *blocks*; those that Anthropic would refuse or cannot read are left out.
        """
        written = (self._write(block) for block in blocks)
        return [block for block in written if block is not None]

    def _write(self, block: Block) -> dict[str, Any] | None:
        match block:
            case TextBlock():
                return self._text(block)
            case ToolCall():
                return self._tool_use(block)
            case ToolResult():
                return self._tool_result(block)
            case MediaBlock():
                return self._media(block)
            case ReasoningBlock():
                return self._thinking(block)
            case RefusalBlock():
                self.losses.emulate("refusal", "written as text")
                return self._text(TextBlock(text=block.text))
            case Opaque():
                return self._opaque(block)

    def _text(self, block: TextBlock) -> dict[str, Any] | None:
        if not block.text.strip():
            if block.text:
                self.losses.change("messages", "blank text is left out")
            return None
        doc: dict[str, Any] = {"type": "text", "text": block.text}
        citations = [one for one in block.annotations if _is_sendable(one)]
        if len(citations) < len(block.annotations):
            self.losses.drop("annotations", "Anthropic takes only its own citations")
        if citations:
            doc["citations"] = citations
        return _with_cache(doc, block.cache)

    def _tool_use(self, block: ToolCall) -> dict[str, Any]:
        doc = {
            "type": "tool_use",
            "id": written_id(block.id),
            "name": self.names[block.name],
            "input": self._input(block),
        }
        return _with_cache(doc, block.cache)

    def _input(self, block: ToolCall) -> dict[str, Any]:
        given, is_whole = arguments_of(block)
        if not is_whole:
            self.losses.change(
                "tool_calls.arguments", "not a JSON object: wrapped in one"
            )
        return given

    def _tool_result(self, block: ToolResult) -> dict[str, Any]:
        doc: dict[str, Any] = {
            "type": "tool_result",
            "tool_use_id": written_id(block.call_id),
        }
        content = self.write(block.content)
        if content:
            doc["content"] = shortest(content)
        if block.is_error:
            doc["is_error"] = True
        return _with_cache(doc, block.cache)

    def _thinking(self, block: ReasoningBlock) -> dict[str, Any] | None:
        seal = block.seal
        if seal is None or seal.dialect != NAME:
            self.losses.drop(
                "reasoning", "Anthropic takes only reasoning that it signed"
            )
            return None
        if block.is_redacted:
            return {"type": "redacted_thinking", "data": seal.data}
        return {"type": "thinking", "thinking": block.text, "signature": seal.data}

    def _opaque(self, block: Opaque) -> dict[str, Any] | None:
        if block.dialect == NAME:
            return block.raw
        kind = block.raw.get("type")
        self.losses.drop(
            f"messages.{kind}", "only the vendor that it came from knows it"
        )
        return None

    # --- media --------------------------------------------------------------------------

    def _media(self, block: MediaBlock) -> dict[str, Any] | None:
        if block.kind not in ("image", "document"):
            self.losses.refuse(
                f"messages.{block.kind}", f"Anthropic takes no {block.kind}"
            )
        if block.detail not in (None, "auto"):
            why = "Anthropic chooses the resolution itself"
            self.losses.drop(f"{block.kind}.detail", why)
        if block.kind == "image":
            doc = {"type": "image", "source": self._image_source(block)}
            return _with_cache(doc, block.cache)
        source = self._document_source(block)
        if source is None:
            self.losses.change("document", "a blank document is left out")
            return None
        doc = {"type": "document", "source": source}
        if block.title:
            doc["title"] = block.title
        if block.context:
            doc["context"] = block.context
        if block.cites is not None:
            doc["citations"] = {"enabled": block.cites}
        return _with_cache(doc, block.cache)

    def _image_source(self, block: MediaBlock) -> dict[str, Any]:
        if block.data is None:
            return self._reference(block)
        media_type = image_type(block.data)
        if media_type is None:
            media_type = block.media_type
        elif block.media_type not in (None, media_type):
            self.losses.change("image.media_type", f"it is in truth {media_type}")
        if media_type not in IMAGE_TYPES:
            self.losses.refuse(
                "image.media_type", "Anthropic reads JPEG, PNG, GIF and WebP"
            )
        return {"type": "base64", "media_type": media_type, "data": block.data}

    def _document_source(self, block: MediaBlock) -> dict[str, Any] | None:
        if block.blocks is not None:
            content = self.write(block.blocks)
            return {"type": "content", "content": content} if content else None
        if block.text is not None:
            return _plain(block.text) if block.text.strip() else None
        if block.data is None:
            return self._reference(block)
        if block.media_type in (None, _PDF):
            return {"type": "base64", "media_type": _PDF, "data": block.data}
        text = words_of(block.media_type or "", block.data)
        if text is None:
            self.losses.refuse("file", "Anthropic reads PDF and text")
        return _plain(text or "")

    def _reference(self, block: MediaBlock) -> dict[str, Any]:
        if block.url is not None:
            return {"type": "url", "url": block.url}
        if not self.is_own:
            self.losses.refuse(
                "file_id", "another vendor's file cannot be read by Anthropic"
            )
        return {"type": "file", "file_id": block.file_id}


def arguments_of(call: ToolCall) -> tuple[dict[str, Any], bool]:
    """
    Return a call's arguments as an object, and whether they are whole and unwrapped.

    A custom tool's free text is wrapped; what is no JSON object is the member ``_raw``.
    """
    if call.kind == "custom":
        return wrapped(call.arguments), True
    if not call.arguments.strip():
        return {}, True
    try:
        given = codec.read(call.arguments.encode("utf-8", "surrogatepass"))
    except codec.JsonError:
        given = None
    if isinstance(given, dict):
        return given, True
    return {"_raw": call.arguments}, False


def _is_sendable(citation: dict[str, Any]) -> bool:
    if citation.get("type") == "web_search_result_location":
        return bool(citation.get("encrypted_index"))
    return citation.get("type") in CITATIONS


def _plain(text: str) -> dict[str, Any]:
    return {"type": "text", "media_type": "text/plain", "data": text}


def _with_cache(doc: dict[str, Any], cache: dict[str, Any] | None) -> dict[str, Any]:
    if cache is not None:
        doc["cache_control"] = cache
    return doc
