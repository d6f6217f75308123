from __future__ import annotations

import asyncio
import contextlib
import time

import attrs
import pytest
from structlog.testing import capture_logs

from gateway.clock import SystemClock
from gateway.errors import ConfigError, SecretMissing
from gateway.following import Generations
from gateway.secrets import Secrets
from gateway.settings import settings_from_dict
from gateway.storage import Storage
from gateway.testing import ManualClock
from gateway_governance import GovernanceSettings
from gateway_governance.entities import (
    Budget,
    Limits,
    Override,
    Period,
    Team,
    VirtualKey,
)
from gateway_governance.store import Store
from gateway_governance.values import Mint
from gateway_governance.watch import Watch

MINT = Mint(b"k" * 32)
OLD, NEW = "an old value, 1234", "a new value, 5678"
KEY = VirtualKey(id="vk_1", name="one", values=(MINT.of(OLD),))


def read(table):
    """
    Read *table* as the gateway would.
    """
    settings = settings_from_dict({"plugins": {"governance": table}})
    return settings.plugin("governance", GovernanceSettings)


@pytest.fixture(name="clock")
def _clock():
    return ManualClock()


@pytest.fixture(name="storage")
async def _storage(tmp_path):
    storage = Storage(tmp_path)
    yield storage
    await storage.close()


@pytest.fixture(name="store")
async def _store(storage, clock):
    store = Store(storage=storage, mint=MINT, clock=clock)
    await store.open()
    return store


@contextlib.asynccontextmanager
async def running(watch):
    """
    Let *watch* run.
    """
    task = asyncio.get_running_loop().create_task(watch.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def seen(condition, within_s=10.0):
    """
    Wait until *condition* holds, and return how long it took.
    """
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < within_s
        await asyncio.sleep(0.01)
    return time.monotonic() - started


class TestChanges:
    async def test_what_another_worker_does_is_seen(self, store, clock):
        """
        A key that one worker revokes is refused by the other within a second.
        """
        await store.put(KEY)
        watch = Watch(store, clock=clock)
        await watch.start(read({}), dict.get)
        before = watch.snapshot.find(OLD, 0.0)

        async with running(watch):
            await store.remove("virtual_key", "vk_1")
            took_s = await seen(lambda: watch.snapshot.find(OLD, 0.0) is None)

        assert before.key.id == "vk_1"
        assert took_s < 1.0

    async def test_who_is_told_looks_at_once(self, store, clock):
        """
        A notice from elsewhere saves the wait.
        """
        watch = Watch(store, clock=clock)
        await watch.start(read({}), dict.get)

        async with running(watch):
            await asyncio.sleep(0)  # so that it waits
            await store.put(KEY)
            watch.poke()
            took_s = await seen(lambda: watch.snapshot.find(OLD, 0.0) is not None)

        assert took_s < 0.45

    async def test_the_listener_is_told_whose_limits_may_differ(self, store, clock):
        """
        The ledger is told of those owners that changed, not of all.
        """
        told = []
        limits = Limits(max_parallel=1)
        for name in ("a", "b"):
            await store.put(Team(id=name, name=name, limits=limits))
        watch = Watch(
            store,
            clock=clock,
            listener=lambda _, owners: told.append(set(map(str, owners))),
        )
        await watch.start(read({}), dict.get)
        before = watch.snapshot.teams["a"]
        await store.put(
            attrs.evolve(before, limits=Limits(max_parallel=2)), replaces=before
        )

        await watch.refresh()
        await watch.refresh()

        assert told == [{"team/a", "team/b"}, {"team/a"}]

    async def test_a_raise_ends_at_its_time(self, store, clock):
        """
        A limit that was raised for a time comes down without anybody doing anything.
        """
        extra = Override(amount=9, until=clock.now() + 100.0)
        budget = Budget(limit_nano=1, period=Period.DAY, overrides=(extra,))
        await store.put(Team(id="t", name="t", limits=Limits(budgets=(budget,))))
        limits = []
        watch = Watch(
            store,
            clock=clock,
            listener=lambda snapshot, owners: limits.extend(
                meter.limit
                for owner in owners
                for meter in snapshot.owner_meters(owner)
            ),
        )
        await watch.start(read({}), dict.get)

        clock.move(99.0)
        await watch.refresh()
        clock.move(1.0)
        await watch.refresh()
        await watch.refresh()

        assert limits == [10, 1]

    async def test_a_database_that_fails_leaves_what_was_known(
        self, store, clock, monkeypatch
    ):
        """
        What was known serves on, and what happened meanwhile is caught up with.
        """
        await store.put(KEY)
        watch = Watch(store, clock=clock)
        await watch.start(read({}), dict.get)
        failed = asyncio.Event()

        async def fail(_):
            failed.set()
            raise OSError("canary")

        with capture_logs() as logs:
            async with running(watch):
                with monkeypatch.context() as patch:
                    patch.setattr(Generations, "last", fail)
                    watch.poke()
                    await failed.wait()
                    assert watch.snapshot.find(OLD, 0.0) is not None
                await store.remove("virtual_key", "vk_1")
                watch.poke()
                await seen(lambda: watch.snapshot.find(OLD, 0.0) is None)

        assert logs[0]["why"] == "OSError"
        assert "canary" not in str(logs)


class TestDeclared:
    async def test_a_file_that_changes_is_seen_within_a_second(self, storage, tmp_path):
        """
        A key that is rotated at its place takes effect without a restart.
        """
        clock = SystemClock()
        file = tmp_path / "vk"
        file.write_text(OLD)
        file.chmod(0o600)
        store = Store(storage=storage, mint=MINT, clock=clock)
        await store.open()
        watch = Watch(store, clock=clock)
        secrets = Secrets({}, clock=clock)
        keys = {"k": {"secret": f"file.{file}"}}
        await watch.start(read({"virtual_keys": keys}), secrets.get)
        before = watch.snapshot.find(OLD, 0.0)

        async with running(watch):
            file.write_text(NEW)
            await seen(lambda: watch.snapshot.find(NEW, 0.0) is not None, within_s=2.5)

        assert before.key.name == "k"
        assert watch.snapshot.find(OLD, 0.0) is None

    async def test_a_file_that_is_gone_is_told_once(self, store, clock):
        """
        A value that cannot be read opens nothing, and is an error in the log, once.
        """
        found = {"file./k": OLD}

        def resolve(ref):
            if str(ref) not in found:
                raise SecretMissing(str(ref), "not there")
            return found[str(ref)]

        watch = Watch(store, clock=clock)
        await watch.start(read({"virtual_keys": {"k": {"secret": "file./k"}}}), resolve)
        del found["file./k"]

        with capture_logs() as logs:
            await watch.refresh()
            await watch.refresh()

        assert watch.snapshot.find(OLD, 0.0) is None
        assert [entry["event"] for entry in logs] == ["virtual key without its value"]

    async def test_a_key_without_a_value_does_not_start(self, store, clock):
        """
        At the start it is an error with its path, as everything in the file.
        """
        table = {"virtual_keys": {"k": {"secret": "env.K"}}}

        with pytest.raises(ConfigError, match=r"virtual_keys\.k\.secret"):
            await Watch(store, clock=clock).start(read(table), Secrets({}).get)

    async def test_what_does_not_start_is_not_stored(self, store, clock):
        """
        Whoever has the name of a declared key without a value keeps it, and its value.
        """
        await store.put(attrs.evolve(KEY, name="k"))
        table = {"virtual_keys": {"k": {"secret": "env.K"}}}

        with pytest.raises(ConfigError, match=r"virtual_keys\.k\.secret"):
            await Watch(store, clock=clock).start(read(table), Secrets({}).get)

        found = (await store.load()).find(OLD, clock.now())
        assert found is not None
        assert not found.key.is_declared
