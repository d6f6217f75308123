"""
Records in Redis or Valkey, for all machines that share it.

Each purge leaves a stamp of its own there.  Whoever finds another stamp than the one it knew knows
that something was purged, and puts nothing that was asked for before.

How much there may be is the server's to say (``maxmemory`` with an ``lru`` policy); records go by
themselves when they expire.  Source: https://redis.io/docs/latest/commands/.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
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
#: Where the stamp of the latest purge is; not among the records.
_STAMP: Final = "gatewright:cache-purged"
_STAMP_BYTES: Final = 16
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

    Attributes:
        on_purged: Called when something turns out to have been purged by somebody else.
    """

    client: Any
    timeout_s: float
    clock: Clock
    on_purged: Callable[[], None] = attrs.field(default=lambda: None, init=False)
    #: The stamp that was there when anybody looked last; False where nobody has.
    _stamp: bytes | bool | None = attrs.field(default=False, init=False)

    async def get(self, exact: str) -> Record | None:
        """
        See `Store.get`.
        """
        async with self._down_for_errors():
            # Not all of it: what the semantic cache keeps there is larger.
            steps = self.client.pipeline(transaction=True)
            steps.get(_STAMP)
            steps.hmget(PREFIX + exact, _FIELDS)
            stamp, values = await steps.execute()
            self._see(stamp)
            if None in values:
                return None
            told = zip(_FIELDS, values, strict=True)
            record = _record(exact, {field.encode(): value for field, value in told})
        return record if record.expires_at > self.clock.now() else None

    async def put(self, record: Record) -> bool:
        """
        See `Store.put`.
        """
        left_s = record.expires_at - self.clock.now()
        if left_s <= 0:
            return False
        name = PREFIX + record.exact
        told: dict[str, str | bytes] = {
            "partition": record.partition,
            "model": record.model,
            "tags": " ".join(record.tags),
            "created_at": repr(record.created_at),
            "expires_at": repr(record.expires_at),
            "packed": record.packed,
        }
        async with (
            self._down_for_errors(),
            self.client.pipeline(transaction=True) as steps,
        ):
            await steps.watch(_STAMP)
            if not self._see(await steps.get(_STAMP)):
                return False
            steps.multi()
            steps.delete(name)
            steps.hset(name, mapping=told)
            steps.pexpire(name, ceil(left_s * 1000))
            return await self._is_done(steps)

    async def purge(self, wanted: Wanted) -> int:
        """
        See `Store.purge`; looks at every record.
        """
        count = 0
        async with self._down_for_errors(bounded=False):
            # Before it looks: what is put from now on was asked for afterwards, or is not put.
            await self._put_stamp()
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

    def _see(self, stamp: bytes | None) -> bool:
        """
        Take note of *stamp*; tell whether nobody else has purged anything since the last time.
        """
        known, self._stamp = self._stamp, stamp
        if known is False or known == stamp:
            return True
        self.on_purged()
        return False

    async def _put_stamp(self) -> None:
        mine = secrets.token_bytes(_STAMP_BYTES)
        steps = self.client.pipeline(transaction=True)
        steps.get(_STAMP)
        steps.set(_STAMP, mine)
        before, _ = await steps.execute()
        self._see(before)
        self._stamp = mine

    async def _is_done(self, steps: Any) -> bool:
        try:
            await steps.execute()
        except import_module("redis").WatchError:
            self._stamp = False  # another than the one that was known
            self.on_purged()
            return False
        return True

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
