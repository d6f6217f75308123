from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from gateway.tasks import Tasks
from gateway_governance.entities import Unit
from gateway_governance.ledger.granting import Rounds


class Granter:
    """
    Writes down its rounds.
    """

    def __init__(self):
        self.rounds = []
        self.lock = asyncio.Lock()
        self.fails = False

    @asynccontextmanager
    async def exclusive(self):
        async with self.lock:
            yield

    async def round(self, needs):
        await asyncio.sleep(0)
        self.rounds.append(dict(needs))
        if self.fails:
            raise OSError("no")


@pytest.fixture
def meters(meter_of):
    """Two meters."""
    return [meter_of(name, Unit.MONEY, 10) for name in ("a", "b")]


async def test_what_is_asked_for_at_once_is_one_round(meters):
    """
    A thousand that find a budget cold cost the authority one trip, for all that they need.
    """
    a, b = meters
    granter = Granter()
    rounds = Rounds(granter, Tasks())

    await asyncio.gather(
        *(rounds.supply({a: 3}) for _ in range(1000)), rounds.supply({b: 1})
    )

    assert granter.rounds == [{a: 3000, b: 1}]


async def test_what_comes_while_a_round_runs_is_in_the_next(meters):
    """
    A round that has begun takes nobody in, and keeps nobody out for long.
    """
    a, b = meters
    granter = Granter()
    rounds = Rounds(granter, Tasks())
    first = asyncio.ensure_future(rounds.supply({a: 1}))
    for _ in range(3):
        await asyncio.sleep(0)

    await rounds.supply({b: 2})
    await first

    assert granter.rounds == [{a: 1}, {b: 2}]


async def test_a_caller_that_leaves_stops_no_round(meters):
    """
    What was asked for is installed, whoever has left meanwhile.
    """
    granter = Granter()
    tasks = Tasks()
    rounds = Rounds(granter, tasks)
    leaving = asyncio.ensure_future(rounds.supply({meters[0]: 1}))
    await asyncio.sleep(0)

    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await tasks.join(timeout_s=5)

    assert granter.rounds == [{meters[0]: 1}]


async def test_a_round_that_fails_is_told_to_all_and_the_next_one_is_tried(meters):
    """
    An authority that failed once is asked again.
    """
    granter = Granter()
    rounds = Rounds(granter, Tasks())
    granter.fails = True

    found = await asyncio.gather(
        *(rounds.supply({meters[0]: 1}) for _ in range(2)), return_exceptions=True
    )
    granter.fails = False
    await rounds.supply({meters[0]: 1})

    assert [type(each) for each in found] == [OSError, OSError]
    assert len(granter.rounds) == 2
