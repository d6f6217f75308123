"""
``ledger check``: count everything again, and say what does not agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from gateway_governance.entities import Unit
from gateway_governance.ledger.authority import Burned, Record, Settled
from gateway_governance.ledger.layout import (
    H_USED,
    IS_SOFT,
    IS_USED,
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
)
from gateway_governance.ledger.sweep import Sweeper, parts_of

if TYPE_CHECKING:
    from gateway_governance.ledger.cells import Cells
    from gateway_governance.ledger.roster import Roster


@attrs.frozen(kw_only=True)
class Counted:
    """
    A row of the pool, and what the slots say that is held on it.
    """

    meter: str
    kind: int
    starts: int
    ends: int
    limit: int
    granted: int
    free: int
    spent: int
    burned: int
    mark: int
    held: int

    @property
    def is_strict(self) -> bool:
        """
        Whether it is money that only the authority grants.
        """
        return self.kind == IS_USED | Unit.MONEY

    @property
    def is_money(self) -> bool:
        """
        Whether the authority keeps its windows.
        """
        return self.kind & ~IS_SOFT == IS_USED | Unit.MONEY


@attrs.frozen(kw_only=True)
class Discrepancy:
    """
    Two counts that should agree.
    """

    meter: str
    starts: int
    what: str
    expected: int
    found: int

    def __str__(self) -> str:
        return (
            f"{self.meter}: {self.what}: expected {self.expected}, found {self.found}"
        )


def count(cells: Cells, roster: Roster) -> list[Counted]:
    """
    Read every row and every slot at one moment.

    The lock is held meanwhile, so holds wait: some milliseconds per thousand rows.
    """
    with cells as words:
        roster.refresh()
        held: Counter[tuple[int, int]] = Counter()
        sweeper = Sweeper(cells, roster)
        for seat in range(cells.geometry.seats):
            for slot in sweeper.slots_in_use(seat):
                for part in parts_of(words, slot):
                    held[part.word, part.gen] += part.amount
        rows = [(number, cells.geometry.row(number)) for number in range(words[H_USED])]
        return [
            Counted(
                meter=roster.name(number) or f"row {number}",
                kind=words[word + R_KIND],
                starts=words[word + R_STARTS],
                ends=words[word + R_ENDS],
                limit=words[word + R_LIMIT],
                granted=words[word + R_GRANTED],
                free=words[word + R_FREE],
                spent=words[word + R_SPENT],
                burned=words[word + R_BURNED],
                mark=words[word + R_MARK],
                held=held[word, words[word + R_GEN]],
            )
            for number, word in rows
            if words[word + R_KIND] and words[word + R_ENDS]
        ]


def compare_rows(rows: Iterable[Counted]) -> list[Discrepancy]:
    """
    Say where a row breaks the law of the ledger.
    """
    found = []
    for row in rows:
        total = row.free + row.held + row.spent
        if row.granted != total:
            found.append(
                _differs(row, "granted = free + held + spent", row.granted, total)
            )
        if row.granted > row.limit and row.free > 0:
            found.append(_differs(row, "nothing free above the limit", 0, row.free))
        if row.burned > row.spent:
            found.append(
                _differs(row, "burned is part of spent", row.spent, row.burned)
            )
        if row.is_strict and row.granted > row.mark:
            found.append(
                _differs(row, "no more is granted than the mark", row.mark, row.granted)
            )
    return found


def compare_books(
    rows: Iterable[Counted],
    records: Mapping[tuple[str, int], Record],
    unmoved: Sequence[Settled | Burned],
) -> list[Discrepancy]:
    """
    Say where rows and the authority do not agree.

    Args:
        unmoved: What journals say and the authority has not taken over.
    """
    waiting: Counter[tuple[str, int]] = Counter()
    for entry in unmoved:
        if isinstance(entry, Settled):
            for charge in entry.charges:
                waiting[charge.meter, charge.starts] += charge.amount
    found = []
    for row in rows:
        record = records.get((row.meter, row.starts))
        if not row.is_money or record is None:
            continue
        settled = record.settled + waiting[row.meter, row.starts]
        if row.spent - row.burned != settled:
            found.append(
                _differs(row, "spent and not burned", settled, row.spent - row.burned)
            )
        if row.is_strict and row.mark > record.mark:
            found.append(_differs(row, "the mark", record.mark, row.mark))
    return found


def _differs(row: Counted, what: str, expected: int, found: int) -> Discrepancy:
    return Discrepancy(
        meter=row.meter, starts=row.starts, what=what, expected=expected, found=found
    )
