"""
Looking for entries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import attrs

from gateway_audit.index.table import count_taken, open_for_reading

#: What can be looked for by equality.
EQUAL: Final = frozenset(
    {
        "actor",
        "client_request",
        "code",
        "customer",
        "model",
        "outcome",
        "request",
        "subject",
        "team",
        "type",
    }
)


class Found(NamedTuple):
    """
    An entry and its place in the log.
    """

    place: int
    entry: bytes


@attrs.frozen(kw_only=True)
class Search:
    """
    Which entries are looked for.

    Attributes:
        equal: Columns of `EQUAL` and what stands in them.
        key: A virtual key's id or name.
        since: Unix milliseconds; likewise *until*, which is not included.
        before: Only places below this, the latest first.
        after: Only places above this, the earliest first.
    """

    equal: Mapping[str, str] = attrs.field(factory=dict)
    key: str | None = None
    since: int | None = None
    until: int | None = None
    before: int | None = None
    after: int | None = None

    def statement(self, limit: int) -> tuple[str, list[Any]]:
        """
        Return the SQL and its parameters.
        """
        clauses = [f"{name} = ?" for name in self.equal]
        values: list[Any] = list(self.equal.values())
        for clause, value in (
            ("at >= ?", self.since),
            ("at < ?", self.until),
            ("place < ?", self.before),
            ("place > ?", self.after),
        ):
            if value is not None:
                clauses.append(clause)
                values.append(value)
        if self.key is not None:
            clauses.append("(key = ? OR key_name = ?)")
            values += [self.key, self.key]
        where = f" WHERE {' AND '.join(clauses)}" if clauses else ""
        order = "DESC" if self.after is None else "ASC"
        # Only names of ours are in the text.
        sql = f"SELECT place, entry FROM audit_entries{where} ORDER BY place {order} LIMIT ?"  # noqa: S608
        return sql, [*values, limit]


class IndexReader:
    """
    Looks for entries of the log; never waits on the event loop.

    Args:
        folder: The index's, which may not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def search(self, search: Search, limit: int) -> list[Found]:
        """
        Return the first *limit* entries that *search* looks for.
        """
        return await asyncio.to_thread(self._search, search, limit)

    async def size(self) -> int:
        """
        Return how many entries of the log are indexed.
        """
        return await asyncio.to_thread(self._size)

    async def count_about(
        self, pseudonym: str, *, key: str, first: int, since: int | None
    ) -> int:
        """
        Count the entries about a person, from place *first* and from *since* on.

        Args:
            key: A virtual key's id; of its entries, and of changes of the settings, those count
                that name *pseudonym* anywhere.
            since: Unix milliseconds.
        """
        sql = (
            "SELECT count(*) FROM audit_entries WHERE place >= ? AND at >= ? "
            "AND (subject = ? OR ((key = ? OR type = 'settings.changed') AND instr(entry, ?)))"
        )
        raw = pseudonym.encode()
        values = (first, since or 0, pseudonym, key, raw)
        return await asyncio.to_thread(self._number, sql, values) or 0

    async def oldest_from(self, first: int) -> int | None:
        """
        Return the earliest time of the entries from place *first* on; None if there is none.
        """
        sql = "SELECT min(at) FROM audit_entries WHERE place >= ?"
        return await asyncio.to_thread(self._number, sql, (first,))

    def _number(self, sql: str, values: Sequence[Any]) -> int | None:
        database = open_for_reading(self._folder)
        if database is None:
            return None
        try:
            found: int | None = database.execute(sql, values).fetchone()[0]
        finally:
            database.close()
        return found

    def _search(self, search: Search, limit: int) -> list[Found]:
        database = open_for_reading(self._folder)
        if database is None:
            return []
        try:
            return [Found(*row) for row in database.execute(*search.statement(limit))]
        finally:
            database.close()

    def _size(self) -> int:
        database = open_for_reading(self._folder)
        if database is None:
            return 0
        try:
            return count_taken(database)
        finally:
            database.close()
