"""
The hot path: hold, mark as sent, settle, release.

Knows no file, no loop and no wall clock.  Everything here takes the lock once, for a few
microseconds, and commits once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Container, Sequence
from typing import Final

import attrs

from gateway_governance.entities import Unit
from gateway_governance.ledger.cells import Cells
from gateway_governance.ledger.layout import (
    ALWAYS,
    EMPTY,
    H_REDO,
    H_RELEASES,
    H_TABLE,
    HELD,
    MAX_PARTS,
    PART,
    R_FREE,
    R_GEN,
    R_GRANTED,
    R_SPENT,
    ROW_READ,
    S_COUNT,
    S_HOLD,
    S_PARTS,
    S_STATE,
    SENT,
    SLOT,
    WORD,
    tag,
)
from gateway_governance.ledger.meters import MICROS, Actual, Demand, Meter

read_row: Final = struct.Struct(ROW_READ).unpack_from
# What `read_row` gives, by position; of a hold's rows the first six.
GEN, STARTS, ENDS, LIMIT, GRANTED, FREE, SPENT, BURNED = range(8)
# Of these, what a hold asks for, and what its end does.
_read_begin: Final = struct.Struct("6q").unpack_from
_read_end: Final = struct.Struct("q16x4q").unpack_from
#: One hold takes at most a sixteenth of what is left, unless its floor is more: of the rules
#: tried, the one that refused least while large output caps were asked for.
_SHARE: Final = 4
#: A row asks for more once less than a thirty-second of its limit is free.
LOW: Final = 5

#: Behind the units: what soft money takes.
_SOFT: Final = 4
#: Of `Plan.entries`: which amount.
_WHICH: Final = 2

_Row = tuple[int, int, int, int, int, int]
_HOLDS: Final = 32


def share_of(demand: Demand, left: Sequence[int]) -> int:
    """
    Say how much money one hold takes.

    Args:
        left: What could be held of each strict money meter.
    """
    want = demand.money_want_nano
    if not left:
        return want
    return min(want, max(demand.money_floor_nano, min(left) >> _SHARE))


class Plan:
    """
    Where the meters of one demand stand in the pool.

    Attributes:
        meters: Strict money first, then soft money, then the rest.
        table: What the pool's table was when it was made; it is worth nothing under another.
        strict: How many of the meters are strict money.
        money: How many are money.
        names: The ids of those that are money.
        gens: Where the GEN of those stands.
        words: Where their rows begin.
        reads: The byte of GEN in each row.
        entries: Of each row: the word of FREE, the tag, which amount it takes, and how
            much must be free however little it takes.
        ends: Of each row: the byte of GEN, the words of FREE and SPENT, which amount it took.
        rates: Which rows count requests, and which tokens.
    """

    __slots__ = (
        "ends",
        "entries",
        "gens",
        "meters",
        "money",
        "names",
        "pack",
        "rates",
        "reads",
        "strict",
        "table",
        "words",
    )

    def __init__(
        self, meters: Sequence[Meter], words: Sequence[int], table: int
    ) -> None:
        if len(meters) > MAX_PARTS:
            msg = (
                f"{len(meters)} limits on one request, at most {MAX_PARTS} are possible"
            )
            raise ValueError(msg)
        rows = sorted(
            dict(zip(meters, words, strict=True)).items(),
            key=lambda row: (not row[0].is_strict, row[0].unit is not Unit.MONEY),
        )
        self.meters = tuple(meter for meter, _ in rows)
        self.words = tuple(word for _, word in rows)
        self.table = table
        self.strict = sum(meter.is_strict for meter in self.meters)
        self.money = sum(meter.unit is Unit.MONEY for meter in self.meters)
        self.names = tuple(meter.id for meter in self.meters[: self.money])
        self.gens = tuple(word + R_GEN for word in self.words[: self.money])
        self.reads = tuple((word + R_GEN) * WORD for word in self.words)
        self.entries = tuple(
            (
                word + R_FREE,
                tag(word, meter.unit),
                _SOFT if meter.is_soft else int(meter.unit),
                int(meter.is_soft),
            )
            for meter, word in rows
        )
        self.ends = tuple(
            ((word + R_GEN) * WORD, word + R_FREE, word + R_SPENT, which)
            for word, (_, _, which, _) in zip(self.words, self.entries, strict=True)
        )
        self.rates = tuple(
            (unit, places)
            for unit in (Unit.REQUESTS, Unit.TOKENS)
            if (places := self._places(unit))
        )
        self.pack = struct.Struct(f"{S_PARTS - S_HOLD + PART * len(rows)}q").pack_into

    def _places(self, unit: Unit) -> tuple[int, ...]:
        return tuple(at for at, each in enumerate(self.meters) if each.unit is unit)


@attrs.frozen(kw_only=True)
class Part:
    """
    What a hold took of one meter, and what it left.

    Attributes:
        free_after: What could still be held, without waiting for anybody.
        starts: Unix microseconds, the first moment of the window; likewise *ends_at*.
    """

    meter: Meter
    amount: int
    free_after: int
    limit: int
    starts: int
    ends_at: int


class Hold:
    """
    What is set aside for one exchange, until it is settled or released.

    Attributes:
        id: Unique among all holds of the machine.
        plan: Where its meters stand.
        rows: Their rows as they were when it was taken.
        at: When that was, in Unix microseconds; 0 where there are none.
        amounts: What it took, by unit, and 0 for soft money.
        is_low: A strict meter has little left of what was granted to this machine.
    """

    __slots__ = ("amounts", "at", "id", "is_low", "is_open", "plan", "rows", "slot")

    def __init__(
        self,
        hold_id: int,
        slot: int,
        plan: Plan,
        rows: list[_Row],
        amounts: tuple[int, int, int, int, int],
        is_low: bool,
        at: int = 0,
    ) -> None:
        self.id = hold_id
        self.slot = slot
        self.plan = plan
        self.rows = rows
        self.amounts = amounts
        self.is_low = is_low
        self.at = at
        self.is_open = True

    def __repr__(self) -> str:
        return f"<Hold {self.id:x} of {self.money_nano} nano-USD, {self.tokens} tokens>"

    @property
    def money_nano(self) -> int:
        """
        The one amount that every strict money meter holds.
        """
        return self.amounts[Unit.MONEY]

    @property
    def tokens(self) -> int:
        """
        What every meter of tokens holds.
        """
        return self.amounts[Unit.TOKENS]

    @property
    def takes(self) -> tuple[int, ...]:
        """
        What it took of each meter, in the order of the plan.
        """
        return tuple(self.amounts[entry[_WHICH]] for entry in self.plan.entries)

    @property
    def parts(self) -> tuple[Part, ...]:
        """
        What it took of each meter.
        """
        return tuple(
            Part(
                meter=meter,
                amount=amount,
                free_after=row[LIMIT] - row[GRANTED] + row[FREE] - amount,
                limit=row[LIMIT],
                starts=row[STARTS],
                ends_at=row[ENDS],
            )
            for meter, amount, row in zip(
                self.plan.meters, self.takes, self.rows, strict=True
            )
        )


class Pool:
    """
    One worker's way to the pool that all workers of the machine share.

    Args:
        clock: Unix seconds.  Asked with the lock held, so that of two workers at the edge
            of a window the later one never takes it for the earlier window.
    """

    def __init__(
        self, cells: Cells, *, seat: int, epoch: int, clock: Callable[[], float]
    ) -> None:
        self.cells = cells
        self.seat = seat
        self._clock = clock
        first = cells.geometry.seat(seat)
        last = first + cells.geometry.slots * SLOT
        self._free_slots = list(range(first, last, SLOT))[::-1]
        self._next_id = epoch << _HOLDS | 1

    @property
    def open_holds(self) -> int:
        """
        How many slots of this worker are in use.
        """
        return self.cells.geometry.slots - len(self._free_slots)

    @property
    def has_slot(self) -> bool:
        """
        Whether another hold can be taken.
        """
        return bool(self._free_slots)

    def hold(self, plan: Plan, demand: Demand) -> Hold | None:
        """
        Take what *demand* asks for, all or nothing.

        Returns:
            None where anything at all stands in the way: a meter that is short, a window that
            is over, a grant that is used up, a plan that is old.  `rows.Rows.probe` says what.
        """
        want = money = demand.money_want_nano
        reads = plan.reads
        if not reads:
            return self._of_nothing(demand)
        if not self._free_slots:
            return None
        cells = self.cells
        cells.lock()
        try:
            words = cells.words
            if words[H_REDO]:
                cells.redo()
                words = cells.words
            if words[H_TABLE] != plan.table:
                return None
            buffer = cells.buffer
            now = int(self._clock() * MICROS)
            rows = [_read_begin(buffer, byte) for byte in reads]
            if want and plan.strict:  # `share_of`, without its calls
                left = ALWAYS
                for _, _, _, limit, granted, free in rows[: plan.strict]:
                    here = limit - granted + free
                    if here < left:  # noqa: PLR1730 - min() takes 70 ns
                        left = here
                money = left >> _SHARE
                if money < demand.money_floor_nano:  # noqa: PLR1730 - likewise
                    money = demand.money_floor_nano
                if money > want:  # noqa: PLR1730 - likewise
                    money = want
            amounts = (money, demand.tokens, demand.requests, demand.in_flight, 0)
            hold_id = self._next_id
            is_low = False
            body = [hold_id, len(rows), now]
            stores: list[int] = []
            for (word, tagged, which, least), row in zip(plan.entries, rows):  # noqa: B905
                gen, starts, ends, limit, granted, free = row
                amount = amounts[which]
                after = free - amount
                if now >= ends or now < starts:
                    return None
                if after < least and (amount or (least and want)):
                    return None
                if granted < limit and after < limit >> LOW:
                    is_low = True
                stores += (word, after)
                body += (tagged, gen, amount, starts)
            slot = self._free_slots[-1]
            # An empty slot is nobody's concern: it may be filled before the commit.
            plan.pack(buffer, (slot + S_HOLD) * WORD, *body)
            stores += (slot, HELD)
            cells.commit(stores)
        finally:
            cells.unlock()
        self._free_slots.pop()
        self._next_id = hold_id + 1
        return Hold(hold_id, slot, plan, rows, amounts, is_low, now)

    def _of_nothing(self, demand: Demand) -> Hold:
        hold_id = self._next_id
        self._next_id += 1
        amounts = (
            demand.money_want_nano,
            demand.tokens,
            demand.requests,
            demand.in_flight,
            0,
        )
        return Hold(hold_id, 0, _NO_METERS, [], amounts, is_low=False)

    def sent(self, hold: Hold) -> None:
        """
        Say that a provider may have seen it: from now on its outcome may be unknown.

        One store into a slot that nobody else touches; no lock.
        """
        if hold.slot:
            self.cells.words[hold.slot + S_STATE] = SENT

    def settle(self, hold: Hold, actual: Actual) -> int:
        """
        Turn what was held into what was spent; the rest is free again.

        A part whose window is over gives nothing back: its row means another window now.

        Returns:
            By how much a strict money meter was charged more than it held; 0 normally.

        Raises:
            RuntimeError: if the hold is settled or released already.
        """
        if not hold.is_open:
            msg = f"{hold!r} was settled or released before"
            raise RuntimeError(msg)
        hold.is_open = False
        slot = hold.slot
        if not slot:
            return 0
        cells = self.cells
        money = actual.money_nano
        charges = (money, actual.tokens, actual.requests, 0, money)
        amounts = hold.amounts
        stores: list[int] = []
        cells.lock()
        try:
            words = cells.words
            if words[H_REDO]:
                cells.redo()
                words = cells.words
            buffer = cells.buffer
            plan = hold.plan
            for (byte, word, spent_word, which), before in zip(  # noqa: B905
                plan.ends, hold.rows
            ):
                gen, limit, granted, free, spent = _read_end(buffer, byte)
                if gen != before[0]:
                    continue
                cost = charges[which]
                free += amounts[which] - cost
                if granted > limit and free > 0:
                    # The limit was lowered below what was spent and held.
                    cut = min(free, granted - limit)
                    free -= cut
                    stores += (word + R_GRANTED - R_FREE, granted - cut)
                stores += (word, free, spent_word, spent + cost)
            stores += (slot, EMPTY)
            words[H_RELEASES] += 1
            cells.commit(stores)
        finally:
            cells.unlock()
        self._free_slots.append(slot)
        return money - amounts[0] if money > amounts[0] and plan.strict else 0

    def part(self, hold: Hold, actual: Actual, stays: int) -> Hold:
        """
        Settle *hold* but for its last *stays* meters, which remain held under another id.

        Both in one commit, and in the slot that it has.  What remains is of no money.

        Raises:
            RuntimeError: if the hold is settled or released already.
        """
        if not hold.is_open:
            msg = f"{hold!r} was settled or released before"
            raise RuntimeError(msg)
        hold.is_open = False
        plan, slot, ends = hold.plan, hold.slot, len(hold.rows) - stays
        rest = Plan(plan.meters[ends:], plan.words[ends:], plan.table)
        hold_id = self._next_id
        self._next_id += 1
        stores: list[int] = []
        with self.cells as words:
            for at in range(ends):
                stores += self._end(hold, at, actual)
            body = slot + S_PARTS
            kept = words[body + PART * ends : body + PART * len(hold.rows)]
            for place, value in enumerate(kept, start=body):
                stores += (place, value)
            stores += (slot + S_HOLD, hold_id, slot + S_COUNT, stays)
            words[H_RELEASES] += 1
            self.cells.commit(stores)
        _, tokens, requests, in_flight, _ = hold.amounts
        return Hold(
            hold_id,
            slot,
            rest,
            hold.rows[ends:],
            (0, tokens, requests, in_flight, 0),
            is_low=False,
            at=hold.at,
        )

    def _end(self, hold: Hold, at: int, actual: Actual) -> Sequence[int]:
        """
        Say what to store where one part of *hold* ends: what was not spent is free again.
        """
        byte, word, spent_word, which = hold.plan.ends[at]
        money = actual.money_nano
        gen, limit, granted, free, spent = _read_end(self.cells.buffer, byte)
        if gen != hold.rows[at][GEN]:
            return ()
        cost = (money, actual.tokens, actual.requests, 0, money)[which]
        free += hold.amounts[which] - cost
        cut = min(max(free, 0), max(0, granted - limit))
        return (
            *(word + R_GRANTED - R_FREE, granted - cut),
            *(word, free - cut, spent_word, spent + cost),
        )

    def extend(
        self, hold: Hold, money_nano: int, granted: Container[int] = ()
    ) -> tuple[list[int], list[int]]:
        """
        Hold *money_nano* more on every strict money meter, all or nothing.

        Args:
            granted: Positions of meters whose window is over and to which the authority has
                granted as much in that window.

        Returns:
            The positions of those that only the authority can grant to, because their window
            is over, and of those that have not enough at hand; both empty when it was done.
        """
        late: list[int] = []
        short: list[int] = []
        stores: list[int] = []
        plan = hold.plan
        with self.cells as words:
            for at in range(plan.strict):
                row = read_row(self.cells.buffer, plan.reads[at])
                if row[GEN] != hold.rows[at][GEN]:
                    if at not in granted:
                        late.append(at)
                elif row[FREE] < money_nano:
                    short.append(at)
                else:
                    stores += (plan.words[at] + R_FREE, row[FREE] - money_nano)
                amount = hold.slot + S_PARTS + at * PART + 2
                stores += (amount, words[amount] + money_nano)
            if not late and not short:
                self.cells.commit(stores)
                hold.amounts = (hold.amounts[0] + money_nano, *hold.amounts[1:])
        return late, short

    def late(self, hold: Hold) -> list[int]:
        """
        Return the positions, in the plan, of money meters whose window is over.

        Without the lock.  A window that is over stays over.  Of one that ends after this look
        nobody is told what comes back, and the authority counts it as burned.
        """
        words, rows = self.cells.words, hold.rows
        return [
            at for at, word in enumerate(hold.plan.gens) if words[word] != rows[at][GEN]
        ]

    def release(self, hold: Hold) -> None:
        """
        Give everything back: nothing was sent.
        """
        self.settle(hold, _NOTHING)


_NO_METERS: Final = Plan((), (), 0)
_NOTHING: Final = Actual()
