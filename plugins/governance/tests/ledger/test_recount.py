from __future__ import annotations

import pytest

from gateway_governance.entities import Unit
from gateway_governance.ledger.layout import R_BURNED, R_FREE, R_MARK, R_SPENT
from gateway_governance.ledger.meters import Actual, Demand
from gateway_governance.usage import UsageRow


def of(*meters, amount=100):
    return Demand(
        meters=meters, requests=1, money_floor_nano=amount, money_want_nano=amount
    )


def settle(ledger, hold, cost):
    ledger.sent(hold)
    row = UsageRow(exchange_id=f"req_{hold.id}", attempt=1, at=1.0, cost_nano=cost)
    ledger.settle(hold, Actual(money_nano=cost, requests=1), row)


async def test_books_that_are_kept_agree(ledger_of, meter_of, budget):
    """
    With holds open, lines not moved yet and lines moved, every count agrees.
    """
    soft = meter_of("soft", Unit.MONEY, 50, is_soft=True)
    rate = meter_of("rate", Unit.REQUESTS, 50)
    async with ledger_of() as one, ledger_of() as other:
        settle(one, await one.hold(of(budget, soft, rate)), 40)
        await one.flush()
        settle(other, await other.hold(of(budget, soft, rate, amount=10)), 7)
        hold = await other.hold(of(budget, rate))
        found = await one.recount()
        other.release(hold)

    assert found == []


@pytest.mark.parametrize(
    ("column", "by", "what"),
    [
        (R_FREE, 1, "granted = free + held + spent"),
        (R_SPENT, -1, "spent and not burned"),
        (R_BURNED, 500, "burned is part of spent"),
        (R_MARK, -500, "no more is granted than the mark"),
        (R_MARK, 500, "the mark"),
    ],
)
async def test_each_difference_is_found(ledger_of, budget, column, by, what):
    """
    Whatever is changed behind the ledger's back, the recount names meter and figure.
    """
    async with ledger_of() as ledger:
        settle(ledger, await ledger.hold(of(budget)), 40)
        word = ledger._till.rows.find(budget)
        ledger._premises.cells.words[word + column] += by
        found = await ledger.recount()
        ledger._premises.cells.words[word + column] -= by

    assert what in [each.what for each in found]
    assert all(str(each).startswith(f"{budget.id}: ") for each in found)
