"""
One worker's desk at the pool: everything that it does there without waiting for anybody.

Knows no loop and no file, so that simulations run the same code as the gateway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, cast

from gateway_governance.ledger.authority import (
    Burned,
    Charge,
    Return,
    Settled,
)
from gateway_governance.ledger.layout import H_TABLE
from gateway_governance.ledger.meters import Actual
from gateway_governance.ledger.pool import LIMIT, STARTS, Hold, Plan, Pool
from gateway_governance.ledger.rows import Probe, Rows
from gateway_governance.ledger.sweep import Sweeper, Swept, parts_of

if TYPE_CHECKING:
    from gateway_governance.ledger.cells import Cells
    from gateway_governance.ledger.meters import Demand, Meter, WindowAt
    from gateway_governance.ledger.roster import Roster

#: Plans are cheap to make and dear to look for: so many are kept.
_PLANS: Final = 100_000
_new: Final = tuple.__new__
_NOTHING: Final = Actual()


class Writes(Protocol):
    """
    Where settlements are written down before they count.
    """

    def write(self, entry: Settled | Burned) -> None:
        """
        Have *entry* survive this process.
        """


class Till:
    """
    Holds and settles for one worker.

    Args:
        seat: The slots that are this worker's.
        epoch: Unlike any other worker's, ever.
        journal: Where its settlements are written down.
    """

    def __init__(
        self,
        cells: Cells,
        roster: Roster,
        *,
        seat: int,
        epoch: int,
        journal: Writes,
        window_at: WindowAt,
        clock: Callable[[], float],
    ) -> None:
        self.pool = Pool(cells, seat=seat, epoch=epoch, clock=clock)
        self.rows = Rows(cells, roster, window_at=window_at, clock=clock)
        self.sweeper = Sweeper(cells, roster)
        self._journal = journal
        self._cells = cells
        # By identity: owners hand out the same tuple of meters time and again, and to hash
        # one costs more than to hold on it.  The tuple stands beside the plan, so it lives.
        self._plans: dict[int, tuple[tuple[Meter, ...], Plan]] = {}

    def hold(self, demand: Demand) -> Hold | None:
        """
        Take what *demand* asks for, if nothing stands in the way.
        """
        found = self._plans.get(id(demand.meters))
        if found is None:
            return None
        return self.pool.hold(found[1], demand)

    def prepare(self, demand: Demand) -> Probe:
        """
        Do what `hold` was in want of, as far as this worker can, and say what is left to do.
        """
        return self.rows.probe(self.plan(demand.meters), demand)

    def learn(self, meters: tuple[Meter, ...]) -> bool:
        """
        Find where *meters* stand; False where that is known already.
        """
        found = self._plans.get(id(meters))
        if found is not None and found[1].table == self._cells.words[H_TABLE]:
            return False
        self.plan(meters)
        return True

    def plan(self, meters: tuple[Meter, ...]) -> Plan:
        """
        Find where *meters* stand, and remember it.
        """
        if len(self._plans) >= _PLANS:
            self._plans.clear()
        found = self.rows.plan(meters)
        self._plans[id(meters)] = (meters, found)
        return found

    def settle(self, hold: Hold, actual: Actual, row: tuple[Any, ...] = ()) -> int:
        """
        Write down what *hold* came to, then let it count.

        Args:
            row: The columns of the usage row; empty for a hold of no money.

        Returns:
            By how much a strict money meter was charged more than it held.

        Raises:
            RuntimeError: if the hold was settled or released before.
            ValueError: if it is of money and has no row.
        """
        settle = self.pool.settle
        self._write(hold, actual, row)
        return settle(hold, actual)

    def part(
        self, hold: Hold, actual: Actual, row: tuple[Any, ...], stays: int
    ) -> tuple[Hold, int]:
        """
        Do the same for all but the last *stays* meters of *hold*, which remain held.

        Returns:
            What remains, and what `settle` does.
        """
        part = self.pool.part
        self._write(hold, actual, row)
        over = max(0, actual.money_nano - hold.money_nano) if hold.plan.strict else 0
        return part(hold, actual, stays), over

    def _write(self, hold: Hold, actual: Actual, row: tuple[Any, ...]) -> None:
        if not hold.is_open:
            msg = f"{hold!r} was settled or released before"
            raise RuntimeError(msg)
        if hold.plan.money and not row:
            msg = f"{hold!r} is of money, which needs its usage row"
            raise ValueError(msg)
        if row:
            self._journal.write(
                Settled(
                    hold.id,
                    (actual.money_nano, actual.tokens, actual.requests),
                    tuple(self._charges(hold, actual.money_nano)),
                    row,
                )
            )

    def _charges(self, hold: Hold, money_nano: int) -> list[Charge]:
        """
        Say what each money meter is charged, and what of it nobody but the authority can take.
        """
        plan = hold.plan
        # Without the named tuple's own constructor, which takes as long again.
        charges = [
            _new(Charge, (name, row[STARTS], money_nano, 0, row[LIMIT]))
            for name, row in zip(plan.names, hold.rows)  # noqa: B905 - money comes first
        ]
        back = hold.amounts[0] - money_nano
        if back > 0 and (late := self.pool.late(hold)):
            for at in late:
                if at < plan.strict:
                    charges[at] = charges[at]._replace(returned=back)
        return charges

    def release(self, hold: Hold) -> list[Return]:
        """
        Give back what *hold* took: nothing was sent.

        Returns:
            What goes back to windows that are over, for the authority.
        """
        returns = self._late(hold)
        self.pool.release(hold)
        return returns

    def release_part(self, hold: Hold, stays: int) -> tuple[Hold, list[Return]]:
        """
        Do the same for all but the last *stays* meters of *hold*; returns what remains, too.
        """
        returns = self._late(hold)
        return self.pool.part(hold, _NOTHING, stays), returns

    def _late(self, hold: Hold) -> list[Return]:
        plan = hold.plan
        return [
            Return(
                meter=plan.meters[at].id,
                starts=hold.rows[at][STARTS],
                amount=hold.money_nano,
            )
            for at in self.pool.late(hold)
            if at < plan.strict and hold.money_nano
        ]

    def leave(self, burn: Callable[[Burned], None]) -> Swept:
        """
        End the holds that are open as if this worker had been killed; there are no more after.

        Whoever comes late with one of them is told so, and touches nothing: its slot may be
        somebody else's by then.
        """
        seat = self.pool.seat
        self.pool = cast("Pool", _Left())
        return self.sweep(seat, (), burn)

    def sweep(
        self,
        seat: int,
        entries: Iterable[Settled | Burned],
        burn: Callable[[Burned], None] | None = None,
    ) -> Swept:
        """
        Clear up after the dead worker of *seat*.

        Args:
            entries: What it wrote down.
            burn: Writes a burned hold down; into the journal, if left out.
        """
        journaled = {
            entry.hold_id: entry.actual
            for entry in entries
            if isinstance(entry, Settled)
        }
        return self.sweeper.sweep(
            seat, journaled=journaled, burn=burn or self._journal.write
        )

    def busy(self, seats: Iterable[int]) -> set[int]:
        """
        Return the rows that open holds name.
        """
        found: set[int] = set()
        for seat in seats:
            for slot in self.sweeper.open_slots(seat):
                found.update(part.word for part in parts_of(self._cells.words, slot))
        return found


class _Left:
    """
    Stands where the pool stood.
    """

    def __getattr__(self, name: str) -> NoReturn:
        msg = "the ledger was left; what was open then has been released or burned"
        raise RuntimeError(msg)
