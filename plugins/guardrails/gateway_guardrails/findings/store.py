"""
Findings in the database: written by the hundred, asked for by the page, forgotten in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
from sqlalchemy import Select, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway_guardrails.tables import FINDINGS

#: Findings that are removed in one transaction, so that who writes finds the database free.
PRUNED_AT_A_TIME: Final = 2_000


@attrs.frozen(kw_only=True)
class Wanted:
    """
    Which findings are asked for, the latest first.

    Attributes:
        since: Unix seconds, included; likewise *until*, not included.
        equal: Columns and what they must be.
        before: The number of the last finding of the page before.
    """

    since: float | None = None
    until: float | None = None
    equal: tuple[tuple[str, object], ...] = ()
    before: int | None = None
    limit: int = 100


@attrs.frozen(eq=False)
class FindingsStore:
    """
    The findings of one gateway.
    """

    engine: AsyncEngine

    async def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """
        Write *rows* in one transaction.
        """
        async with self.engine.begin() as connection:
            await connection.execute(insert(FINDINGS), list(rows))

    async def page(self, wanted: Wanted) -> tuple[list[dict[str, Any]], int | None]:
        """
        Return findings, and what comes in `Wanted.before` for the next page; None is the end.
        """
        asked = _asked(wanted).limit(wanted.limit + 1)
        async with self.engine.connect() as connection:
            found = (await connection.execute(asked)).all()
        rows = [dict(row._mapping) for row in found[: wanted.limit]]  # noqa: SLF001 - public
        is_more = len(found) > wanted.limit
        return rows, rows[-1]["id"] if is_more else None

    async def prune(self, before: float) -> int:
        """
        Remove some of what was found before Unix second *before*; returns how many.
        """
        some = (
            select(FINDINGS.c.id)
            .where(FINDINGS.c.at < before)
            .order_by(FINDINGS.c.at)
            .limit(PRUNED_AT_A_TIME)
        )
        async with self.engine.begin() as connection:
            gone = await connection.execute(
                delete(FINDINGS).where(FINDINGS.c.id.in_(some))
            )
        return int(gone.rowcount)


def _asked(wanted: Wanted) -> Select[Any]:
    asked = select(FINDINGS).order_by(FINDINGS.c.id.desc())
    if wanted.since is not None:
        asked = asked.where(FINDINGS.c.at >= wanted.since)
    if wanted.until is not None:
        asked = asked.where(FINDINGS.c.at < wanted.until)
    if wanted.before is not None:
        asked = asked.where(FINDINGS.c.id < wanted.before)
    for column, value in wanted.equal:
        asked = asked.where(FINDINGS.c[column] == value)
    return asked
