"""
Clearing up after a worker that died with holds open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from gateway_governance.entities import Unit
from gateway_governance.ledger.authority import Burned, Charge, Return
from gateway_governance.ledger.layout import (
    EMPTY,
    H_RELEASES,
    PART,
    R_BURNED,
    R_FREE,
    R_GEN,
    R_GRANTED,
    R_LIMIT,
    R_SPENT,
    S_AT,
    S_COUNT,
    S_HOLD,
    S_PARTS,
    S_STATE,
    SENT,
    SLOT,
)

if TYPE_CHECKING:
    from gateway_governance.ledger.cells import Cells
    from gateway_governance.ledger.layout import Words
    from gateway_governance.ledger.roster import Roster


@attrs.frozen
class SlotPart:
    """
    What a hold in a slot took of one row.
    """

    word: int
    unit: int
    gen: int
    amount: int
    starts: int


@attrs.define(kw_only=True)
class Swept:
    """
    What became of a dead worker's holds.

    Attributes:
        burned_nano: Money of those whose outcome is unknown.
        returns: What unsent holds give back to windows that are over.
    """

    settled: int = 0
    released: int = 0
    burned: int = 0
    burned_nano: int = 0
    returns: list[Return] = attrs.field(factory=list)

    @property
    def total(self) -> int:
        """
        How many holds there were.
        """
        return self.settled + self.released + self.burned


class Sweeper:
    """
    Settles, releases or burns what a seat's slots say.

    Whoever sweeps holds the seat, so nobody else stores into its slots.  Each slot is one
    commit: a sweeper that is killed has done some of them, and the next one does the others.
    """

    def __init__(self, cells: Cells, roster: Roster) -> None:
        self._cells = cells
        self._roster = roster

    def open_slots(self, seat: int) -> list[int]:
        """
        Return where the open holds of a seat stand.
        """
        with self._cells:
            return self.slots_in_use(seat)

    def slots_in_use(self, seat: int) -> list[int]:
        """
        Do the same, with the lock held.
        """
        geometry = self._cells.geometry
        first = geometry.seat(seat)
        states = self._cells.words[first : first + geometry.slots * SLOT : SLOT]
        return [
            first + at * SLOT
            for at, state in enumerate(memoryview(states).tolist())  # type: ignore[arg-type]
            if state != EMPTY
        ]

    def sweep(
        self,
        seat: int,
        *,
        journaled: Mapping[int, tuple[int, int, int]],
        burn: Callable[[Burned], None],
    ) -> Swept:
        """
        Clear the slots of *seat*, whose worker is dead.

        A hold that the journal settles is settled.  One that was not sent comes back.  One that
        was sent is burned, for a provider may bill it: counted as spent, all but its place
        among the requests in flight.

        Args:
            journaled: What holds came to, by their id: money, tokens, requests.
            burn: Writes a burned hold down, before it is burned.
        """
        swept = Swept()
        for slot in self.open_slots(seat):
            with self._cells as words:
                if words[slot + S_STATE] != EMPTY:
                    self._clear(words, slot, journaled, burn, swept)
        return swept

    def _clear(
        self,
        words: Words,
        slot: int,
        journaled: Mapping[int, tuple[int, int, int]],
        burn: Callable[[Burned], None],
        swept: Swept,
    ) -> None:
        parts = parts_of(words, slot)
        hold_id = words[slot + S_HOLD]
        actual = journaled.get(hold_id)
        is_burned = actual is None and words[slot + S_STATE] == SENT
        if is_burned:
            found = self._burned(words, slot, parts)
            if found.charges:
                burn(found)
                swept.burned_nano += max(charge.amount for charge in found.charges)
            swept.burned += 1
        elif actual is not None:
            swept.settled += 1
        else:
            swept.released += 1
            swept.returns += self._late(words, parts)
        stores = [slot + S_STATE, EMPTY]
        for part in parts:
            if words[part.word + R_GEN] != part.gen:
                continue
            burned = part.amount if is_burned and part.unit != Unit.IN_FLIGHT else 0
            cost = burned if actual is None else (*actual, 0)[part.unit]
            stores += _settled(words, part, cost=cost, burned=burned)
        words[H_RELEASES] += 1
        self._cells.commit(stores)

    def _burned(self, words: Words, slot: int, parts: Sequence[SlotPart]) -> Burned:
        charges = [
            Charge(
                meter=name,
                starts=part.starts,
                amount=part.amount,
                limit=words[part.word + R_LIMIT],
            )
            for part, name in self._named(parts)
        ]
        return Burned(
            hold_id=words[slot + S_HOLD], at=words[slot + S_AT], charges=tuple(charges)
        )

    def _late(self, words: Words, parts: Sequence[SlotPart]) -> list[Return]:
        return [
            Return(meter=name, starts=part.starts, amount=part.amount)
            for part, name in self._named(parts)
            if words[part.word + R_GEN] != part.gen
        ]

    def _named(self, parts: Sequence[SlotPart]) -> list[tuple[SlotPart, str]]:
        """
        Return the money parts that hold something, with the ids of their meters.
        """
        self._roster.refresh()
        geometry = self._cells.geometry
        found = [
            (part, self._roster.name(geometry.row_number(part.word)))
            for part in parts
            if part.unit == Unit.MONEY and part.amount
        ]
        return [(part, name) for part, name in found if name is not None]


def parts_of(words: Words, slot: int) -> list[SlotPart]:
    """
    Read what the hold in *slot* took.
    """
    count = words[slot + S_COUNT]
    first = slot + S_PARTS
    return [
        SlotPart(
            word=words[at] >> 2,
            unit=words[at] & 3,
            gen=words[at + 1],
            amount=words[at + 2],
            starts=words[at + 3],
        )
        for at in range(first, first + PART * count, PART)
    ]


def _settled(words: Words, part: SlotPart, *, cost: int, burned: int) -> list[int]:
    word = part.word
    free = words[word + R_FREE] + part.amount - cost
    granted = words[word + R_GRANTED]
    cut = min(max(free, 0), max(0, granted - words[word + R_LIMIT]))
    return [
        *(word + R_GRANTED, granted - cut),
        *(word + R_FREE, free - cut),
        *(word + R_SPENT, words[word + R_SPENT] + cost),
        *(word + R_BURNED, words[word + R_BURNED] + burned),
    ]
