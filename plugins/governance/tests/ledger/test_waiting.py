from __future__ import annotations

import asyncio

import pytest

from gateway_governance.entities import Unit
from gateway_governance.ledger.meters import Demand, Short, Standing
from gateway_governance.ledger.waiting import Line


class Desk:
    """
    Serves demands of what is there, and writes down what came back.
    """

    def __init__(self, stock):
        self.stock = stock
        self.returned = []

    def attempt(self, demand):
        (meter,) = demand.meters
        if self.stock.get(meter, 0) >= demand.requests:
            self.stock[meter] -= demand.requests
            return demand
        return short(meter, demand.requests)


def short(meter, need, spent=0):
    standing = Standing(meter=meter, limit=meter.limit, spent=spent)
    return Short(meter, need=need, standing=standing, retry_after_s=1)


@pytest.fixture
def meters(meter_of):
    """Two meters."""
    return [meter_of(name, Unit.REQUESTS, 10) for name in ("a", "b")]


def line_of(desk, most=10):
    return Line(desk.attempt, desk.returned.append, most=most)


def wait(line, meter, requests, wait_s=30):
    demand = Demand(meters=(meter,), requests=requests)
    return asyncio.ensure_future(
        line.wait(demand, short(meter, requests), wait_s=wait_s)
    )


async def test_those_behind_wait_for_the_first(meters):
    """
    Whoever wants less does not pass who came first for the same meter; for others he may.
    """
    a, b = meters
    desk = Desk({a: 2, b: 1})
    line = line_of(desk)
    first, second, other = wait(line, a, 3), wait(line, a, 1), wait(line, b, 1)
    await asyncio.sleep(0)

    line.serve()
    await asyncio.sleep(0.01)
    done = [each.done() for each in (first, second, other)]
    desk.stock[a] = 4
    line.serve()
    await asyncio.gather(first, second, other)

    assert done == [False, False, True]
    assert desk.stock[a] == 0


async def test_a_full_line_takes_nobody(meters):
    """
    So many may wait, and no more.
    """
    line = line_of(Desk({}), most=1)
    first = wait(line, meters[0], 1, wait_s=0.05)
    await asyncio.sleep(0)

    with pytest.raises(Short):
        await wait(line, meters[0], 1)
    with pytest.raises(Short):
        await first
    assert not line.waiters


async def test_what_was_served_to_somebody_who_left_comes_back(meters):
    """
    Between being served and noticing it a caller may leave: what was held is given back.
    """
    desk = Desk({})
    line = line_of(desk)
    waiting = wait(line, meters[0], 1)
    await asyncio.sleep(0)
    desk.stock[meters[0]] = 1

    line.serve()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert len(desk.returned) == 1
    assert not line.waiters


async def test_who_waits_for_what_is_spent_hears_at_once(meters):
    """
    Waiting ends when it cannot help any more.
    """
    line = Line(lambda demand: short(meters[0], 1, spent=10), print, most=1)
    waiting = wait(line, meters[0], 1)
    await asyncio.sleep(0)

    line.serve()

    with pytest.raises(Short) as found:
        await waiting
    assert found.value.is_spent
