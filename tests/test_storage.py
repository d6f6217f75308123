from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

sqlalchemy = pytest.importorskip("sqlalchemy")
pytest.importorskip("alembic")

from gateway.errors import ConfigError, Unavailable  # noqa: E402
from gateway.settings import settings_from_dict  # noqa: E402
from gateway.storage import FILE, Storage, find_url  # noqa: E402 - needs what was just asked for

FIRST = """
from alembic import op
import sqlalchemy as sa

revision = "1"
down_revision = None

def upgrade():
    op.create_table("demo_rows", sa.Column("id", sa.Integer, primary_key=True))
"""
SECOND = """
from alembic import op
import sqlalchemy as sa

revision = "2"
down_revision = "1"

def upgrade():
    op.add_column("demo_rows", sa.Column("word", sa.String))
"""


@pytest.fixture(name="versions")
def _versions(tmp_path):
    folder = tmp_path / "versions"
    folder.mkdir()
    (folder / "first.py").write_text(FIRST)
    return folder


def descriptors() -> set[str]:
    """
    List what this process has open.
    """
    return {path.name for path in Path("/proc/self/fd").iterdir()}


async def columns(storage: Storage, table: str) -> list[str]:
    """
    List the columns of *table*.
    """
    async with storage.engine.connect() as connection:
        rows = await connection.exec_driver_sql(f"PRAGMA table_info({table})")
        return [row[1] for row in rows]


async def test_nobody_else_on_the_machine_can_read_it(tmp_path, versions):
    """
    Neither the folder nor the database nor its journal, whatever the umask lets pass.
    """
    before = os.umask(0)
    storage = Storage(tmp_path / "data")
    try:
        await storage.migrate("demo", versions)
        made = [tmp_path / "data", *(tmp_path / "data").iterdir()]
        modes = {path.name: path.stat().st_mode & 0o077 for path in made}
    finally:
        os.umask(before)
        await storage.close()

    assert FILE in modes
    assert f"{FILE}-wal" in modes
    assert not any(modes.values()), modes


async def test_another_program_that_looks_takes_nothing_away(tmp_path, versions):
    """
    Whoever closes the file after this process leaves the journal that is written to here.

    Two of a process have it open: where the second opened it beside SQLite, the locks of the
    first were gone, and the other program took itself for the last one.
    """
    first, second = Storage(tmp_path), Storage(tmp_path)
    await first.migrate("demo", versions)
    await second.migrate("demo", versions)
    journal = tmp_path / f"{FILE}-wal"
    before = journal.stat().st_ino

    look = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2])"
    ask = "SELECT * FROM demo_rows"
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", look, str(tmp_path / FILE), ask
    )
    assert await program.wait() == 0

    assert journal.stat().st_ino == before
    await first.close()
    await second.close()


async def test_migrations_run_once_and_in_order(tmp_path, versions):
    """
    A database is brought up from nothing, and from where it stands.
    """
    storage = Storage(tmp_path / "data")

    await storage.migrate("demo", versions)
    await storage.migrate("demo", versions)
    before = await columns(storage, "demo_rows")
    (versions / "second.py").write_text(SECOND)
    await storage.migrate("demo", versions)

    assert before == ["id"]
    assert await columns(storage, "demo_rows") == ["id", "word"]
    await storage.close()


async def test_two_workers_do_not_migrate_at_once(tmp_path, versions):
    """
    Of two that start together one migrates and the other finds it done.
    """
    workers = [Storage(tmp_path / "data"), Storage(tmp_path / "data")]

    await asyncio.gather(*(worker.migrate("demo", versions) for worker in workers))

    assert await columns(workers[1], "demo_rows") == ["id"]
    for worker in workers:
        await worker.close()


async def test_a_worker_that_finds_the_first_one_at_it_waits(tmp_path, versions):
    """
    While one worker still makes the file, another does not even open it.
    """
    data = tmp_path / "data"
    data.mkdir()
    lock = os.open(data / "gateway.db.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    first = sqlite3.connect(data / FILE)
    first.execute("CREATE TABLE half_done (id INTEGER)")
    first.execute("BEGIN IMMEDIATE")  # in the mode that a new file has
    second = Storage(data)

    waiting = asyncio.create_task(second.migrate("demo", versions))
    await asyncio.wait([waiting], timeout=0.2)
    assert not waiting.done()
    first.commit()
    first.close()
    os.close(lock)
    await waiting

    assert await columns(second, "demo_rows") == ["id"]
    await second.close()


async def test_a_start_that_is_cancelled_leaves_the_lock_free(tmp_path, versions):
    """
    Who gave up waiting for another worker does not take the lock afterwards, and keeps no
    descriptor of it.
    """
    data = tmp_path / "data"
    data.mkdir()
    lock = os.open(data / "gateway.db.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    storage = Storage(data)
    open_before = descriptors()

    waiting = asyncio.create_task(storage.migrate("demo", versions))
    await asyncio.wait([waiting], timeout=0.1)
    waiting.cancel()
    await asyncio.wait([waiting])
    open_after = descriptors()
    os.close(lock)
    await asyncio.wait_for(storage.migrate("demo", versions), 10)
    await storage.close()

    assert waiting.cancelled()
    assert open_after == open_before


async def test_a_file_that_is_no_database_is_named(tmp_path, versions):
    """
    Who starts on a file that is broken is told which, and what is wrong with it.
    """
    (tmp_path / FILE).write_bytes(b"no database " * 100)
    storage = Storage(tmp_path)

    with pytest.raises(ConfigError) as caught:
        await storage.migrate("demo", versions)
    await storage.close()

    assert f"{tmp_path / FILE} cannot be used: SQLITE_NOTADB" in str(caught.value)


async def test_plugins_have_a_line_of_migrations_each(tmp_path, versions):
    """
    What one plugin has done says nothing about another.
    """
    storage = Storage(tmp_path / "data")
    await storage.migrate("demo", versions)

    async with storage.engine.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT * FROM demo_migrations")
        assert rows.fetchall() == [("1",)]
    await storage.close()


async def test_a_newer_database_is_told_in_a_sentence(tmp_path, versions):
    """
    A version that was put back does not write into what it does not know.
    """
    storage = Storage(tmp_path / "data")
    await storage.migrate("demo", versions)
    async with storage.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE demo_migrations SET version_num = '9'")

    with pytest.raises(
        ConfigError, match="demo_.* by a later version .* restore a backup"
    ):
        await storage.migrate("demo", versions)
    await storage.close()


async def test_a_name_that_is_none_is_refused(tmp_path, versions):
    """
    Names of tables are not made of just anything.
    """
    with pytest.raises(ValueError, match="cannot begin"):
        await Storage(tmp_path).migrate("x; DROP TABLE y", versions)


async def test_a_crash_loses_nothing_that_was_committed(tmp_path):
    """
    SQLite runs with a write-ahead log, foreign keys and patience.
    """
    storage = Storage(tmp_path / "data")

    async with storage.engine.connect() as connection:
        mode = await connection.exec_driver_sql("PRAGMA journal_mode")
        keys = await connection.exec_driver_sql("PRAGMA foreign_keys")
        assert mode.scalar() == "wal"
        assert keys.scalar() == 1
    await storage.close()
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


class TestFindUrl:
    def find(self, **told):
        secrets = {
            "env.PW": "p@ss/word",
            "env.URL": "postgresql://u:p@db/x",
            "env.BAD": "x",
        }
        settings = settings_from_dict({"storage": told}).storage
        return find_url(settings, lambda reference: secrets[str(reference)])

    def test_is_none_by_default(self):
        """
        Where nothing is said, the file in the data directory is meant.
        """
        assert self.find() is None

    def test_takes_the_password_from_its_reference(self):
        """
        The password is escaped as it must be, and hidden where the URL is shown.
        """
        url = self.find(
            url="postgresql://gw@db.example/gw?ssl=require", secret="env.PW"
        )

        assert url.drivername == "postgresql+asyncpg"
        assert (url.username, url.password) == ("gw", "p@ss/word")
        assert "p@ss" not in str(url)

    def test_takes_a_whole_url_from_a_reference(self):
        """
        Platforms hand out a URL with everything in it.
        """
        url = self.find(url="env.URL")

        assert (url.host, url.password) == ("db", "p")

    def test_says_nothing_of_what_is_no_url(self):
        """
        What the reference leads to may be a secret of something else.
        """
        with pytest.raises(ConfigError) as caught:
            self.find(url="env.BAD")

        assert str(caught.value) == "storage.url: leads to no URL of a database"


def test_a_driver_that_is_missing_is_named(tmp_path, monkeypatch):
    """
    The remedy is told, not an import's traceback.
    """
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    storage = Storage(tmp_path, "postgresql+asyncpg://db/x")

    with pytest.raises(ConfigError, match="pip install asyncpg"):
        _ = storage.engine


async def test_a_database_that_cannot_be_used_is_a_503(tmp_path):
    """
    Whoever asks for rows meanwhile is told to come again, and not that the gateway is broken.
    """
    storage = Storage(tmp_path)

    try:
        async with storage.engine.connect() as connection:
            await connection.exec_driver_sql("CREATE TABLE canaries (id INTEGER)")
            await connection.exec_driver_sql("PRAGMA busy_timeout=0")
            with closing(sqlite3.connect(tmp_path / FILE)) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(Unavailable) as told:
                    await connection.exec_driver_sql("INSERT INTO canaries VALUES (1)")
    finally:
        await storage.close()

    assert (told.value.status, told.value.code) == (503, "storage_unavailable")
    assert told.value.retry_after_s == 1
    assert "canaries" not in str(told.value)


async def test_a_wrong_statement_is_no_database_that_is_away(tmp_path):
    """
    A mistake of ours is not told as somebody else's.
    """
    storage = Storage(tmp_path)

    try:
        async with storage.engine.connect() as connection:
            with pytest.raises(sqlalchemy.exc.OperationalError, match="no such table"):
                await connection.exec_driver_sql("SELECT 1 FROM nowhere")
    finally:
        await storage.close()


async def test_nothing_of_what_was_deleted_is_left_after_wiping(tmp_path):
    """
    Neither free pages nor the journal have it, though another connection is open.
    """
    storage = Storage(tmp_path)
    reader = await storage.engine.connect()
    async with storage.engine.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE demo_rows (word TEXT)")
        await connection.exec_driver_sql(
            "INSERT INTO demo_rows VALUES (?)", ("canary" * 2000,)
        )
    async with storage.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM demo_rows")
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    await storage.wipe()
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    await reader.close()
    await storage.close()

    assert b"canary" in held
    assert b"canary" not in left


async def test_a_database_that_is_too_busy_to_be_wiped_says_so(tmp_path):
    """
    Nobody believes that something is gone while it may still be there.
    """
    storage = Storage(tmp_path)
    async with storage.engine.connect() as connection:
        await connection.exec_driver_sql("PRAGMA busy_timeout=50")
        writer = await storage.engine.connect()
        await connection.close()
        await writer.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(TimeoutError, match="wiped"):
            await storage.wipe()
        await writer.close()
    await storage.close()
