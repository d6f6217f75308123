"""
The index's file and table.

A file of its own, and not the gateway's database: what is written for every request must not make
the ledger wait, and a database elsewhere has no log.  It needs no migrations either: another
version of the table is an empty one, which the sequencer fills from the log.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from gateway.durable import make_file

FILE: Final = "index.db"
VERSION: Final = 1

#: The columns that are taken from the member of the same name of an entry.
COLUMNS: Final = (
    "at",
    "type",
    "request",
    "key",
    "key_name",
    "team",
    "customer",
    "model",
    "outcome",
    "code",
    "status",
    "actor",
    "subject",
    "client_request",
    "cost_nano",
)
_NUMBERS: Final = frozenset({"at", "status", "cost_nano"})
#: Columns by which entries are looked for; most entries have nothing in them.
_SOUGHT: Final = ("request", "key", "team", "code", "type", "subject", "client_request")

_TABLE: Final = f"""
CREATE TABLE audit_entries (
    place INTEGER PRIMARY KEY,
    {", ".join(f"{name} {'INTEGER' if name in _NUMBERS else 'TEXT'}" for name in COLUMNS)},
    entry BLOB NOT NULL
);
CREATE INDEX audit_entries_at ON audit_entries (at);
"""
_INDEXES: Final = "".join(
    f"CREATE INDEX audit_entries_{name} ON audit_entries ({name}, place) "
    f"WHERE {name} IS NOT NULL;\n"
    for name in _SOUGHT
)


def open_for_writing(folder: Path) -> sqlite3.Connection:
    """
    Open the index in *folder*; it is made, or made anew, where it is not of this version.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE
    make_file(path)
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in ("busy_timeout=5000", "journal_mode=WAL", "synchronous=NORMAL"):
        database.execute(f"PRAGMA {pragma}")
    if database.execute("PRAGMA user_version").fetchone()[0] != VERSION:
        _make_anew(database)
    return database


def open_for_reading(folder: Path) -> sqlite3.Connection | None:
    """
    Open the index in *folder*; None if there is none yet.
    """
    path = folder / FILE
    if not path.exists():
        return None
    database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    database.execute("PRAGMA busy_timeout=2000")
    if database.execute("PRAGMA user_version").fetchone()[0] != VERSION:
        database.close()
        return None
    return database


def count_taken(database: sqlite3.Connection) -> int:
    """
    Return how many entries of the log were taken: the index of the next one.
    """
    (last,) = database.execute("SELECT max(place) FROM audit_entries").fetchone()
    return 0 if last is None else int(last) + 1


def _make_anew(database: sqlite3.Connection) -> None:
    database.executescript(
        "BEGIN IMMEDIATE; DROP TABLE IF EXISTS audit_entries;"
        f"{_TABLE}{_INDEXES}PRAGMA user_version={VERSION}; COMMIT"
    )
