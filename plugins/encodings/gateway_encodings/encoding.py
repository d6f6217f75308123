"""
Counts tokens as OpenAI's models do, from ranks that lie in this package.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from gateway_encodings.ranks import NAMES, read_ranks, source_of

if TYPE_CHECKING:
    import tiktoken

#: Characters that are encoded in one go.  The result of each is a list, made while no other
#: thread runs; and tiktoken's pattern overruns its stack on very long runs without a gap.
PIECE_CHARACTERS: Final = 16_384
_LEAST_CHARACTERS: Final = PIECE_CHARACTERS // 2


class PackedEncoding:
    """
    One encoding; its ranks are read the first time that somebody counts.

    Reading takes a third of a second and 70 MB; whoever counts does so in a thread.
    """

    def __init__(self, name: str) -> None:
        if name not in NAMES:
            raise ValueError(f"no encoding {name!r}: there are {', '.join(NAMES)}")
        self._name = name
        self._lock = threading.Lock()
        self._encoding: tiktoken.Encoding | None = None

    def __repr__(self) -> str:
        return f"<PackedEncoding {self._name}>"

    @property
    def name(self) -> str:
        """
        The encoding's name.
        """
        return self._name

    def load(self) -> None:
        """
        Read the ranks, unless that was done.

        Raises:
            RanksDamaged: if they are not those that this version was made with.
        """
        self._loaded()

    def count(self, text: str) -> int:
        """
        Return how many tokens *text* is; what looks like a special token is text.
        """
        encode = self._loaded().encode_ordinary
        return sum(len(encode(piece)) for piece in pieces_of(text))

    def _loaded(self) -> tiktoken.Encoding:
        encoding = self._encoding
        if encoding is not None:
            return encoding
        with self._lock:
            if self._encoding is None:
                self._encoding = _make(self._name)
            return self._encoding


def _make(name: str) -> tiktoken.Encoding:
    import tiktoken  # takes a while: only where somebody counts

    source = source_of(name)
    return tiktoken.Encoding(
        name,
        pat_str=source.pattern,
        mergeable_ranks=read_ranks(name),
        special_tokens=dict(source.special_tokens),
    )


def pieces_of(text: str) -> Iterator[str]:
    """
    Cut *text* where no token crosses: before a blank between something and a letter.

    Where there is no such place it is cut all the same, which changes the count by a token or
    two.
    """
    at, end = 0, len(text)
    while end - at > PIECE_CHARACTERS:
        cut = _gap(text, at + _LEAST_CHARACTERS, at + PIECE_CHARACTERS)
        yield text[at:cut]
        at = cut
    if at < end:
        yield text[at:]


def _gap(text: str, start: int, end: int) -> int:
    """
    Find the last such place between *start* and *end*; *end* where there is none.
    """
    place = text.rfind(" ", start, end)
    while place > start:
        if text[place + 1].isalpha() and not text[place - 1].isspace():
            return place
        place = text.rfind(" ", start, place)
    return end
