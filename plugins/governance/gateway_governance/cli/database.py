"""
What the commands ``db …`` do to a database that no gateway of theirs has open.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
from sqlalchemy import delete, func, inspect, select, text, update

from gateway.clock import SystemClock
from gateway.errors import ConfigError, Problem
from gateway.storage import FILE, Storage
from gateway_governance.ledger.sqlite import MIGRATED_AS
from gateway_governance.ledger.sqlite import MIGRATIONS as LEDGER_MIGRATIONS
from gateway_governance.settings import GovernanceSettings
from gateway_governance.store import MIGRATIONS
from gateway_governance.tables import ENTITIES, LOOKUPS, PLUGIN, STATE

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.offline import Offline

#: Pages that are copied at a time, so that writers wait for none of it long.
_PAGES: Final = 1_000
#: What to do about a database that is not where it was looked for.
WHICH: Final = "-c FILE or --data-dir says which gateway's is meant"
_LINES: Final = ((PLUGIN, MIGRATIONS), (MIGRATED_AS, LEDGER_MIGRATIONS))


@asynccontextmanager
async def _opened(place: Offline) -> AsyncIterator[tuple[Storage, Storage]]:
    """
    Open the database of the entities, and that of the ledger, which is always of this machine.
    """
    shared, local = place.storage(), Storage(place.data_dir)
    try:
        yield shared, local
    finally:
        await shared.close()
        await local.close()


async def status(place: Offline) -> dict[str, Any]:
    """
    Tell which database it is, how large, and how far its tables are.
    """
    path = place.data_dir / FILE
    is_there = path.exists()  # to look at a database must not make one
    async with _opened(place) as (shared, local):
        lines = []
        for storage, (name, versions) in zip((shared, local), _LINES, strict=True):
            current = None
            if is_there or storage.url is not None:
                async with storage.engine.connect() as connection:
                    current = await connection.run_sync(_revision, name)
            newest = _newest(versions)
            lines.append({"name": name, "current": current, "newest": newest})
        entities = {}
        if lines[0]["current"] is not None:
            async with shared.engine.connect() as connection:
                counted = await connection.execute(
                    select(ENTITIES.c.kind, func.count())
                    .where(ENTITIES.c.removed_at.is_(None))
                    .group_by(ENTITIES.c.kind)
                )
                entities = {row[0]: row[1] for row in counted}
        url = f"sqlite+aiosqlite:///{path}"
        if shared.url is not None:
            url = shared.engine.url.render_as_string(hide_password=True)
    return {
        "database": url,
        "file": str(path),
        "is_there": is_there,
        "bytes": path.stat().st_size if is_there else 0,
        "lines": lines,
        "entities": entities,
        "is_running": is_running(place.data_dir),
    }


def _revision(connection: Connection, name: str) -> str | None:
    table = f"{name}_migrations"
    if not inspect(connection).has_table(table):
        return None
    query = text(f"SELECT version_num FROM {table}")  # noqa: S608 - a name of ours
    found: str | None = connection.execute(query).scalar()
    return found


def _newest(versions: Path) -> str:
    return max(path.name[1:5] for path in versions.glob("v[0-9]*.py"))


async def migrate(place: Offline) -> None:
    """
    Bring the tables up to date.
    """
    async with _opened(place) as (shared, local):
        for storage, (name, versions) in zip((shared, local), _LINES, strict=True):
            await storage.migrate(name, versions)


def backup(data_dir: Path, target: Path) -> int:
    """
    Copy the database as it is at one moment, others writing meanwhile.

    Source: SQLite documentation, "SQLite Backup API".

    Returns:
        The size of the copy in bytes.

    Raises:
        FileExistsError: *target* is there.
        OSError: there is no database, nothing is in it, or the copy cannot be written.
    """
    source = data_dir / FILE
    if not source.exists():
        msg = f"there is no database at {source}"
        raise OSError(msg)
    # Made first, and by nobody else: what it will hold is for its owner alone.
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as opened,
            closing(sqlite3.connect(target)) as copy,
        ):
            if not opened.execute("SELECT 1 FROM sqlite_master").fetchone():
                msg = f"there is nothing in the database at {source}"
                raise OSError(msg)
            opened.backup(copy, pages=_PAGES)
            # One file, not three: the copy is read by itself.
            copy.execute("PRAGMA journal_mode=DELETE")
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return target.stat().st_size


def is_running(data_dir: Path) -> bool:
    """
    Tell whether a worker is at work on *data_dir*: it holds the lock of its seat.
    """
    for path in (data_dir / "ledger").glob("seat-*.lock"):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
    return False


@attrs.frozen(kw_only=True)
class Rekeyed:
    """
    What became of an attempt to forget the old secret key.

    Attributes:
        is_running: A gateway was at work, so nothing was done.
        in_the_way: Names of keys whose values are stored, so nothing was done.
        revoked: Names of those that were revoked.
        revoked_ids: Their ids.
        hashes: Declared keys whose ``hash:`` was made with the old key.
    """

    is_running: bool = False
    in_the_way: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    revoked_ids: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()


async def rekey(place: Offline, *, revoke_stored: bool) -> Rekeyed:
    """
    Forget by which key values are hashed, once no value is stored.

    Raises:
        ConfigError: there is no database.
    """
    path = place.data_dir / FILE
    if place.settings.storage.url is None and not path.exists():
        msg = f"there is no database: {WHICH}"
        raise ConfigError(Problem(msg, where=str(path)))
    if is_running(place.data_dir):
        return Rekeyed(is_running=True)
    settings = place.settings.plugin("governance", GovernanceSettings)
    hashes = tuple(
        name for name, key in settings.virtual_keys.items() if key.hash is not None
    )
    await migrate(place)
    async with _opened(place) as (shared, _), shared.engine.begin() as connection:
        # The row of state first, as whoever changes something does.
        await connection.execute(update(STATE).values(id=STATE.c.id))
        stored = (
            ENTITIES.c.kind == "virtual_key",
            ENTITIES.c.id.in_(select(LOOKUPS.c.key_id)),
        )
        keys = await connection.execute(
            select(ENTITIES.c.name, ENTITIES.c.id)
            .where(*stored)
            .order_by(ENTITIES.c.name)
        )
        rows = keys.all()
        found = tuple(row.name for row in rows)
        if found and not revoke_stored:
            return Rekeyed(in_the_way=found)
        await connection.execute(
            update(STATE).values(generation=STATE.c.generation + 1)
        )
        generation = await connection.scalar(select(STATE.c.generation))
        await connection.execute(
            update(ENTITIES)
            .where(*stored)
            .values(
                live_name=None,
                refers_to=None,
                removed_at=SystemClock().now(),
                generation=generation,
            )
        )
        await connection.execute(delete(LOOKUPS))
        await connection.execute(update(STATE).values(mint=None))
    ids = tuple(row.id for row in rows)
    return Rekeyed(revoked=found, revoked_ids=ids, hashes=hashes)
