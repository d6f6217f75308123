"""
Putting the cache together from its settings.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from gateway_caching.keys import Keys
from gateway_caching.sealing import make_sealer
from gateway_caching.settings import CachingSettings
from gateway_caching.shelf import Shelf
from gateway_caching.stores import MemoryStore, Store

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
    key = gateway.derive("caching/entries") if settings.encrypt else None
    shelf = Shelf(
        gateway=gateway,
        settings=settings,
        keys=Keys(gateway.derive("caching/keys")),
        store=_store(gateway, settings),
        sealer=make_sealer(key),
    )
    try:
        yield shelf
    finally:
        await shelf.close()


def _store(gateway: Gateway, settings: CachingSettings) -> Store:
    return MemoryStore(
        max_bytes=settings.max_bytes,
        max_entries=settings.max_entries,
        clock=gateway.clock,
    )
