"""
Who used what: sums over usage rows, the rows themselves, and their end.

One set of statements for SQLite and PostgreSQL.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs
import sqlalchemy as sa

from gateway_governance.ledger.meters import MICROS, micros
from gateway_governance.usage import BUCKETS, COLUMNS, UsageRow

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

Group = Literal["key", "team", "customer", "model", "provider", "run", "day"]

_USAGE: Final = sa.table("governance_usage", *(sa.column(name) for name in COLUMNS))
_C: Final = _USAGE.c
_DAY: Final = 86_400 * MICROS
_EPOCH: Final = dt.date(1970, 1, 1)

#: By what sums can be told apart.
GROUPS: Final[Mapping[str, sa.ColumnElement[Any]]] = {
    "key": _C.key_id,
    "team": _C.team_id,
    "customer": _C.customer_id,
    "model": _C.model,
    "provider": _C.provider,
    "run": _C.run_id,
    "day": sa.cast(_C.at, sa.BigInteger) // sa.literal(_DAY, sa.BigInteger),
}
_MOST: Final = 1000


@attrs.frozen(kw_only=True)
class UsageFilter:
    """
    Which rows are meant: all that agree with everything that is not None.

    Attributes:
        since: Unix seconds, the first moment that counts.
        until: The first one that does not.
    """

    since: float | None = None
    until: float | None = None
    key_id: str | None = None
    team_id: str | None = None
    customer_id: str | None = None
    run_id: str | None = None
    provider: str | None = None
    model: str | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """
        Say it in SQL.
        """
        found = [
            _C[name] == value
            for name in (
                "key_id",
                "team_id",
                "customer_id",
                "run_id",
                "provider",
                "model",
            )
            if (value := getattr(self, name)) is not None
        ]
        if self.since is not None:
            found.append(_C.at >= micros(self.since))
        if self.until is not None:
            found.append(_C.at < micros(self.until))
        return found


@attrs.frozen(kw_only=True)
class UsageTotal:
    """
    What one group used.

    Attributes:
        group: Its id or name; for days the date in UTC; None for rows that belong to nobody.
        key_name: What rows call the key, which may be gone; None for other groups.
        estimated: Attempts whose provider did not say what was used.
        counts: Sums of `usage.BUCKETS`.
    """

    group: str | None
    attempts: int
    estimated: int
    cost_nano: int
    counts: Mapping[str, int]
    key_name: str | None = None


@attrs.frozen
class Cursor:
    """
    After which row to go on.
    """

    at: int
    exchange_id: str
    attempt: int


class UsageReports:
    """
    Reads and forgets usage rows.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def totals(
        self,
        by: Group | None,
        which: UsageFilter,
        *,
        order: Literal["group", "cost"] = "cost",
        limit: int = 100,
        offset: int = 0,
    ) -> list[UsageTotal]:
        """
        Add up rows for each of a kind of group, or with None for all together.

        Args:
            order: By group, or the dearest first.
            limit: One more than a page has tells whether another follows.
        """
        group: sa.ColumnElement[Any] = sa.null() if by is None else GROUPS[by]
        cost = sa.func.sum(_C.cost_nano)
        query = (
            sa.select(
                group.label("grouped"),
                sa.func.count(),
                sa.func.sum(sa.case((_C.is_estimated, 1), else_=0)),
                cost.label("cost"),
                sa.func.max(_C.key_name) if by == "key" else sa.null(),
                *(sa.func.sum(_C[name]) for name in BUCKETS),
            )
            .where(*which.conditions())
            .having(sa.func.count() > 0)
            .limit(min(limit, _MOST + 1))
            .offset(offset)
        )
        if by is not None:
            query = query.group_by(group).order_by(
                *((cost.desc(), group) if order == "cost" else (group,))
            )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [_total(by, tuple(row)) for row in rows]

    async def rows(
        self, which: UsageFilter, *, limit: int = 100, after: Cursor | None = None
    ) -> tuple[list[UsageRow], Cursor | None]:
        """
        Return rows, the newest first, and where to go on; None where there are no more.
        """
        query = (
            sa.select(*(_C[name] for name in COLUMNS))
            .where(*which.conditions())
            .order_by(_C.at.desc(), _C.exchange_id.desc(), _C.attempt.desc())
            .limit(min(limit, _MOST) + 1)
        )
        if after is not None:
            place = sa.tuple_(_C.at, _C.exchange_id, _C.attempt)
            query = query.where(place < sa.tuple_(*attrs.astuple(after)))
        async with self._engine.connect() as connection:
            found = (await connection.execute(query)).mappings().all()
        page = found[: min(limit, _MOST)]
        last = page[-1] if len(found) > len(page) else None
        cursor = None
        if last is not None:
            cursor = Cursor(last["at"], last["exchange_id"], last["attempt"])
        return [_row(each) for each in page], cursor

    async def prune(self, before: float, *, batch: int = 5000) -> int:
        """
        Remove at most *batch* rows that are older than *before*; return how many.

        Called again and again until it returns 0, so that nobody waits long for the database.
        """
        key = (_C.exchange_id, _C.attempt)
        old = sa.select(*key).where(_C.at < micros(before)).limit(batch)
        query = sa.delete(_USAGE).where(sa.tuple_(*key).in_(old))
        async with self._engine.begin() as connection:
            return (await connection.execute(query)).rowcount


def _total(by: Group | None, row: tuple[Any, ...]) -> UsageTotal:
    group, attempts, estimated, cost_nano, key_name, *counts = row
    if by == "day":
        group = (_EPOCH + dt.timedelta(days=int(group))).isoformat()
    return UsageTotal(
        group=group,
        attempts=attempts,
        estimated=int(estimated),
        cost_nano=int(cost_nano),
        counts={name: int(count) for name, count in zip(BUCKETS, counts, strict=True)},
        key_name=key_name,
    )


def _row(columns: Mapping[Any, Any]) -> UsageRow:
    values = {name: columns[name] for name in COLUMNS}
    values["at"] /= MICROS
    values["is_estimated"] = bool(values["is_estimated"])
    return UsageRow(**values)
