from __future__ import annotations

import asyncio

import pytest

sqlalchemy = pytest.importorskip("sqlalchemy")
pytest.importorskip("alembic")

from gateway.storage import Storage  # noqa: E402 - needs what was just asked for

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


async def columns(storage: Storage, table: str) -> list[str]:
    """
    List the columns of *table*.
    """
    async with storage.engine.connect() as connection:
        rows = await connection.exec_driver_sql(f"PRAGMA table_info({table})")
        return [row[1] for row in rows]


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
