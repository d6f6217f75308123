"""
Seals the register of persons by another root of all keys, so that everybody is known as before.

What leads from a name to a row stays, as nobody knows the names: its key is carried on.  Whoever
has the old root can tell whether a name that it guesses is in the register, and no more: neither
pseudonyms nor keys of bodies are sealed by it any longer.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway_audit.subjects.register import (
    FILE,
    NAMES,
    PEERS,
    Register,
    connect,
    stored_lookup_key,
    wipe,
)
from gateway_audit.subjects.seals import Seal

if TYPE_CHECKING:
    import sqlite3

_BUSY_MS: Final = 5000


def reseal(folder: Path, before: bytes, after: bytes) -> int:
    """
    Seal by *after* what is sealed by *before*; all of it or nothing.

    Args:
        folder: Where the register is; no gateway may have it open.
        before: What the register's secret is under the old root of all keys.

    Returns:
        How many persons are in it.

    Raises:
        SealedByAnother: It is not sealed by *before*.
        sqlite3.Error: It cannot be read or written.
    """
    # One of an earlier version has no key of names yet.
    Register(folder, before).close()
    old, new = Seal(before), Seal(after)
    with closing(connect(folder / FILE, _BUSY_MS)) as database:
        database.execute("BEGIN IMMEDIATE")
        with database:
            count = _reseal_rows(database, old, new)
    wipe(folder / FILE)
    return count


def _reseal_rows(database: sqlite3.Connection, old: Seal, new: Seal) -> int:
    lookup_key = stored_lookup_key(database, old) or old.lookup_key
    persons = database.execute("SELECT lookup, sealed FROM subjects").fetchall()
    days = database.execute("SELECT day, sealed FROM peer_keys").fetchall()
    database.executemany(
        "UPDATE subjects SET sealed = ? WHERE lookup = ?",
        [(new.seal(old.open(raw, lookup), lookup), lookup) for lookup, raw in persons],
    )
    database.executemany(
        "UPDATE peer_keys SET sealed = ? WHERE day = ?",
        [(new.seal(old.open(raw, PEERS), PEERS), day) for day, raw in days],
    )
    database.execute(
        "INSERT OR REPLACE INTO lookup_key VALUES (1, ?)",
        (new.seal(lookup_key, NAMES),),
    )
    return len(persons)
