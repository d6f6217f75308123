"""
Rules for media, documents and seals: what is no text, and the text that hides among it.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from gateway.dialects.openai_chat.rules import stray_value
from gateway.dialects.shapes import Walk, is_base64, media
from gateway.views import DOCUMENT, UNKNOWN

_WRITTEN_DATA = re.compile(
    r"data:(?:text/[\w.+-]{1,64}|application/(?:json|xml|yaml|[\w.-]{1,64}\+(?:json|xml)))"
    r"(?:;[\w=.-]{1,64}){0,3};base64,",
    re.ASCII,
)


def seal(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over a signature or encrypted content; text in its place cannot be edited either.
    """
    if value.__class__ is not str:
        stray_value(walk, box, key, value)
    elif not is_base64(value.removeprefix("gw1.")):
        form, walk.form = walk.form, "whole"
        walk.sealed = True
        walk.add(box, key, UNKNOWN)
        walk.sealed = False
        walk.form = form


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
    head = _WRITTEN_DATA.match(url)
    if head is None:
        return None
    try:
        return base64.b64decode(url[head.end() :], validate=True).decode()
    except (binascii.Error, ValueError):
        return None


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
