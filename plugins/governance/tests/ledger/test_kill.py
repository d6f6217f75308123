"""
Overspend is nothing, whoever is killed.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway_governance.entities import Owner, OwnerKind, Period, Unit
from gateway_governance.ledger.ledger import Ledger
from gateway_governance.ledger.meters import Demand, Meter, Short
from gateway_governance.ledger.sqlite import SqliteAuthority

PROGRAM = Path(__file__).with_name("kill_rounds.py")


def rounds(folder, count, seed):
    """
    Let *count* rounds be killed; every promise is checked by the program itself.
    """
    done = subprocess.run(
        [sys.executable, PROGRAM, folder, str(count), str(seed)],
        capture_output=True,
        text=True,
        timeout=count * 60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return [json.loads(line) for line in lines]


def test_killed_workers_overspend_nothing(tmp_path):
    """
    Four workers, killed inside and outside critical sections: what was billed never passes
    the budget, burned is what they had sent, to the nano, and each settlement has one row.
    """
    found = rounds(tmp_path, 3, 1)

    assert len(found) == 3
    assert sum(each["kills"] for each in found) > 20
    assert sum(each["burned_holds"] for each in found) > 10
    assert all(each["settled"] > 300 for each in found)


async def test_survivors_have_the_rest_within_a_second(data_dir, meter_of):
    """
    What a killed worker held unsent is usable by who waits for it, in less than a second.
    """
    hostage = await asyncio.create_subprocess_exec(
        *(sys.executable, PROGRAM, data_dir, "hostage"), stdout=asyncio.subprocess.PIPE
    )
    assert await hostage.stdout.readline() == b"held\n"
    authority = SqliteAuthority(data_dir / "gateway.db")
    budget = Meter(
        id="team/MONEY/year",
        owner=Owner(OwnerKind.TEAM, "team"),
        unit=Unit.MONEY,
        limit=1_000_000_000,
        period=Period.YEAR,
        anchor=0.0,
    )
    demand = Demand(
        meters=(budget,), money_floor_nano=budget.limit, money_want_nano=budget.limit
    )
    async with Ledger.open(data_dir, authority, clock=SystemClock()) as ledger:
        with pytest.raises(Short):
            await ledger.hold(demand)
        waiting = asyncio.ensure_future(ledger.hold(demand, wait_s=10))
        await asyncio.sleep(0.01)
        hostage.kill()
        await hostage.wait()
        began = time.monotonic()
        hold = await waiting
        took_s = time.monotonic() - began
        ledger.release(hold)
    await authority.close()

    assert hold.money_nano == budget.limit
    assert took_s < 1


@pytest.mark.deep
def test_a_hundred_rounds_overspend_nothing(tmp_path):
    """
    The same, a hundred times.
    """
    found = rounds(tmp_path, 100, 1000)

    assert len(found) == 100
    assert sum(each["kills"] for each in found) > 1000
