"""
Labelled texts, one JSON object a line.

``text`` and ``label`` (1: something is to be found, 0: nothing is; null: nobody knows) are needed;
``category``, ``language``, ``spans`` (``[{"type", "start", "end"}]``), ``role`` and ``kind`` (where
the text stands) may be there, and what else there is stays unread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from gateway import codec

#: Bytes that one line may have.
MAX_LINE_BYTES: Final = 16 << 20
#: Rows that are read: they are kept in memory.
MAX_ROWS: Final = 1_000_000

#: Texts shorter than so many characters, and how a longer one is called.
_BUCKETS: Final = ((100, "<100"), (1_000, "<1k"), (10_000, "<10k"))
_LONGEST: Final = ">=10k"


class DatasetInvalid(ValueError):
    """
    A line is no row; says which and why.
    """


@attrs.frozen
class Span:
    """
    What is to be found in a text.
    """

    start: int
    end: int
    type: str


@attrs.frozen(kw_only=True)
class Row:
    """
    One text.

    Attributes:
        label: Whether something is to be found in it; None where nobody knows.
        spans: What exactly; None where nobody says.
    """

    text: str
    label: bool | None
    category: str = ""
    language: str = "?"
    spans: tuple[Span, ...] | None = None
    role: str | None = None
    kind: str | None = None

    @property
    def length(self) -> str:
        """
        The bucket of its length, in characters.
        """
        for most, name in _BUCKETS:
            if len(self.text) < most:
                return name
        return _LONGEST

    @property
    def kilobytes(self) -> float:
        """
        Its size as UTF-8.
        """
        return len(self.text.encode("utf-8", "surrogatepass")) / 1024


@attrs.frozen(kw_only=True)
class Dataset:
    """
    All rows of a file.

    Attributes:
        digest: SHA-256 of the file, by which a baseline knows its own.
    """

    name: str
    digest: str
    rows: tuple[Row, ...]


def read_dataset(path: Path) -> Dataset:
    """
    Read the file at *path*.

    Raises:
        DatasetInvalid: A line is no row, or there are none.
    """
    digest = hashlib.sha256()
    rows: list[Row] = []
    for number, line in _lines(path):
        digest.update(line)
        if not line.strip():
            continue
        if len(rows) >= MAX_ROWS:
            raise DatasetInvalid(f"{path}: more than {MAX_ROWS} rows")
        try:
            rows.append(_row(line))
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            told = f"{type(exc).__name__} {exc}".strip()[:120]
            raise DatasetInvalid(f"{path}:{number}: no row: {told}") from None
    if not rows:
        raise DatasetInvalid(f"{path}: no rows")
    return Dataset(name=path.name, digest=digest.hexdigest(), rows=tuple(rows))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                msg = f"{path}:{number}: longer than {MAX_LINE_BYTES} bytes"
                raise DatasetInvalid(msg)
            yield number, line


def _row(line: bytes) -> Row:
    document = codec.loads(line)
    text, label = document["text"], document.get("label")
    if not isinstance(text, str):
        raise TypeError("text is no text")
    if label not in (None, 0, 1):
        raise ValueError("label is neither 0, 1 nor null")
    spans = document.get("spans")
    return Row(
        text=text,
        label=None if label is None else bool(label),
        category=_word(document, "category", ""),
        language=_word(document, "language", "?"),
        spans=None if spans is None else tuple(_span(each, text) for each in spans),
        role=_optional(document, "role"),
        kind=_optional(document, "kind"),
    )


def _span(document: Any, text: str) -> Span:
    span = Span(int(document["start"]), int(document["end"]), str(document["type"]))
    if not 0 <= span.start < span.end <= len(text):
        raise ValueError(f"span {span.start}-{span.end} is not in the text")
    return span


def _word(document: dict[str, Any], name: str, default: str) -> str:
    return _optional(document, name) or default


def _optional(document: dict[str, Any], name: str) -> str | None:
    told: str | None = document.get(name)
    if told is not None and not isinstance(told, str):
        raise TypeError(f"{name} is no text")
    return told


Group = Literal["category", "language", "length"]


def group_of(row: Row, by: Group) -> str:
    """
    Return the group of *row* by one of its properties.
    """
    return str(getattr(row, by))
