"""
The authority of one machine: tables in the gateway's own SQLite file.

What it commits is on the disk when it says so (``PRAGMA synchronous=FULL``, which in WAL mode
syncs the log at each commit; SQLite documentation, "PRAGMA synchronous").
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from gateway import codec
from gateway_governance.ledger.authority import (
    Ask,
    AuthorityFailed,
    Burned,
    BurnedHold,
    Charge,
    Crossed,
    Record,
    Return,
    Settled,
    Want,
    crossings,
    place,
    raised,
)
from gateway_governance.usage import COLUMNS

T = TypeVar("T")

#: The tables that it needs, as Alembic makes them.
MIGRATIONS: Final = Path(__file__).parent / "migrations"
#: The name of their line of migrations.
MIGRATED_AS: Final = "governance_ledger"

_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=10000",
)
_INSERT_USAGE: Final = (
    f"INSERT OR IGNORE INTO governance_usage ({', '.join(COLUMNS)}, hold_id, charges) "  # noqa: S608
    f"VALUES ({', '.join('?' * len(COLUMNS))}, ?, ?)"
)
_SELECT_BURNED: Final = (
    "SELECT hold_id, at, charges, resolved_nano, actor FROM governance_ledger_burned"
)


class SqliteAuthority:
    """
    An authority in the file *path*, whose tables exist.

    SQLite waits where it works, so it works in a thread of its own.
    """

    def __init__(self, path: Path) -> None:
        self._books = _Books(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger-authority")

    async def _call(self, work: Callable[..., T], *args: object) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, work, *args)
        except sqlite3.Error as exc:
            msg = f"the ledger's database: {exc}"
            raise AuthorityFailed(msg) from exc

    async def close(self) -> None:
        """
        Finish what is under way, and close the file.
        """
        await self._call(self._books.close)
        self._thread.shutdown()

    async def anchors(self, meters: Mapping[str, int]) -> Mapping[str, int]:
        """
        Return when each of *meters* was first seen; those that are new at the time given.
        """
        return await self._call(self._books.anchors, meters)

    async def look(self, asks: Sequence[Ask]) -> Sequence[Record]:
        """
        Return the windows that *asks* are in; where there is none yet, what it would be.
        """
        return await self._call(self._books.look, asks)

    async def records(self, windows: Sequence[tuple[str, int]]) -> Sequence[Record]:
        """
        Return those of *windows*, by meter and start, that have begun.
        """
        return await self._call(self._books.records, windows)

    async def unknown(
        self, entries: Sequence[Settled | Burned]
    ) -> Sequence[Settled | Burned]:
        """
        Return those of *entries* that `settle` would take over.
        """
        return await self._call(self._books.unknown, entries)

    async def open(
        self, wants: Sequence[Want], returns: Sequence[Return] = ()
    ) -> Sequence[Record]:
        """
        Begin the windows of *wants* that there are not, and raise their marks.
        """
        return await self._call(self._books.open, wants, returns)

    async def give_back(self, returns: Sequence[Return]) -> None:
        """
        Lower marks by what will not be spent.
        """
        await self._call(self._books.open, (), returns)

    async def square(self) -> None:
        """
        Lower every mark to what was settled and burned.
        """
        await self._call(self._books.square)

    async def extend(self, returns: Sequence[Return], limits: Sequence[int]) -> bool:
        """
        Raise the marks of windows, over or not: all or none.
        """
        return await self._call(self._books.extend, returns, limits)

    async def reset(self, ask: Ask) -> Record:
        """
        End the window that contains ``ask.at`` there, and begin another.
        """
        return await self._call(self._books.reset, ask)

    async def end(self, meters: Sequence[str], at: int) -> None:
        """
        End whatever windows of *meters* last beyond *at*.
        """
        await self._call(self._books.end, meters, at)

    async def settle(self, entries: Sequence[Settled | Burned]) -> Sequence[Crossed]:
        """
        Take over what a journal says; entries that came before change nothing.
        """
        return await self._call(self._books.settle, entries)

    async def cross(self, crossed: Crossed) -> bool:
        """
        Say that a threshold was crossed; whether this was the first to say so.
        """
        return await self._call(self._books.cross_once, crossed)

    async def burned(self, *, unresolved_only: bool = True) -> Sequence[BurnedHold]:
        """
        List burned holds, the oldest first.
        """
        return await self._call(self._books.burned, unresolved_only)

    async def resolve(
        self, hold_id: int, *, true_nano: int, actor: str, at: int
    ) -> BurnedHold | None:
        """
        Correct a burned hold to what it truly came to.
        """
        return await self._call(self._books.resolve, hold_id, true_nano, actor, at)

    async def prune(self, before: int, *, batch: int = 1000) -> int:
        """
        Forget at most *batch* windows that ended before *before*; return how many.
        """
        return await self._call(self._books.prune, before, batch)


@attrs.define
class _Sum:
    """
    What a batch of entries adds to one window.
    """

    settled: int = 0
    burned: int = 0
    returned: int = 0
    limit: int = 0


class _NotAllNewError(Exception):
    """
    Some entries came before, or are of burned holds: which, has to be found out one by one.
    """


class _Books:
    """
    The statements; every public method is one transaction.
    """

    def __init__(self, path: Path) -> None:
        # One thread at a time uses it: the executor has one.
        self._sql = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in _PRAGMAS:
            self._sql.execute(pragma)

    def close(self) -> None:
        self._sql.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        # IMMEDIATE: two that read before they write would otherwise both wait for the other.
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield self._sql
        except BaseException:
            self._sql.execute("ROLLBACK")
            raise
        self._sql.execute("COMMIT")

    def anchors(self, meters: Mapping[str, int]) -> Mapping[str, int]:
        with self._transaction() as sql:
            sql.executemany(
                "INSERT OR IGNORE INTO governance_ledger_meters VALUES (?, ?)",
                list(meters.items()),
            )
            return {
                meter: sql.execute(
                    "SELECT first_at FROM governance_ledger_meters WHERE meter = ?",
                    (meter,),
                ).fetchone()[0]
                for meter in meters
            }

    def open(self, wants: Sequence[Want], returns: Sequence[Return]) -> list[Record]:
        with self._transaction() as sql:
            sql.executemany(
                "UPDATE governance_ledger_windows SET mark = mark - ? "
                "WHERE meter = ? AND starts = ?",
                [(back.amount, back.meter, back.starts) for back in returns],
            )
            return [self._open(want) for want in wants]

    def square(self) -> None:
        with self._transaction() as sql:
            sql.execute(
                "UPDATE governance_ledger_windows SET mark = settled + burned "
                "WHERE mark > settled + burned"
            )

    def _open(self, want: Want) -> Record:
        found = self._at(want.meter, want.starts) or self._insert(
            want.meter, want.starts, want.ends
        )
        mark = raised(want, found.mark)
        if mark != found.mark:
            self._sql.execute(
                "UPDATE governance_ledger_windows SET mark = ? WHERE meter = ? AND starts = ?",
                (mark, want.meter, found.starts),
            )
        return attrs.evolve(found, mark=mark)

    def records(self, windows: Sequence[tuple[str, int]]) -> list[Record]:
        found = [self._at(meter, starts) for meter, starts in windows]
        return [record for record in found if record is not None]

    def unknown(self, entries: Sequence[Settled | Burned]) -> list[Settled | Burned]:
        return [entry for entry in entries if not self._has(entry)]

    def _has(self, entry: Settled | Burned) -> bool:
        if isinstance(entry, Settled):
            query = (
                "SELECT 1 FROM governance_usage WHERE exchange_id = ? AND attempt = ?"
            )
            return self._sql.execute(query, entry.row[:2]).fetchone() is not None
        query = "SELECT 1 FROM governance_ledger_burned WHERE hold_id = ?"
        return self._sql.execute(query, (entry.hold_id,)).fetchone() is not None

    def look(self, asks: Sequence[Ask]) -> list[Record]:
        return [self._look(ask) for ask in asks]

    def _look(self, ask: Ask) -> Record:
        neighbours = self._sql.execute(
            "SELECT starts, ends FROM governance_ledger_windows "
            "WHERE meter = ? AND starts <= ? ORDER BY starts DESC LIMIT 1",
            (ask.meter, ask.at),
        ).fetchall()
        for starts, ends in neighbours:
            found = self._at(ask.meter, starts)
            if found is not None and ask.at < ends:
                return found
        neighbours += self._sql.execute(
            "SELECT starts, ends FROM governance_ledger_windows "
            "WHERE meter = ? AND starts > ? ORDER BY starts LIMIT 1",
            (ask.meter, ask.at),
        ).fetchall()
        starts, ends = place(neighbours, ask)
        return Record(meter=ask.meter, starts=starts, ends=ends)

    def _at(self, meter: str, starts: int) -> Record | None:
        row = self._sql.execute(
            "SELECT ends, mark, settled, burned FROM governance_ledger_windows "
            "WHERE meter = ? AND starts = ?",
            (meter, starts),
        ).fetchone()
        if row is None:
            return None
        ends, mark, settled, burned = row
        return Record(
            meter=meter,
            starts=starts,
            ends=ends,
            mark=mark,
            settled=settled,
            burned=burned,
        )

    def _insert(self, meter: str, starts: int, ends: int) -> Record:
        self._sql.execute(
            "INSERT INTO governance_ledger_windows VALUES (?, ?, ?, 0, 0, 0)",
            (meter, starts, ends),
        )
        return Record(meter=meter, starts=starts, ends=ends)

    def extend(self, returns: Sequence[Return], limits: Sequence[int]) -> bool:
        with self._transaction() as sql:
            for more, limit in zip(returns, limits, strict=True):
                found = self._at(more.meter, more.starts)
                if found is None or found.mark + more.amount > limit:
                    return False
            sql.executemany(
                "UPDATE governance_ledger_windows SET mark = mark + ? "
                "WHERE meter = ? AND starts = ?",
                [(more.amount, more.meter, more.starts) for more in returns],
            )
            return True

    def reset(self, ask: Ask) -> Record:
        with self._transaction() as sql:
            found = self._look(ask)
            starts = max(ask.at, found.starts + 1)
            sql.execute(
                "UPDATE governance_ledger_windows SET ends = ? WHERE meter = ? AND starts = ?",
                (starts, ask.meter, found.starts),
            )
            return self._insert(ask.meter, starts, found.ends)

    def end(self, meters: Sequence[str], at: int) -> None:
        with self._transaction() as sql:
            sql.executemany(
                "UPDATE governance_ledger_windows SET ends = MAX(starts, ?) "
                "WHERE meter = ? AND ends > ?",
                [(at, meter, at) for meter in meters],
            )

    def settle(self, entries: Sequence[Settled | Burned]) -> list[Crossed]:
        try:
            with self._transaction() as sql:
                # All at once takes less time; none came before unless somebody was killed.
                rows = [
                    _usage_values(each) for each in entries if isinstance(each, Settled)
                ]
                inserted = sql.executemany(_INSERT_USAGE, rows).rowcount
                if not inserted == len(rows) == len(entries):
                    raise _NotAllNewError
                return self._charge_all(entries)
        except _NotAllNewError:
            with self._transaction():
                return self._charge_all(
                    [each for each in entries if self._is_new(each)]
                )

    def _is_new(self, entry: Settled | Burned) -> bool:
        if isinstance(entry, Settled):
            cursor = self._sql.execute(_INSERT_USAGE, _usage_values(entry))
        else:
            cursor = self._sql.execute(
                "INSERT OR IGNORE INTO governance_ledger_burned (hold_id, at, charges) "
                "VALUES (?, ?, ?)",
                (entry.hold_id, entry.at, _charges_text(entry.charges)),
            )
        return cursor.rowcount == 1

    def _charge_all(self, entries: Iterable[Settled | Burned]) -> list[Crossed]:
        sums: dict[tuple[str, int], _Sum] = {}
        for entry in entries:
            is_settled = isinstance(entry, Settled)
            for meter, starts, amount, returned, limit in entry.charges:
                added = sums.get((meter, starts))
                if added is None:
                    added = sums[meter, starts] = _Sum()
                if is_settled:
                    added.settled += amount
                else:
                    added.burned += amount
                added.returned += returned
                added.limit = limit
        crossed: list[Crossed] = []
        for (meter, starts), added in sums.items():
            crossed += self._charge(meter, starts, added)
        return crossed

    def _charge(self, meter: str, starts: int, added: _Sum) -> list[Crossed]:
        if self._at(meter, starts) is None:
            # Somebody pruned it, or the database is older than the journal.
            self._insert(meter, starts, starts)
        self._sql.execute(
            "UPDATE governance_ledger_windows "
            "SET mark = mark - ?, settled = settled + ?, burned = burned + ? "
            "WHERE meter = ? AND starts = ?",
            (added.returned, added.settled, added.burned, meter, starts),
        )
        now = self._at(meter, starts)
        after = now.settled + now.burned if now is not None else 0
        charge = Charge(
            meter=meter,
            starts=starts,
            amount=added.settled + added.burned,
            limit=added.limit,
        )
        found = crossings(charge, after - charge.amount, after)
        return [each for each in found if self._cross(each)]

    def cross_once(self, crossed: Crossed) -> bool:
        with self._transaction():
            return self._cross(crossed)

    def _cross(self, crossed: Crossed) -> bool:
        cursor = self._sql.execute(
            "INSERT OR IGNORE INTO governance_ledger_crossed VALUES (?, ?, ?, ?, ?)",
            (
                crossed.meter,
                crossed.starts,
                crossed.percent,
                crossed.spent,
                crossed.limit,
            ),
        )
        return cursor.rowcount == 1

    def burned(self, unresolved_only: bool) -> list[BurnedHold]:
        where = " WHERE resolved_nano IS NULL" if unresolved_only else ""
        rows = self._sql.execute(f"{_SELECT_BURNED}{where} ORDER BY at, hold_id")
        return [_burned_hold(row) for row in rows]

    def resolve(
        self, hold_id: int, true_nano: int, actor: str, at: int
    ) -> BurnedHold | None:
        with self._transaction() as sql:
            row = sql.execute(
                f"{_SELECT_BURNED} WHERE hold_id = ?", (hold_id,)
            ).fetchone()
            if row is None or row[3] is not None:
                return None
            found = _burned_hold(row)
            sql.execute(
                "UPDATE governance_ledger_burned "
                "SET resolved_nano = ?, resolved_at = ?, actor = ? WHERE hold_id = ?",
                (true_nano, at, actor, hold_id),
            )
            sql.executemany(
                "UPDATE governance_ledger_windows "
                "SET burned = burned - ?, settled = settled + ?, mark = mark - ? "
                "WHERE meter = ? AND starts = ?",
                [
                    *(
                        (
                            charge.amount,
                            true_nano,
                            charge.amount - true_nano,
                            charge.meter,
                            charge.starts,
                        )
                        for charge in found.charges
                    )
                ],
            )
            return attrs.evolve(found, resolved_nano=true_nano, actor=actor)

    def prune(self, before: int, batch: int) -> int:
        with self._transaction() as sql:
            gone = sql.execute(
                "SELECT meter, starts FROM governance_ledger_windows WHERE ends < ? LIMIT ?",
                (before, batch),
            ).fetchall()
            for table in ("windows", "crossed"):
                sql.executemany(
                    f"DELETE FROM governance_ledger_{table} "  # noqa: S608 - two words of ours
                    "WHERE meter = ? AND starts = ?",
                    gone,
                )
            return len(gone)


def _usage_values(entry: Settled) -> tuple[Any, ...]:
    # A journal from before a column was added has shorter rows.
    missing = len(COLUMNS) - len(entry.row)
    row = (*entry.row, *[None] * missing) if missing else entry.row
    return (*row, entry.hold_id, _charges_text(entry.charges))


def _charges_text(charges: Sequence[Charge]) -> str:
    return codec.dumps([tuple(charge) for charge in charges]).decode()


def _burned_hold(row: tuple[Any, ...]) -> BurnedHold:
    hold_id, at, text, resolved_nano, actor = row
    charges = tuple(Charge(*charge) for charge in codec.loads(text))
    return BurnedHold(
        hold_id=hold_id,
        at=at,
        amount=max((charge.amount for charge in charges), default=0),
        charges=charges,
        resolved_nano=resolved_nano,
        actor=actor,
    )
