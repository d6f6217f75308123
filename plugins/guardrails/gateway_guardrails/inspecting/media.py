"""
What stands in a request or an answer and cannot be read as text: images, audio, files.

Sources: OpenAI's API reference, content parts of chat and response input, ``message.audio``, image
generation calls and the events of both; Anthropic's, content blocks; OpenRouter's,
``message.images``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from gateway.detecting import words_of_file
from gateway.filters import StreamFilter
from gateway_guardrails.inspecting.refusals import unenforceable

if TYPE_CHECKING:
    from gateway import Chunk, Request, Response
    from gateway_guardrails.policy.guardrail import Guardrail

_KINDS: Final = {
    "image_url": "image",
    "input_image": "image",
    "image": "image",
    "image_file": "image",
    "video_url": "video",
    "audio_url": "audio",
    "input_audio": "audio",
    "file": "file",
    "input_file": "file",
    "document": "file",
    "document_url": "file",
    "container_upload": "file",
    "computer_screenshot": "image",
}
#: What further types of answers hold, and in which member.
_MADE: Final = {
    "image_generation_call": ("image", "result"),
    "response.image_generation_call.partial_image": ("image", "partial_image_b64"),
    "output_audio": ("audio", "data"),
    "response.audio.delta": ("audio", "delta"),
    "response.output_audio.delta": ("audio", "delta"),
    "code_execution_output": ("file", "file_id"),
    "bash_code_execution_output": ("file", "file_id"),
}
#: One of which stands in the bytes of whatever answer holds any of them.
_MARKS: Final = (
    b"image",
    b"audio",
    b"video",
    b"file",
    b"document",
    b"container_upload",
)
_CONTAINERS: Final[frozenset[Any]] = frozenset({dict, list})
_READABLE: Final = frozenset({"text", "content"})


def media_in(request: Request) -> list[str]:
    """
    Name the kinds of media in *request* that no detector of texts can read, each once.
    """
    found = {kind: None for part in _objects(request.members) if (kind := _kind(part))}
    return list(found)


def media_in_answer(document: Any, raw: bytes) -> list[str]:
    """
    Name the kinds of media in an answer, or an event of one, likewise.

    Args:
        raw: The bytes that it was read from, which are looked through first.
    """
    if not any(mark in raw for mark in _MARKS):
        return []
    found = {
        kind: None
        for part in _objects([document])
        if (kind := _kind(part) or _made(part))
    }
    return list(found)


class MediaFilter(StreamFilter):
    """
    Refuses an answer that holds what none of the guardrails that must see all of it can see.
    """

    def __init__(self, guardrail: Guardrail, request_id: str) -> None:
        self._guardrail = guardrail
        self._request_id = request_id

    async def feed(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """
        Let *chunks* pass that are nothing but text.
        """
        for chunk in chunks:
            if not chunk.is_done:
                self._check(chunk.doc, chunk.data)
        return chunks

    async def feed_response(self, response: Response) -> int:
        """
        Let a whole answer pass that is nothing but text.
        """
        self._check(response.doc, response.encode())
        return 0

    def _check(self, document: Any, raw: bytes) -> None:
        kinds = media_in_answer(document, raw)
        if kinds:
            why = f"the answer holds what is no text: {', '.join(kinds)}"
            raise unenforceable(self._guardrail, why, self._request_id)


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node.__class__ is dict:
            yield node
            node = node.values()
        # Strings, which are nearly all that there is, are passed over.
        waiting += [one for one in node if one.__class__ in _CONTAINERS]


def _kind(part: dict[str, Any]) -> str | None:
    said = part.get("type")
    kind = _KINDS.get(said) if said.__class__ is str else None
    if kind != "file":
        # Embeddings take objects with an image and no type.
        return kind or ("image" if part.get("image").__class__ is str else None)
    source = part.get("source")
    if source.__class__ is dict and source.get("type") in _READABLE:
        return None
    for box in (part, part.get("file"), source):
        if box.__class__ is dict:
            told = box.get("file_data") or box.get("file_url") or box.get("data")
            if told.__class__ is str and words_of_file(told) is not None:
                return None
    return kind


def _made(part: dict[str, Any]) -> str | None:
    said = part.get("type")
    if said.__class__ is str and said in _MADE:
        kind, member = _MADE[said]
        return kind if part.get(member) else None
    audio = part.get("audio")
    return "audio" if audio.__class__ is dict and audio.get("data") else None
