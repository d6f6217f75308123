"""
Several integers that change together or not at all, whoever is killed in between.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from gateway_governance.ledger.layout import (
    H_REDO,
    H_ROWS,
    REDO,
    REDO_WORDS,
    WORD,
    Geometry,
)

if TYPE_CHECKING:
    from gateway_governance.ledger.layout import Words

_REDO_BYTE: Final = REDO * WORD
#: Writers of so many words, by their number.
_PACK: Final = tuple(
    struct.Struct(f"{length}q").pack_into for length in range(REDO_WORDS + 1)
)


class Mapped(Protocol):
    """
    What cells stand in: `layout.Region`, or plain memory.
    """

    geometry: Geometry
    words: Words
    buffer: Any
    rows: int

    def remap(self) -> None:
        """
        Notice that somebody made it longer.
        """

    def grow(self, rows: int) -> None:
        """
        Make room for *rows*.
        """


class Cells:
    """
    The pool's integers under their lock.

    A commit writes down what it is going to store, says how much that is, stores it, and says
    that it is done.  A worker killed in between leaves it said, and whoever takes the lock next
    stores it again.  What is written down are values, not differences, so twice is like once.
    A process that is killed has stored everything that it stored: the file is shared memory.
    """

    def __init__(
        self, region: Mapped, lock: Callable[[], None], unlock: Callable[[], None]
    ) -> None:
        self.region = region
        self.geometry = region.geometry
        self.words: Words = region.words
        self.buffer: Any = region.buffer
        self.lock = lock
        self.unlock = unlock

    def __enter__(self) -> Words:
        self.lock()
        if self.words[H_ROWS] > self.region.rows:
            self._remap()
        if self.words[H_REDO]:
            self.redo()
        return self.words

    def __exit__(self, *exc: object) -> None:
        self.unlock()

    def commit(self, stores: Sequence[int]) -> None:
        """
        Store all of *stores*, or nothing.

        Args:
            stores: A word and what it becomes, the next word and what it becomes, …
        """
        words = self.words
        length = len(stores)
        _PACK[length](self.buffer, _REDO_BYTE, *stores)
        words[H_REDO] = length
        pairs = iter(stores)
        for word in pairs:
            words[word] = next(pairs)
        words[H_REDO] = 0

    def redo(self) -> None:
        """
        Finish what a killed worker began; called with the lock held.
        """
        words = self.words
        if words[H_ROWS] > self.region.rows:
            words = self._remap()
        for at in range(REDO, REDO + words[H_REDO], 2):
            words[words[at]] = words[at + 1]
        words[H_REDO] = 0

    def grow(self, rows: int) -> None:
        """
        Make room for *rows*; called with the lock held.
        """
        self.region.grow(rows)
        self._take()

    def _remap(self) -> Words:
        self.region.remap()
        self._take()
        return self.words

    def _take(self) -> None:
        self.words, self.buffer = self.region.words, self.region.buffer
