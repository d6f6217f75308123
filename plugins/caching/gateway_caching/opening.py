"""
Putting the cache together from its settings.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from gateway.tasks import running
from gateway_caching.days import MIGRATIONS, Days
from gateway_caching.flying import Flights
from gateway_caching.keys import Keys
from gateway_caching.pantry import Pantry
from gateway_caching.purges import Purges
from gateway_caching.repeats import Repeats
from gateway_caching.sealing import Sealer, make_sealer
from gateway_caching.semantic.embedding import Embedding
from gateway_caching.semantic.memory import MemorySource
from gateway_caching.semantic.redis import RedisSource
from gateway_caching.semantic.redis import connect as connect_waiting
from gateway_caching.semantic.similar import Similar
from gateway_caching.semantic.source import Source
from gateway_caching.semantic.sqlite import SqliteSource
from gateway_caching.semantic.vectors import Vectors
from gateway_caching.semantic.verifying import Verifier
from gateway_caching.settings import CachingSettings, RedisSettings, SemanticSettings
from gateway_caching.shelf import Shelf
from gateway_caching.stores import MemoryStore, RedisStore, SqliteStore, Store
from gateway_caching.stores.redis import connect
from gateway_caching.tally import Tally

if TYPE_CHECKING:
    from gateway import Gateway

#: How long a request waits for the search of similar questions.
_SEARCHING_S: Final = 0.5


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
    tally, purges = Tally(), Purges()
    flights = Flights(purges)
    days = Days(gateway.storage.engine, tally, gateway.clock)
    sealer = make_sealer(secret)
    pantry = Pantry(
        store=_store(gateway, settings),
        sealer=sealer,
        clock=gateway.clock,
        max_entry_bytes=settings.max_entry_bytes,
        tally=tally,
        purges=purges,
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
        similar=_similar(gateway, settings, keys, pantry),
        verifier=_verifier(gateway, settings.semantic, tally),
    )
    try:
        async with running(days.run(), name="caching-days"):
            yield shelf
    finally:
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
    url, password, timeout_s = _server(gateway, settings.redis)
    client = connect(url, password, timeout_s)
    return RedisStore(client, timeout_s, gateway.clock)


def _server(gateway: Gateway, told: RedisSettings) -> tuple[str, str | None, float]:
    password = None if told.secret is None else gateway.secrets.get(told.secret)
    return told.url, password, told.timeout_s


def _similar(
    gateway: Gateway, settings: CachingSettings, keys: Keys, pantry: Pantry
) -> Similar | None:
    told = settings.semantic
    if told is None:
        return None
    embedding = Embedding(gateway=gateway, settings=told, tally=pantry.tally)
    embedding.check()
    vectors = Vectors(
        source=_source(gateway, settings, told, pantry.sealer),
        max_bytes=told.max_bytes,
        timeout_s=_SEARCHING_S,
    )
    if isinstance(pantry.store, MemoryStore):
        pantry.store.on_gone = vectors.forget
    return Similar(keys=keys, embedding=embedding, vectors=vectors, tally=pantry.tally)


def _source(
    gateway: Gateway, settings: CachingSettings, told: SemanticSettings, sealer: Sealer
) -> Source:
    if settings.redis is not None:
        client = connect_waiting(*_server(gateway, settings.redis))
        return RedisSource(client, told.max_entries, sealer, gateway.clock)
    if settings.store == "sqlite":
        return SqliteSource(gateway.data_dir, told.max_entries, sealer, gateway.clock)
    return MemorySource(told.max_entries, gateway.clock)


def _verifier(
    gateway: Gateway, told: SemanticSettings | None, tally: Tally
) -> Verifier | None:
    if told is None or not told.verify:
        return None
    chance = random.SystemRandom().random
    return Verifier(gateway=gateway, share=told.verify, chance=chance, tally=tally)
