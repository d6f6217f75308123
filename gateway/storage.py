"""
Where plugins keep rows: SQLite beside the other data by default, PostgreSQL by URL.

SQLAlchemy Core over an asyncio driver; Alembic for migrations.  Nothing here is imported until a
plugin opens the storage, and both libraries come with the extra ``gatewright[storage]``, on which
such a plugin depends.

Each plugin owns its tables, named ``<plugin>_…``, and its own line of migrations: a folder of
Alembic versions, recorded in the table ``<plugin>_migrations``.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gateway.durable import make_file
from gateway.errors import ConfigError, Problem, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from sqlalchemy import Connection, Dialect, ExceptionContext

    from gateway.settings import SecretRef, StorageSettings

#: The SQLite file in the data directory.
FILE: Final = "gateway.db"
_LOCK: Final = "gateway.db.lock"
#: Seconds between looks whether another worker still migrates.
_LOOK_S: Final = 0.02
#: How often the journal is tried to be emptied, each for as long as ``busy_timeout`` says.
_WIPES: Final = 4
#: Seconds after which a caller may ask again while the database is away.
_RETRY_S: Final = 1.0
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")

#: How SQLite is used: readers beside a writer, a crash of the process loses nothing.
#: Source: SQLite documentation, "Write-Ahead Logging" and "PRAGMA synchronous".
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
)

#: The drivers meant by the short names of databases.
_DRIVERS: Final = {"postgresql": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}

__all__ = ["FILE", "Storage", "find_url"]


@attrs.define(eq=False)
class Storage:
    """
    The database of one gateway.

    Args:
        data_dir: Where the SQLite file stands, and the lock that migrations take.
        url: Another database, as SQLAlchemy writes it: ``postgresql+asyncpg://…``.
    """

    data_dir: Path
    url: URL | str | None = attrs.field(default=None, repr=False)
    _engine: AsyncEngine | None = attrs.field(default=None, init=False)

    @property
    def engine(self) -> AsyncEngine:
        """
        The engine, made at first use.

        While the database cannot be used, whatever is asked of it raises `Unavailable`, 503
        ``storage_unavailable``: it is away, locked, full, or closed the connection.
        """
        if self._engine is None:
            self._engine = self._make()
        return self._engine

    async def migrate(self, plugin: str, versions: Path) -> None:
        """
        Bring the tables of *plugin* up to date; whoever comes second finds nothing to do.

        Args:
            versions: The plugin's folder of Alembic versions.

        Raises:
            ValueError: if *plugin* is no name for tables.
            ConfigError: if the database cannot be used, or was written by a later version of the
                plugin.
        """
        if _NAME.fullmatch(plugin) is None:
            msg = f"{plugin!r} cannot begin the names of tables"
            raise ValueError(msg)
        # A new file also changes its journal's mode at the first connection, and SQLite refuses
        # that at once, without waiting, while another connection writes.
        async with self._locked():
            try:
                async with self.engine.connect() as connection:
                    await connection.run_sync(_upgrade, plugin, versions)
                    await connection.commit()
            except CommandError as exc:
                msg = (
                    f"the tables {plugin}_… were written by a later version of the "
                    f"plugin: install that version, or restore a backup ({exc})"
                )
                raise ConfigError(msg) from exc
            except (DBAPIError, Unavailable) as exc:
                raise ConfigError(Problem(self._why_not(exc))) from None

    async def wipe(self) -> None:
        """
        Let nothing be left in the file of what was deleted; other databases see to it themselves.

        Pages that were freed are dropped, and the journal, which has copies of pages, is emptied.
        Source: SQLite documentation, "VACUUM" and "PRAGMA wal_checkpoint".

        Raises:
            TimeoutError: Somebody reads or writes all the time, so that something may be left.
        """
        if self.engine.dialect.name != "sqlite":
            return
        try:
            await self._wipe_file()
        except Unavailable:
            msg = "the database is written to all the time, so it could not be wiped"
            raise TimeoutError(msg) from None

    async def _wipe_file(self) -> None:
        async with self.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.exec_driver_sql("VACUUM")
            for _ in range(_WIPES):
                told = await connection.exec_driver_sql(
                    "PRAGMA wal_checkpoint(TRUNCATE)"
                )
                if not told.one()[0]:
                    return
        msg = "the database's journal could not be emptied: it is read all the time"
        raise TimeoutError(msg)

    async def close(self) -> None:
        """
        Close every connection.
        """
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    def _make(self) -> AsyncEngine:
        url = self._url()
        is_file = url.get_backend_name() == "sqlite"
        try:
            # A server may have closed a connection since it was used last.
            engine = create_async_engine(url, pool_pre_ping=not is_file)
        except ModuleNotFoundError as exc:
            msg = f"needs the package {exc.name}: pip install {exc.name}"
            raise ConfigError(Problem(msg, path="storage.url")) from None
        if is_file:
            event.listen(engine.sync_engine, "connect", _tune)
        event.listen(engine.sync_engine, "do_connect", _connect)
        event.listen(engine.sync_engine, "handle_error", _tell_away)
        return engine

    def _why_not(self, exc: DBAPIError | Unavailable) -> str:
        """
        Say what is wrong with the database; never in the driver's words, which may hold rows.
        """
        cause = exc.orig if isinstance(exc, DBAPIError) else exc.__cause__
        found = getattr(cause, "sqlite_errorname", type(cause).__name__)
        where = "storage.url" if self.url is not None else str(self.data_dir / FILE)
        return (
            f"the database at {where} cannot be used: {found}. Nothing was changed: "
            "mend it, or put a backup in its place"
        )

    def _url(self) -> URL:
        if self.url is not None:
            return make_url(self.url)
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.data_dir / FILE
        # SQLite would let everybody on the machine read it; its journal has the file's mode.
        make_file(path)
        return make_url(f"sqlite+aiosqlite:///{path}")

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """
        Keep a second worker from migrating at the same time.

        It is looked for again and again, not waited for in a thread: a start that is cancelled
        leaves no thread behind that takes the lock and keeps it.
        """
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.data_dir / _LOCK
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _take(descriptor):  # noqa: ASYNC110 - a file's lock tells nobody
                await asyncio.sleep(_LOOK_S)
            yield
        finally:
            os.close(descriptor)  # which unlocks


def find_url(settings: StorageSettings, get: Callable[[SecretRef], str]) -> URL | None:
    """
    Find the URL of the database that *settings* name; None is the file in the data directory.

    Args:
        get: Resolves references, as `gateway.secrets.Secrets.get` does.

    Raises:
        ConfigError: It is no URL; says nothing of what it is.
        SecretMissing: A reference leads nowhere.
    """
    told = settings.url
    if told is None:
        return None
    try:
        url = make_url(told if isinstance(told, str) else get(told))
    except ArgumentError:
        problem = Problem("leads to no URL of a database", path="storage.url")
        raise ConfigError(problem) from None
    if settings.secret is not None:
        url = url.set(password=get(settings.secret))
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _connect(dialect: Dialect, _: Any, args: Sequence[Any], more: Any) -> Any:
    """
    Connect; to find nobody there is no error of the driver's, but the operating system's.
    """
    try:
        return dialect.connect(*args, **more)
    except OSError as exc:
        raise _away() from exc


def _tell_away(context: ExceptionContext) -> None:
    """
    Tell a database that cannot be used now from a statement that is wrong.
    """
    found, told = context.original_exception, context.sqlalchemy_exception
    # SQLite tells operational what others call a mistake in the statement.
    is_mistake = getattr(found, "sqlite_errorname", None) == "SQLITE_ERROR"
    is_away = isinstance(told, (OperationalError, InterfaceError)) and not is_mistake
    if context.is_disconnect or is_away:
        raise _away() from found


def _away() -> Unavailable:
    msg = "The gateway's database cannot be used at the moment."
    return Unavailable(msg, code="storage_unavailable", retry_after_s=_RETRY_S)


def _tune(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _upgrade(connection: Connection, plugin: str, versions: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(versions))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory(str(versions), version_locations=[str(versions)])

    def revisions(current: Any, _: Any) -> Any:
        return script._upgrade_revs("heads", current)  # noqa: SLF001

    with EnvironmentContext(config, script, fn=revisions) as context:
        context.configure(
            connection=connection,
            version_table=f"{plugin}_migrations",
            render_as_batch=True,
        )
        with context.begin_transaction():
            context.run_migrations()
