"""
Entities in the database that every worker follows: a change is known to all within a second.

A plugin counts the changes of its entities in one row of its own, by *generations*.  Whoever
changes something takes that row first, and the next number with it; every worker looks at the
number, and reads what is new where it is another one::

    class Bells:
        def __init__(self, storage: Storage) -> None:
            self.generations = Generations(storage, STATE)
            self._follower = Follower(self._look, what="bells", log=log)

        async def rename(self, old: str, new: str) -> None:
            async with self.generations.changing() as connection:
                await connection.execute(...)
                await self.generations.next(connection)
            await self._follower.refresh()

        async def run(self) -> None:  # beside the lifespan
            with self.generations.at_hand():
                await self._follower.run()

        async def _look(self) -> None:
            if await self.generations.last() != self.snapshot.generation:
                self.snapshot = await self._load()

Where somebody tells of a change, by an event, `Follower.poke` saves the wait.

SQLAlchemy is not imported here, but by who opens the storage.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

import attrs

from gateway.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from gateway.storage import Storage

__all__ = ["POLL_S", "Follower", "Generations"]

#: How often is looked where nobody tells: changes are to be known within a second.
POLL_S: Final = 0.5


@attrs.define(eq=False)
class Follower:
    """
    Keeps what one worker goes by as new as a second.

    Args:
        look: Reads what is new; one call is over before the next begins.
        what: What is kept, for the log: ``bells``.
        log: The plugin's logger.
    """

    _look: Callable[[], Awaitable[None]]
    _what: str = attrs.field(kw_only=True)
    _log: Any = attrs.field(kw_only=True)
    _poked: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _looking: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)

    async def run(self) -> None:
        """
        Look for as long as nobody cancels; what fails is logged and tried again.
        """
        while True:
            try:
                async with asyncio.timeout(POLL_S):
                    await self._poked.wait()
            except TimeoutError:
                pass  # nobody told, so look
            self._poked.clear()
            try:
                await self.refresh()
            except Exception as exc:  # noqa: BLE001 - what was known serves meanwhile
                # Of a database's error no text: it shows parameters.
                why = str(exc) if isinstance(exc, ConfigError) else type(exc).__name__
                self._log.warning(f"{self._what} not refreshed", why=why)

    def poke(self) -> None:
        """
        Say that something changed; it is looked at soon.
        """
        self._poked.set()

    async def refresh(self) -> None:
        """
        See to it that everything that is stored by now is known.
        """
        async with self._looking:
            await self._look()


@attrs.define(eq=False)
class Generations:
    """
    The row that counts the changes of a plugin's entities.

    Args:
        table: Has one row, with the columns ``id`` and ``generation`` among others; the plugin's
            migrations make it.
    """

    storage: Storage
    table: Table
    _at_hand: sqlite3.Connection | None = attrs.field(default=None, init=False)

    async def last(self) -> int:
        """
        Return the generation of the last change.
        """
        if self._at_hand is not None:
            # Of the table's own name nothing can be injected.
            asked = f"SELECT generation FROM {self.table.name}"  # noqa: S608
            try:
                ((found,),) = self._at_hand.execute(asked).fetchall()
            except sqlite3.OperationalError:
                pass  # somebody is at work there, for whom the long way waits
            else:
                return int(found)
        async with self.storage.engine.connect() as connection:
            return await self.read(connection)

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """
        Make it cheap to ask for the `last` one again and again, where the database is SQLite.

        That reads one row from memory and waits for nobody, in a hundredth of the time that
        a thread, a pool of connections and a statement to compile take.
        """
        connection = self._connected()
        if connection is None:
            yield
            return
        with closing(connection) as self._at_hand:
            try:
                yield
            finally:
                self._at_hand = None

    def _connected(self) -> sqlite3.Connection | None:
        """
        Open a connection beside those of the storage; None where there is no file to open.
        """
        url = self.storage.engine.url
        if url.get_backend_name() != "sqlite" or url.database is None:
            return None
        try:
            return sqlite3.connect(url.database, timeout=0)
        except sqlite3.Error:
            # Changes must be followed all the same: it may be opened by then.
            return None

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[AsyncConnection]:
        """
        Open a transaction that holds the row for as long as a change takes.

        So what a change depends on cannot change meanwhile, generations become visible in their
        order, and whoever has seen one finds everything later by asking for what is above it.
        """
        async with self.storage.engine.begin() as connection:
            await connection.execute(self.table.update().values(id=self.table.c.id))
            yield connection

    async def next(self, connection: AsyncConnection) -> int:
        """
        Take the next generation, in the transaction of `changing`.
        """
        following = self.table.c.generation + 1
        await connection.execute(self.table.update().values(generation=following))
        return await self.read(connection)

    async def read(self, connection: AsyncConnection) -> int:
        """
        Return the generation that *connection* sees.

        Asked before what it counts is read: what changes from then on is told again, which
        does no harm.
        """
        asked = self.table.select().with_only_columns(self.table.c.generation)
        return int(await connection.scalar(asked) or 0)
