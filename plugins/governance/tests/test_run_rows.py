from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import insert

from gateway.storage import Storage
from gateway.testing import ManualClock
from gateway_governance.run_rows import RunRows, TooManyRuns
from gateway_governance.store import Store
from gateway_governance.tables import RUNS
from gateway_governance.values import Mint

PLACE = ("vk_1", "night")
USD = 1_000_000_000


@pytest.fixture(name="storage")
async def _storage(tmp_path):
    storage = Storage(tmp_path)
    clock = ManualClock()
    await Store(storage=storage, mint=Mint(b"k" * 32), clock=clock).open()
    yield storage
    await storage.close()


@pytest.fixture(name="rows")
def _rows(storage):
    return RunRows(storage, 3)


async def begin(rows, place=PLACE, *, cap_nano=2 * USD, now=100.0, alive_since=0.0):
    return await rows.cap(place, cap_nano, now=now, alive_since=alive_since)


async def test_a_run_is_found_by_whoever_comes_second(rows):
    """
    What one worker wrote another one reads, and there is none before.
    """
    before = await rows.find(PLACE)

    begun = await begin(rows)

    assert before is None
    assert await rows.find(PLACE) == begun
    assert (begun.cap_nano, begun.began_at) == (2 * USD, 100_000_000)
    assert await rows.find(("vk_2", "night")) is None


async def test_a_cap_is_lowered_and_never_raised(rows):
    """
    The lower of the two caps stands, whoever comes first.
    """
    await begin(rows)

    raised = await begin(rows, cap_nano=5 * USD)
    lowered = await begin(rows, cap_nano=1 * USD)

    assert (raised.cap_nano, lowered.cap_nano) == (2 * USD, 1 * USD)
    assert (await rows.find(PLACE)).cap_nano == 1 * USD


async def test_a_run_that_is_over_begins_anew(rows):
    """
    Under the name of a run that is over another one begins, with a cap of its own.
    """
    first = await begin(rows)

    second = await begin(rows, cap_nano=9 * USD, now=100.0, alive_since=100.5)

    assert second.cap_nano == 9 * USD
    assert second.began_at > first.began_at


async def test_a_key_has_so_many_runs_and_no_more(rows):
    """
    A run too many is refused; the known ones go on, other keys have their own number, and a run
    that is over makes room.
    """
    for number in range(3):
        await begin(rows, ("vk_1", f"r{number}"), now=100.0 + number)

    with pytest.raises(TooManyRuns) as caught:
        await begin(rows, ("vk_1", "r3"))

    assert caught.value.oldest_at == 100.0
    assert (await begin(rows, ("vk_1", "r0"), cap_nano=7)).cap_nano == 7
    await begin(rows, ("vk_2", "r3"))
    await begin(rows, ("vk_1", "r3"), now=200.0, alive_since=101.5)


async def test_the_number_holds_when_all_come_at_once(rows):
    """
    Of twenty that begin at the same time three do.
    """
    found = await asyncio.gather(
        *(begin(rows, ("vk_1", f"r{number}")) for number in range(20)),
        return_exceptions=True,
    )

    assert sum(isinstance(each, TooManyRuns) for each in found) == 17


async def test_uses_are_written_down_and_never_turned_back(rows):
    """
    The latest use counts, whichever worker writes first.
    """
    await begin(rows)

    await rows.used({PLACE: 300.0, ("vk_1", "gone"): 300.0})
    await rows.used({PLACE: 200.0})
    await rows.used({})

    assert (await rows.find(PLACE)).used_at == 300.0


async def test_only_what_is_still_over_is_removed(rows):
    """
    A run that was used between the look and the removal stays.
    """
    await begin(rows)
    await begin(rows, ("vk_1", "other"), now=100.0)
    over = await rows.over(150.0)
    await rows.used({PLACE: 200.0})

    await rows.remove(over)
    await rows.remove([])

    assert len(over) == 2
    assert await rows.find(PLACE) is not None
    assert await rows.find(("vk_1", "other")) is None


async def test_many_are_looked_for_in_parts(rows, storage):
    """
    However many are over, one look takes so many of them.
    """
    many = [
        {
            "key_id": "k",
            "run_id": str(n),
            "began_at": 1,
            "cap_nano": 1,
            "used_at": 1.0,
        }
        for n in range(501)
    ]
    async with storage.engine.begin() as connection:
        await connection.execute(insert(RUNS), many)

    assert len(await rows.over(2.0)) == 500
