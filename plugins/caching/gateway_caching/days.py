"""
What the cache saved, day by day, added up over all workers.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.clock import Clock
from gateway.errors import Unavailable
from gateway_caching.tally import Tally

__all__ = ["COUNTS", "MIGRATIONS", "Days"]

log = structlog.get_logger("gateway.caching")

MIGRATIONS: Final = Path(__file__).parent / "migrations"
COUNTS: Final = (
    "hits",
    "similar",
    "missed",
    "joined",
    "kept",
    "store_errors",
    "saved_nano",
    "saved_tokens",
    "verified",
    "disagreed",
)
#: Between two times of writing down.
FLUSH_S: Final = 2.0

_days = sa.Table(
    "caching_days",
    sa.MetaData(),
    sa.Column("day", sa.String(10), primary_key=True),
    *(sa.Column(name, sa.BigInteger, nullable=False) for name in COUNTS),
)


@attrs.define(eq=False)
class Days:
    """
    Writes down what one worker's *tally* counted since the last time.
    """

    engine: AsyncEngine
    tally: Tally
    clock: Clock
    _written: dict[str, int] = attrs.field(init=False)
    _writing: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self._written = dict.fromkeys(COUNTS, 0)

    async def run(self) -> None:
        """
        Write down again and again, for as long as nobody cancels.
        """
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self.flush()
            except (
                SQLAlchemyError,
                Unavailable,
            ) as exc:  # tried again, and nothing depends on it
                log.warning("savings not written down", error=type(exc).__name__)

    async def flush(self) -> None:
        """
        Write down what is new.
        """
        async with self._writing:
            now = {name: getattr(self.tally, name) for name in COUNTS}
            new = {name: now[name] - self._written[name] for name in COUNTS}
            if not any(new.values()):
                return
            day = datetime.fromtimestamp(self.clock.now(), UTC).date().isoformat()
            await self._add(day, new)
            self._written = now

    async def totals(self, days: int) -> list[dict[str, Any]]:
        """
        Return the latest *days* that have any, the latest first.
        """
        await self.flush()
        query = sa.select(_days).order_by(_days.c.day.desc()).limit(days)
        async with self.engine.connect() as connection:
            rows = await connection.execute(query)
            return [dict(row) for row in rows.mappings()]

    async def _add(self, day: str, new: dict[str, int]) -> None:
        added = {name: _days.c[name] + count for name, count in new.items()}
        update = sa.update(_days).where(_days.c.day == day).values(added)
        for _ in range(2):  # the second time another worker has made the row
            async with self.engine.begin() as connection:
                done = await connection.execute(update)
                if done.rowcount:
                    return
            try:
                async with self.engine.begin() as connection:
                    await connection.execute(sa.insert(_days).values(day=day, **new))
            except IntegrityError:
                continue
            return
