"""
Putting the cache together from its settings.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from gateway.tasks import Tasks
from gateway_caching.days import MIGRATIONS, Days
from gateway_caching.flying import Flights
from gateway_caching.keys import Keys
from gateway_caching.pantry import Pantry
from gateway_caching.repeats import Repeats
from gateway_caching.sealing import make_sealer
from gateway_caching.settings import CachingSettings
from gateway_caching.shelf import Shelf
from gateway_caching.stores import MemoryStore, RedisStore, SqliteStore, Store
from gateway_caching.stores.redis import connect
from gateway_caching.tally import Tally

if TYPE_CHECKING:
    from gateway import Gateway


@asynccontextmanager
async def open_shelf(
    gateway: Gateway, settings: CachingSettings
) -> AsyncIterator[Shelf]:
    """
    Open the cache that *settings* describe.

    Raises:
        ConfigError: A library is missing.
    """
    secret = gateway.derive("caching/entries") if settings.encrypt else None
    keys = Keys(gateway.derive("caching/keys"))
    await gateway.storage.migrate("caching", MIGRATIONS)
    tally, flights = Tally(), Flights()
    days = Days(gateway.storage.engine, tally, gateway.clock)
    pantry = Pantry(
        store=_store(gateway, settings),
        sealer=make_sealer(secret),
        clock=gateway.clock,
        max_entry_bytes=settings.max_entry_bytes,
        tally=tally,
    )
    repeats = Repeats(
        settings=settings.idempotency, keys=keys, pantry=pantry, flights=flights
    )
    shelf = Shelf(
        gateway=gateway,
        settings=settings,
        keys=keys,
        pantry=pantry,
        flights=flights,
        repeats=repeats,
        tally=tally,
        days=days,
    )
    # Not among the gateway's tasks, whose end it waits for before lifespans are left.
    writing = Tasks().spawn(days.run(), name="caching-days")
    try:
        yield shelf
    finally:
        writing.cancel()
        await asyncio.wait([writing])
        await shelf.close()
        await days.flush()


def _store(gateway: Gateway, settings: CachingSettings) -> Store:
    bounds: dict[str, Any] = {
        "max_bytes": settings.max_bytes,
        "max_entries": settings.max_entries,
        "clock": gateway.clock,
    }
    if settings.store == "memory":
        return MemoryStore(**bounds)
    if settings.redis is None:
        return SqliteStore(gateway.data_dir, **bounds)
    told = settings.redis
    password = None if told.secret is None else gateway.secrets.get(told.secret)
    client = connect(told.url, password, told.timeout_s)
    return RedisStore(client, told.timeout_s, gateway.clock)
