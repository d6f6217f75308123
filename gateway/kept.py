"""
What all flights of one process keep for those who follow, within one bound.

Each flight keeps its answer until nobody needs it any more, so many at a time would fill the
memory, whatever bounds a single one.  Who has brought most gives way: it takes an answer longer
than all others to get there, and as many of them as the bound holds.
"""

from __future__ import annotations

import gc
from typing import Final, Protocol
from weakref import WeakSet

#: Bytes that the flights of one process may keep: as many as the bodies that it takes in.
MAX_KEPT_BYTES: Final = 256 * 1024 * 1024


class Keeper(Protocol):
    """
    A flight, as far as it keeps anything.
    """

    @property
    def kept_bytes(self) -> int:
        """
        How much that is.
        """

    def give_way(self) -> None:
        """
        Keep nothing any more, and tell whoever follows.
        """


class Kept:
    """
    Counts what flights keep, and ends the longest where that is too much.
    """

    def __init__(self, most_bytes: int = MAX_KEPT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._keepers: WeakSet[Keeper] = WeakSet()
        # Never less than what is kept, for flights that are gone are counted on.
        self._bytes = 0

    def add(self, keeper: Keeper, size: int) -> None:
        """
        Count *size* bytes more that *keeper* keeps.
        """
        self._bytes += size
        if size == keeper.kept_bytes:  # its first
            self._keepers.add(keeper)
        if self._bytes > self._most_bytes:
            self._make_room()

    def _make_room(self) -> None:
        self._recount()
        if self._bytes > self._most_bytes:
            gc.collect()  # flights that are over may be cycles with their exchanges
            self._recount()
        while self._bytes > self._most_bytes:
            longest = max(self._keepers, key=_kept_bytes)
            longest.give_way()
            self._keepers.discard(longest)
            self._recount()

    def _recount(self) -> None:
        self._bytes = sum(map(_kept_bytes, self._keepers))


def _kept_bytes(keeper: Keeper) -> int:
    return keeper.kept_bytes


#: Of this process: memory is the process's, whatever gateways are in it.
KEPT: Final = Kept()
