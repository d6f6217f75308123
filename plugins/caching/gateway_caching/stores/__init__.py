"""
Where entries are kept.
"""

from __future__ import annotations

from gateway_caching.stores.memory import MemoryStore
from gateway_caching.stores.redis import RedisStore
from gateway_caching.stores.sqlite import SqliteStore
from gateway_caching.stores.store import (
    Record,
    Store,
    StoreDown,
    Wanted,
    copy_tag,
    owner_tag,
)

__all__ = [
    "MemoryStore",
    "Record",
    "RedisStore",
    "SqliteStore",
    "Store",
    "StoreDown",
    "Wanted",
    "copy_tag",
    "owner_tag",
]
