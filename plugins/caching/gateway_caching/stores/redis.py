"""
Records in Redis or Valkey, for all machines that share it.

How much there may be is the server's to say (``maxmemory`` with an ``lru`` policy); records go by
themselves when they expire.  Source: https://redis.io/docs/latest/commands/.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from math import ceil
from typing import Any, Final

import attrs

from gateway.clock import Clock
from gateway.errors import ConfigError, Problem
from gateway_caching.stores.store import Record, StoreDown, Wanted

__all__ = ["PREFIX", "RedisStore", "connect"]

PREFIX: Final = "gatewright:cache:"
_FIELDS: Final = ("partition", "model", "tags", "created_at", "expires_at", "packed")
_SCANNED: Final = 500


def connect(url: str, password: str | None, timeout_s: float) -> Any:
    """
    Return a client; nothing is asked before it is used.

    Raises:
        ConfigError: The library is not installed, or the URL is none.
    """
    try:
        library = import_module("redis.asyncio")
    except ImportError:
        msg = "needs a library: pip install 'gatewright-caching[redis]'"
        raise ConfigError(Problem(msg, path="plugins.caching.store")) from None
    try:
        return library.from_url(
            url,
            password=password,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            max_connections=64,
        )
    except ValueError:
        msg = "is no URL of a Redis server, such as redis://host:6379/0"
        raise ConfigError(Problem(msg, path="plugins.caching.redis.url")) from None


@attrs.define(eq=False)
class RedisStore:
    """
    Keeps records, each a hash.

    Args:
        client: See `connect`.
        timeout_s: How long one question may take.
    """

    client: Any
    timeout_s: float
    clock: Clock

    async def get(self, exact: str) -> Record | None:
        """
        See `Store.get`.
        """
        async with self._down_for_errors():
            # Not all of it: what the semantic cache keeps there is larger.
            values = await self.client.hmget(PREFIX + exact, _FIELDS)
            if None in values:
                return None
            told = zip(_FIELDS, values, strict=True)
            record = _record(exact, {field.encode(): value for field, value in told})
        return record if record.expires_at > self.clock.now() else None

    async def put(self, record: Record) -> None:
        """
        See `Store.put`.
        """
        left_s = record.expires_at - self.clock.now()
        if left_s <= 0:
            return
        name = PREFIX + record.exact
        told: dict[str, str | bytes] = {
            "partition": record.partition,
            "model": record.model,
            "tags": " ".join(record.tags),
            "created_at": repr(record.created_at),
            "expires_at": repr(record.expires_at),
            "packed": record.packed,
        }
        async with self._down_for_errors():
            steps = self.client.pipeline(transaction=True)
            steps.delete(name)
            steps.hset(name, mapping=told)
            steps.pexpire(name, ceil(left_s * 1000))
            await steps.execute()

    async def purge(self, wanted: Wanted) -> int:
        """
        See `Store.purge`; looks at every record.
        """
        count = 0
        async with self._down_for_errors(bounded=False):
            async for names in self._names():
                meant = [
                    name
                    for name, found in zip(names, await self._facts(names), strict=True)
                    if found is not None and wanted.takes(found)
                ]
                if meant:
                    count += await self.client.unlink(*meant)
        return count

    async def size(self) -> tuple[int, int]:
        """
        See `Store.size`; looks at every record.
        """
        count, total = 0, 0
        async with self._down_for_errors(bounded=False):
            async for names in self._names():
                steps = self.client.pipeline(transaction=False)
                for name in names:
                    steps.hstrlen(name, "packed")
                sizes = await steps.execute()
                count += len(names)
                total += sum(sizes)
        return count, total

    async def close(self) -> None:
        """
        Close the connections.
        """
        await self.client.aclose()

    async def _names(self) -> AsyncIterator[list[bytes]]:
        at = 0
        while True:
            at, names = await self.client.scan(
                at, match=f"{PREFIX}*", count=_SCANNED, _type="HASH"
            )
            if names:
                yield names
            if at == 0:
                return

    async def _facts(self, names: list[bytes]) -> list[Record | None]:
        steps = self.client.pipeline(transaction=False)
        for name in names:
            steps.hmget(name, _FIELDS[:-1])
        found = []
        for name, values in zip(names, await steps.execute(), strict=True):
            told = dict(zip(_FIELDS, values, strict=False))
            exact = name.decode().removeprefix(PREFIX)
            is_whole = None not in values
            encoded = {field.encode(): value for field, value in told.items()}
            found.append(_record(exact, encoded) if is_whole else None)
        return found

    @asynccontextmanager
    async def _down_for_errors(self, *, bounded: bool = True) -> AsyncIterator[None]:
        redis = import_module("redis")
        try:
            async with asyncio.timeout(self.timeout_s if bounded else None):
                yield
        except (redis.RedisError, OSError, TimeoutError) as exc:
            # Without its text, which may name the server.
            raise StoreDown(type(exc).__name__) from exc
        except (ValueError, KeyError) as exc:
            msg = "what is stored is no record"
            raise StoreDown(msg) from exc


def _record(exact: str, found: Mapping[bytes, bytes]) -> Record:
    return Record(
        exact=exact,
        partition=found[b"partition"].decode(),
        model=found[b"model"].decode(),
        tags=tuple(found[b"tags"].decode().split()),
        created_at=float(found[b"created_at"]),
        expires_at=float(found[b"expires_at"]),
        packed=found.get(b"packed", b""),
    )
