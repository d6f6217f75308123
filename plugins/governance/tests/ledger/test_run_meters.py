"""
Meters of money without a period: what a run may spend, for as long as there is one.
"""

from __future__ import annotations

import attrs
import pytest

from gateway_governance.entities import Owner, OwnerKind, Unit
from gateway_governance.ledger.layout import H_USED
from gateway_governance.ledger.meters import Actual, Demand, Meter, Short
from gateway_governance.usage import UsageRow

OWNER = Owner(OwnerKind.RUN, "vk_1:0a1b")
RUN = Meter(id=f"{OWNER}/usd", owner=OWNER, unit=Unit.MONEY, limit=1_000, period=None)
YEAR_S = 366 * 86_400


def demand(meter, amount):
    return Demand(meters=(meter,), money_floor_nano=amount, money_want_nano=amount)


async def spend(ledger, meter, amount, number):
    hold = await ledger.hold(demand(meter, amount))
    row = UsageRow(exchange_id=f"req_{number}", attempt=1, at=0.0)
    ledger.settle(hold, Actual(money_nano=amount), row)


async def test_it_has_one_window_for_ever(ledger_of, clock):
    """
    What is spent stays spent, in whichever year, and whichever way the clock is set.
    """
    async with ledger_of() as ledger:
        await spend(ledger, RUN, 600, 1)
        for seconds in (10 * YEAR_S, -20 * YEAR_S):
            clock.move(seconds)
            with pytest.raises(Short) as caught:
                await ledger.hold(demand(RUN, 600))
            assert caught.value.is_spent
        await spend(ledger, RUN, 400, 2)
        (standing,) = await ledger.standing((RUN,))

    assert (standing.spent, standing.left) == (1_000, 0)


async def test_what_is_spent_is_known_to_the_next_pool(ledger_of):
    """
    A ledger that was closed finds it again, in a dry run too.
    """
    async with ledger_of() as ledger:
        await spend(ledger, RUN, 600, 1)
    async with ledger_of() as ledger:
        (standing,) = await ledger.standing((RUN,))
        checked = await ledger.check(demand(RUN, 600))
        with pytest.raises(Short):
            await ledger.hold(demand(RUN, 600))

    assert standing.spent == 600
    assert checked.short is not None


async def test_its_limit_only_falls(ledger_of):
    """
    A worker that has not heard of the lower limit does not raise it.
    """
    lower = attrs.evolve(RUN, limit=500)
    async with ledger_of() as one, ledger_of() as other:
        await spend(other, RUN, 300, 1)
        await spend(one, lower, 100, 2)

        with pytest.raises(Short) as caught:
            await other.hold(demand(attrs.evolve(RUN), 200))
        await spend(one, lower, 100, 3)

    assert caught.value.standing.limit == 500
    assert caught.value.standing.left == 100


async def test_its_row_is_free_when_it_is_forgotten(ledger_of):
    """
    The rows of runs that are over are used again, and each run has its own money.
    """
    async with ledger_of() as ledger:
        for number in range(20):
            owner = Owner(OwnerKind.RUN, f"vk_1:{number}")
            meter = attrs.evolve(RUN, id=f"{owner}/usd", owner=owner)
            await spend(ledger, meter, 900, number)
            await ledger.forget((meter,))
        rows_in_use = ledger._premises.cells.words[H_USED]

    assert rows_in_use == 1


async def test_its_window_may_be_pruned_once_it_is_forgotten(ledger_of, clock):
    """
    A run that is over leaves nothing behind for ever; an owner that may come back keeps what it
    has spent.
    """
    team = Owner(OwnerKind.TEAM, "payments")
    lasting = attrs.evolve(RUN, id=f"{team}/usd", owner=team)
    async with ledger_of() as ledger:
        await spend(ledger, RUN, 900, 1)
        await spend(ledger, lasting, 900, 2)
        await ledger.flush()
        await ledger.forget((RUN, lasting))
        clock.move(YEAR_S)

        gone = await ledger._authority.prune(round(clock.now() * 1_000_000))
        (kept,) = await ledger._authority.records([(lasting.id, 0)])

    assert gone == 1
    assert kept.settled == 900
