"""
Records in a SQLite file of the data directory, for all workers of a machine.

A file of its own, not the gateway's database: what is in it may be lost at any time, so that it is
written without waiting for the disk, and a burst of answers stands in nobody's way.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiosqlite
import attrs

from gateway.clock import Clock
from gateway_caching.stores.store import (
    Record,
    StoreDown,
    Wanted,
    copy_tag,
    owner_tag,
)

__all__ = ["FILE", "SqliteStore"]

FILE: Final = "cache.db"
#: Of the tables; a file of another release is begun anew.
_VERSION: Final = 2
_TABLES: Final = ("entries", "questions", "questions_gone")
_SCHEMA: Final = (
    """
CREATE TABLE entries (
    exact TEXT PRIMARY KEY,
    partition TEXT NOT NULL,
    model TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    used_at REAL NOT NULL,
    size INTEGER NOT NULL,
    packed BLOB NOT NULL
) WITHOUT ROWID
""",
    "CREATE INDEX entries_expire ON entries (expires_at)",
    "CREATE INDEX entries_used ON entries (used_at, size)",
    # What the semantic cache compares with: gateway_caching.semantic.sqlite.
    """
CREATE TABLE questions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    exact TEXT NOT NULL UNIQUE,
    partition TEXT NOT NULL,
    grouped TEXT NOT NULL,
    expires_at REAL NOT NULL,
    text BLOB NOT NULL,
    vector BLOB NOT NULL
)
""",
    "CREATE INDEX questions_grouped ON questions (grouped, seq)",
    "CREATE INDEX questions_partition ON questions (partition, seq)",
    """
CREATE TABLE questions_gone (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    grouped TEXT NOT NULL,
    exact TEXT NOT NULL
)
""",
    "CREATE INDEX questions_gone_grouped ON questions_gone (grouped, seq)",
    """
CREATE TRIGGER questions_go_with_entries AFTER DELETE ON entries BEGIN
    DELETE FROM questions WHERE exact = old.exact;
END
""",
    """
CREATE TRIGGER questions_gone_are_noted AFTER DELETE ON questions BEGIN
    INSERT INTO questions_gone (grouped, exact) VALUES (old.grouped, old.exact);
END
""",
)
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=OFF",
    "PRAGMA busy_timeout=2000",
    "PRAGMA secure_delete=ON",
)
_PUT: Final = (
    "INSERT OR REPLACE INTO entries VALUES "
    "(:exact, :partition, :model, :tags, :created_at, :expires_at, :created_at, :size, :packed)"
)
_GET: Final = (
    "SELECT partition, model, tags, created_at, expires_at, packed FROM entries "
    "WHERE exact = ? AND expires_at > ?"
)
#: Puts between two looks at how much there is.
_LOOK_EVERY: Final = 32
#: Down to which share of what is allowed is let go: not one by one at every put.
_AFTER_LETTING_GO: Final = 0.9
#: Bytes that a record takes beside what is packed.
_OVERHEAD_BYTES: Final = 400


@attrs.define(eq=False)
class SqliteStore:
    """
    Keeps records in one file.

    Args:
        folder: Where the file stands.
        max_bytes: Bytes of all records.
        max_entries: How many records.
    """

    folder: Path
    max_bytes: int
    max_entries: int
    clock: Clock
    _connection: aiosqlite.Connection | None = attrs.field(default=None, init=False)
    _opening: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _used: dict[str, float] = attrs.field(factory=dict, init=False)
    _puts: int = attrs.field(default=0, init=False)

    async def get(self, exact: str) -> Record | None:
        """
        See `Store.get`.
        """
        now = self.clock.now()
        async with (
            self._down_for_errors() as connection,
            connection.execute(_GET, (exact, now)) as cursor,
        ):
            row = await cursor.fetchone()
        if row is None:
            return None
        self._used[exact] = now  # written down with the next put
        partition, model, tags, created_at, expires_at, packed = row
        return Record(
            exact=exact,
            partition=partition,
            model=model,
            tags=tuple(tags.split()),
            created_at=created_at,
            expires_at=expires_at,
            packed=packed,
        )

    async def put(self, record: Record) -> bool:
        """
        See `Store.put`.
        """
        size = len(record.packed) + _OVERHEAD_BYTES
        if size > self.max_bytes:
            return False
        told = {
            **attrs.asdict(record),
            "tags": " ".join(record.tags),
            "size": size,
        }
        used, self._used = self._used, {}
        async with self._down_for_errors() as connection:
            await connection.execute(_PUT, told)
            if used:
                touch = "UPDATE entries SET used_at = ? WHERE exact = ?"
                rows = [(at, exact) for exact, at in used.items()]
                await connection.executemany(touch, rows)
            self._puts += 1
            if self._puts % _LOOK_EVERY == 1:
                await self._let_go(connection)
            await connection.commit()
        return True

    async def purge(self, wanted: Wanted) -> int:
        """
        See `Store.purge`.
        """
        clauses, values = _clauses(wanted)
        async with self._down_for_errors() as connection:
            async with connection.execute(
                f"DELETE FROM entries{clauses}",  # noqa: S608 - of columns named here
                values,
            ) as cursor:
                count = cursor.rowcount
            await connection.commit()
        return count

    async def size(self) -> tuple[int, int]:
        """
        See `Store.size`.
        """
        async with self._down_for_errors() as connection:
            return await self._sums(connection)

    async def close(self) -> None:
        """
        Close the file.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    # --- the file ---------------------------------------------------------------------------

    @asynccontextmanager
    async def _down_for_errors(self) -> AsyncIterator[aiosqlite.Connection]:
        try:
            yield self._connection or await self._open()
        except (sqlite3.Error, OSError, ValueError) as exc:
            with suppress(sqlite3.Error, ValueError):
                if self._connection is not None:
                    await self._connection.rollback()
            if isinstance(exc, sqlite3.DatabaseError) and _is_damaged(exc):
                await self._begin_anew()
            raise StoreDown(type(exc).__name__) from exc

    async def _open(self) -> aiosqlite.Connection:
        async with self._opening:
            if self._connection is None:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                path = self.folder / FILE
                path.touch(mode=0o600)
                connection = await aiosqlite.connect(path)
                try:
                    await self._tune(connection)
                except BaseException:
                    await connection.close()
                    raise
                self._connection = connection
            return self._connection

    async def _tune(self, connection: aiosqlite.Connection) -> None:
        for pragma in _PRAGMAS:
            await connection.execute(pragma)
        # In one transaction, for several workers may come here at once.
        await connection.execute("BEGIN IMMEDIATE")
        async with connection.execute("PRAGMA user_version") as cursor:
            (version,) = await cursor.fetchone() or (0,)
        if version != _VERSION:
            for table in _TABLES:
                await connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in _SCHEMA:
                await connection.execute(statement)
            await connection.execute(f"PRAGMA user_version = {_VERSION}")
        await connection.commit()

    async def _begin_anew(self) -> None:
        """
        Put a damaged file away: nothing in it is worth a repair.
        """
        await self.close()
        for suffix in ("", "-wal", "-shm"):
            (self.folder / (FILE + suffix)).unlink(missing_ok=True)

    # --- letting go -------------------------------------------------------------------------

    async def _let_go(self, connection: aiosqlite.Connection) -> None:
        await connection.execute(
            "DELETE FROM entries WHERE expires_at <= ?", (self.clock.now(),)
        )
        count, total = await self._sums(connection)
        if count <= self.max_entries and total <= self.max_bytes:
            return
        most = int(self.max_entries * _AFTER_LETTING_GO)
        most_bytes = int(self.max_bytes * _AFTER_LETTING_GO)
        query = "SELECT exact, size FROM entries ORDER BY used_at"
        gone = []
        async with connection.execute(query) as cursor:
            async for exact, size in cursor:
                if count <= most and total <= most_bytes:
                    break
                gone.append((exact,))
                count -= 1
                total -= size
        await connection.executemany("DELETE FROM entries WHERE exact = ?", gone)

    async def _sums(self, connection: aiosqlite.Connection) -> tuple[int, int]:
        query = "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM entries"
        async with connection.execute(query) as cursor:
            row = await cursor.fetchone()
        return (row[0], row[1]) if row else (0, 0)


def _is_damaged(exc: sqlite3.DatabaseError) -> bool:
    return exc.sqlite_errorname in {"SQLITE_CORRUPT", "SQLITE_NOTADB"}


def _clauses(wanted: Wanted) -> tuple[str, list[Any]]:
    tagged = "' ' || tags || ' ' LIKE ? ESCAPE '\\'"
    exact, partition, tag = wanted.exact, wanted.partition, wanted.tag
    meant: list[tuple[str, list[Any]]] = []
    if exact is not None:
        meant.append((f"(exact = ? OR {tagged})", [exact, _like(copy_tag(exact))]))
    if partition is not None:
        owned = [partition, _like(owner_tag(partition))]
        meant.append((f"(partition = ? OR {tagged})", owned))
    if wanted.model is not None:
        meant.append(("model = ?", [wanted.model]))
    if tag is not None:
        meant.append((tagged, [_like(tag)]))
    if wanted.created_before is not None:
        meant.append(("created_at < ?", [wanted.created_before]))
    where = " AND ".join(clause for clause, _ in meant)
    values = [value for _, some in meant for value in some]
    return (f" WHERE {where}" if where else ""), values


def _like(tag: str) -> str:
    return f"% {_escaped(tag)} %"


def _escaped(text: str) -> str:
    for sign in "\\%_":
        text = text.replace(sign, f"\\{sign}")
    return text
