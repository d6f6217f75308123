"""
Workers that are killed, over and over, against a file that says what providers billed.

A program of its own: it forks workers, kills some from outside, and lets others kill themselves
at a store into shared memory, which is inside the critical sections.  Run as
``kill_rounds.py FOLDER ROUNDS SEED``; says what it found as one line of JSON a round.  Run as
``kill_rounds.py FOLDER hostage`` it holds everything until somebody kills it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from gateway.clock import SystemClock
from gateway.storage import Storage
from gateway_governance.entities import Owner, OwnerKind, Period, Unit
from gateway_governance.ledger.ledger import Ledger
from gateway_governance.ledger.meters import Actual, Demand, Meter, Short
from gateway_governance.ledger.sqlite import MIGRATED_AS, MIGRATIONS, SqliteAuthority
from gateway_governance.usage import UsageRow

WORKERS = 4
LIMIT = 1_000_000_000  # 1 $
KEYS = 20
KILLS = 40
MOST_OPEN = 16


def meter(owner, unit, limit, period=Period.YEAR, **more):
    name = f"{owner.id}/{unit.name}/{period.value if period else '-'}"
    return Meter(
        id=name, owner=owner, unit=unit, limit=limit, period=period, anchor=0.0, **more
    )


TEAM = Owner(OwnerKind.TEAM, "team")
BUDGET = meter(TEAM, Unit.MONEY, LIMIT)
IN_FLIGHT = meter(TEAM, Unit.IN_FLIGHT, 1000, None)
REQUESTS = meter(TEAM, Unit.REQUESTS, 10**9)
TOKENS = meter(TEAM, Unit.TOKENS, 10**12)
OWN = [
    meter(Owner(OwnerKind.VIRTUAL_KEY, f"key{at}"), Unit.MONEY, LIMIT // 10)
    for at in range(KEYS)
]
ALL = [(BUDGET, own, TOKENS, REQUESTS, IN_FLIGHT) for own in OWN]


class Deadly:
    """
    Words of which each store may be the last of this process.
    """

    def __init__(self, words, chance, rng):
        self._words, self._chance, self._random = words, chance, rng

    def __getitem__(self, at):
        return self._words[at]

    def __setitem__(self, at, value):
        self.danger()
        self._words[at] = value
        self.danger()

    def danger(self):
        if self._random.random() < self._chance:
            os.kill(os.getpid(), signal.SIGKILL)


class Lines:
    """
    A file of lines that survive who wrote them.
    """

    def __init__(self, path):
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, *words):
        os.write(self._descriptor, (" ".join(map(str, words)) + "\n").encode())


def lines_of(path):
    return (
        [line.split() for line in path.read_text().splitlines()]
        if path.exists()
        else []
    )


async def work(folder, seed, chance):
    """
    Be a worker, until the budget is spent.
    """
    rng = random.Random(seed)
    authority = SqliteAuthority(folder / "gateway.db")
    sending, bill, done = (Lines(folder / name) for name in ("sending", "bill", "done"))
    async with Ledger.open(
        folder, authority, clock=SystemClock(), worker_slots=64
    ) as ledger:
        cells = ledger._premises.cells
        deadly = Deadly(cells.words, chance, rng)
        cells.words = deadly
        running = []
        refused = 0
        while refused < 12 or running:
            if refused < 12 and len(running) < MOST_OPEN and rng.random() < 0.6:
                most = rng.randrange(100_000, 3_000_000)
                demand = Demand(
                    meters=rng.choice(ALL),
                    requests=1,
                    in_flight=1,
                    tokens=100,
                    money_floor_nano=most // 2,
                    money_want_nano=most,
                )
                try:
                    hold = ledger.try_hold(demand) or await ledger.hold(
                        demand, wait_s=0.02
                    )
                except Short:
                    refused += 1
                    continue
                if rng.random() < 0.1:
                    ledger.release(hold)
                    continue
                sending.write(hold.id, hold.money_nano)
                deadly.danger()
                ledger.sent(hold)
                true = rng.randrange(0, hold.money_nano + 1)
                bill.write(hold.id, true)
                running.append((hold, true))
            elif running:
                hold, true = running.pop(rng.randrange(len(running)))
                row = UsageRow(
                    exchange_id=f"req_{hold.id}",
                    attempt=1,
                    at=time.time(),
                    cost_nano=true,
                )
                ledger.settle(hold, Actual(money_nano=true, tokens=50, requests=1), row)
                done.write(hold.id, true)
            else:
                refused += 1
            if rng.random() < 0.05:
                await asyncio.sleep(0.001)
        cells.words = deadly._words
    await authority.close()


async def examine(folder):
    """
    Compare what the ledger says with what was billed.
    """
    authority = SqliteAuthority(folder / "gateway.db")
    async with Ledger.open(
        folder, authority, clock=SystemClock(), worker_slots=64
    ) as ledger:
        meters = [BUDGET, IN_FLIGHT, REQUESTS, TOKENS, *OWN]
        found = dict(zip(meters, await ledger.standing(meters), strict=True))
        burned = await ledger.burned()
    await authority.close()
    sql = sqlite3.connect(folder / "gateway.db")
    rows = sql.execute("SELECT exchange_id, hold_id, cost_nano FROM governance_usage")
    settled = {hold_id: cost for _, hold_id, cost in rows}
    marks = sql.execute("SELECT mark, settled, burned FROM governance_ledger_windows")
    marks = marks.fetchall()
    sql.close()
    return found, {hold.hold_id: hold.amount for hold in burned}, settled, marks


def judge(folder, kills):
    """
    Say how it went; raises where a promise was broken.
    """
    found, burned, settled, marks = asyncio.run(examine(folder))
    sending = {int(hold): int(amount) for hold, amount in lines_of(folder / "sending")}
    bill = {int(hold): int(amount) for hold, amount in lines_of(folder / "bill")}
    done = {int(hold): int(amount) for hold, amount in lines_of(folder / "done")}
    team = found[BUDGET]
    billed = sum(bill.values())

    assert billed <= LIMIT, "overspent"
    for own in OWN:
        assert found[own].spent <= own.limit
    assert billed <= team.spent <= LIMIT
    # Usage: every settled exchange, exactly once, at what was billed.
    assert done.items() <= settled.items() <= bill.items()
    assert team.spent - team.burned == sum(settled.values())
    assert sum(found[own].spent for own in OWN) == team.spent
    # Burned: what was sent and never settled, to the nano.
    assert burned.items() <= sending.items()
    assert bill.keys() - settled.keys() <= burned.keys()
    assert not burned.keys() & settled.keys()
    assert team.burned == sum(burned.values())
    # Everything else came back.
    for standing in found.values():
        assert standing.held == 0, standing
        assert standing.granted == standing.free + standing.spent
    assert found[IN_FLIGHT].spent == 0
    assert found[REQUESTS].spent == len(settled) + len(burned)
    assert not list((folder / "ledger" / "journal").iterdir())
    for mark, settled_sum, burned_sum in marks:
        assert mark == settled_sum + burned_sum
    return {
        "kills": kills,
        "billed": billed,
        "spent": team.spent,
        "burned": team.burned,
        "settled": len(settled),
        "burned_holds": len(burned),
        "free": LIMIT - team.spent,
    }


def run_in_child(coroutine):
    """
    Fork a process that runs *coroutine*, and return its id.
    """
    child = os.fork()
    if child:
        coroutine.close()
        return child
    try:
        asyncio.run(coroutine)
    except BaseException:  # noqa: BLE001 - a child must not run on as its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


async def migrate(folder):
    """
    Make the tables.
    """
    storage = Storage(folder)
    await storage.migrate(MIGRATED_AS, MIGRATIONS)
    await storage.close()


def one_round(folder, seed):
    """
    Let workers spend a budget, and kill them at it.
    """
    rng = random.Random(seed)
    folder.mkdir()
    asyncio.run(migrate(folder))
    running = {}
    kills = Counter()

    def hire():
        chance = rng.choice([0, 1 / 300, 1 / 1000])
        if sum(kills.values()) >= KILLS:
            chance = 0
        child = run_in_child(work(folder, rng.getrandbits(32), chance))
        running[child] = chance

    for _ in range(WORKERS):
        hire()
    while running:
        time.sleep(rng.random() * 0.03)
        if rng.random() < 0.5 and kills["outside"] < KILLS // 2:
            os.kill(rng.choice(sorted(running)), signal.SIGKILL)
            kills["outside"] += 1
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            continue
        running.pop(child)
        assert status in (0, signal.SIGKILL), f"a worker failed: {status}"
        if status:
            kills["all"] += 1
            if sum(kills.values()) < 3 * KILLS:
                hire()
    child = os.fork()
    if not child:
        try:
            print(json.dumps(judge(folder, kills["all"])), flush=True)
        except BaseException:  # noqa: BLE001 - likewise
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"round {seed} broke a promise"


async def be_hostage(folder):
    """
    Hold the whole budget and wait to be killed.
    """
    authority = SqliteAuthority(folder / "gateway.db")
    async with Ledger.open(
        folder, authority, clock=SystemClock(), worker_slots=64
    ) as ledger:
        demand = Demand(
            meters=(BUDGET, IN_FLIGHT),
            in_flight=1000,
            money_floor_nano=LIMIT,
            money_want_nano=LIMIT,
        )
        await ledger.hold(demand)
        print("held", flush=True)
        await asyncio.sleep(600)


def main():
    if sys.argv[2] == "hostage":
        asyncio.run(be_hostage(Path(sys.argv[1])))
    folder, rounds, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for at in range(rounds):
        one_round(folder / f"round-{at}", seed + at)


if __name__ == "__main__":
    main()
