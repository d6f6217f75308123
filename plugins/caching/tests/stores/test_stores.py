"""
One law for every store.
"""

from __future__ import annotations

import contextlib
import socket

import pytest

from gateway.testing import ManualClock
from gateway_caching.stores import (
    MemoryStore,
    Record,
    RedisStore,
    SqliteStore,
    StoreDown,
    Wanted,
)
from gateway_caching.stores.redis import connect
from gateway_caching.stores.sqlite import FILE

NOW = 1_700_000_000.0


def record(exact, **told):
    return Record(
        **{
            "exact": exact,
            "partition": "p",
            "model": "m",
            "created_at": NOW,
            "expires_at": NOW + 100,
            "packed": b"packed \x00\xff" + exact.encode(),
            **told,
        }
    )


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture(
    params=["memory", "sqlite", pytest.param("redis", marks=pytest.mark.needs_redis)]
)
async def store(request, tmp_path, clock):
    """
    Each store, empty, with room for 200 records.
    """
    if request.param == "memory":
        made = MemoryStore(1 << 20, 200, clock)
    elif request.param == "sqlite":
        made = SqliteStore(tmp_path, 1 << 20, 200, clock)
    else:
        port = request.getfixturevalue("redis_port")
        client = connect(f"redis://127.0.0.1:{port}/0", None, 5.0)
        await client.flushall()
        made = RedisStore(client, 5.0, clock)
    yield made
    await made.close()


async def test_what_is_put_is_got(store):
    """
    Whole, under its own key alone.
    """
    await store.put(record("a", tags=("x", "y")))

    assert await store.get("a") == record("a", tags=("x", "y"))
    assert await store.get("b") is None


async def test_what_is_put_again_takes_the_others_place(store):
    """
    Nothing is left of the first.
    """
    await store.put(record("a", tags=("x",)))
    await store.put(record("a", packed=b"new"))

    assert await store.get("a") == record("a", packed=b"new")
    assert (await store.size())[0] == 1


async def test_what_has_expired_is_gone(store, clock):
    """
    To the second in which it does.
    """
    await store.put(record("a"))
    clock.move(99.9)
    assert await store.get("a") is not None

    clock.move(0.2)

    assert await store.get("a") is None


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (Wanted(), set()),
        (Wanted(exact="a"), {"b", "c"}),
        (Wanted(partition="q"), {"a", "c"}),
        (Wanted(model="n"), {"a", "b"}),
        (Wanted(tag="red"), {"b", "c"}),
        (Wanted(tag="r%d"), {"a", "b", "c"}),
        (Wanted(created_before=NOW - 5), {"a", "b"}),
        (Wanted(partition="p", model="m"), {"b", "c"}),
    ],
    ids=str,
)
async def test_what_is_purged_is_what_is_meant(store, wanted, left):
    """
    By key, partition, model, tag, age, and any of them together.
    """
    await store.put(record("a", tags=("red", "blue")))
    await store.put(record("b", partition="q", tags=("reddish",)))
    await store.put(record("c", model="n", created_at=NOW - 10))

    count = await store.purge(wanted)

    assert count == 3 - len(left)
    assert {each for each in "abc" if await store.get(each)} == left


async def test_the_size_is_told(store):
    """
    Records, and their bytes at least.
    """
    for exact in "abc":
        await store.put(record(exact, packed=b"x" * 1000))

    count, size = await store.size()

    assert count == 3
    assert 3000 <= size <= 5000


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_the_least_recently_used_go_first(kind, tmp_path, clock):
    """
    When there are too many records, or too many bytes.
    """
    limits = {"max_bytes": 1 << 20, "max_entries": 100, "clock": clock}
    is_memory = kind == "memory"
    store = MemoryStore(**limits) if is_memory else SqliteStore(tmp_path, **limits)
    try:
        for number in range(100):
            clock.move(0.001)
            await store.put(record(f"r{number}"))
        clock.move(0.001)
        assert await store.get("r0") is not None
        for number in range(100, 150):
            clock.move(0.001)
            await store.put(record(f"r{number}"))

        assert (await store.size())[0] <= 100 + 32
        assert await store.get("r0") is not None
        assert await store.get("r1") is None
        assert await store.get("r149") is not None
    finally:
        await store.close()


async def test_a_record_larger_than_all_that_is_allowed_is_not_kept(tmp_path, clock):
    """
    And pushes nobody out.
    """
    for store in (MemoryStore(5000, 10, clock), SqliteStore(tmp_path, 5000, 10, clock)):
        await store.put(record("a"))
        await store.put(record("b", packed=b"x" * 6000))

        assert await store.get("a") is not None
        assert await store.get("b") is None
        await store.close()


async def test_two_workers_share_one_file(tmp_path, clock):
    """
    What one keeps the other gives, and what one purges the other has no more.
    """
    one, other = (SqliteStore(tmp_path, 1 << 20, 10, clock) for _ in range(2))
    await one.put(record("a"))

    assert await other.get("a") == record("a")
    await other.purge(Wanted())
    assert await one.get("a") is None
    for store in (one, other):
        await store.close()


async def test_a_damaged_file_is_begun_anew(tmp_path, clock):
    """
    One miss, and the cache works again.
    """
    (tmp_path / FILE).write_bytes(b"no database at all" * 100)
    store = SqliteStore(tmp_path, 1 << 20, 10, clock)

    with contextlib.suppress(StoreDown):
        await store.get("a")
    await store.put(record("a"))

    assert await store.get("a") == record("a")
    await store.close()


async def test_nobody_else_may_read_the_file(tmp_path, clock):
    """
    Answers stand in it.
    """
    store = SqliteStore(tmp_path, 1 << 20, 10, clock)
    await store.put(record("a"))
    await store.close()

    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


async def test_a_server_that_is_not_there_is_a_store_that_is_down(clock):
    """
    In the time that is allowed.
    """
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        client = connect(f"redis://127.0.0.1:{nobody.getsockname()[1]}/0", None, 0.3)
        store = RedisStore(client, 0.3, clock)

        with pytest.raises(StoreDown):
            await store.get("a")
        with pytest.raises(StoreDown):
            await store.put(record("a"))
        await store.close()


@pytest.mark.needs_redis
async def test_what_was_asked_for_before_a_purge_elsewhere_is_not_put(
    redis_port, clock
):
    """
    Told once; what is asked for afterwards is put.
    """
    client = connect(f"redis://127.0.0.1:{redis_port}/0", None, 5.0)
    await client.flushall()
    mine, others = RedisStore(client, 5.0, clock), RedisStore(client, 5.0, clock)
    heard = []
    mine.on_purged = lambda: heard.append("purged")
    await mine.get("a")
    await mine.purge(Wanted(model="n"))
    by_myself = await mine.put(record("a"))
    await others.purge(Wanted())

    puts = [await mine.put(record("b")), await mine.put(record("c"))]

    assert (by_myself, puts, heard) == (True, [False, True], ["purged"])
    assert [await mine.get(name) for name in "abc"] == [None, None, record("c")]
    await mine.close()
