"""
What is sent in one call: a part of a long text, a text, or some short ones together.

A conversation has hundreds of texts, most of them short: the descriptions of tools, the turns of
a talk.  Services take one text at a time and bill each as a thousand characters.  So short ones go
together, an empty line between them, and what is found is told in the text that it stands in.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Final, NamedTuple, Self

import attrs

from gateway.detecting import Find
from gateway_guardrails.remote.parts import OVERLAP, parts_of

__all__ = ["Bundle", "bundles_of"]

_BETWEEN: Final = "\n\n"


class _Piece(NamedTuple):
    """
    A stretch of a bundle, and where it comes from.

    Attributes:
        at: Its first character in the bundle.
        number: The passage's.
        start: Its first character there.
    """

    at: int
    number: int
    start: int
    size: int


@attrs.frozen
class Bundle:
    """
    A text to send, and whose it is.

    Attributes:
        is_whole: It is one passage, and all of it.
    """

    text: str = attrs.field(repr=False)
    pieces: tuple[_Piece, ...]
    is_whole: bool = False

    @classmethod
    def of(cls, number: int, text: str) -> Self:
        """
        Make one of a whole passage.
        """
        return cls(text, (_Piece(0, number, 0, len(text)),), is_whole=True)

    @property
    def number(self) -> int:
        """
        The number of its first passage, of which is told what has no place.
        """
        return self.pieces[0].number

    def apart(self) -> Iterator[Bundle]:
        """
        Yield the texts that went together, each by itself.
        """
        for piece in self.pieces:
            yield Bundle.of(piece.number, self.text[piece.at : piece.at + piece.size])

    def placed(self, find: Find) -> Iterator[tuple[int, Find]]:
        """
        Yield *find* as it counts in its passage, with the passage's number.

        One that reaches over several is told in each.
        """
        for piece in self.pieces:
            start = max(find.start, piece.at)
            end = min(find.end, piece.at + piece.size)
            if start < end:
                moved = piece.start - piece.at
                yield (
                    piece.number,
                    find._replace(start=start + moved, end=end + moved),
                )


def bundles_of(
    texts: Iterable[tuple[Hashable, str]],
    *,
    limit: int,
    join: int = 0,
    overlap: int = OVERLAP,
) -> list[Bundle]:
    """
    Bundle *texts*, each with what it must share with those that it is sent with.

    What is white space alone is left out: there is nothing to judge, and services refuse it.

    Args:
        limit: Characters of a bundle; a longer text is cut into parts that overlap.
        join: Characters up to which short texts go together; no more than *limit*.
    """
    bundles: list[Bundle] = []
    waiting: dict[Hashable, Bundle] = {}
    for number, (kind, text) in enumerate(texts):
        if len(text) < join:
            if text.strip():
                _join(waiting, kind, Bundle.of(number, text), bundles, join)
            continue
        parts = parts_of(text, limit, overlap)
        bundles.extend(
            Bundle(
                part.text,
                (_Piece(0, number, part.start, len(part.text)),),
                is_whole=len(parts) == 1,
            )
            for part in parts
            if part.text.strip()
        )
    bundles.extend(waiting.values())
    return bundles


def _join(
    waiting: dict[Hashable, Bundle],
    kind: Hashable,
    new: Bundle,
    full: list[Bundle],
    join: int,
) -> None:
    """
    Put *new* to what waits for company of its *kind*, which is full where it does not fit.
    """
    old = waiting.get(kind)
    if old is None:
        waiting[kind] = new
        return
    at = len(old.text) + len(_BETWEEN)
    if at + len(new.text) > join:
        full.append(old)
        waiting[kind] = new
        return
    moved = new.pieces[0]._replace(at=at)
    waiting[kind] = Bundle(old.text + _BETWEEN + new.text, (*old.pieces, moved))
