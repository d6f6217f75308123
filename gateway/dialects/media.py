"""
Media in base64: what it is, and the words of documents that are nothing but words.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

import attrs

from gateway.dialects.shapes import is_base64, media, text
from gateway.views import DOCUMENT

if TYPE_CHECKING:
    from gateway.dialects.shapes import Walk

_DATA_URL: Final = re.compile(
    r"data:([\w.+/-]{0,127})((?:;(?:\"[^\"]{0,256}\"|[^\",;]){0,256}){0,16}),",
    re.ASCII | re.IGNORECASE,
)
_WRITTEN: Final = re.compile(
    r"text/.+|application/(?:json|xml|yaml|x-yaml|.+\+(?:json|xml))"
)
_CHARSET: Final = re.compile(r";charset=\"?([\w-]{1,32})", re.ASCII | re.IGNORECASE)
#: What texts begin with that say themselves how they are written; the longer ones first.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: What may be declared and is taken at its word where a text is no UTF-8.
_CHARSETS: Final = re.compile(
    r"(?:iso-8859|windows|utf-16|utf-32|koi8|euc|gb|big5|shift)[\w-]*", re.IGNORECASE
)
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
#: Characters of base64 that nearly always tell that there is no text behind them.
_HEAD: Final = 512
#: Begins a file that may be written in letters alone, and is no text.
_PDF: Final = b"%PDF-"
#: What a ``data:`` URL is that does not say it (RFC 2397).
_USUAL: Final = "text/plain"
_BASE64URL: Final = bytes.maketrans(b"-_", b"+/")
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
    if not _is_base64(head[2]):
        body = base64.b64encode(_unquoted(body)).decode()
    return head[1].lower(), body


def words_of(media_type: str, data: str) -> str | None:
    """
    Return the words of a document in base64; None if it is of no written type, or no text.
    """
    if _WRITTEN.fullmatch(media_type) is None:
        return None
    written = _read(_bytes_of(data), "")
    return None if written is None else written.words


def _is_base64(parameters: str) -> bool:
    return parameters.lower().endswith(";base64")


def _unquoted(data: str) -> bytes:
    return unquote_to_bytes(data.encode("utf-8", "surrogatepass"))


def _bytes_of(data: str) -> bytes | None:
    """
    Decode base64 as forgivingly as whoever reads it upstream: wrapped, unpadded, of either set.
    """
    raw = b"".join(_unquoted(data).split()).translate(_BASE64URL).rstrip(b"=")
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    except binascii.Error:
        return None


def _begins_as_none(data: str) -> bool:
    """
    Tell by its first bytes that what stands in base64 is no text, as of megabytes of an image.
    """
    raw = _bytes_of(data[:_HEAD])
    if raw is None or raw.startswith(tuple(mark for mark, _ in _MARKS)):
        return False
    return _NO_TEXT.search(raw.decode("latin-1")) is not None


@attrs.frozen
class _Written:
    """
    The words of a document, and the encoding in which they are written.
    """

    words: str = attrs.field(repr=False)
    encoding: str


def _read(raw: bytes | None, parameters: str) -> _Written | None:
    """
    Read a document as a text: as it says itself, as UTF-8, as declared, else byte by byte.

    Returns:
        None if it holds what no text does.
    """
    if raw is None or raw.startswith(_PDF):
        return None
    marked = next((name for mark, name in _MARKS if raw.startswith(mark)), None)
    declared = _CHARSET.search(parameters)
    guesses = [marked or "utf-8"]
    if declared is not None and _CHARSETS.fullmatch(declared[1]):
        guesses.append(declared[1])
    for encoding in (*guesses, "latin-1"):
        try:
            words = raw.decode(encoding)
        except (UnicodeError, LookupError):
            continue
        if _NO_TEXT.search(words) is None:
            return _Written(words, encoding)
    return None


# --- texts ----------------------------------------------------------------------------------


def document(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Yield the words of a text document, decoded; pass over other media.
    """
    form, walk.form = walk.form, "whole"
    words = _EncodedWords.of(box, key) if value.__class__ is str else None
    if words is None:
        media(walk, box, key, value)
    else:
        walk.add(words, 0, DOCUMENT)
    walk.form = form


def document_link(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Likewise where an address may stand instead, which is a text.
    """
    if value.__class__ is str and _DATA_URL.match(value):
        document(walk, box, key, value)
    else:
        _LINK(walk, box, key, value)


_LINK: Final = text(DOCUMENT)


def words_of_file(value: str) -> str | None:
    """
    Decode a text document, a ``data:`` URL or bare base64; None if it is none.
    """
    found = _File.of(value)
    return None if found is None else found.written.words


@attrs.frozen
class _File:
    """
    A text document as it stands in a request.
    """

    head: str
    is_base64: bool
    written: _Written

    @classmethod
    def of(cls, value: str) -> _File | None:
        head = _DATA_URL.match(value)
        if head is None:
            if _begins_as_none(value) or not is_base64(value):
                return None
            # Which type it is depends on its name, for those who go by it.
            written = _read(_bytes_of(value), "")
            return None if written is None else cls("", True, written)
        if _WRITTEN.fullmatch(head[1].lower() or _USUAL) is None:
            return None
        in_base64, body = _is_base64(head[2]), value[head.end() :]
        raw = _bytes_of(body) if in_base64 else _unquoted(body)
        written = _read(raw, head[2])
        return None if written is None else cls(head[0], in_base64, written)

    def written_anew(self, words: str) -> str:
        encoding = self.written.encoding
        how = "surrogatepass" if encoding.startswith("utf") else "replace"
        raw = words.encode(encoding, how)
        if self.is_base64:
            return self.head + base64.b64encode(raw).decode()
        return self.head + quote_from_bytes(raw)


class _EncodedWords:
    """
    A text document that is encoded, seen as its words.
    """

    __slots__ = ("_box", "_file", "_key", "_words")

    def __init__(self, box: Any, key: Any, file: _File) -> None:
        self._box = box
        self._key = key
        self._file = file
        self._words = file.written.words

    @classmethod
    def of(cls, box: Any, key: Any) -> _EncodedWords | None:
        found = _File.of(box[key])
        return None if found is None else cls(box, key, found)

    def __getitem__(self, key: Any) -> str:
        return self._words

    def __setitem__(self, key: Any, new: str) -> None:
        self._words = new
        self._box[self._key] = self._file.written_anew(new)
