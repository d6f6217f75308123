"""
What every authority does: the suite that another implementation has to pass.
"""

from __future__ import annotations

import attrs
import pytest

from gateway_governance.ledger.authority import (
    Ask,
    Burned,
    Charge,
    Crossed,
    Return,
    Settled,
    Want,
)
from gateway_governance.ledger.memory import MemoryAuthority
from gateway_governance.ledger.sqlite import SqliteAuthority
from gateway_governance.usage import UsageRow, columns_of

METER = "team/payments/usd/hour"


@pytest.fixture(params=["memory", "sqlite"])
async def authority(request, data_dir):
    """Each implementation in turn."""
    if request.param == "memory":
        yield MemoryAuthority()
        return
    found = SqliteAuthority(data_dir / "gateway.db")
    yield found
    await found.close()


def ask(at=50, starts=0, ends=100):
    return Ask(meter=METER, starts=starts, ends=ends, at=at)


def want(more, known=0, limit=1000, starts=0, ends=100):
    return Want(
        meter=METER, starts=starts, ends=ends, known=known, more=more, limit=limit
    )


def settled(number, amount, *, starts=0, returned=0, limit=1000, attempt=1):
    row = UsageRow(
        exchange_id=f"req_{number}", attempt=attempt, at=1.0, cost_nano=amount
    )
    charge = Charge(
        meter=METER, starts=starts, amount=amount, returned=returned, limit=limit
    )
    return Settled(
        hold_id=number, actual=(amount, 0, 0), charges=(charge,), row=columns_of(row)
    )


def burned(number, amount):
    charge = Charge(meter=METER, starts=0, amount=amount, limit=1000)
    return Burned(hold_id=number, at=number, charges=(charge,))


async def window(authority, at=50):
    (found,) = await authority.look([ask(at)])
    return found


async def test_a_window_begins_with_nothing(authority):
    """
    A window that nobody has begun is what the period says, with nothing in it.
    """
    found = await window(authority)

    assert (found.starts, found.ends, found.mark, found.settled) == (0, 100, 0, 0)


async def test_looking_begins_nothing(authority):
    """
    To look leaves no trace: another period may still cut the windows.
    """
    await window(authority)
    (found,) = await authority.look([ask(starts=40, ends=60)])

    assert (found.starts, found.ends) == (40, 60)


async def test_a_mark_is_raised_by_what_is_wanted(authority):
    """
    A grant stands in the window from then on.
    """
    (first,) = await authority.open([want(100)])
    (second,) = await authority.open([want(50, known=100)])

    assert (first.mark, second.mark) == (100, 150)
    assert (await window(authority)).mark == 150


async def test_a_mark_never_passes_the_limit(authority):
    """
    More than the limit is never granted.
    """
    (found,) = await authority.open([want(5000)])

    assert found.mark == 1000


async def test_a_lowered_limit_lowers_no_mark(authority):
    """
    What was granted may be spent already.
    """
    await authority.open([want(800)])
    (found,) = await authority.open([want(10, known=800, limit=100)])

    assert found.mark == 800


async def test_a_grant_that_nobody_heard_of_is_used(authority):
    """
    Whoever died before he could use what was granted has left it for the next.
    """
    await authority.open([want(100)])
    (found,) = await authority.open([want(60)])

    assert found.mark == 100


async def test_what_will_not_be_spent_goes_back(authority):
    """
    A mark is lowered by who knows that it is not needed.
    """
    await authority.open([want(100)])
    await authority.give_back([Return(meter=METER, starts=0, amount=70)])
    (after,) = await authority.open(
        [want(0, known=30)], [Return(meter=METER, starts=0, amount=10)]
    )

    assert after.mark == 30 - 10 + 10


async def test_a_machine_that_stops_keeps_nothing(authority):
    """
    What was granted and neither settled nor burned is there again, whoever was told of it.
    """
    await authority.open([want(100)])
    await authority.settle([settled(1, 30)])
    await authority.square()
    (after,) = await authority.look([ask(50)])

    assert (after.mark, after.settled) == (30, 30)


async def test_windows_of_a_meter_never_overlap(authority):
    """
    When the settings cut them otherwise, a new window fits between those that there are.
    """
    await authority.open([want(10, starts=0, ends=100)])
    await authority.open([want(10, starts=200, ends=300)])
    (inside,) = await authority.look([ask(50, starts=40, ends=140)])
    (between,) = await authority.look([ask(150, starts=40, ends=240)])

    assert (inside.starts, inside.ends) == (0, 100)
    assert (between.starts, between.ends) == (100, 200)


async def test_an_old_window_is_found_again(authority):
    """
    A clock that jumps back finds the window as it was left.
    """
    await authority.open([want(77, starts=0, ends=100)])
    await authority.open([want(10, starts=100, ends=200)])

    assert (await window(authority, at=99)).mark == 77


async def test_a_reset_cuts_the_window(authority):
    """
    After a reset another window begins; before it the old one is as it was.
    """
    await authority.open([want(500)])
    fresh = await authority.reset(ask(60))

    assert (fresh.starts, fresh.ends, fresh.mark) == (60, 100, 0)
    assert (await window(authority, at=60)).mark == 0
    assert (await window(authority, at=59)).mark == 500


async def test_a_reset_at_the_first_moment_keeps_what_was_before(authority):
    """
    Even a window that was reset in the moment it began keeps its record.
    """
    await authority.open([want(500)])
    fresh = await authority.reset(ask(0))

    assert fresh.starts == 1
    assert (await window(authority, at=0)).mark == 500


async def test_settlements_are_taken_over_once(authority):
    """
    A journal that is read twice charges once.
    """
    await authority.open([want(100)])
    await authority.settle([settled(1, 30), settled(2, 12)])
    await authority.settle([settled(2, 12), settled(3, 5)])

    assert (await window(authority)).settled == 47


async def test_a_settlement_that_stands_twice_in_one_batch_is_one(authority):
    """
    What is repeated is charged once, beside a burned hold and what is new.
    """
    await authority.open([want(100)])
    await authority.settle([settled(1, 30), burned(9, 7), settled(1, 30)])

    found = await window(authority)
    assert (found.settled, found.burned) == (30, 7)


async def test_two_attempts_of_an_exchange_are_two(authority):
    """
    Each attempt is charged.
    """
    await authority.settle([settled(1, 30), settled(1, 30, attempt=2)])

    assert (await window(authority, at=0)).settled in {0, 60}
    assert await sum_settled(authority) == 60


async def sum_settled(authority):
    (found,) = await authority.open([want(0)])
    return found.settled


async def test_what_comes_late_goes_back(authority):
    """
    What a hold did not need is given back to a window that is over.
    """
    await authority.open([want(100)])
    await authority.settle([settled(1, 30, returned=50)])

    found = await window(authority)
    assert (found.mark, found.settled) == (50, 30)


async def test_marks_of_old_windows_are_raised_all_or_none(authority):
    """
    A stream that outlives its window holds more there, within the limit, or nothing.
    """
    more = Return(meter=METER, starts=0, amount=60)
    await authority.open([want(900)])

    refused = await authority.extend([more, attrs.evolve(more, amount=1)], [2000, 900])
    before = (await window(authority)).mark
    granted = await authority.extend([more], [960])

    assert (refused, before, granted) == (False, 900, True)
    assert (await window(authority)).mark == 960


async def test_thresholds_are_crossed_once(authority):
    """
    Each threshold is told when it is reached, and never again.
    """
    await authority.open([want(1000)])
    first = await authority.settle([settled(1, 499), settled(2, 1)])
    second = await authority.settle([settled(3, 100), settled(3, 100)])
    third = await authority.settle([settled(4, 400)])

    assert [each.percent for each in first] == [50]
    assert second == []
    assert [each.percent for each in third] == [80, 100]
    assert not await authority.cross(
        Crossed(meter=METER, starts=0, percent=100, spent=1, limit=1)
    )


async def test_burned_holds_count_as_spent(authority):
    """
    What was burned counts for thresholds, once, and is listed.
    """
    await authority.open([want(1000)])
    crossed = await authority.settle([burned(7, 600), burned(7, 600)])
    (listed,) = await authority.burned()

    assert [each.percent for each in crossed] == [50]
    assert (await window(authority)).burned == 600
    assert (listed.hold_id, listed.amount, listed.resolved_nano) == (7, 600, None)


async def test_a_burned_hold_is_resolved_once(authority):
    """
    What it truly came to is settled, the rest goes back, and nobody does it again.
    """
    await authority.open([want(1000)])
    await authority.settle([burned(7, 600), burned(8, 10)])
    done = await authority.resolve(7, true_nano=100, actor="ops", at=5)
    again = await authority.resolve(7, true_nano=0, actor="ops", at=6)
    unknown = await authority.resolve(99, true_nano=0, actor="ops", at=6)

    found = await window(authority)
    assert (found.mark, found.settled, found.burned) == (500, 100, 10)
    assert (done.resolved_nano, done.actor) == (100, "ops")
    assert (again, unknown) == (None, None)
    assert [hold.hold_id for hold in await authority.burned()] == [8]
    assert len(await authority.burned(unresolved_only=False)) == 2


async def test_the_first_sight_of_a_meter_is_kept(authority):
    """
    From where windows are counted never changes.
    """
    first = await authority.anchors({"a": 5, "b": 6})
    second = await authority.anchors({"a": 9, "c": 7})

    assert dict(first) == {"a": 5, "b": 6}
    assert dict(second) == {"a": 5, "c": 7}


async def test_a_window_that_is_ended_counts_as_over(authority):
    """
    What is ended keeps what was spent in it, and what comes late; windows that are over stay.
    """
    await authority.open([want(50, ends=40), want(70, starts=50, ends=1 << 62)])

    await authority.end([METER, "team/nobody/usd/hour"], 90)
    await authority.settle([settled(1, 20, starts=50)])

    over, ended = await authority.records([(METER, 0), (METER, 50)])
    assert (over.ends, ended.ends, ended.settled) == (40, 90, 20)
