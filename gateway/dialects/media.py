"""
Media in base64: what it is, and the words of documents that are nothing but words.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from gateway.dialects.shapes import media
from gateway.views import DOCUMENT

if TYPE_CHECKING:
    from gateway.dialects.shapes import Walk

_DATA_URL: Final = re.compile(r"data:([\w.+/-]*)((?:;[\w=.+-]+)*),", re.ASCII)
_WRITTEN: Final = re.compile(
    r"text/.+|application/(?:json|xml|yaml|x-yaml|.+\+(?:json|xml))"
)
_WRITTEN_URL: Final = re.compile(
    r"data:(?:text/[\w.+-]{1,64}|application/(?:json|xml|yaml|[\w.-]{1,64}\+(?:json|xml)))"
    r"(?:;[\w=.-]{1,64}){0,3};base64,",
    re.ASCII,
)
#: How the first bytes of an image look in base64; what callers declare is often wrong.
_IMAGES: Final = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
)
#: The images that can be told apart, which are those that every vendor reads.
IMAGE_TYPES: Final = frozenset(kind for _, kind in _IMAGES)

# --- translation ----------------------------------------------------------------------------


def image_type(data: str) -> str | None:
    """
    Return the media type of an image by its first bytes; None if it is of another type.
    """
    return next((kind for head, kind in _IMAGES if data.startswith(head)), None)


def read_data_url(url: str) -> tuple[str, str] | None:
    """
    Return the media type, "" if none is declared, and the base64 of a ``data:`` URL.

    Returns:
        None if *url* is another kind of address.
    """
    head = _DATA_URL.match(url)
    if head is None:
        return None
    body = url[head.end() :]
    if not head[2].endswith(";base64"):
        body = base64.b64encode(unquote_to_bytes(body)).decode()
    return head[1], body


def words_of(media_type: str, data: str) -> str | None:
    """
    Return the words of a document in base64; None if it is of no written type, or no UTF-8.
    """
    return _decoded(data) if _WRITTEN.fullmatch(media_type) else None


def _decoded(data: str) -> str | None:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


# --- texts ----------------------------------------------------------------------------------


def document(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Yield the words of a text document sent as a ``data:`` URL, decoded; pass over other media.
    """
    form, walk.form = walk.form, "whole"
    words = _EncodedWords.of(box, key) if value.__class__ is str else None
    if words is None:
        media(walk, box, key, value)
    else:
        walk.add(words, 0, DOCUMENT)
    walk.form = form


def words_of_data_url(url: str) -> str | None:
    """
    Decode a ``data:`` URL of a text document; None if it is none.
    """
    head = _WRITTEN_URL.match(url)
    if head is None:
        return None
    return _decoded(url[head.end() :])


class _EncodedWords:
    """
    A text document in base64, seen as its words.
    """

    __slots__ = ("_box", "_head", "_key", "_words")

    def __init__(self, box: Any, key: Any, head: str, words: str) -> None:
        self._box = box
        self._key = key
        self._head = head
        self._words = words

    @classmethod
    def of(cls, box: Any, key: Any) -> _EncodedWords | None:
        url: str = box[key]
        words = words_of_data_url(url)
        if words is None:
            return None
        return cls(box, key, url[: url.index("base64,") + 7], words)

    def __getitem__(self, key: Any) -> str:
        return self._words

    def __setitem__(self, key: Any, new: str) -> None:
        self._words = new
        raw = new.encode("utf-8", "surrogatepass")
        self._box[self._key] = self._head + base64.b64encode(raw).decode()
