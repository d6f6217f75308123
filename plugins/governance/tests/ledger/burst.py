"""
A burst of requests on four processes at once, against one limit a minute.

Run as ``burst.py FOLDER SPREAD``: *SPREAD* says how many each process sends, with commas.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from gateway.testing import ManualClock
from gateway_governance.entities import Owner, OwnerKind, Period, Unit
from gateway_governance.ledger.ledger import Ledger
from gateway_governance.ledger.memory import MemoryAuthority
from gateway_governance.ledger.meters import Actual, Demand, Meter, Short

KEY, TEAM = Owner(OwnerKind.VIRTUAL_KEY, "key"), Owner(OwnerKind.TEAM, "team")
LIMITED = Meter(
    id="key/requests/minute",
    owner=KEY,
    unit=Unit.REQUESTS,
    limit=100,
    period=Period.MINUTE,
    anchor=0.0,
)
COUNTED = Meter(
    id="team/requests/minute",
    owner=TEAM,
    unit=Unit.REQUESTS,
    limit=10_000,
    period=Period.MINUTE,
    anchor=0.0,
)
DEMAND = Demand(meters=(COUNTED, LIMITED), requests=1)


async def one(ledger):
    try:
        hold = ledger.try_hold(DEMAND) or await ledger.hold(DEMAND)
    except Short:
        return 0
    await asyncio.sleep(0)
    ledger.settle(hold, Actual(requests=1), None)
    return 1


async def send(folder, count, ready, gates):
    # Rates need no authority: each process may have one of its own.
    clock = ManualClock()
    async with Ledger.open(folder, MemoryAuthority(), clock=clock) as ledger:
        os.write(ready, b".")
        os.read(gates[0], 1)
        let_in = sum(await asyncio.gather(*(one(ledger) for _ in range(count))))
        (team,) = await ledger.standing([COUNTED])
        os.write(1, f"{let_in} {team.spent + team.held}\n".encode())
        os.write(ready, b".")
        os.read(gates[1], 1)


def main():
    folder, counts = Path(sys.argv[1]), [int(each) for each in sys.argv[2].split(",")]
    is_ready, ready = os.pipe()
    gates = [os.pipe(), os.pipe()]
    children = []
    for count in counts:
        child = os.fork()
        if not child:
            asyncio.run(send(folder, count, ready, [gate for gate, _ in gates]))
            os._exit(0)
        children.append(child)
    for _, start in gates:
        for _ in counts:
            os.read(is_ready, 1)
        os.write(start, b"." * len(counts))
    for child in children:
        _, status = os.waitpid(child, 0)
        assert status == 0


if __name__ == "__main__":
    main()
