from __future__ import annotations

import asyncio
import sqlite3

import attrs
import pytest

from gateway_governance.entities import Period, Unit
from gateway_governance.ledger.authority import Burned, Crossed
from gateway_governance.ledger.keeping import Keeping
from gateway_governance.ledger.ledger import Overran
from gateway_governance.ledger.meters import Actual, Demand, Short, SlotsInUse
from gateway_governance.usage import UsageRow


def row_of(hold, cost=0, at=1_700_000_000.0):
    return UsageRow(exchange_id=f"req_{hold.id}", attempt=1, at=at, cost_nano=cost)


def settle(ledger, hold, cost):
    ledger.sent(hold)
    return ledger.settle(hold, Actual(money_nano=cost), row_of(hold, cost))


def of(*meters, floor=0, want=0, **more):
    return Demand(meters=meters, money_floor_nano=floor, money_want_nano=want, **more)


@pytest.fixture
def victim_of(ledger_of):
    """
    Opens a ledger that is going to be killed, and how.
    """
    managers = {}

    async def start():
        manager = ledger_of()
        ledger = await manager.__aenter__()
        managers[ledger] = manager
        return ledger

    async def kill(ledger):
        # What a process does that is killed: nothing, and the kernel closes its files.
        ledger._keeping.end = nothing
        ledger._premises.abandon()
        await managers.pop(ledger).__aexit__(None, None, None)

    return start, kill


async def nothing():
    """
    Leave everything as it is.
    """


async def test_what_is_held_is_not_free_and_what_is_settled_is_spent(ledger_of, budget):
    """
    A hold sets money aside, a settlement spends what it came to and frees the rest.
    """
    async with ledger_of() as ledger:
        hold = await ledger.hold(of(budget, floor=100, want=100))
        (during,) = await ledger.standing([budget])
        settle(ledger, hold, 40)
        (after,) = await ledger.standing([budget])

    assert (during.held, during.spent, during.left) == (100, 0, 900)
    assert (after.held, after.spent, after.left) == (0, 40, 960)


async def test_the_second_time_nothing_is_waited_for(ledger_of, budget):
    """
    Where everything is at hand, a hold needs no authority and no loop.
    """
    demand = of(budget, floor=10, want=10)
    async with ledger_of() as ledger:
        cold = ledger.try_hold(demand)
        ledger.release(await ledger.hold(demand))
        warm = ledger.try_hold(demand)
        ledger.release(warm)

    assert cold is None
    assert warm.money_nano == 10


async def test_one_hold_takes_a_sixteenth_of_what_is_left(ledger_of, budget):
    """
    A hold between its floor and its wish takes at most a sixteenth of what is left.
    """
    async with ledger_of() as ledger:
        first = await ledger.hold(of(budget, floor=10, want=900))
        second = await ledger.hold(of(budget, floor=200, want=900))
        third = await ledger.hold(of(budget, floor=5, want=20))
        found = [hold.money_nano for hold in (first, second, third)]
        for hold in (first, second, third):
            ledger.release(hold)

    assert found == [62, 200, 20]


async def test_parts_say_what_headers_need(ledger_of, meter_of, budget):
    """
    A hold tells of each meter what it took, what is left and when the window ends.
    """
    rate = meter_of("payments", Unit.REQUESTS, 5, Period.MINUTE)
    async with ledger_of() as ledger:
        hold = await ledger.hold(of(rate, budget, floor=10, want=10, requests=1))
        ledger.release(hold)

    money, requests = hold.parts
    assert (money.meter, money.amount, money.free_after, money.limit) == (
        budget,
        10,
        990,
        1000,
    )
    assert (requests.meter, requests.amount, requests.free_after) == (rate, 1, 4)
    assert requests.ends_at == 1_700_000_040 * 1_000_000


async def test_a_hold_of_no_meters_is_free_and_still_leaves_its_row(
    ledger_of, data_dir
):
    """
    Where nothing limits a request, its usage is written all the same.
    """
    async with ledger_of() as ledger:
        hold = ledger.try_hold(of()) or await ledger.hold(of())
        settle(ledger, hold, 7)

    assert rows_in(data_dir) == [(f"req_{hold.id}", 7)]


def rows_in(data_dir):
    with sqlite3.connect(data_dir / "gateway.db") as sql:
        found = sql.execute(
            "SELECT exchange_id, cost_nano FROM governance_usage"
        ).fetchall()
    sql.close()
    return found


async def test_spent_is_told_from_held(ledger_of, budget):
    """
    Short because it is spent will not pass by waiting; short because others hold may.
    """
    async with ledger_of() as ledger:
        hold = await ledger.hold(of(budget, floor=900, want=900))
        with pytest.raises(Short) as held:
            await ledger.hold(of(budget, floor=200, want=200))
        settle(ledger, hold, 900)
        with pytest.raises(Short) as spent:
            await ledger.hold(of(budget, floor=200, want=200), wait_s=5)

    assert not held.value.is_spent
    assert spent.value.is_spent
    assert spent.value.retry_after_s == pytest.approx(2800, abs=1)
    assert "of 1000 are spent 900 and held 0" in str(spent.value)


async def test_a_refusal_takes_nothing_of_any_meter(ledger_of, meter_of, budget):
    """
    All meters or none: what is short of one leaves the others alone.
    """
    rate = meter_of("payments", Unit.REQUESTS, 1, Period.MINUTE)
    async with ledger_of() as ledger:
        ledger.settle(await ledger.hold(of(rate, requests=1)), Actual(requests=1), None)
        with pytest.raises(Short):
            await ledger.hold(of(budget, rate, floor=10, want=10, requests=1))
        (found,) = await ledger.standing([budget])

    assert (found.held, found.spent) == (0, 0)


async def test_who_waits_is_served_by_a_settlement(ledger_of, budget):
    """
    What a settlement frees goes to who waits for it, at once.
    """
    async with ledger_of() as ledger:
        first = await ledger.hold(of(budget, floor=900, want=900))
        waiting = asyncio.ensure_future(
            ledger.hold(of(budget, floor=500, want=500), wait_s=30)
        )
        await asyncio.sleep(0.03)
        settle(ledger, first, 100)
        async with asyncio.timeout(5):
            second = await waiting
        settle(ledger, second, 0)

    assert second.money_nano == 500


async def test_who_waits_is_served_by_another_workers_settlement(ledger_of, budget):
    """
    Another worker's settlement is noticed within moments.
    """
    async with ledger_of() as one, ledger_of() as other:
        first = await one.hold(of(budget, floor=900, want=900))
        waiting = asyncio.ensure_future(
            other.hold(of(budget, floor=500, want=500), wait_s=30)
        )
        await asyncio.sleep(0.03)
        settle(one, first, 100)
        async with asyncio.timeout(5):
            settle(other, await waiting, 0)


async def test_waiting_ends(ledger_of, budget):
    """
    Who waited in vain hears what is short.
    """
    async with ledger_of() as ledger:
        first = await ledger.hold(of(budget, floor=900, want=900))
        with pytest.raises(Short) as found:
            await ledger.hold(of(budget, floor=500, want=500), wait_s=0.05)
        ledger.release(first)

    assert found.value.meter == budget


async def test_first_come_first_served(ledger_of, budget):
    """
    A small wish that came later does not pass a large one that waits for the same meter.
    """
    order = []

    async def ask(ledger, amount):
        hold = await ledger.hold(of(budget, floor=amount, want=amount), wait_s=30)
        order.append(amount)
        return hold

    async with ledger_of() as ledger:
        first = await ledger.hold(of(budget, floor=900, want=900))
        large = asyncio.ensure_future(ask(ledger, 600))
        await asyncio.sleep(0.02)
        small = asyncio.ensure_future(ask(ledger, 50))
        await asyncio.sleep(0.02)
        passed = ledger.try_hold(of(budget, floor=1, want=1))
        settle(ledger, first, 0)
        async with asyncio.timeout(5):
            for hold in await asyncio.gather(large, small):
                ledger.release(hold)

    assert passed is None
    assert order == [600, 50]


async def test_who_leaves_the_line_leaves_nothing_held(ledger_of, budget):
    """
    A caller that is cancelled while it waits holds nothing.
    """
    async with ledger_of() as ledger:
        first = await ledger.hold(of(budget, floor=900, want=900))
        waiting = asyncio.ensure_future(
            ledger.hold(of(budget, floor=500, want=500), wait_s=30)
        )
        await asyncio.sleep(0.02)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        ledger.release(first)
        (found,) = await ledger.standing([budget])

    assert found.held == 0


async def test_workers_share_one_budget(ledger_of, budget):
    """
    Of one budget two workers hold no more than there is.
    """
    async with ledger_of() as one, ledger_of() as other:
        holds = [
            (ledger, await ledger.hold(of(budget, floor=250, want=250)))
            for ledger in (one, other, one, other)
        ]
        with pytest.raises(Short):
            await other.hold(of(budget, floor=1, want=1))
        for ledger, hold in holds:
            settle(ledger, hold, 250)
        (found,) = await one.standing([budget])

    assert found.spent == 1000


async def test_a_window_ends_and_the_next_one_is_whole(ledger_of, clock, budget):
    """
    In the next window the whole limit is free; what was held in the last one stays there.
    """
    async with ledger_of() as ledger:
        late = await ledger.hold(of(budget, floor=400, want=400))
        clock.move(3600)
        hold = await ledger.hold(of(budget, floor=1000, want=1000))
        settle(ledger, late, 300)
        (found,) = await ledger.standing([budget])
        ledger.release(hold)

    assert (found.spent, found.held) == (0, 1000)


async def test_a_clock_that_jumps_back_doubles_no_window(ledger_of, clock, budget):
    """
    A window that opens again has what was spent in it, and not a nano more.
    """
    async with ledger_of() as ledger:
        settle(ledger, await ledger.hold(of(budget, floor=700, want=700)), 700)
        clock.move(3600)
        ledger.release(await ledger.hold(of(budget, floor=1, want=1)))
        clock.move(-3600)
        with pytest.raises(Short) as found:
            await ledger.hold(of(budget, floor=301, want=301))
        settle(ledger, await ledger.hold(of(budget, floor=300, want=300)), 300)

    assert found.value.is_spent


async def test_after_a_stop_everything_that_was_free_is_free(
    ledger_of, data_dir, budget
):
    """
    A clean stop costs nothing, even if the pool's file is lost behind it.
    """
    async with ledger_of() as ledger:
        settle(ledger, await ledger.hold(of(budget, floor=100, want=100)), 30)
    for path in (data_dir / "ledger").glob("pool*"):
        path.unlink()

    async with ledger_of() as ledger:
        (found,) = await ledger.standing([budget])

    assert (found.spent, found.burned, found.left) == (30, 0, 970)


async def test_after_a_loss_of_power_what_was_granted_is_spent(
    ledger_of, victim_of, data_dir, budget
):
    """
    Nobody knows what was sent on what was granted and not settled: it is burned, no more.
    """
    start, kill = victim_of
    victim = await start()
    settle(victim, await victim.hold(of(budget, floor=100, want=100)), 30)
    await victim.flush()
    await victim.hold(of(budget, floor=10, want=10))
    await kill(victim)
    for path in (data_dir / "ledger").glob("pool*"):
        path.unlink()
    async with ledger_of() as ledger:
        (found,) = await ledger.standing([budget])

    assert found.spent == found.granted
    assert found.burned == found.spent - 30
    assert found.spent < 300


async def test_a_slow_start_leaves_alone_what_others_write(
    ledger_of, victim_of, monkeypatch, data_dir, budget
):
    """
    The first worker makes the pool; a second may be at work, and killed, before that has begun.
    """
    begin, entered, may_begin = Keeping.begin, asyncio.Event(), asyncio.Event()

    async def begin_late(keeping):
        monkeypatch.setattr(Keeping, "begin", begin)
        entered.set()
        await may_begin.wait()
        await begin(keeping)

    async def come_and_go():
        async with ledger_of():
            pass

    start, kill = victim_of
    monkeypatch.setattr(Keeping, "begin", begin_late)
    slow = asyncio.ensure_future(come_and_go())
    await entered.wait()
    victim = await start()
    settle(victim, await victim.hold(of(budget, floor=100, want=100)), 30)
    may_begin.set()
    await slow
    settle(victim, await victim.hold(of(budget, floor=100, want=100)), 20)
    await kill(victim)
    async with ledger_of() as ledger:
        await ledger.flush()
        (found,) = await ledger.standing([budget])
        discrepancies = await ledger.recount()

    sql = sqlite3.connect(data_dir / "gateway.db")
    rows = sql.execute("SELECT cost_nano FROM governance_usage ORDER BY 1").fetchall()
    sql.close()
    assert rows == [(20,), (30,)]
    assert (found.spent, found.burned) == (50, 0)
    assert discrepancies == []


async def test_a_dead_workers_holds_are_cleared_up(
    ledger_of, victim_of, told, meter_of, budget
):
    """
    What it had not sent comes back, what it had sent is burned, what it had written counts.
    """
    parallel = meter_of("payments", Unit.IN_FLIGHT, 3, None)
    demand = of(budget, parallel, floor=100, want=100, in_flight=1)
    start, kill = victim_of
    async with ledger_of() as survivor:
        victim = await start()
        unsent, sent, written = [await victim.hold(demand) for _ in range(3)]
        victim.sent(sent)
        victim.sent(written)
        assert unsent.is_open
        victim._till._journal.write(settled_entry(victim, written, 60))
        await kill(victim)
        hold = await survivor.hold(of(parallel, in_flight=3))
        survivor.release(hold)
        await survivor.flush()
        (found, flying) = await survivor.standing([budget, parallel])

    assert (found.spent, found.burned, found.held) == (160, 100, 0)
    assert flying.left == 3
    assert [fact.hold_id for fact in told if isinstance(fact, Burned)] == [sent.id]


def settled_entry(ledger, hold, cost):
    """
    Write a settlement as `settle` does, before it counts.
    """
    found = []
    till = ledger._till
    journal, till._journal = till._journal, type("J", (), {"write": found.append})
    pool, till.pool = (
        till.pool,
        type("P", (), {"late": till.pool.late, "settle": lambda hold, actual: 0}),
    )
    from gateway_governance.usage import columns_of

    till.settle(hold, Actual(money_nano=cost), columns_of(row_of(hold, cost)))
    till._journal, till.pool = journal, pool
    return found[0]


async def burned_of(victim_of, survivor, budget):
    """
    Return the hold of 100 that a worker had sent when it was killed, as *survivor* found it.
    """
    start, kill = victim_of
    victim = await start()
    hold = await victim.hold(of(budget, floor=100, want=100))
    victim.sent(hold)
    await kill(victim)
    survivor._keeping.look_for_dead()
    await survivor.flush()
    (burned,) = await survivor.burned()
    return burned


async def test_a_burned_hold_is_resolved_once(ledger_of, victim_of, budget):
    """
    An operator who finds out what was billed gets the rest back, and only once.
    """
    async with ledger_of() as survivor:
        burned = await burned_of(victim_of, survivor, budget)
        first = await survivor.resolve(burned.hold_id, true_nano=15, actor="ops")
        again = await survivor.resolve(burned.hold_id, true_nano=1, actor="ops")
        (found,) = await survivor.standing([budget])
        left = await survivor.burned()

    assert (burned.amount, first.resolved_nano, again, left) == (100, 15, None, [])
    assert (found.spent, found.burned, found.left) == (15, 0, 985)


async def test_a_burned_hold_that_came_to_more_than_the_limit_leaves_nothing(
    ledger_of, victim_of, budget
):
    """
    What was free on this machine already is spent with it, and everything agrees.
    """
    async with ledger_of() as survivor:
        burned = await burned_of(victim_of, survivor, budget)
        settle(survivor, await survivor.hold(of(budget, floor=300, want=300)), 1)
        await survivor.flush()
        await survivor.resolve(burned.hold_id, true_nano=5_000, actor="ops")

        with pytest.raises(Short) as caught:
            await survivor.hold(of(budget, floor=1, want=1))

        assert caught.value.is_spent
        assert await survivor.recount() == []


async def test_truth_above_the_hold_is_charged_and_told(ledger_of, told, budget):
    """
    A provider that bills more than was held is charged as it bills, and somebody hears of it.
    """
    async with ledger_of() as ledger:
        hold = await ledger.hold(of(budget, floor=100, want=100))
        over = settle(ledger, hold, 130)
        (found,) = await ledger.standing([budget])

    assert over == 30
    assert found.spent == 130
    assert Overran(hold_id=hold.id, over_nano=30, meters=(budget.id,)) in told


async def test_a_part_is_settled_and_the_rest_remains_held(
    ledger_of, told, meter_of, budget
):
    """
    What an attempt came to counts at once, and what the request itself holds goes on.
    """
    rate = meter_of("me", Unit.REQUESTS, 5, Period.MINUTE)
    places = meter_of("me", Unit.IN_FLIGHT, 3, None)
    asked = of(budget, rate, places, floor=100, want=100, requests=1, in_flight=1)
    async with ledger_of() as ledger:
        hold = await ledger.hold(asked)
        ledger.sent(hold)
        actual = Actual(money_nano=130, requests=1)
        rest = ledger.part(hold, actual, row_of(hold, 130), 2)
        during = await ledger.standing([budget, rate, places])
        ledger.settle(rest, Actual(requests=1), None)
        after = await ledger.standing([budget, rate, places])
        with pytest.raises(RuntimeError, match="settled or released before"):
            ledger.part(hold, actual, row_of(hold, 130), 2)

    assert [(found.held, found.spent) for found in during] == [(0, 130), (1, 0), (1, 0)]
    assert [(found.held, found.spent) for found in after] == [(0, 130), (0, 1), (0, 0)]
    assert Overran(hold_id=hold.id, over_nano=30, meters=(budget.id,)) in told


async def test_a_part_is_given_back_and_the_rest_remains_held(
    ledger_of, meter_of, budget
):
    """
    An attempt that was not sent leaves nothing but what the request holds.
    """
    rate = meter_of("me", Unit.REQUESTS, 5, Period.MINUTE)
    async with ledger_of() as ledger:
        hold = await ledger.hold(of(budget, rate, floor=100, want=100, requests=1))
        rest = ledger.part(hold, Actual(), None, 1)
        during = await ledger.standing([budget, rate])
        ledger.release(rest)
        after = await ledger.standing([budget, rate])

    assert [(found.held, found.spent) for found in during] == [(0, 0), (1, 0)]
    assert [(found.held, found.spent) for found in after] == [(0, 0), (0, 0)]


async def test_a_dead_workers_rest_is_no_money(ledger_of, victim_of, budget, meter_of):
    """
    Of a worker that is killed between two attempts, what the first one came to is spent, once.
    """
    rate = meter_of("me", Unit.REQUESTS, 5, Period.MINUTE)
    start, kill = victim_of
    async with ledger_of() as survivor:
        victim = await start()
        hold = await victim.hold(of(budget, rate, floor=100, want=100, requests=1))
        victim.sent(hold)
        victim.part(hold, Actual(money_nano=40, requests=1), row_of(hold, 40), 1)
        await kill(victim)
        survivor._keeping.look_for_dead()
        found = await survivor.standing([budget, rate])

    assert [(each.held, each.spent, each.burned) for each in found] == [
        (0, 40, 0),
        (0, 1, 1),
    ]


async def test_a_soft_budget_holds_nothing_and_is_charged_afterwards(
    ledger_of, meter_of
):
    """
    A soft budget lets requests in while less than its limit is spent.
    """
    soft = meter_of("payments", Unit.MONEY, 100, is_soft=True)
    async with ledger_of() as ledger:
        holds = [await ledger.hold(of(soft, floor=90, want=90)) for _ in range(3)]
        for hold in holds:
            settle(ledger, hold, 90)
        with pytest.raises(Short):
            await ledger.hold(of(soft, floor=1, want=1))
        (found,) = await ledger.standing([soft])

    assert found.spent == 270


async def test_tokens_carry_debt_within_their_window(ledger_of, clock, meter_of):
    """
    Tokens beyond the expectation are charged to the window, and forgotten with it.
    """
    rate = meter_of("payments", Unit.TOKENS, 100, Period.MINUTE)
    async with ledger_of() as ledger:
        hold = await ledger.hold(of(rate, tokens=50))
        ledger.settle(hold, Actual(tokens=170), None)
        with pytest.raises(Short) as found:
            await ledger.hold(of(rate, tokens=1))
        clock.move(60)
        ledger.release(await ledger.hold(of(rate, tokens=100)))

    assert found.value.standing.debt == 70
    assert 0 < found.value.retry_after_s <= 60


@pytest.mark.parametrize("moved", [0, 3600], ids=["in-its-window", "in-the-next"])
async def test_a_running_stream_holds_more(ledger_of, clock, budget, moved):
    """
    A hold is extended in its own window, over or not, as far as the limit goes.
    """
    async with ledger_of() as ledger:
        hold = await ledger.hold(of(budget, floor=100, want=100))
        clock.move(moved)
        ledger.release(await ledger.hold(of(budget, floor=1, want=1)))
        more = await ledger.extend(hold, 500)
        too_much = await ledger.extend(hold, 500)
        settle(ledger, hold, 550)
        await ledger.flush()
        clock.move(-moved)
        ledger.release(await ledger.hold(of(budget, floor=1, want=1)))
        (found,) = await ledger.standing([budget])

    assert (more, too_much, hold.money_nano) == (True, False, 600)
    assert found.spent == 550


async def test_a_limit_that_is_lowered_lets_holds_be(ledger_of, budget):
    """
    What is held stays held; what comes back of it vanishes until the new limit fits.
    """
    async with ledger_of() as ledger:
        hold = await ledger.hold(of(budget, floor=800, want=800))
        lower = attrs.evolve(budget, limit=300)
        ledger.set_limits([lower])
        (during,) = await ledger.standing([lower])
        settle(ledger, hold, 200)
        (after,) = await ledger.standing([lower])

    assert (during.held, during.left) == (800, -500)
    assert (after.spent, after.left, after.granted) == (200, 100, 300)


async def test_a_limit_that_is_raised_is_usable(ledger_of, budget):
    """
    A raised limit is there for the next hold.
    """
    async with ledger_of() as ledger:
        settle(ledger, await ledger.hold(of(budget, floor=1000, want=1000)), 1000)
        raised = attrs.evolve(budget, limit=1500)
        ledger.set_limits([raised])
        hold = await ledger.hold(of(raised, floor=500, want=500))
        ledger.release(hold)

    assert hold.money_nano == 500


async def test_thresholds_are_told_once(ledger_of, told, budget):
    """
    At 50, 80 and 100 percent somebody hears of it, once in a window, of all workers.
    """
    async with ledger_of() as one, ledger_of() as other:
        for ledger, cost in ((one, 499), (other, 2), (one, 300), (other, 199)):
            settle(ledger, await ledger.hold(of(budget, floor=cost, want=cost)), cost)
            await ledger.flush()
        for ledger in (one, other):
            with pytest.raises(Short):
                await ledger.hold(of(budget, floor=1, want=1))
        await asyncio.sleep(0.05)

    percents = [fact.percent for fact in told if isinstance(fact, Crossed)]
    assert percents == [50, 80, 100]


async def test_a_reset_begins_anew_and_leaves_open_holds_alone(
    ledger_of, clock, budget
):
    """
    After a reset the limit is whole; what was held before is charged to before.
    """
    async with ledger_of() as ledger:
        settle(ledger, await ledger.hold(of(budget, floor=700, want=700)), 700)
        held = await ledger.hold(of(budget, floor=200, want=200))
        clock.move(1)
        await ledger.reset(budget)
        hold = await ledger.hold(of(budget, floor=1000, want=1000))
        settle(ledger, held, 200)
        (found,) = await ledger.standing([budget])
        ledger.release(hold)

    assert (found.spent, found.held) == (0, 1000)


async def test_requests_in_flight_cannot_be_reset(ledger_of, meter_of):
    """
    What is under way is under way.
    """
    async with ledger_of() as ledger:
        with pytest.raises(ValueError, match="cannot be reset"):
            await ledger.reset(meter_of("payments", Unit.IN_FLIGHT, 3, None))


async def test_check_says_what_hold_would_and_changes_nothing(
    ledger_of, meter_of, budget
):
    """
    A dry run finds the same answer, known meters or not, and leaves no trace.
    """
    rate = meter_of("payments", Unit.REQUESTS, 5, Period.MINUTE)
    demand = of(budget, rate, floor=10, want=900, requests=1)
    too_much = of(budget, rate, floor=2000, want=2000, requests=1)
    async with ledger_of() as ledger:
        cold = await ledger.check(demand)
        hold = await ledger.hold(demand)
        refused = await ledger.check(too_much)
        ledger.release(hold)
        warm = await ledger.check(demand)

    assert cold.short is None
    assert cold.money_nano == hold.money_nano == warm.money_nano == 62
    assert refused.short.is_spent
    assert [each.held for each in warm.standings] == [0, 0]


async def test_too_many_holds_at_once_are_refused(ledger_of, budget):
    """
    A worker has so many slots, and says so when they are in use.
    """
    async with ledger_of(worker_slots=2) as ledger:
        holds = [await ledger.hold(of(budget, floor=1, want=1)) for _ in range(2)]
        with pytest.raises(SlotsInUse):
            await ledger.hold(of(budget, floor=1, want=1))
        for hold in holds:
            ledger.release(hold)


async def test_what_is_open_at_the_end_is_released_or_burned(ledger_of, told, budget):
    """
    A stop ends open holds as a death does, and who comes late with one changes nothing.
    """
    async with ledger_of() as ledger:
        unsent, sent = [
            await ledger.hold(of(budget, floor=100, want=100)) for _ in "ab"
        ]
        ledger.sent(sent)
    with pytest.raises(RuntimeError, match="the ledger was left"):
        settle(ledger, sent, 5)
    with pytest.raises(RuntimeError, match="the ledger was left"):
        ledger.release(unsent)
    async with ledger_of() as after:
        (found,) = await after.standing([budget])
        burned = await after.burned()

    assert (found.spent, found.burned, found.left) == (100, 100, 900)
    assert [hold.hold_id for hold in burned] == [sent.id]


async def test_a_hold_ends_once(ledger_of, budget):
    """
    To settle twice is a mistake of ours, and money must not pay for it.
    """
    async with ledger_of() as ledger:
        hold = await ledger.hold(of(budget, floor=10, want=10))
        settle(ledger, hold, 5)
        with pytest.raises(RuntimeError, match="settled or released before"):
            settle(ledger, hold, 5)
        with pytest.raises(RuntimeError, match="settled or released before"):
            ledger.release(hold)


async def test_money_is_never_settled_without_its_row(ledger_of, budget):
    """
    A settlement of money without a usage row would be spent by nobody.
    """
    async with ledger_of() as ledger:
        hold = await ledger.hold(of(budget, floor=10, want=10))
        with pytest.raises(ValueError, match="needs its usage row"):
            ledger.settle(hold, Actual(money_nano=5), None)
        settle(ledger, hold, 5)


async def test_rows_of_owners_that_are_gone_are_used_again(ledger_of, meter_of, budget):
    """
    Short-lived owners do not make the pool grow; what they spent stays spent.
    """
    async with ledger_of() as ledger:
        for at in range(20):
            run = meter_of(f"run{at}", Unit.MONEY, 100)
            settle(ledger, await ledger.hold(of(budget, run, floor=10, want=10)), 10)
            await ledger.forget([run])
        rows = ledger._premises.cells.words[5]
        await ledger.flush()
        (gone, kept) = await ledger.standing([run, budget])

    assert rows == 2
    assert (gone.spent, kept.spent) == (10, 200)


async def test_an_anchor_that_is_not_named_is_the_first_sight(
    ledger_of, clock, data_dir, meter_of
):
    """
    Windows of a budget without an anchor count from when it was first seen, for good.
    """
    unanchored = meter_of("payments", Unit.MONEY, 1000, anchor=None)
    async with ledger_of() as ledger:
        ledger.release(await ledger.hold(of(unanchored, floor=1, want=1)))
        first = clock.now()
    for path in (data_dir / "ledger").glob("pool*"):
        path.unlink()
    clock.move(5000)

    async with ledger_of() as ledger:
        hold = await ledger.hold(of(unanchored, floor=1, want=1))
        ledger.release(hold)

    assert hold.parts[0].starts == (first + 3600) * 1_000_000


async def test_a_database_that_fails_grants_nothing(ledger_of, data_dir, budget):
    """
    Where the authority cannot commit, nothing that it would have granted is held.
    """
    from gateway_governance.ledger.authority import AuthorityFailed

    async with ledger_of() as ledger:
        with sqlite3.connect(data_dir / "gateway.db") as sql:
            sql.execute("ALTER TABLE governance_ledger_windows RENAME TO away")
        with pytest.raises(AuthorityFailed, match="no such table"):
            await ledger.hold(of(budget, floor=1, want=1))
        with sql:
            sql.execute("ALTER TABLE away RENAME TO governance_ledger_windows")
        sql.close()
        ledger.release(await ledger.hold(of(budget, floor=1, want=1)))
