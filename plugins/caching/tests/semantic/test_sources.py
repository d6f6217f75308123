"""
One law for everything that keeps questions.
"""

from __future__ import annotations

import numpy as np
import pytest

from gateway.testing import ManualClock
from gateway_caching.sealing import make_sealer
from gateway_caching.semantic.memory import MemorySource
from gateway_caching.semantic.redis import RedisSource
from gateway_caching.semantic.redis import connect as connect_waiting
from gateway_caching.semantic.source import Kept
from gateway_caching.semantic.sqlite import SqliteSource
from gateway_caching.semantic.vectors import Vectors, VectorsDown
from gateway_caching.stores import (
    MemoryStore,
    Record,
    RedisStore,
    SqliteStore,
    Wanted,
)
from gateway_caching.stores.redis import connect
from gateway_caching.stores.sqlite import FILE

NOW = 1_700_000_000.0
AXES = np.eye(8, dtype=np.float32)


@pytest.fixture
def clock():
    return ManualClock(NOW)


class Worker:
    """
    A store and the questions beside it, as one worker has them.
    """

    def __init__(self, kind, folder, clock, max_entries=1000, key=None, port=0):
        if kind == "memory":
            self.store = MemoryStore(1 << 24, 1000, clock)
            self.source = MemorySource(max_entries, clock)
        elif kind == "redis":
            server = f"redis://127.0.0.1:{port}/0", None, 5.0
            sealer = make_sealer(key)
            self.store = RedisStore(connect(*server), 5.0, clock)
            self.source = RedisSource(connect_waiting(*server), 1000, sealer, clock)
        else:
            self.store = SqliteStore(folder, 1 << 24, 1000, clock)
            self.source = SqliteSource(folder, max_entries, make_sealer(key), clock)
        self.vectors = Vectors(source=self.source, max_bytes=1 << 24, timeout_s=30)
        if kind == "memory":
            self.store.on_gone = self.vectors.forget

    async def keep(self, exact, axis=0, *, group="g", partition="p", ttl_s=100):
        await self.store.put(
            Record(
                exact=exact,
                partition=partition,
                model="m",
                created_at=NOW,
                expires_at=NOW + ttl_s,
                packed=b"packed",
            )
        )
        await self.vectors.keep(
            Kept(
                exact=exact,
                partition=partition,
                group=group,
                expires_at=NOW + ttl_s,
                text=f"text of {exact}",
                vector=AXES[axis],
            )
        )

    async def found(self, axis=0, *, group="g", agrees=lambda _: True):
        near = await self.vectors.nearest(
            group, AXES[axis], threshold=0.9, limit=100, agrees=agrees
        )
        return {each.exact for each in near}

    async def close(self):
        await self.vectors.close()
        await self.store.close()


@pytest.fixture
async def work(tmp_path, clock):
    """
    A function that makes a worker.
    """
    made = []

    def making(kind, **told):
        made.append(Worker(kind, tmp_path, clock, **told))
        return made[-1]

    yield making
    for each in made:
        await each.close()


REDIS = pytest.param("redis", marks=pytest.mark.needs_redis)


@pytest.fixture
async def several(request, work):
    """
    A function that makes one more worker of the same kind.
    """
    if request.param != "redis":
        return lambda: work(request.param)
    port = request.getfixturevalue("redis_port")
    first = work("redis", port=port)
    await first.store.client.flushall()
    return lambda: work("redis", port=port)


@pytest.fixture(params=["memory", "sqlite", REDIS])
async def worker(request, work):
    """
    Each kind of worker, with nothing kept.
    """
    if request.param != "redis":
        return work(request.param)
    made = work("redis", port=request.getfixturevalue("redis_port"))
    await made.store.client.flushall()
    return made


async def test_what_is_kept_is_found(worker):
    """
    By its vector, in its group alone.
    """
    await worker.keep("a", 0)
    await worker.keep("b", 1)
    await worker.keep("c", 0, group="h")

    assert await worker.vectors.count("g") == 2
    assert await worker.found(0) == {"a"}
    assert await worker.found(1) == {"b"}
    assert await worker.found(0, group="h") == {"c"}
    assert await worker.found(0, group="i") == set()


async def test_its_words_are_told(worker):
    """
    To who decides whether it may be meant.
    """
    await worker.keep("a")
    seen = []

    found = await worker.found(agrees=seen.append)

    assert (seen, found) == (["text of a"], set())


async def test_what_is_kept_later_is_found_too(worker):
    """
    By who has looked before.
    """
    await worker.keep("a")
    assert await worker.found() == {"a"}

    await worker.keep("b")

    assert await worker.found() == {"a", "b"}


async def test_what_is_kept_again_is_found_once(worker):
    """
    Where it is now.
    """
    await worker.keep("a", 0)
    assert await worker.found(0) == {"a"}
    await worker.keep("a", 1)

    assert await worker.found(0) == set()
    assert await worker.found(1) == {"a"}
    assert await worker.vectors.count("g") == 1


@pytest.mark.parametrize("looks_before", [True, False])
async def test_a_question_goes_with_its_entry(worker, looks_before):
    """
    Whoever lets go of that, and whether or not anybody looked before.
    """
    await worker.keep("a")
    await worker.keep("b", partition="q")
    if looks_before:
        assert await worker.found() == {"a", "b"}

    await worker.store.purge(Wanted(partition="q"))
    assert await worker.found() == {"a"}
    await worker.store.purge(Wanted())
    assert await worker.found() == set()
    await worker.keep("c")
    assert await worker.found() == {"c"}


async def test_what_has_expired_is_not_found(worker, clock):
    """
    Even before it is let go.
    """
    await worker.keep("a", ttl_s=10)
    await worker.keep("b", ttl_s=100)

    clock.move(50)

    assert await worker.found() == {"b"}


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_partition_has_no_more_than_it_may(work, kind):
    """
    The oldest go first, and nobody else's.
    """
    worker = work(kind, max_entries=40)
    await worker.keep("other", partition="q")
    for at in range(120):
        await worker.keep(f"r{at:03}")

    found = await worker.found()

    assert {"other", "r119"} <= found
    assert 30 <= len(found) <= 40 + 32 + 1
    assert "r000" not in found


async def test_groups_that_nobody_searches_leave_memory_and_come_back(work):
    """
    They are read again where they are kept.
    """
    worker = work("sqlite")
    worker.vectors.max_bytes = 1
    for group in "gh":
        await worker.keep(group, group=group)

    for _ in range(2):
        for group in "gh":
            assert await worker.found(group=group) == {group}
            assert list(worker.vectors._groups) == [group]


# --- several workers ------------------------------------------------------------------------


@pytest.mark.parametrize("several", ["sqlite", REDIS], indirect=True)
async def test_workers_follow_each_other(several):
    """
    In what comes and in what goes.
    """
    one, other = several(), several()
    await one.keep("a")
    assert await other.found() == {"a"}
    await one.keep("b")
    assert await other.found() == {"a", "b"}

    await one.store.purge(Wanted(exact="a"))

    assert await other.found() == {"b"}
    assert await other.vectors.count("g") == 1


async def test_who_is_far_behind_reads_all_anew(work, monkeypatch):
    """
    What went is noted for a while only.
    """
    monkeypatch.setattr("gateway_caching.semantic.sqlite._NOTES", 3)
    one, other = work("sqlite"), work("sqlite")
    for at in range(40):
        await one.keep(f"r{at}")
    assert len(await other.found()) == 40

    for at in range(20):
        await one.store.purge(Wanted(exact=f"r{at}"))
    for at in range(40, 80):
        await one.keep(f"r{at}")

    assert await other.found() == {f"r{at}" for at in range(20, 80)}
    assert await other.vectors.count("g") == 60


async def test_a_file_that_was_begun_anew_is_followed(work, tmp_path):
    """
    Nothing of the old one is left.
    """
    worker = work("sqlite")
    await worker.keep("a")
    assert await worker.found() == {"a"}
    await worker.store.close()
    for path in tmp_path.glob(f"{FILE}*"):
        path.unlink()

    await worker.keep("b")

    assert await worker.found() == {"b"}


async def test_a_question_whose_entry_is_gone_is_not_kept(work):
    """
    It would stay for ever.
    """
    worker = work("sqlite")
    await worker.keep("a")
    await worker.store.purge(Wanted())

    await worker.vectors.keep(
        Kept(
            exact="a",
            partition="p",
            group="g",
            expires_at=NOW + 9,
            text="t",
            vector=AXES[0],
        )
    )

    assert await worker.found() == set()


async def test_no_file_is_a_search_that_fails(work):
    """
    Which is a miss for whoever asked.
    """
    worker = work("sqlite")

    with pytest.raises(VectorsDown):
        await worker.found()


async def test_what_is_sealed_is_read_with_its_key_alone(work, tmp_path):
    """
    Words and vectors are no use to anybody else.
    """
    one = work("sqlite", key=b"k" * 32)
    await one.keep("a")
    assert await one.found() == {"a"}

    assert await work("sqlite", key=b"l" * 32).found() == set()
    written = b"".join(path.read_bytes() for path in tmp_path.glob(f"{FILE}*"))
    assert b"text of a" not in written
    assert AXES[0].tobytes() not in written


async def test_vectors_of_another_length_are_left_alone(work):
    """
    An embedder changed under its name: nothing can be compared.
    """
    worker = work("sqlite")
    await worker.keep("a")

    near = await worker.vectors.nearest(
        "g", AXES[0, :4], threshold=-1.0, limit=9, agrees=lambda _: True
    )

    assert near == ()
