"""
The ledger of one worker: what the rest of the plugin talks to.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import structlog

from gateway.tasks import Tasks
from gateway_governance.ledger import journal as journals
from gateway_governance.ledger.authority import (
    Ask,
    Authority,
    AuthorityFailed,
    Burned,
    BurnedHold,
    Crossed,
    Record,
    Return,
    Settled,
)
from gateway_governance.ledger.granting import Granter
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
from gateway_governance.ledger.pool import LIMIT, STARTS, Hold, share_of
from gateway_governance.ledger.premises import Premises
from gateway_governance.ledger.rows import amount_of, short_of
from gateway_governance.ledger.till import Till
from gateway_governance.ledger.waiting import Line
from gateway_governance.periods import window_at as window_by_period
from gateway_governance.usage import UsageRow, columns_of

if TYPE_CHECKING:
    from gateway.clock import Clock

log = structlog.get_logger("gateway.governance.ledger")

#: How soon a dead worker is noticed.
_LOOK_S: Final = 0.2
#: How soon a settlement stands in the database.
_FLUSH_S: Final = 0.5
#: How soon others' settlements are noticed by who waits for them.
_POLL_S: Final = 0.01
#: Polls after which who waits is tried though nothing was settled: a window may be over.
_IDLE_POLLS: Final = 10
#: Records that the authority takes over in one transaction.
_BATCH: Final = 1000
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


@attrs.frozen(kw_only=True)
class Checked:
    """
    What `Ledger.hold` would say.

    Attributes:
        money_nano: How much money would be held.
        short: Why it would refuse; None where it would not.
    """

    money_nano: int
    short: Short | None
    standings: tuple[Standing, ...]


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
        self._door = MachineLock(premises.folder / "door.lock")
        self._granter = Granter(
            self._till.rows,
            authority,
            MachineLock(premises.folder / "grants.lock").__call__,
        )
        self._line = Line(self._attempt, most=most_waiting)
        self._waiters = self._line.waiters
        self._tasks = Tasks()
        self._flushing = asyncio.Lock()
        self._wanted: dict[Meter, int] = {}
        self._round: asyncio.Task[None] | None = None
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
            await ledger._begin()
        except BaseException:
            premises.abandon()
            raise
        loops = [
            ledger._tasks.spawn(ledger._watch(), name="ledger-watch"),
            ledger._tasks.spawn(ledger._flush_often(), name="ledger-flush"),
        ]
        try:
            yield ledger
        finally:
            for loop in loops:
                loop.cancel()
            await ledger._close()

    async def _begin(self) -> None:
        premises = self._premises
        if premises.is_new:
            for path in premises.journals.glob("[0-9]*.log"):
                journals.disown(path)
        self._clear_up(premises.seat)
        await self.flush()

    # Holding.

    def try_hold(self, demand: Demand) -> Hold | None:
        """
        Take what *demand* asks for, if nothing stands in the way; never waits.
        """
        if self._waiters and self._line.ahead_of(demand) is not None:
            return None
        hold = self._till.hold(demand)
        if hold is not None and hold.is_low:
            self._refill(hold)
        return hold

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
                    self._refill(found)
                return found
            if not self._till.pool.has_slot:
                raise SlotsInUse
            probe = self._till.prepare(demand)
            if probe.short is not None:
                if not probe.short.is_spent and self._look_for_dead():
                    continue
                return await self._refuse_or_wait(demand, probe.short, wait_s)
            if probe.needs:
                await self._supply(probe.needs)
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
                self._want(probe.needs)
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
        if len(self._exhausted) > _BATCH:
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

    # Grants.

    def _refill(self, hold: Hold) -> None:
        meters = hold.plan.meters[: hold.plan.strict]
        self._want(dict.fromkeys(meters, 0))

    def _want(self, needs: Mapping[Meter, int]) -> asyncio.Task[None]:
        for meter, need in needs.items():
            self._wanted[meter] = self._wanted.get(meter, 0) + need
        if self._round is None:
            self._round = self._tasks.spawn(self._grant(), name="ledger-grant")
        return self._round

    async def _supply(self, needs: Mapping[Meter, int]) -> None:
        # A caller that leaves must not leave a grant half installed.
        await asyncio.shield(self._want(needs))

    async def _grant(self) -> None:
        """
        Do one round for all who asked until it could begin.
        """
        try:
            async with self._granter.exclusive():
                wanted, self._wanted, self._round = self._wanted, {}, None
                await self._granter.round(wanted)
        finally:
            if self._round is asyncio.current_task():
                self._wanted, self._round = {}, None

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
        return over

    def release(self, hold: Hold) -> None:
        """
        Give everything back: nothing was sent.
        """
        self._give_back(self._till.release(hold))
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
                self._give_back(list(granted.values()))

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
            await self._supply(dict.fromkeys(meters, money_nano))
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

    def _give_back(self, returns: Sequence[Return]) -> None:
        if returns:
            self._tasks.spawn(
                self._authority.give_back(returns), name="ledger-give-back"
            )

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
        rows = self._till.rows
        found = {meter: rows.standing(meter) for meter in meters}
        missing = [meter for meter, each in found.items() if each is None]
        asks = rows.asks([meter for meter in missing if meter.has_window])
        backed = {meter.id for meter in missing if meter.is_backed}
        kept = [ask for ask in asks if ask.meter in backed]
        records = {ask.meter: _unbacked(ask) for ask in asks}
        if kept:
            looked = await self._authority.look(kept)
            records.update((record.meter, record) for record in looked)
        for meter in missing:
            found[meter] = _as_begun(meter, records.get(meter.id))
        return [each for each in found.values() if each is not None]

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
        standings = await self.standing(tuple(dict.fromkeys(demand.meters)))
        money = share_of(
            demand, [each.left for each in standings if each.meter.is_strict]
        )
        now = self._till.rows.now()
        shorts = []
        for each in standings:
            amount = amount_of(each.meter, demand, money)
            if amount and each.left < amount:
                shorts.append(short_of(each, amount, now))
        short = next(
            (each for each in shorts if each.is_spent), shorts[0] if shorts else None
        )
        return Checked(money_nano=money, short=short, standings=tuple(standings))

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

    async def forget(self, meters: Sequence[Meter]) -> None:
        """
        Let go of the rows of *meters*, whose owner is gone; what they spent stays recorded.
        """
        async with self._granter.exclusive():
            rows = self._till.rows
            busy = self._till.busy(range(self._premises.cells.geometry.seats))
            await self._authority.give_back(rows.unused(meters, busy=busy))
            rows.forget(meters, busy=busy)

    # What goes on beside.

    async def flush(self) -> None:
        """
        Move what is written down into the database.

        Raises:
            AuthorityFailed: if it takes nothing; what is written down stays.
        """
        async with self._flushing:
            own = self._journal.seal()
            for path in [*own, *journals.orphans(self._premises.journals)]:
                await self._move(await asyncio.to_thread(journals.read, path))
                self._journal.moved(path)
            unwritten = self._journal.unwritten
            await self._move(list(unwritten))
            del unwritten[: len(unwritten)]

    async def _move(self, entries: Iterable[Settled | Burned]) -> None:
        source = iter(entries)
        while batch := list(islice(source, _BATCH)):
            for crossed in await self._authority.settle(batch):
                self._tell(crossed)

    async def _flush_often(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            try:
                await self.flush()
            except (AuthorityFailed, OSError) as exc:
                log.error("settlements wait for the database", why=str(exc))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                self._look_for_dead()
            except OSError as exc:
                log.error("a dead worker cannot be cleared up after", why=str(exc))

    def _look_for_dead(self) -> bool:
        """
        Clear up after every worker that is dead; say whether there was one.
        """
        dead = self._premises.dead()
        for seat in dead:
            self._clear_up(seat)
            self._premises.leave(seat)
        if dead and self._waiters:
            self._line.serve()
        return bool(dead)

    def _clear_up(self, seat: int) -> None:
        files = journals.files_of(self._premises.journals, seat)
        entries = [entry for path in files for entry in journals.read(path)]
        swept = self._till.sweep(seat, entries, self._burn)
        for path in files:
            journals.disown(path)
        self._give_back(swept.returns)
        if swept.total:
            log.warning(
                "cleared up after a worker that died",
                seat=seat,
                settled=swept.settled,
                released=swept.released,
                burned=swept.burned,
                burned_nano=swept.burned_nano,
            )

    def _burn(self, burned: Burned) -> None:
        self._journal.write(burned)
        self._tell(burned)

    async def _close(self) -> None:
        """
        Leave; the last one gives back what is free.
        """
        async with self._door():
            self._look_for_dead()
            self._till.sweep(self._premises.seat, (), self._burn)
            await self._tasks.join(timeout_s=10)
            is_clean = False
            with suppress(AuthorityFailed):
                await self.flush()
                is_clean = not self._premises.others()
                if is_clean:
                    await self._authority.give_back(self._till.rows.unused())
            self._premises.close(is_clean=is_clean)


def _unbacked(ask: Ask) -> Record:
    return Record(meter=ask.meter, starts=ask.starts, ends=ask.ends)


def _as_begun(meter: Meter, record: Record | None) -> Standing:
    """
    Say how *meter* will stand once its row is in the window of *record*.
    """
    if record is None:
        return Standing(
            meter=meter, limit=meter.limit, granted=meter.limit, free=meter.limit
        )
    spent = max(record.settled, record.mark) if meter.is_strict else record.settled
    granted = record.mark if meter.is_strict else meter.limit
    return Standing(
        meter=meter,
        limit=meter.limit,
        granted=granted,
        free=granted - spent,
        spent=spent,
        burned=spent - record.settled,
        starts=record.starts,
        ends=record.ends,
    )
