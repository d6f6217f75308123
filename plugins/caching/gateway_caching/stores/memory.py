"""
Records in this process's memory: the fastest store, and one that no other worker sees.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import attrs

from gateway.clock import Clock
from gateway_caching.stores.store import Record, Wanted

__all__ = ["MemoryStore"]

#: What a record takes beside its bytes: keys, tags, the object itself.
OVERHEAD_BYTES: Final = 600


@attrs.define(eq=False)
class MemoryStore:
    """
    Keeps records by their last use.

    Args:
        max_bytes: Bytes of all records, overhead included.
        max_entries: How many records.
        on_gone: Told of the key of each record that went, whyever it did.
    """

    max_bytes: int
    max_entries: int
    clock: Clock
    on_gone: Callable[[str], None] | None = None
    _records: OrderedDict[str, Record] = attrs.field(factory=OrderedDict, init=False)
    _bytes: int = attrs.field(default=0, init=False)

    def find(self, exact: str) -> Record | None:
        """
        Do what `get` does, without waiting.
        """
        record = self._records.get(exact)
        if record is None:
            return None
        if record.expires_at <= self.clock.now():
            self._drop(exact)
            return None
        self._records.move_to_end(exact)
        return record

    async def get(self, exact: str) -> Record | None:
        """
        See `Store.get`.
        """
        return self.find(exact)

    async def put(self, record: Record) -> bool:
        """
        See `Store.put`.
        """
        self._drop(record.exact)
        if _weight(record) > self.max_bytes:
            return False
        self._records[record.exact] = record
        self._bytes += _weight(record)
        while self._bytes > self.max_bytes or len(self._records) > self.max_entries:
            self._drop(next(iter(self._records)))
        return True

    async def purge(self, wanted: Wanted) -> int:
        """
        See `Store.purge`.
        """
        meant = [exact for exact, one in self._records.items() if wanted.takes(one)]
        for exact in meant:
            self._drop(exact)
        return len(meant)

    async def size(self) -> tuple[int, int]:
        """
        See `Store.size`.
        """
        return len(self._records), self._bytes

    async def close(self) -> None:
        """
        Forget everything.
        """
        self._records.clear()
        self._bytes = 0

    def _drop(self, exact: str) -> None:
        record = self._records.pop(exact, None)
        if record is not None:
            self._bytes -= _weight(record)
            if self.on_gone is not None:
                self.on_gone(exact)


def _weight(record: Record) -> int:
    return len(record.packed) + OVERHEAD_BYTES
