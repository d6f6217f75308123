"""
The law of the ledger, over random histories.

Per meter and window, after every step: granted = free + held + spent; burned <= spent; granted
<= limit; what providers bill <= spent + held, and never more than the limit.  Workers are killed
at any store into shared memory, before and after any commit of the authority and any line of a
journal; clocks jump, windows end, limits move, keys move, exchanges settle late, machines lose
power.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from contextlib import asynccontextmanager, contextmanager

import attrs
import pytest

from gateway_governance.entities import Owner, OwnerKind, Period, Unit
from gateway_governance.ledger.authority import Settled
from gateway_governance.ledger.cells import Cells
from gateway_governance.ledger.granting import Granter
from gateway_governance.ledger.layout import (
    EMPTY,
    H_REDO,
    H_USED,
    R_BURNED,
    R_ENDS,
    R_FREE,
    R_GEN,
    R_GRANTED,
    R_KIND,
    R_LIMIT,
    R_MARK,
    R_SPENT,
    R_STARTS,
    S_STATE,
    Geometry,
    MemoryRegion,
)
from gateway_governance.ledger.memory import MemoryAuthority
from gateway_governance.ledger.meters import Actual, Demand, Meter
from gateway_governance.ledger.roster import MemoryRoster
from gateway_governance.ledger.sweep import parts_of
from gateway_governance.ledger.till import Till

LENGTHS = {Period.MINUTE: 60, Period.HOUR: 3600}
WORKERS = 3
STEPS = 80
#: What a run of histories must not be without.
HAPPENS = [
    *("worker", "sweeper", "power", "short", "late", "resolved", "reset", "part"),
]


class Kill(BaseException):
    """
    The worker is gone, at whatever it was doing.
    """


@attrs.frozen
class Window:
    start: float
    end: float


def window_at(period, at, *, calendar, anchor):
    length = LENGTHS[period]
    start = anchor + (at - anchor) // length * length
    return Window(start, start + length)


class Dangerous:
    """
    Words of which each store may be the last of who stores.
    """

    def __init__(self, words, danger):
        self._words = words
        self._danger = danger

    def __getitem__(self, at):
        return self._words[at]

    def __setitem__(self, at, value):
        self._danger()
        self._words[at] = value
        self._danger()


class DangerousAuthority(MemoryAuthority):
    """
    An authority before and after whose commits anything may happen.
    """

    def __init__(self):
        super().__init__()
        self.meanwhile = lambda: None

    async def open(self, wants, returns=()):
        self.meanwhile()
        found = await super().open(wants, returns)
        self.meanwhile()
        return found

    async def look(self, asks):
        found = await super().look(asks)
        self.meanwhile()
        return found

    async def give_back(self, returns):
        self.meanwhile()
        await super().give_back(returns)
        self.meanwhile()

    async def settle(self, entries):
        self.meanwhile()
        found = await super().settle(entries)
        self.meanwhile()
        return found

    async def resolve(self, hold_id, *, true_nano, actor, at):
        found = await super().resolve(hold_id, true_nano=true_nano, actor=actor, at=at)
        self.meanwhile()
        return found


class Journal:
    def __init__(self, danger):
        self.entries = []
        self._danger = danger

    def write(self, entry):
        self._danger()
        self.entries.append(entry)
        self._danger()


@attrs.define
class Open:
    """
    An exchange on its way.
    """

    hold: object
    is_sent: bool = False
    true: int = 0
    over: int = 0


class Machine:
    """
    Workers on one pool, with an authority that outlives it.
    """

    def __init__(self, seed: int, *, authority=None) -> None:
        self.random = random.Random(seed)
        self.now = 1_700_000_000.0
        self.authority = authority or DangerousAuthority()
        self.authority.meanwhile = self.meanwhile
        self.stores = 0
        self.fatal = 0
        self.depth = 0
        self.epoch = 0
        self.happened = Counter()
        self.journals = []  # of the dead, not yet taken over
        self.billed = Counter()  # (meter, starts) -> what providers bill at most
        self.overs = Counter()  # of it, what truth went past holds
        self.highest = Counter()  # the highest limit that a window had
        self.rows_written = Counter()
        self.resolved = {}
        self.meters = self.make_meters()
        self.top = Counter({name: meter.limit for name, meter in self.meters.items()})
        self.tuples = {}
        self.boot()

    # The machine.

    def boot(self):
        """
        Start with an empty pool, as after a loss of power.
        """
        self.region = MemoryRegion(Geometry(seats=WORKERS, slots=6), rows=16)
        self.roster = MemoryRoster()
        self.workers = [self.hire(seat) for seat in range(WORKERS)]
        self.exchanges = [[] for _ in range(WORKERS)]

    def hire(self, seat):
        self.epoch += 1
        cells = Cells(self.region, lambda: None, lambda: None)
        cells.words = Dangerous(self.region.words, self.danger)
        till = Till(
            cells,
            self.roster,
            seat=seat,
            epoch=self.epoch,
            journal=Journal(self.danger),
            window_at=window_at,
            clock=lambda: self.now,
        )
        till.journal = till._journal
        till.granter = Granter(till.rows, self.authority, self.exclusive)
        return till

    @asynccontextmanager
    async def exclusive(self):
        yield

    def danger(self):
        self.stores += 1
        if self.fatal and self.stores >= self.fatal:
            self.fatal = 0
            raise Kill

    def meanwhile(self):
        """
        Let others work while one waits for the authority; or die.
        """
        self.danger()
        if self.depth == 0 and self.random.random() < 0.3:
            fatal, self.fatal, self.depth = self.fatal, 0, 1
            for _ in range(self.random.randrange(1, 4)):
                self.step_other()
            self.fatal, self.depth = fatal, 0
        self.danger()

    # What exists.

    def make_meters(self):
        limits = self.random
        meters = {}
        for name, unit, period, soft in (
            ("team", Unit.MONEY, Period.HOUR, False),
            ("team", Unit.MONEY, Period.MINUTE, False),
            ("key1", Unit.MONEY, Period.MINUTE, False),
            ("key2", Unit.MONEY, Period.HOUR, False),
            ("key2", Unit.MONEY, Period.MINUTE, True),
            ("team", Unit.TOKENS, Period.MINUTE, False),
            ("key1", Unit.REQUESTS, Period.MINUTE, False),
            ("team", Unit.IN_FLIGHT, None, False),
        ):
            period_word = period.value if period else "-"
            meter = Meter(
                id=f"{name}/{unit.name}/{period_word}",
                owner=Owner(OwnerKind.TEAM, name),
                unit=unit,
                limit=limits.randrange(60, 600) if unit is not Unit.IN_FLIGHT else 8,
                period=period,
                anchor=limits.choice([None, 1_600_000_000.0]),
                is_soft=soft,
            )
            meters[meter.id] = meter
        return meters

    def some_meters(self):
        names = sorted(self.meters)
        chosen = self.random.sample(names, self.random.randrange(1, 6))
        key = tuple(self.meters[name] for name in chosen)
        return self.tuples.setdefault((*chosen, *[m.limit for m in key]), key)

    # What happens.

    def step(self):
        worker = self.random.randrange(WORKERS)
        if self.random.random() < 0.2:
            self.fatal = self.stores + self.random.randrange(1, 60)
        try:
            self.act(worker)
        except Kill:
            self.die(worker)
        self.fatal = 0
        self.check()

    def step_other(self):
        """
        What another worker does without the authority's lock.
        """
        worker = self.random.randrange(WORKERS)
        self.random.choice([self.try_hold, self.settle, self.part, self.release])(
            worker
        )

    def act(self, worker):
        choice = self.random.random()
        self.now += self.random.choice([0, 0, 0, 0.5, 3, 40])
        if choice < 0.40:
            self.hold(worker)
        elif choice < 0.60:
            self.settle(worker)
        elif choice < 0.66:
            self.part(worker)
        elif choice < 0.72:
            self.release(worker)
        elif choice < 0.80:
            self.take_over(worker)
        elif choice < 0.86:
            self.move_limit(worker)
        elif choice < 0.90:
            self.now += self.random.choice([-7200, -3600, -60, -1, 60, 3600, 7200])
        elif choice < 0.93:
            self.resolve(worker)
        elif choice < 0.96:
            self.die(worker)
        elif choice < 0.975:
            self.reset(worker)
        elif choice < 0.985:
            self.lose_power()

    def demand(self):
        floor = self.random.randrange(0, 30)
        return Demand(
            meters=self.some_meters(),
            requests=1,
            in_flight=1,
            tokens=self.random.randrange(0, 40),
            money_floor_nano=floor,
            money_want_nano=floor + self.random.randrange(0, 90),
        )

    def hold(self, worker):
        till, demand = self.workers[worker], self.demand()
        for _ in range(6):
            if not till.pool.has_slot:
                return
            hold = till.hold(demand)
            if hold is not None:
                self.opened(worker, hold)
                return
            probe = till.prepare(demand)
            if probe.short is not None:
                self.happened["short"] += 1
                return
            if probe.needs:
                run(till.granter.supply(probe.needs))

    def try_hold(self, worker):
        till = self.workers[worker]
        hold = till.hold(self.demand()) if till.pool.has_slot else None
        if hold is not None:
            self.opened(worker, hold)

    def opened(self, worker, hold):
        exchange = Open(hold)
        self.exchanges[worker].append(exchange)
        for part in hold.parts:
            if part.meter.is_strict:
                key = (part.meter.id, part.starts)
                self.highest[key] = max(self.highest[key], part.limit)
        if self.random.random() < 0.8:
            self.send(worker, exchange)

    def send(self, worker, exchange):
        if exchange.is_sent:
            return
        hold = exchange.hold
        self.workers[worker].pool.sent(hold)
        # From here on the provider may bill all that is held.
        self.bill(hold, hold.money_nano)
        exchange.is_sent = True
        exchange.true = self.random.randrange(0, hold.money_nano + 1)
        if self.random.random() < 0.03:
            exchange.over = self.random.randrange(1, 20)
            exchange.true = hold.money_nano

    def bill(self, hold, amount, over=0):
        for part in hold.parts:
            if part.meter.is_strict:
                self.billed[part.meter.id, part.starts] += amount + over
                self.overs[part.meter.id, part.starts] += over

    def settle(self, worker):
        if not self.exchanges[worker]:
            return
        exchange = self.random.choice(self.exchanges[worker])
        self.send(worker, exchange)
        with self.written(worker, exchange) as said:
            self.workers[worker].settle(exchange.hold, *said)
        self.exchanges[worker].remove(exchange)

    def part(self, worker):
        """
        Settle an attempt, or release it, and go on holding what its request holds.
        """
        till = self.workers[worker]
        whole = [
            each
            for each in self.exchanges[worker]
            if len(each.hold.rows) > each.hold.plan.money
        ]
        if not whole:
            return
        exchange = self.random.choice(whole)
        hold, returns = exchange.hold, []
        stays = self.random.randrange(1, len(hold.rows) - hold.plan.money + 1)
        if exchange.is_sent:
            with self.written(worker, exchange) as said:
                exchange.hold, _ = till.part(hold, *said, stays)
        else:
            exchange.hold, returns = till.release_part(hold, stays)
        exchange.true = exchange.over = 0
        self.happened["part"] += 1
        if self.depth == 0 and returns:
            run(self.authority.give_back(returns))

    @contextmanager
    def written(self, worker, exchange):
        """
        Say what *exchange* came to, and see whether it was written down.
        """
        till, hold = self.workers[worker], exchange.hold
        true = exchange.true + exchange.over
        actual = Actual(
            money_nano=true, tokens=self.random.randrange(0, 60), requests=1
        )
        row = (f"req_{hold.id}", 1, true)
        self.happened["late"] += bool(till.pool.late(hold))
        written = len(till.journal.entries)
        try:
            yield actual, row
        finally:
            # What the journal says is the truth; else the whole hold may be.
            if len(till.journal.entries) > written:
                self.rows_written[row[:2]] += 1
                self.bill(hold, exchange.true - hold.money_nano, exchange.over)

    def release(self, worker):
        till = self.workers[worker]
        unsent = [each for each in self.exchanges[worker] if not each.is_sent]
        if not unsent:
            return
        exchange = self.random.choice(unsent)
        returns = till.release(exchange.hold)
        self.exchanges[worker].remove(exchange)
        if self.depth == 0 and returns:
            run(self.authority.give_back(returns))

    def take_over(self, worker):
        """
        Flush a journal, the worker's own or a dead one's; a kill in between makes it twice.
        """
        chosen = self.random.choice([self.workers[worker].journal, *self.journals])
        run(self.authority.settle(list(chosen.entries)))
        self.danger()
        if chosen in self.journals:
            self.journals.remove(chosen)
        elif self.random.random() < 0.5:
            kept, chosen.entries = chosen.entries, []
            assert kept is not chosen.entries

    def move_limit(self, worker):
        name = self.random.choice(sorted(self.meters))
        before = self.meters[name]
        limit = (
            self.random.randrange(2, 9)
            if before.unit is Unit.IN_FLIGHT
            else (self.random.randrange(0, 700))
        )
        self.meters[name] = attrs.evolve(before, limit=limit)
        self.top[name] = max(self.top[name], limit)
        self.workers[worker].rows.set_limits([self.meters[name]])

    def resolve(self, worker):
        for journal in [*self.journals, *[till.journal for till in self.workers]]:
            run(self.authority.settle(list(journal.entries)))
        burned = run(self.authority.burned())
        if not burned:
            return
        chosen = self.random.choice(burned)
        true = self.random.randrange(0, chosen.amount + 1)
        till = self.workers[worker]

        async def resolve():
            found = await self.authority.resolve(
                chosen.hold_id, true_nano=true, actor="test", at=int(self.now)
            )
            self.happened["resolved"] += 1
            for charge in found.charges if found else ():
                till.rows.correct(
                    charge.meter,
                    charge.starts,
                    burned=charge.amount,
                    true=true,
                )

        for charge in chosen.charges:
            self.billed[charge.meter, charge.starts] -= charge.amount - true
        self.resolved[chosen.hold_id] = true
        run(resolve())

    def reset(self, worker):
        meter = self.meters[self.random.choice(sorted(self.meters))]
        if meter.unit is not Unit.IN_FLIGHT:
            run(self.workers[worker].granter.reset(meter))
            self.happened["reset"] += 1

    def die(self, worker):
        """
        Kill *worker*; a survivor sweeps, and may be killed at that.
        """
        self.fatal = 0
        self.depth = 1
        self.happened["worker"] += 1
        dead = self.workers[worker]
        survivor = (worker + 1) % WORKERS
        if self.random.random() < 0.3:
            self.fatal = self.stores + self.random.randrange(1, 40)
        try:
            swept = self.workers[survivor].sweep(worker, dead.journal.entries)
            self.fatal = 0
            run(self.authority.give_back(swept.returns))
        except Kill:
            self.happened["sweeper"] += 1
            self.die_at_sweep(survivor, worker)
        self.journals.append(dead.journal)
        self.workers[worker] = self.hire(worker)
        self.exchanges[worker] = []
        self.depth = 0

    def die_at_sweep(self, survivor, worker):
        """
        The sweeper died as well: the third one clears up after both.
        """
        third = (survivor + 1) % WORKERS
        for seat in (worker, survivor):
            entries = self.workers[seat].journal.entries
            self.workers[third].sweep(seat, entries)
        self.journals.append(self.workers[survivor].journal)
        self.workers[survivor] = self.hire(survivor)
        self.exchanges[survivor] = []

    def lose_power(self):
        """
        Lose the pool, and of each journal what was written last.
        """
        self.happened["power"] += 1
        for journal in [*self.journals, *[till.journal for till in self.workers]]:
            kept = self.random.randrange(0, len(journal.entries) + 1)
            run(
                super(DangerousAuthority, self.authority).settle(journal.entries[:kept])
            )
        self.journals = []
        self.boot()

    # The law.

    def check(self):
        words = self.region.words
        if words[H_REDO]:
            Cells(self.region, lambda: None, lambda: None).redo()
        held = self.held()
        for number in range(words[H_USED]):
            word = self.region.geometry.row(number)
            if words[word + R_KIND]:
                self.check_row(words, word, held[word, words[word + R_GEN]])
        for (meter, starts), billed in self.billed.items():
            self.check_window(meter, starts, billed)

    def held(self):
        held = Counter()
        cells = Cells(self.region, lambda: None, lambda: None)
        sweeper = self.workers[0].sweeper
        for seat in range(WORKERS):
            for slot in sweeper.open_slots(seat):
                assert cells.words[slot + S_STATE] != EMPTY
                for part in parts_of(cells.words, slot):
                    held[part.word, part.gen] += part.amount
        return held

    def check_row(self, words, word, held):
        limit, granted = words[word + R_LIMIT], words[word + R_GRANTED]
        free, spent = words[word + R_FREE], words[word + R_SPENT]
        burned = words[word + R_BURNED]
        assert granted == free + held + spent
        assert 0 <= burned <= spent
        assert granted <= limit or free <= 0
        if words[word + R_KIND] & 3 == Unit.IN_FLIGHT:
            assert spent == burned == 0
        if words[word + R_KIND] & 7 != Unit.MONEY or not words[word + R_ENDS]:
            return
        name = self.roster.name(self.region.geometry.row_number(word))
        key = (name, words[word + R_STARTS])
        if not self.overs[key]:
            assert free >= 0
            assert granted <= words[word + R_MARK]
        # A truth above its hold that came late may wait in a journal yet.
        assert self.billed[key] - self.overs[key] <= spent + held, key

    def check_window(self, meter, starts, billed):
        over = self.overs[meter, starts]
        assert billed - over <= self.highest[meter, starts]
        # A window in which only nothing was held is begun by nobody.
        window = self.authority._windows.get(meter, {}).get(starts)
        mark = window.mark if window else 0
        assert billed - over <= mark <= self.top[meter] + over

    def end(self):
        """
        Kill everybody, take everything over, and compare the books.
        """
        for worker in range(WORKERS):
            self.die(worker)
        for journal in [*self.journals, *[till.journal for till in self.workers]]:
            run(self.authority.settle(journal.entries))
            run(self.authority.settle(journal.entries))
        self.check()
        assert sum(self.held().values()) == 0
        settled, burned = defaultdict(int), defaultdict(int)
        for entry in self.authority._entries.values():
            for charge in entry.charges:
                if isinstance(entry, Settled):
                    settled[charge.meter, charge.starts] += charge.amount
                elif entry.hold_id not in self.resolved:
                    burned[charge.meter, charge.starts] += charge.amount
                else:
                    settled[charge.meter, charge.starts] += self.resolved[entry.hold_id]
        for meter, windows in self.authority._windows.items():
            for starts, window in windows.items():
                assert window.settled == settled[meter, starts]
                assert window.burned == burned[meter, starts]
                assert window.mark >= 0
                if self.meters[meter].is_strict:
                    over = self.overs[meter, starts]
                    assert window.settled + window.burned <= window.mark + over
        assert all(count == 1 for count in self.rows_written.values())


def run(work):
    """
    Run a coroutine that waits for nothing.
    """
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waited")


def history(seed):
    machine = Machine(seed)
    try:
        for _ in range(STEPS):
            machine.step()
        machine.end()
    except Kill:
        raise AssertionError("a kill that nobody asked for") from None
    return machine


def test_the_law_holds_in_random_histories():
    """
    After every step the invariants hold, whoever was killed at what.
    """
    happened = Counter()
    for seed in range(300):
        happened += history(seed).happened

    assert min(happened[what] for what in HAPPENS) > 30, happened


@pytest.mark.deep
@pytest.mark.parametrize("block", range(10))
def test_the_law_holds_in_ten_thousand_histories(block):
    """
    The same, ten thousand times.
    """
    for seed in range(block * 1000, block * 1000 + 1000):
        history(seed)
