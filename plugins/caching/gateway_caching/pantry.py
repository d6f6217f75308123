"""
A store with its entries opened and closed, which is down for nobody.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs
import structlog

from gateway import Exchange
from gateway.clock import Clock
from gateway_caching.delivering import delivery_of
from gateway_caching.entries import Entry, EntryUnreadable, Source
from gateway_caching.purges import Purges
from gateway_caching.sealing import Sealer
from gateway_caching.stores import (
    MemoryStore,
    Record,
    RedisStore,
    Store,
    StoreDown,
    Wanted,
)
from gateway_caching.tally import Tally

if TYPE_CHECKING:
    from gateway import Flight

__all__ = ["Pantry", "entry_of"]

log = structlog.get_logger("gateway.caching")

#: Entries that are kept open, and how large they may be.
_OPENED: Final = 256
_SMALL_BYTES: Final = 16 * 1024


@attrs.define(eq=False, kw_only=True)
class Pantry:
    """
    Finds and keeps entries; what goes wrong is a miss, counted and told of once.
    """

    store: Store
    sealer: Sealer
    clock: Clock
    max_entry_bytes: int
    tally: Tally
    purges: Purges = attrs.field(factory=Purges)
    _is_down: bool = attrs.field(default=False, init=False)
    #: Entries as they were opened last, with the bytes that they were opened from: a store in
    #: memory hands out the same bytes again.
    _opened: OrderedDict[str, tuple[bytes, Entry]] = attrs.field(
        factory=OrderedDict, init=False
    )

    def __attrs_post_init__(self) -> None:
        if isinstance(self.store, RedisStore):
            # What it was, nobody here knows: it may have been anything.
            self.store.on_purged = partial(self.purges.note, Wanted())

    async def find(self, exact: str, partition: str) -> Entry | None:
        """
        Return the entry under *exact*, if it is of *partition*.
        """
        try:
            record = await self.store.get(exact)
        except StoreDown as exc:
            self._tell(exc)
            return None
        self._is_down = False
        if record is None or record.partition != partition:
            return None
        packed = record.packed
        known = self._opened.get(exact)
        if known is not None and known[0] is packed:
            return known[1]
        try:
            entry = Entry.unpack(packed, self.sealer)
        except EntryUnreadable as exc:
            log.warning("an entry cannot be read", why=str(exc))
            return None
        if len(packed) <= _SMALL_BYTES and isinstance(self.store, MemoryStore):
            self._opened[exact] = packed, entry
            if len(self._opened) > _OPENED:
                self._opened.popitem(last=False)
        return entry

    async def keep(
        self, entry: Entry, *, exact: str, partition: str, model: str, mark: int
    ) -> bool:
        """
        Keep *entry*; tell whether it is kept.

        Args:
            mark: When it was asked for: what was let go of since, in `Purges`, is not kept.
        """
        record = Record(
            exact=exact,
            partition=partition,
            model=model,
            created_at=entry.created_at,
            expires_at=entry.expires_at,
            packed=entry.pack(self.sealer),
            tags=entry.tags,
        )
        if len(record.packed) > self.max_entry_bytes:
            self.tally.leave("too large")
            return False
        try:
            is_kept = await self._put(record, mark)
        except StoreDown as exc:
            self._tell(exc)
            return False
        if is_kept:
            self.tally.kept += 1
        else:
            self.tally.leave("purged meanwhile")
        return is_kept

    async def purge(self, wanted: Wanted) -> int:
        """
        Let go of what is *wanted*, and of what is under way; return how many entries went.

        Raises:
            StoreDown: Nobody knows what went.
        """
        self.purges.note(wanted)
        return await self.store.purge(wanted)

    async def hear(self, wanted: Wanted) -> None:
        """
        Let go of what another process of this machine let go of.

        Raises:
            StoreDown: Nobody knows what went.
        """
        self.purges.note(wanted)
        if not isinstance(self.store, RedisStore):  # which the other has purged for all
            await self.store.purge(wanted)

    async def _put(self, record: Record, mark: int) -> bool:
        if self.purges.took(record, mark) or not await self.store.put(record):
            return False
        if self.purges.took(record, mark):
            # The purge came while the store wrote, and may have passed it.
            await self.store.purge(Wanted(exact=record.exact))
            return False
        return True

    def _tell(self, exc: StoreDown) -> None:
        self.tally.store_errors += 1
        if not self._is_down:
            self._is_down = True
            log.warning("the store is down: every request is a miss", why=str(exc))


def entry_of(
    exchange: Exchange,
    flight: Flight,
    *,
    now: float,
    ttl_s: float,
    tags: tuple[str, ...] = (),
    edits: str = "",
) -> Entry:
    """
    Make an entry of what *flight* brought.

    Args:
        edits: See `Keys.edits`.
    """
    attempt = exchange.attempts[-1]
    target, usage = attempt.target, attempt.usage
    _, headers, body = flight.body or (200, {}, b"")
    losses = flight.exchange.losses
    return Entry(
        dialect=exchange.dialect.name,
        source=Source(
            provider=target.provider,
            model=target.model,
            dialect=target.dialect,
            key=target.key,
        ),
        created_at=now,
        expires_at=now + ttl_s,
        frames=tuple(flight.frames),
        body=body,
        headers=headers,
        delivery=delivery_of(flight.exchange),
        cost_nano=attempt.cost_nano or 0,
        tokens=(usage.total_input, usage.total_output) if usage else (0, 0),
        tags=tags,
        edits=edits,
        losses="" if losses is None else losses.header(),
    )
