"""
Runs in the database: what one worker learns of a run that another one saw first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
from sqlalchemy import bindparam, delete, func, insert, select, update

from gateway_governance.ledger.meters import micros
from gateway_governance.tables import RUNS, STATE

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from gateway.storage import Storage

#: Runs that one look for those that are over takes.
BATCH: Final = 500

#: (key id, run id).
Place = tuple[str, str]


@attrs.frozen(kw_only=True)
class RunRow:
    """
    A run that has a cap.

    Attributes:
        began_at: Unix microseconds.
        used_at: Unix seconds, the latest that was written down.
    """

    key_id: str
    run_id: str
    began_at: int
    cap_nano: int
    used_at: float


class TooManyRuns(Exception):
    """
    A key has as many runs as may be known at a time.

    Attributes:
        oldest_at: Unix seconds, when the one was last used that will be forgotten first.
    """

    def __init__(self, oldest_at: float) -> None:
        super().__init__("too many runs")
        self.oldest_at = oldest_at


@attrs.frozen
class RunRows:
    """
    The table of runs.

    Args:
        max_per_key: How many runs of one key there are at a time.
    """

    storage: Storage
    max_per_key: int

    async def find(self, place: Place) -> RunRow | None:
        """
        Return the run at *place*, also one that is over and still there.
        """
        async with self.storage.engine.connect() as connection:
            return await _find(connection, place)

    async def cap(
        self, place: Place, cap_nano: int, *, now: float, alive_since: float
    ) -> RunRow:
        """
        Begin the run at *place* with *cap_nano*, or lower the cap of the one that is there.

        Args:
            alive_since: Unix seconds; a run last used before is over.

        Raises:
            TooManyRuns: another run of that key would be one too many.
        """
        async with self.storage.engine.begin() as connection:
            # One after the other, as in `Store`: what is counted must not change meanwhile.
            await connection.execute(update(STATE).values(id=STATE.c.id))
            found = await _find(connection, place)
            if found is not None and found.used_at >= alive_since:
                cap_nano = min(cap_nano, found.cap_nano)
                row = attrs.evolve(found, cap_nano=cap_nano, used_at=now)
            else:
                await self._make_room(connection, place[0], alive_since)
                row = RunRow(
                    key_id=place[0],
                    run_id=place[1],
                    began_at=_after(found, now),
                    cap_nano=cap_nano,
                    used_at=now,
                )
            await _write(connection, row, is_new=found is None)
            return row

    async def _make_room(
        self, connection: AsyncConnection, key_id: str, alive_since: float
    ) -> None:
        asked = select(func.count(), func.min(RUNS.c.used_at)).where(
            RUNS.c.key_id == key_id, RUNS.c.used_at >= alive_since
        )
        count, oldest_at = (await connection.execute(asked)).one()
        if count >= self.max_per_key:
            raise TooManyRuns(oldest_at)

    async def used(self, uses: Mapping[Place, float]) -> None:
        """
        Write down when runs were used last.
        """
        if not uses:
            return
        statement = (
            update(RUNS)
            .where(
                RUNS.c.key_id == bindparam("of_key"),
                RUNS.c.run_id == bindparam("of_run"),
                RUNS.c.used_at < bindparam("at"),
            )
            .values(used_at=bindparam("at"))
        )
        rows = [
            {"of_key": key_id, "of_run": run_id, "at": at}
            for (key_id, run_id), at in uses.items()
        ]
        async with self.storage.engine.begin() as connection:
            await connection.execute(statement, rows)

    async def over(self, before: float) -> Sequence[RunRow]:
        """
        Return runs that were last used before *before*, at most `BATCH`.
        """
        asked = select(RUNS).where(RUNS.c.used_at < before).limit(BATCH)
        async with self.storage.engine.connect() as connection:
            return [_run_row(row) for row in await connection.execute(asked)]

    async def remove(self, rows: Iterable[RunRow]) -> None:
        """
        Remove *rows*, but for those that were used since.
        """
        statement = delete(RUNS).where(
            RUNS.c.key_id == bindparam("of_key"),
            RUNS.c.run_id == bindparam("of_run"),
            RUNS.c.used_at == bindparam("at"),
        )
        places = [
            {"of_key": row.key_id, "of_run": row.run_id, "at": row.used_at}
            for row in rows
        ]
        if not places:
            return
        async with self.storage.engine.begin() as connection:
            await connection.execute(statement, places)


def _after(before: RunRow | None, now: float) -> int:
    """
    Return when a run begins: never when an earlier one of its name did.
    """
    began_at = micros(now)
    return began_at if before is None else max(began_at, before.began_at + 1)


async def _find(connection: AsyncConnection, place: Place) -> RunRow | None:
    key_id, run_id = place
    asked = select(RUNS).where(RUNS.c.key_id == key_id, RUNS.c.run_id == run_id)
    row = (await connection.execute(asked)).first()
    return None if row is None else _run_row(row)


async def _write(connection: AsyncConnection, row: RunRow, *, is_new: bool) -> None:
    columns = attrs.asdict(row)
    if is_new:
        await connection.execute(insert(RUNS).values(columns))
        return
    place = (RUNS.c.key_id == row.key_id) & (RUNS.c.run_id == row.run_id)
    await connection.execute(update(RUNS).where(place).values(columns))


def _run_row(row: Any) -> RunRow:
    return RunRow(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
