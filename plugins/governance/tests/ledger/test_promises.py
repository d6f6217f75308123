"""
A budget that still has money serves; a limit lets in exactly what it says.
"""

from __future__ import annotations

import asyncio
import math
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway_governance.entities import Owner, OwnerKind, Period, Unit
from gateway_governance.ledger.ledger import Ledger
from gateway_governance.ledger.memory import MemoryAuthority
from gateway_governance.ledger.meters import Actual, Demand, Meter, Short
from gateway_governance.usage import UsageRow

BURST = Path(__file__).with_name("burst.py")


def budget(name, limit, **more):
    return Meter(
        id=f"{name}/usd/year",
        owner=Owner(OwnerKind.TEAM, name),
        unit=Unit.MONEY,
        limit=limit,
        period=Period.YEAR,
        anchor=0.0,
        **more,
    )


def settle(ledger, hold, cost):
    ledger.sent(hold)
    row = UsageRow(exchange_id=f"req_{hold.id}", attempt=1, at=0.0, cost_nano=cost)
    ledger.settle(hold, Actual(money_nano=cost), row)


async def test_five_thousand_keys_leave_nothing_of_a_team_budget(tmp_path):
    """
    Nobody is refused before the money left is less than one hold and those that are open.
    """
    rng = random.Random(4)
    limit = 1_000_000_000
    team = budget("team", limit)
    keys = [(team, budget(f"key{at}", limit)) for at in range(5000)]
    running, refused_at = [], None
    async with Ledger.open(tmp_path, MemoryAuthority(), clock=SystemClock()) as ledger:
        while refused_at is None:
            need = rng.randrange(100_000, 1_000_000)
            demand = Demand(
                meters=rng.choice(keys), money_floor_nano=need, money_want_nano=need
            )
            try:
                running.append(ledger.try_hold(demand) or await ledger.hold(demand))
            except Short as short:
                refused_at = short
            if len(running) > 64:
                hold = running.pop(rng.randrange(len(running)))
                settle(ledger, hold, rng.randrange(0, hold.money_nano + 1))
        open_nano = sum(hold.money_nano for hold in running)
        left = limit - refused_at.standing.spent
        for hold in running:
            ledger.release(hold)

    assert refused_at.meter == team
    assert left < open_nano + refused_at.need
    assert refused_at.standing.spent > 0.9 * limit


async def test_large_output_caps_lock_nobody_out(tmp_path):
    """
    64 clients of a model that may write 128k tokens, 10 $ and a true cost of about 5 $, no
    ``max_tokens``: nobody is refused, and nobody's answer is cut below 4096 tokens.
    """
    rng = random.Random(5)
    input_nano, output_nano, most = 1_000, 10_000, 128_000
    prompt = 1000 * input_nano
    team = budget("team", 10_000_000_000)
    demand = Demand(
        meters=(team,),
        money_floor_nano=prompt + 4096 * output_nano,
        money_want_nano=prompt + most * output_nano,
    )
    caps, costs = [], []

    async def client(ledger, requests):
        for _ in range(requests):
            hold = await ledger.hold(demand, wait_s=20)
            cap = (hold.money_nano - prompt) // output_nano
            wish = min(most, int(math.exp(rng.gauss(math.log(250), 1.0))) + 1)
            await asyncio.sleep(rng.random() * 0.004)
            cost = prompt + min(cap, wish) * output_nano
            caps.append(cap)
            costs.append(cost)
            settle(ledger, hold, cost)

    async with (
        Ledger.open(tmp_path, MemoryAuthority(), clock=SystemClock()) as ledger,
        asyncio.timeout(60),
        asyncio.TaskGroup() as clients,
    ):
        for _ in range(64):
            clients.create_task(client(ledger, 16))

    assert len(costs) == 64 * 16
    assert 4_500_000_000 < sum(costs) < 6_000_000_000
    assert min(caps) >= 4096
    assert max(caps) > 50_000


@pytest.mark.parametrize("spread", ["125,125,125,125", "500,0,0,0"])
def test_a_hundred_a_minute_are_a_hundred(tmp_path, spread):
    """
    Of 500 at once on four processes exactly 100 are let in, spread or all on one; and who is
    refused has not counted against the team.
    """
    done = subprocess.run(
        [sys.executable, BURST, tmp_path, spread],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = [line.split() for line in done.stdout.splitlines()]

    assert done.returncode == 0, done.stderr[-2000:]
    assert sum(int(let_in) for let_in, _ in found) == 100
    assert max(int(team) for _, team in found) == 100


def best_us(call, *, series, each):
    best = math.inf
    for _ in range(series):
        began = time.process_time()
        for _ in range(each):
            call()
        best = min(best, time.process_time() - began)
    return best / each * 1e6


@pytest.mark.parametrize("others", [0, 50_000])
async def test_five_meters_cost_microseconds(tmp_path, others, record_property):
    """
    To hold and settle five meters takes microseconds, however many rows there are.

    The figure asked for is 11 µs on an idle machine; the bound leaves room for a busy one.
    """
    units = [Unit.MONEY, Unit.MONEY, Unit.MONEY, Unit.TOKENS, Unit.REQUESTS]
    meters = tuple(
        Meter(
            id=f"owner{at}/{unit.name}",
            owner=Owner(OwnerKind.TEAM, f"owner{at}"),
            unit=unit,
            limit=10**15,
            period=Period.YEAR,
            anchor=0.0,
        )
        for at, unit in enumerate(units)
    )
    crowd = [budget(f"other{at}", 1) for at in range(others)]
    demand = Demand(
        meters=meters,
        requests=1,
        tokens=100,
        money_floor_nano=1000,
        money_want_nano=100_000,
    )
    actual = Actual(money_nano=50_000, tokens=50, requests=1)

    async with Ledger.open(tmp_path, MemoryAuthority(), clock=SystemClock()) as ledger:
        for at in range(0, others, 1000):
            ledger._till.rows.take(crowd[at : at + 1000])
        ledger.release(await ledger.hold(demand))
        pool = ledger._till.pool

        def once():
            hold = ledger.try_hold(demand)
            pool.sent(hold)
            pool.settle(hold, actual)

        taken = best_us(once, series=400, each=50)

    record_property("hold_and_settle_us", taken)
    print(f"hold + sent + settle of five meters, {others} other rows: {taken:.2f} µs")
    assert taken < 60
