"""
Neutral blocks, written as content parts.

Source: the OpenAI API reference, "Create a model response", ``input``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.content import shortest
from gateway.dialects.media import image_type
from gateway.dialects.openai_responses.wire import NAME
from gateway.errors import Untranslatable
from gateway.neutral import MediaBlock, RefusalBlock, TextBlock, ToolResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.neutral import Block, Losses

Doc = dict[str, Any]

# How base64 of an image of each type begins, for those that came without one.
_SUFFIXES: Final = {
    "application/pdf": "pdf",
    "text/plain": "txt",
    "text/markdown": "md",
    "text/csv": "csv",
    "text/html": "html",
    "application/json": "json",
}
_ANNOTATIONS: Final = frozenset(
    {"url_citation", "file_citation", "container_file_citation", "file_path"}
)


class PartWriter:
    """
    Writes the content of messages and of tool results.

    Args:
        dialect: The dialect that the blocks were read from.
    """

    def __init__(self, dialect: str, losses: Losses) -> None:
        self._is_own = dialect == NAME
        self._is_openai = dialect.startswith("openai")
        self._losses = losses

    # --- what is put in ---------------------------------------------------------------------

    def inputs(self, blocks: Iterable[Block]) -> list[Doc]:
        """
        Write what a user, the system or a tool says.
        """
        return [part for block in blocks for part in self._input(block)]

    def _input(self, block: Block) -> list[Doc]:
        match block:
            case TextBlock():
                if block.annotations:
                    self._losses.drop("annotations", "only the model annotates here")
                return self._with_breakpoint(_text(block.text), block)
            case RefusalBlock():
                return _text(block.text)
            case MediaBlock():
                return self._with_breakpoint(self._media(block), block)
            case _:
                self._losses.drop(
                    "content", f"no place for a {type(block).__name__} here"
                )
                return []

    def _with_breakpoint(
        self, parts: list[Doc], block: TextBlock | MediaBlock
    ) -> list[Doc]:
        if block.cache is not None:
            if self._is_own and parts:
                parts[-1]["prompt_cache_breakpoint"] = {"mode": "explicit"}
            else:
                self.drop_cache()
        return parts

    def drop_cache(self) -> None:
        """
        Record that a cache breakpoint was left out.
        """
        self._losses.drop("cache_control", "OpenAI caches prefixes by itself")

    # --- media ------------------------------------------------------------------------------

    def _media(self, block: MediaBlock) -> list[Doc]:
        if block.kind == "image":
            return [self._image(block)]
        if block.kind == "document":
            return self._document(block)
        if block.kind == "audio" and block.data is not None:
            suffix = (block.media_type or "").rpartition("/")[2]
            audio = {
                "data": block.data,
                "format": "mp3" if suffix == "mpeg" else suffix,
            }
            return [{"type": "input_audio", "input_audio": audio}]
        raise Untranslatable(
            block.kind, dialect=NAME, why="there is no such content part"
        )

    def _image(self, block: MediaBlock) -> Doc:
        part: Doc = {"type": "input_image", "detail": block.detail or "auto"}
        if block.data is not None:
            kind = block.media_type or image_type(block.data) or "image/png"
            part["image_url"] = f"data:{kind};base64,{block.data}"
        elif block.url is not None:
            part["image_url"] = block.url
        else:
            part["file_id"] = self._file_id(block)
        return part

    def _document(self, block: MediaBlock) -> list[Doc]:
        for name in ("context", "cites"):
            if getattr(block, name) and block.text is None and block.blocks is None:
                self._losses.drop(
                    f"document.{name}", "OpenAI's files have no such field"
                )
        if block.text is not None or block.blocks is not None:
            return self._told_document(block)
        part: Doc = {"type": "input_file"}
        if block.data is not None:
            kind = block.media_type or "application/pdf"
            suffix = _SUFFIXES.get(kind, "bin")
            part["filename"] = block.title or f"document.{suffix}"
            part["file_data"] = f"data:{kind};base64,{block.data}"
        elif block.url is not None:
            part["file_url"] = block.url
        else:
            part["file_id"] = self._file_id(block)
        if block.title and "filename" not in part:
            self._losses.drop("document.title", "OpenAI names what it is sent itself")
        if block.detail is not None:
            part["detail"] = block.detail
        return [part]

    def _told_document(self, block: MediaBlock) -> list[Doc]:
        self._losses.emulate("document", "its text is written as text")
        if block.cites:
            self._losses.drop("document.cites", "OpenAI cites only what it searched")
        head = "\n".join(line for line in (block.title, block.context) if line)
        body = _text(block.text) if block.text else self.inputs(block.blocks or ())
        return [*(_text(head) if head else ()), *body]

    def _file_id(self, block: MediaBlock) -> str:
        if block.file_id is None:
            raise Untranslatable(
                block.kind, dialect=NAME, why="it has no data and no URL"
            )
        if not self._is_openai:
            raise Untranslatable(
                "file_id", dialect=NAME, why="the file is stored at another vendor"
            )
        return block.file_id

    # --- what tools gave back -----------------------------------------------------------------

    def result(self, result: ToolResult) -> str | list[Doc]:
        """
        Write a tool's result: a string where it is one text, else parts.
        """
        if result.cache is not None:
            self.drop_cache()
        parts = self.inputs(result.content)
        if result.is_error:
            self._losses.emulate("is_error", "the result begins with Error:")
            if not parts or parts[0]["type"] != "input_text":
                parts = [*_text("Error"), *parts]
            else:
                parts[0]["text"] = f"Error: {parts[0]['text']}"
        return shortest(parts) or ""

    # --- what the model said ------------------------------------------------------------------

    def outputs(self, blocks: Iterable[TextBlock | RefusalBlock]) -> list[Doc]:
        """
        Write what the assistant said before.
        """
        parts: list[Doc] = []
        for block in blocks:
            if isinstance(block, RefusalBlock):
                parts.append({"type": "refusal", "refusal": block.text})
            elif block.text:
                parts.append(
                    {
                        "type": "output_text",
                        "text": block.text,
                        "annotations": self._annotations(block),
                    }
                )
                if block.cache is not None:
                    self.drop_cache()
        return parts

    def _annotations(self, block: TextBlock) -> list[Doc]:
        written = [write_annotation(raw) for raw in block.annotations]
        kept = [doc for doc in written if doc is not None]
        if len(kept) < len(written):
            self._losses.drop("annotations", "OpenAI has no such citations")
        return kept


def write_annotation(raw: Doc) -> Doc | None:
    """
    Write an annotation; None if it is of a kind that the dialect does not have.

    OpenAI's chat completions put the members of one in an object named as its type.
    """
    kind = raw.get("type")
    if kind not in _ANNOTATIONS:
        return None
    inner = raw.get(kind)
    return {"type": kind, **inner} if isinstance(inner, dict) else dict(raw)


def _text(text: str) -> list[Doc]:
    return [{"type": "input_text", "text": text}] if text else []
