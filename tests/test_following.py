from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time

import pytest
import structlog
from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table
from structlog.testing import capture_logs

from gateway.errors import ConfigError
from gateway.following import Follower, Generations
from gateway.storage import FILE, Storage

STATE = Table(
    "bells_state",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("word", String(8)),
)


@pytest.fixture(name="storage")
async def _storage(tmp_path):
    storage = Storage(tmp_path)
    async with storage.engine.begin() as connection:
        await connection.run_sync(STATE.metadata.create_all)
        await connection.execute(STATE.insert().values(id=1, generation=0))
    yield storage
    await storage.close()


@pytest.fixture(name="generations")
def _generations(storage):
    return Generations(storage, STATE)


async def change(generations, *, word=""):
    """
    Change something, or fail before it is done.
    """
    async with generations.changing() as connection:
        taken = await generations.next(connection)
        await connection.execute(STATE.update().values(word=word))
        if word == "wrong":
            raise ValueError(word)
        return taken


class TestGenerations:
    async def test_every_change_takes_the_next_one(self, generations):
        """
        A change that comes to nothing takes none.
        """
        first = await change(generations)
        with pytest.raises(ValueError, match="wrong"):
            await change(generations, word="wrong")
        second = await change(generations)

        assert (first, second, await generations.last()) == (1, 2, 2)

    async def test_who_changes_something_waits_for_who_came_before(
        self, generations, tmp_path
    ):
        """
        What a change depends on is as it was until it is made, whichever worker asks.
        """
        other = Storage(tmp_path)
        order = []

        async def second():
            async with Generations(other, STATE).changing() as connection:
                order.append("second begins")
                return await generations.read(connection)

        async with generations.changing() as connection:
            waiting = asyncio.ensure_future(second())
            await asyncio.wait([waiting], timeout=0.1)
            await generations.next(connection)
            order.append("first ends")
        seen = await waiting
        await other.close()

        assert order == ["first ends", "second begins"]
        assert seen == 1

    async def test_the_last_one_is_at_hand(self, generations, storage):
        """
        Asked the short way it is the same, also after others' changes and while they write.
        """
        with generations.at_hand():
            before = await generations.last()
            await change(generations)
            after = await generations.last()
            async with storage.engine.begin() as writing:
                await writing.execute(STATE.update().values(generation=99))
                meanwhile = await generations.last()
                await writing.rollback()

        assert (before, after, meanwhile) == (0, 1, 1)
        assert await generations.last() == 1

    async def test_where_it_is_locked_it_is_asked_the_long_way(
        self, generations, storage
    ):
        """
        What somebody does to the whole database is waited for, and is no failure.
        """
        async with storage.engine.connect() as connection:
            await connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
        with generations.at_hand():
            async with storage.engine.connect() as connection:
                await connection.exec_driver_sql("BEGIN EXCLUSIVE")
                asked = asyncio.ensure_future(generations.last())
                await asyncio.wait([asked], timeout=0.1)
                was_done = asked.done()
                await connection.rollback()

            assert (was_done, await asked) == (False, 0)

    async def test_where_it_cannot_be_opened_it_is_asked_the_long_way(self, tmp_path):
        """
        Whoever follows it does not stop for that, and never hear of a change again.
        """
        storage = Storage(tmp_path / "later")
        generations = Generations(storage, STATE)
        assert storage.engine.url.database  # which is made with its folder, and goes
        (tmp_path / "later" / FILE).unlink()
        (tmp_path / "later").rmdir()

        with generations.at_hand():
            (tmp_path / "later").mkdir()
            async with storage.engine.begin() as connection:
                await connection.run_sync(STATE.metadata.create_all)
                await connection.execute(STATE.insert().values(id=1, generation=7))
            last = await generations.last()

        await storage.close()
        assert last == 7


class Bell:
    """
    What somebody follows: it counts how often it was looked at, and fails as told.
    """

    def __init__(self):
        self.looks = 0
        self.fails = []
        self.follower = Follower(
            self.look, what="bells", log=structlog.get_logger("gateway.bells")
        )

    async def look(self):
        self.looks += 1
        if self.fails:
            raise self.fails.pop(0)

    @contextlib.asynccontextmanager
    async def followed(self):
        task = asyncio.ensure_future(self.follower.run())
        await asyncio.sleep(0)  # so that it waits
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def looked_at(self, times, within_s=10.0):
        """
        Wait until it was looked at so often, and return how long that took.
        """
        started = time.monotonic()
        while self.looks < times:
            assert time.monotonic() - started < within_s
            await asyncio.sleep(0.01)
        return time.monotonic() - started


@pytest.fixture(name="bell")
def _bell():
    return Bell()


class TestFollower:
    async def test_who_is_told_looks_at_once(self, bell, monkeypatch):
        """
        A notice from elsewhere saves the wait.
        """
        monkeypatch.setattr("gateway.following.POLL_S", 3600.0)

        async with bell.followed():
            bell.follower.poke()
            await bell.looked_at(1)

    async def test_who_is_not_told_looks_twice_a_second(self, bell):
        """
        Whatever happens to notices, a change is known within a second.
        """
        async with bell.followed():
            took_s = await bell.looked_at(2)

        assert took_s > 0.9

    @pytest.mark.parametrize(
        ("error", "why"),
        [
            (OSError("a canary among parameters"), "OSError"),
            (ConfigError("the bell cannot be read"), "the bell cannot be read"),
        ],
        ids=["database", "settings"],
    )
    async def test_what_fails_is_told_and_tried_again(self, bell, error, why):
        """
        Of a database's error no more than its kind: its text shows parameters.
        """
        bell.fails = [error]

        with capture_logs() as logs:
            async with bell.followed():
                bell.follower.poke()
                await bell.looked_at(2)

        assert logs == [
            {"event": "bells not refreshed", "log_level": "warning", "why": why}
        ]

    async def test_who_asks_for_it_gets_the_failure(self, bell):
        """
        A refresh that somebody waits for says that it failed.
        """
        bell.fails = [OSError("gone")]

        with pytest.raises(OSError, match="gone"):
            await bell.follower.refresh()

    async def test_one_look_is_over_before_the_next_begins(self):
        """
        An older look never overwrites what a newer one found.
        """
        going, steps = asyncio.Event(), []

        async def look():
            steps.append("begins")
            await going.wait()
            steps.append("ends")

        follower = Follower(look, what="bells", log=structlog.get_logger())
        both = [asyncio.ensure_future(follower.refresh()) for _ in range(2)]
        await asyncio.wait(both, timeout=0.05)
        going.set()
        await asyncio.gather(*both)

        assert steps == ["begins", "ends", "begins", "ends"]


def test_nothing_of_a_database_is_imported():
    """
    A plugin that only might follow something needs no ``gatewright[storage]``.
    """
    told = "import sys, gateway.following; print('sqlalchemy' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"
