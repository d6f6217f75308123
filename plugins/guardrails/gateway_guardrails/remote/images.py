"""
The images in a request, whatever its dialect: those that a service can look at, and the others.

All formats have in common how an image is written: as a ``data:`` URL, or as base64 beside its
media type or its format.  What only tells where an image is, an address or a file's id, nobody
fetches here.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import attrs

__all__ = ["MAX_IMAGES", "MAX_IMAGE_BYTES", "Image", "Images", "images_of"]

#: Images of one call, and the bytes of each.
#: Source: https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-mmfilter.html.
MAX_IMAGES: Final = 20
MAX_IMAGE_BYTES: Final = 4 * 1024 * 1024

Format = Literal["png", "jpeg"]

#: How a file begins; what a caller declares is often wrong.
_BEGINS: Final[tuple[tuple[bytes, Format], ...]] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
)
_DATA_URL: Final = "data:image/"
_MEDIA_TYPES: Final = ("media_type", "mime_type", "mimeType")
_IMAGE_TYPES: Final = frozenset({"image", "image_url", "input_image"})
_FORMATS: Final = frozenset({"png", "jpeg", "gif", "webp"})


@attrs.frozen(kw_only=True)
class Image:
    """
    An image.
    """

    format: Format
    raw: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Images:
    """
    What a request shows.

    Attributes:
        unseen: How many there are besides.
    """

    images: tuple[Image, ...]
    unseen: int


def images_of(document: Any) -> Images:
    """
    Find the images in a request's document.
    """
    images: list[Image] = []
    unseen = 0
    for encoded in _encoded(document):
        image = _decoded(encoded) if encoded is not None else None
        if image is None:
            unseen += 1
        else:
            images.append(image)
    return Images(images=tuple(images), unseen=unseen)


def _encoded(document: Any) -> Iterator[str | None]:
    """
    Yield each image's base64; None for one of which only the place is told.
    """
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(reversed(node))
        elif isinstance(node, dict):
            held = _held(node)
            if held:
                yield from held
            else:
                waiting.extend(reversed(node.values()))
        elif isinstance(node, str) and node.startswith(_DATA_URL):
            yield _of_url(node)


def _held(node: Mapping[str, Any]) -> list[str | None]:
    """
    Return the image that *node* itself is; nothing if it is none.
    """
    media_type = next((node[key] for key in _MEDIA_TYPES if key in node), None)
    if isinstance(media_type, str) and media_type.startswith("image/"):
        data = node.get("data")
        return [data if isinstance(data, str) else None]
    source = node.get("source")
    if node.get("format") in _FORMATS and isinstance(source, dict):
        data = source.get("bytes")
        return [data if isinstance(data, str) else None]
    if node.get("type") in _IMAGE_TYPES and not _has_data(node):
        return [None]
    return []


def _has_data(node: Mapping[str, Any]) -> bool:
    """
    Tell whether a part that says that it is an image holds one, for those below to be found.
    """
    for value in node.values():
        if isinstance(value, str) and value.startswith(_DATA_URL):
            return True
        if isinstance(value, dict) and (_held(value) or _has_data(value)):
            return True
    return False


def _of_url(url: str) -> str | None:
    head, comma, data = url.partition(",")
    return data if comma and head.endswith(";base64") else None


def _decoded(encoded: str) -> Image | None:
    if len(encoded) > MAX_IMAGE_BYTES * 4 // 3 + 4:
        return None
    try:
        raw = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    for begins, kind in _BEGINS:
        if raw.startswith(begins) and len(raw) <= MAX_IMAGE_BYTES:
            return Image(format=kind, raw=raw)
    return None
