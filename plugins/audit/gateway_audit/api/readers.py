"""
Who reads the log, told in the log: once when somebody begins, and once a minute while it goes on.

Whoever pages through it, or fetches it tile by tile, asks thousands of times, and each answer is an
entry that the next one shows: told one by one they would fill the log.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import attrs

#: Seconds for which what an actor reads is counted.
COUNTED_S: Final = 60.0


class Note(Protocol):
    """
    Writes an entry.
    """

    def __call__(self, kind: str, /, **members: str | int) -> None:
        """
        Write an entry of type *kind*.
        """


@attrs.define
class _Count:
    pages: int = 0
    entries: int = 0
    tiles: int = 0

    def add(self, other: _Count) -> None:
        self.pages += other.pages
        self.entries += other.entries
        self.tiles += other.tiles


@attrs.define(eq=False)
class Readers:
    """
    Counts what is read, by actor; there are no more of them than tokens.

    Args:
        note: Writes an entry.
    """

    _note: Note
    _counts: dict[str, _Count] = attrs.field(factory=dict, init=False)
    _timer: asyncio.TimerHandle | None = attrs.field(default=None, init=False)

    def page(self, actor: str, entries: int) -> None:
        """
        Count a search that found *entries*.
        """
        self._add(actor, _Count(pages=1, entries=entries))

    def tile(self, actor: str) -> None:
        """
        Count a tile, of hashes or of entries.
        """
        self._add(actor, _Count(tiles=1))

    def tell(self) -> None:
        """
        Write down what was read since the last time; who reads on begins anew.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        counts, self._counts = self._counts, {}
        for actor, count in counts.items():
            if count != _Count():
                self._tell(actor, count)

    def _add(self, actor: str, count: _Count) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(COUNTED_S, self.tell)
        known = self._counts.get(actor)
        if known is not None:
            known.add(count)
            return
        # At once: who kills the gateway within the minute hides how much was read, not that it was.
        self._counts[actor] = _Count()
        self._tell(actor, count)

    def _tell(self, actor: str, count: _Count) -> None:
        self._note("read", actor=actor, **attrs.asdict(count))
