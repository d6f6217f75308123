"""
The ledger of one worker: what the rest of the plugin talks to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import structlog

from gateway.tasks import Tasks
from gateway_governance.ledger import journal as journals
from gateway_governance.ledger.authority import (
    Authority,
    Burned,
    BurnedHold,
    Crossed,
    Return,
)
from gateway_governance.ledger.granting import Granter, Rounds
from gateway_governance.ledger.keeping import Keeping
from gateway_governance.ledger.layout import H_RELEASES, Geometry
from gateway_governance.ledger.locks import MachineLock, Stuck
from gateway_governance.ledger.meters import (
    Actual,
    Demand,
    Meter,
    Short,
    SlotsInUse,
    Standing,
    WindowAt,
)
from gateway_governance.ledger.pool import LIMIT, STARTS, Hold
from gateway_governance.ledger.premises import Premises
from gateway_governance.ledger.recount import (
    Discrepancy,
    compare_books,
    compare_rows,
    count,
)
from gateway_governance.ledger.reports import Checked, check, standings
from gateway_governance.ledger.till import Till
from gateway_governance.ledger.waiting import Line
from gateway_governance.periods import window_at as window_by_period
from gateway_governance.usage import UsageRow, columns_of

if TYPE_CHECKING:
    from gateway.clock import Clock

log = structlog.get_logger("gateway.governance.ledger")

#: How soon others' settlements are noticed by who waits for them.
_POLL_S: Final = 0.01
#: Polls after which who waits is tried though nothing was settled: a window may be over.
_IDLE_POLLS: Final = 10
#: So many budgets are remembered as told to be used up.
_TOLD: Final = 1000
#: More rounds than this no hold needs, unless something is broken.
_ROUNDS: Final = 100


@attrs.frozen(kw_only=True)
class Overran:
    """
    A provider billed more than was held: its price or its cap is not what it was taken for.
    """

    hold_id: int
    over_nano: int
    meters: tuple[str, ...]


#: What a ledger tells of itself.
Fact = Crossed | Overran | Burned


class Ledger:
    """
    Holds and settles, on the pool that all workers of the machine share.

    For one loop; not for threads.  Made by `open`.

    Args:
        tell: Hears of thresholds, of overruns and of burned holds; must not block.
        most_waiting: How many may wait at once.
    """

    def __init__(
        self,
        premises: Premises,
        authority: Authority,
        *,
        clock: Clock,
        window_at: WindowAt,
        tell: Callable[[Fact], None],
        most_waiting: int,
    ) -> None:
        self._premises = premises
        self._authority = authority
        self._tell = tell
        self._journal = journals.Journal(
            premises.journals, seat=premises.seat, epoch=premises.epoch
        )
        self._till = Till(
            premises.cells,
            premises.roster,
            seat=premises.seat,
            epoch=premises.epoch,
            journal=self._journal,
            window_at=window_at,
            clock=clock.now,
        )
        self._granter = Granter(
            self._till.rows,
            authority,
            MachineLock(premises.folder / "grants.lock").__call__,
        )
        self._tasks = Tasks()
        self._rounds = Rounds(self._granter, self._tasks)
        self._line = Line(self._attempt, self.release, most=most_waiting)
        self._waiters = self._line.waiters
        self._keeping = Keeping(
            premises,
            self._till,
            self._journal,
            authority,
            tasks=self._tasks,
            tell=tell,
            freed=self._line.serve,
        )
        self._poll: asyncio.Task[None] | None = None
        self._exhausted: set[tuple[str, int]] = set()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        data_dir: Path,
        authority: Authority,
        *,
        clock: Clock,
        worker_slots: int = 4096,
        window_at: WindowAt = window_by_period,
        tell: Callable[[Fact], None] = lambda _: None,
        most_waiting: int = 1000,
    ) -> AsyncIterator[Ledger]:
        """
        Take a seat at the pool in *data_dir*, and leave it in good order.

        Args:
            worker_slots: How many holds a worker may have open at once, two an exchange.

        Raises:
            OSError: if the disk is full.
            RuntimeError: if another version is at work there, or every seat is taken.
            AuthorityFailed: if what a dead worker left cannot be taken over.
        """
        premises = await asyncio.to_thread(
            Premises.enter,
            data_dir / "ledger",
            Geometry(slots=worker_slots),
            now=clock.now(),
        )
        ledger = cls(
            premises,
            authority,
            clock=clock,
            window_at=window_at,
            tell=tell,
            most_waiting=most_waiting,
        )
        try:
            await ledger._keeping.begin()
        except BaseException:
            premises.abandon()
            raise
        loops = [
            ledger._tasks.spawn(ledger._keeping.look_often(), name="ledger-watch"),
            ledger._tasks.spawn(ledger._keeping.flush_often(), name="ledger-flush"),
        ]
        try:
            yield ledger
        finally:
            for loop in loops:
                loop.cancel()
            await ledger._keeping.end()

    # Holding.

    def try_hold(self, demand: Demand) -> Hold | None:
        """
        Take what *demand* asks for, if nothing stands in the way; never waits.
        """
        if self._waiters and self._line.ahead_of(demand) is not None:
            return None
        hold = self._till.hold(demand)
        if hold is not None and hold.is_low:
            self._rounds.want(dict.fromkeys(hold.plan.meters[: hold.plan.strict], 0))
        return hold

    def learn(self, meters: tuple[Meter, ...]) -> bool:
        """
        Let `try_hold` know where *meters* stand, which `hold` finds out by itself.

        Returns:
            Whether that is news, so that it may be tried again.
        """
        return self._till.learn(meters)

    async def hold(self, demand: Demand, *, wait_s: float = 0.0) -> Hold:
        """
        Take what *demand* asks for, all or nothing.

        Args:
            wait_s: How long to wait where others hold what is missing.

        Raises:
            Short: if a meter has not enough.
            SlotsInUse: if this worker has too many holds open.
            AuthorityFailed: if a grant was needed and could not be had.
        """
        if wait_s > 0 and (ahead := self._line.ahead_of(demand)) is not None:
            short = self._till.prepare(demand).short or ahead.short
            return await self._refuse_or_wait(demand, short, wait_s)
        for _ in range(_ROUNDS):
            found = self._till.hold(demand)
            if found is not None:
                if found.is_low:
                    self._rounds.want(
                        dict.fromkeys(found.plan.meters[: found.plan.strict], 0)
                    )
                return found
            if not self._till.pool.has_slot:
                raise SlotsInUse
            probe = self._till.prepare(demand)
            if probe.short is not None:
                if not probe.short.is_spent and self._keeping.look_for_dead():
                    continue
                return await self._refuse_or_wait(demand, probe.short, wait_s)
            if probe.needs:
                await self._rounds.supply(probe.needs)
        msg = "a grant was taken away as often as it was made"
        raise Stuck(msg)

    async def _refuse_or_wait(
        self, demand: Demand, short: Short, wait_s: float
    ) -> Hold:
        if short.is_spent or wait_s <= 0:
            self._note_spent(short)
            raise short
        return await self._wait(demand, short, wait_s)

    async def _wait(self, demand: Demand, short: Short, wait_s: float) -> Hold:
        if self._poll is None or self._poll.done():
            self._poll = self._tasks.spawn(self._serve_often(), name="ledger-serve")
        return await self._line.wait(demand, short, wait_s=wait_s)

    def _attempt(self, demand: Demand) -> Hold | Short | None:
        """
        Try to serve somebody who waits; None where the authority is asked meanwhile.
        """
        for _ in range(2):
            hold = self._till.hold(demand)
            if hold is not None:
                return hold
            if not self._till.pool.has_slot:
                return None
            probe = self._till.prepare(demand)
            if probe.short is not None:
                return probe.short
            if probe.needs:
                self._rounds.want(probe.needs)
                return None
        return None

    async def _serve_often(self) -> None:
        """
        Look whether other workers have settled, while somebody waits.
        """
        words, seen, idle = self._premises.cells, -1, 0
        await asyncio.sleep(0)
        while self._waiters:
            releases = words.words[H_RELEASES]
            idle += 1
            if releases != seen or idle >= _IDLE_POLLS:
                seen, idle = releases, 0
                self._line.serve()
            await asyncio.sleep(_POLL_S)

    def _note_spent(self, short: Short) -> None:
        """
        Tell that a budget is used up: a strict one refuses before it is spent to the last nano.
        """
        found = short.standing
        key = (short.meter.id, found.starts)
        if not short.is_spent or not short.meter.is_strict or key in self._exhausted:
            return
        if len(self._exhausted) > _TOLD:
            self._exhausted.clear()
        self._exhausted.add(key)
        fact = Crossed(
            meter=short.meter.id,
            starts=found.starts,
            percent=100,
            spent=found.spent,
            limit=found.limit,
        )
        self._tasks.spawn(self._cross(fact), name="ledger-cross")

    async def _cross(self, fact: Crossed) -> None:
        if await self._authority.cross(fact):
            self._tell(fact)

    # Ending.

    def sent(self, hold: Hold) -> None:
        """
        Say that a provider may see it from now on; one store.
        """
        self._till.pool.sent(hold)

    def settle(self, hold: Hold, actual: Actual, row: UsageRow | None) -> int:
        """
        Write down what *hold* came to, then let it count.

        Args:
            row: Needed wherever the hold is of money, and for any attempt that is reported.

        Returns:
            By how much a strict budget was charged more than it held.
        """
        over = self._till.settle(hold, actual, () if row is None else columns_of(row))
        if over or self._waiters:
            self._settled(hold, over)
        return over

    def part(
        self, hold: Hold, actual: Actual, row: UsageRow | None, stays: int
    ) -> Hold:
        """
        Do the same for all but the last *stays* meters of *hold*.

        Args:
            row: None: nothing was sent, and what it took of the others is given back.

        Returns:
            What remains held.
        """
        if row is None:
            rest, returns = self._till.release_part(hold, stays)
            self._keeping.give_back(returns)
            self._settled(hold, 0)
            return rest
        rest, over = self._till.part(hold, actual, columns_of(row), stays)
        self._settled(hold, over)
        return rest

    def _settled(self, hold: Hold, over: int) -> None:
        if over:
            meters = hold.plan.meters[: hold.plan.strict]
            self._tell(
                Overran(
                    hold_id=hold.id,
                    over_nano=over,
                    meters=tuple(meter.id for meter in meters),
                )
            )
        if self._waiters:
            self._line.serve()

    def release(self, hold: Hold) -> None:
        """
        Give everything back: nothing was sent.
        """
        self._keeping.give_back(self._till.release(hold))
        if self._waiters:
            self._line.serve()

    async def extend(self, hold: Hold, money_nano: int) -> bool:
        """
        Hold *money_nano* more for what is running; never waits for others.

        Where the window of the hold is over, the authority grants it in that window.
        """
        granted: dict[int, Return] = {}
        is_done = False
        try:
            for _ in range(_ROUNDS):
                late, short = self._till.pool.extend(hold, money_nano, granted)
                is_done = not late and not short
                if is_done:
                    return True
                if not await self._can_extend(hold, money_nano, late, short, granted):
                    return False
            return False
        finally:
            if not is_done:
                self._keeping.give_back(list(granted.values()))

    async def _can_extend(
        self,
        hold: Hold,
        money_nano: int,
        late: Sequence[int],
        short: Sequence[int],
        granted: dict[int, Return],
    ) -> bool:
        meters = [hold.plan.meters[at] for at in short]
        found = [self._till.rows.standing(meter) for meter in meters]
        if any(each is not None and each.left < money_nano for each in found):
            return False
        if meters:
            await self._rounds.supply(dict.fromkeys(meters, money_nano))
        if not late:
            return True
        more = {
            at: Return(
                meter=hold.plan.meters[at].id,
                starts=hold.rows[at][STARTS],
                amount=money_nano,
            )
            for at in late
        }
        limits = [hold.rows[at][LIMIT] for at in late]
        if not await self._authority.extend(list(more.values()), limits):
            return False
        granted.update(more)
        return True

    # Reports and corrections.

    def set_limits(self, meters: Iterable[Meter]) -> None:
        """
        Let the limits of meters that are in use follow a new snapshot.
        """
        self._till.rows.set_limits(meters)
        if self._waiters:
            self._line.serve()

    async def standing(self, meters: Sequence[Meter]) -> list[Standing]:
        """
        Say how *meters* stand in the windows that contain now; changes nothing.
        """
        return await standings(self._till.rows, self._authority, meters)

    def known(self, meters: Iterable[Meter]) -> Iterator[Standing]:
        """
        Yield how those of *meters* stand that this machine has in use; asks nobody.
        """
        for meter in meters:
            standing = self._till.rows.standing(meter)
            if standing is not None:
                yield standing

    async def check(self, demand: Demand) -> Checked:
        """
        Say what `hold` would say; changes nothing.
        """
        return await check(self._till.rows, self._authority, demand)

    async def reset(self, meter: Meter) -> None:
        """
        Begin the window of *meter* anew, with nothing spent; open holds keep their window.

        Raises:
            ValueError: for requests in flight, which are what they are.
        """
        if not meter.has_window:
            msg = f"{meter.id} counts what is under way, and cannot be reset"
            raise ValueError(msg)
        self._till.plan((meter,))
        await asyncio.shield(
            self._tasks.spawn(self._granter.reset(meter), name="ledger-reset")
        )

    async def burned(self, *, unresolved_only: bool = True) -> Sequence[BurnedHold]:
        """
        List burned holds, the oldest first.
        """
        return await self._authority.burned(unresolved_only=unresolved_only)

    async def resolve(
        self, hold_id: int, *, true_nano: int, actor: str
    ) -> BurnedHold | None:
        """
        Correct a burned hold to what the provider truly billed.

        Returns:
            None if it is resolved already, or never was burned.
        """
        work = self._tasks.spawn(
            self._resolve(hold_id, true_nano, actor), name="ledger-resolve"
        )
        return await asyncio.shield(work)

    async def _resolve(
        self, hold_id: int, true_nano: int, actor: str
    ) -> BurnedHold | None:
        async with self._granter.exclusive():
            found = await self._authority.resolve(
                hold_id, true_nano=true_nano, actor=actor, at=self._till.rows.now()
            )
            for charge in found.charges if found is not None else ():
                self._till.rows.correct(
                    charge.meter, charge.starts, burned=charge.amount, true=true_nano
                )
            return found

    async def recount(self) -> list[Discrepancy]:
        """
        Count everything again: rows, slots, journals and the authority's records.

        Exact where nothing is settled meanwhile; otherwise a settlement between two looks may
        show as a difference that is gone the next time.
        """
        async with self._granter.exclusive():
            rows = count(self._premises.cells, self._premises.roster)
            written = [
                entry
                for path in journals.all_files(self._premises.journals)
                for entry in journals.read(path)
            ]
            unmoved = await self._authority.unknown(written)
            windows = [(row.meter, row.starts) for row in rows if row.is_money]
            records = await self._authority.records(windows)
            by_window = {(record.meter, record.starts): record for record in records}
            return compare_rows(rows) + compare_books(rows, by_window, unmoved)

    async def flush(self) -> None:
        """
        Move what is written down into the database now; it is done twice a second anyway.

        Raises:
            AuthorityFailed: if it takes nothing; what is written down stays.
        """
        await self._keeping.flush()

    async def forget(self, meters: Sequence[Meter]) -> None:
        """
        Let go of the rows of *meters*, whose owner is gone; what they spent stays recorded.

        Every worker looks for its rows anew afterwards, so this is for many at a time.
        """
        work = self._tasks.spawn(self._forget(meters), name="ledger-forget")
        await asyncio.shield(work)

    async def _forget(self, meters: Sequence[Meter]) -> None:
        async with self._granter.exclusive():
            rows = self._till.rows
            busy = self._till.busy(range(self._premises.cells.geometry.seats))
            await self._authority.give_back(rows.unused(meters, busy=busy))
            rows.forget(meters, busy=busy)
            # A run never comes again; an entity of the same name may, with what it had spent.
            runs = [meter.id for meter in meters if meter.only_falls]
            await self._authority.end(runs, rows.now())
