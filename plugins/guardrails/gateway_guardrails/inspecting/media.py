"""
What stands in a request and cannot be read as text: images, audio, files.

Sources: OpenAI's API reference, content parts of chat and response input; Anthropic's, content
blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gateway import Request

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
_CONTAINERS: Final[frozenset[Any]] = frozenset({dict, list})
_READABLE: Final = frozenset({"text", "content"})
_TEXT_URL: Final = ("data:text/", "data:application/json", "data:application/xml")


def media_in(request: Request) -> list[str]:
    """
    Name the kinds of media in *request* that no detector of texts can read, each once.
    """
    found = {kind: None for part in _objects(request.members) if (kind := _kind(part))}
    return list(found)


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
    for box in (part, part.get("file")):
        if box.__class__ is dict:
            url = box.get("file_data")
            if url.__class__ is str and url.startswith(_TEXT_URL):
                return None
    return kind
