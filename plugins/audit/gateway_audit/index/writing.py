"""
The sequencer's side of the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Final

from gateway import codec
from gateway_audit.index.table import COLUMNS, count_taken, open_for_writing

_MARKS: Final = ", ".join("?" * (len(COLUMNS) + 2))
_INSERT: Final = f"INSERT OR REPLACE INTO audit_entries VALUES ({_MARKS})"  # noqa: S608
#: What a column takes; whatever else an entry says there is not looked for.
_PLAIN: Final = frozenset({str, int, bool, NoneType})


def follow(folder: str) -> IndexWriter:
    """
    Return what the sequencer brings entries to; see `gateway_audit.sequencing.followers`.
    """
    return IndexWriter(Path(folder))


class IndexWriter:
    """
    Puts entries into the index, once the log gave them their place.

    Args:
        folder: The index's.
    """

    def __init__(self, folder: Path) -> None:
        self._database = open_for_writing(folder)

    def add(self, first_index: int, entries: Sequence[bytes]) -> None:
        """
        Take the *entries* that stand in the log from *first_index* on; twice is as good as once.
        """
        rows = [_row(first_index + at, raw) for at, raw in enumerate(entries)]
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany(_INSERT, rows)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def last(self) -> int:
        """
        Return how many entries of the log were taken: the index of the next one.
        """
        return count_taken(self._database)

    def drop_below(self, min_index: int) -> None:
        """
        Forget the entries before *min_index*, which the log does not keep any more.
        """
        self._database.execute(
            "DELETE FROM audit_entries WHERE place < ?", (min_index,)
        )

    def close(self) -> None:
        """
        Let go of the file.
        """
        self._database.close()


def _row(place: int, raw: bytes) -> tuple[Any, ...]:
    try:
        entry = codec.loads(raw)
    except codec.JsonError:
        entry = {}
    if not isinstance(entry, dict):
        entry = {}
    cells = [entry.get(name) for name in COLUMNS]
    if not _PLAIN.issuperset(map(type, cells)):
        cells = [cell if type(cell) in _PLAIN else None for cell in cells]
    return (place, *cells, raw)
