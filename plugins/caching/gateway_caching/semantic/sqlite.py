"""
Questions in the file of the entries, whose workers follow each other through it.

A trigger of the file's lets a question go with its entry, whoever lets go of that.  Names of what
went are noted for a while, so that who holds vectors in memory forgets them too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np

from gateway.clock import Clock
from gateway_caching.sealing import Sealer
from gateway_caching.semantic.matrix import Vector
from gateway_caching.semantic.source import Changes, Kept
from gateway_caching.stores.sqlite import FILE

__all__ = ["SqliteSource"]

_PRAGMAS: Final = ("PRAGMA synchronous=OFF", "PRAGMA secure_delete=ON")
_BUSY_S: Final = 0.25
#: Without the entry, which may have gone meanwhile, the question would stay for ever.
_KEEP: Final = (
    "INSERT INTO questions (exact, partition, grouped, expires_at, text, vector) "
    "SELECT :exact, :partition, :group, :expires_at, :text, :vector "
    "WHERE EXISTS (SELECT 1 FROM entries WHERE exact = :exact)"
)
_FETCHED: Final = 500
#: Notes of what went that are kept; who is further behind reads all anew.
_NOTES: Final = 20_000
#: Questions between two looks at how many there are.
_LOOK_EVERY: Final = 32
_AFTER_LETTING_GO: Final = 0.9


@attrs.define(eq=False)
class SqliteSource:
    """
    Keeps questions beside their entries.

    Args:
        folder: Where the file stands.
        max_entries: How many in one partition.
    """

    folder: Path
    max_entries: int
    sealer: Sealer
    clock: Clock
    _connection: sqlite3.Connection | None = attrs.field(default=None, init=False)
    _inode: int = attrs.field(default=0, init=False)
    #: Counts the files that were opened, so that no cursor outlives its file.
    _files: int = attrs.field(default=0, init=False)
    _puts: int = attrs.field(default=0, init=False)

    def changes(self, group: str, cursor: object) -> Changes:
        """
        See `Source.changes`.
        """
        with self._opened() as connection:
            if isinstance(cursor, tuple) and cursor[0] == self._files:
                _, put_at, gone_at = cursor
                # In this order: what went and came again is there in the end.
                gone, gone_at = self._gone(connection, group, gone_at)
                if gone is not None:
                    return self._since(connection, group, put_at, gone, gone_at)
            gone_at = _number(connection, "SELECT MAX(seq) FROM questions_gone")
            return self._since(connection, group, -1, None, gone_at)

    def texts(self, names: Sequence[str]) -> Mapping[str, str]:
        """
        See `Source.texts`.
        """
        marks = ",".join("?" * len(names))
        query = (
            "SELECT exact, text FROM questions "  # noqa: S608 - question marks alone
            f"WHERE exact IN ({marks}) AND expires_at > ?"
        )
        with self._opened() as connection:
            rows = connection.execute(query, (*names, self.clock.now())).fetchall()
        found = {}
        for exact, text in rows:
            with suppress(ValueError):
                found[exact] = self.sealer.open(text).decode()
        return found

    def keep(self, kept: Kept) -> None:
        """
        See `Source.keep`.
        """
        told = {
            "exact": kept.exact,
            "partition": kept.partition,
            "group": kept.group,
            "expires_at": kept.expires_at,
            "text": self.sealer.seal(kept.text.encode("utf-8", "replace")),
            "vector": self.sealer.seal(kept.vector.astype("<f4").tobytes()),
        }
        with self._opened() as connection:
            connection.execute("DELETE FROM questions WHERE exact = ?", (kept.exact,))
            connection.execute(_KEEP, told)
            self._puts += 1
            if self._puts % _LOOK_EVERY == 1:
                self._let_go(connection, kept.partition)
            connection.commit()

    def forget(self, names: Sequence[str]) -> None:
        """
        See `Source.forget`.
        """
        with self._opened() as connection:
            rows = [(name,) for name in names]
            connection.executemany("DELETE FROM questions WHERE exact = ?", rows)
            connection.commit()

    def close(self) -> None:
        """
        Close the file.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    # --- the file ---------------------------------------------------------------------------

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._current()
            try:
                yield connection
            except sqlite3.Error:
                with suppress(sqlite3.Error):
                    connection.rollback()
                raise
        except sqlite3.Error as exc:
            if not isinstance(exc, sqlite3.OperationalError):
                self.close()
            raise OSError(type(exc).__name__) from exc

    def _current(self) -> sqlite3.Connection:
        """
        Return a connection to the file that stands there now: the store may have begun it anew.
        """
        path = self.folder / FILE
        inode = path.stat().st_ino
        if self._connection is not None and inode != self._inode:
            self.close()
        if self._connection is None:
            self._connection = sqlite3.connect(path, timeout=_BUSY_S)
            for pragma in _PRAGMAS:
                self._connection.execute(pragma)
            self._inode = inode
            self._files += 1
        return self._connection

    def _gone(
        self, connection: sqlite3.Connection, group: str, since: int
    ) -> tuple[list[str] | None, int]:
        """
        Return what went from *group*, or None if that is no longer known.
        """
        oldest = _number(connection, "SELECT MIN(seq) FROM questions_gone")
        if oldest > since + 1:
            return None, since
        query = "SELECT seq, exact FROM questions_gone WHERE grouped = ? AND seq > ?"
        rows = connection.execute(query, (group, since)).fetchall()
        latest = max((seq for seq, _ in rows), default=since)
        return [exact for _, exact in rows], latest

    def _since(
        self,
        connection: sqlite3.Connection,
        group: str,
        put_at: int,
        gone: list[str] | None,
        gone_at: int,
    ) -> Changes:
        query = "SELECT MAX(seq) FROM questions WHERE grouped = ?"
        latest = max(_number(connection, query, group), put_at)
        return Changes(
            put=self._rows(connection, group, put_at, latest),
            gone=gone or (),
            is_whole=gone is None,
            cursor=(self._files, latest, gone_at),
        )

    def _rows(
        self, connection: sqlite3.Connection, group: str, after: int, latest: int
    ) -> Iterator[tuple[Sequence[str], Vector]]:
        if latest <= after:
            return
        query = (
            "SELECT exact, vector FROM questions "
            "WHERE grouped = ? AND seq > ? AND seq <= ? ORDER BY seq"
        )
        try:
            rows = connection.execute(query, (group, after, latest))
            while batch := rows.fetchmany(_FETCHED):
                yield from self._opened_up(batch)
        except sqlite3.Error as exc:
            raise OSError(type(exc).__name__) from exc

    def _opened_up(
        self, rows: Sequence[tuple[str, bytes]]
    ) -> Iterator[tuple[Sequence[str], Vector]]:
        by_length: dict[int, list[tuple[str, bytes]]] = {}
        for exact, sealed in rows:
            with suppress(ValueError):
                vector = self.sealer.open(sealed)
                by_length.setdefault(len(vector), []).append((exact, vector))
        for found in by_length.values():
            joined = b"".join(vector for _, vector in found)
            vectors = np.frombuffer(joined, "<f4").reshape(len(found), -1)
            yield [exact for exact, _ in found], vectors

    def _let_go(self, connection: sqlite3.Connection, partition: str) -> None:
        query = "SELECT COUNT(*) FROM questions WHERE partition = ?"
        count = _number(connection, query, partition)
        if count > self.max_entries:
            surplus = count - int(self.max_entries * _AFTER_LETTING_GO)
            connection.execute(
                "DELETE FROM questions WHERE seq IN (SELECT seq FROM questions "
                "WHERE partition = ? ORDER BY seq LIMIT ?)",
                (partition, surplus),
            )
        latest = _number(connection, "SELECT MAX(seq) FROM questions_gone")
        connection.execute(
            "DELETE FROM questions_gone WHERE seq <= ?", (latest - _NOTES,)
        )


def _number(connection: sqlite3.Connection, query: str, *values: Any) -> int:
    row = connection.execute(query, values).fetchone()
    return int(row[0] or 0)
