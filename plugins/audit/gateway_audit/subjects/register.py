"""
The register of persons: what leads from a person to a pseudonym, and to the key of its bodies.

The log never changes, so a person stands in it under a pseudonym that is drawn at random.  What
leads to it is one row here: found by a keyed hash of the person's name, holding the pseudonym and
the key that opens the person's bodies, both sealed.  Without the row, nobody can tell whose
pseudonym it was, and no body of that person can be opened: that is what erasing does.

Addresses come and go, and nobody is asked before one is seen, so they have no rows: their
pseudonym is a hash with the key of the day, and days are forgotten as a whole.

Names are not kept, so they cannot be hashed anew when ``server.secret_key`` is replaced: the key
that hashes them stands in the file, sealed like the rows, and is carried on (`resealing`).

A file of its own, beside the gateway's database: small, on this machine, and its pages are
overwritten when something is deleted (SQLite documentation, "PRAGMA secure_delete").
"""

from __future__ import annotations

import hmac
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from gateway.durable import make_file
from gateway_audit.spool.disk import Disk
from gateway_audit.subjects.seals import KEY_BYTES, Seal

FILE: Final = "subjects.db"
#: What its secret is derived for, `KEY_BYTES` for each of two keys.
SUBJECTS: Final = "audit/subjects"
DAY_S: Final = 86_400
#: What a person may be called, in characters; what is longer is nobody's name.
MAX_NAME: Final = 512
#: What the sealed key of names, and that of a day's addresses, are about.
NAMES: Final = b"names"
PEERS: Final = b"peers"
_REMEMBERED: Final = 10_000
#: Milliseconds that another worker's write is waited for, on the event loop.
_BUSY_MS: Final = 200
_WIPE_BUSY_MS: Final = 5000

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS subjects (
    lookup BLOB PRIMARY KEY, sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS peer_keys (day INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS lookup_key (
    id INTEGER PRIMARY KEY CHECK (id = 1), sealed BLOB NOT NULL
);
"""


@attrs.frozen
class Subject:
    """
    A person, as the log knows it.

    Attributes:
        pseudonym: Random: ``sub_`` and twenty hexadecimal digits.
        key: Wraps the keys of its bodies.
    """

    pseudonym: str
    key: bytes = attrs.field(repr=False)


@attrs.frozen
class Erased:
    """
    Whose row is gone.
    """

    lookup: str
    pseudonym: str


class Register:
    """
    The register, as one worker uses it.

    Args:
        folder: Made if it is not there.
        secret: Derived from the root of all keys; 64 bytes.
        peer_keys_days: How long the key of a day is kept.

    Raises:
        SealedByAnother: It was made with another root of all keys.
    """

    def __init__(
        self, folder: Path, secret: bytes, *, peer_keys_days: int = 30
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / FILE
        self._seal = Seal(secret)
        self._days = peer_keys_days
        self._subjects: dict[bytes, Subject] = {}
        self._peers: dict[str, str] = {}
        self._day = -1
        self._peer_key = b""
        make_file(self._path)
        with _one_at_a_time(folder / f"{FILE}.lock"):
            self._database = connect(self._path, _BUSY_MS)
            try:
                self._database.executescript(_TABLES)
                self._lookup_key = _lookup_key(self._database, self._seal)
            except BaseException:
                self._database.close()
                raise

    def close(self) -> None:
        """
        Let go of the file.
        """
        self._database.close()

    # --- persons ----------------------------------------------------------------------------

    def subject(self, name: str) -> Subject | None:
        """
        Return the person called *name*, who is put down if nobody did; None for no name.

        Raises:
            sqlite3.Error: The register cannot be read or written.
        """
        if not 0 < len(name) <= MAX_NAME:
            return None
        lookup = self._hashed(name)
        found = self._subjects.get(lookup)
        if found is None:
            if len(self._subjects) >= _REMEMBERED:
                self._subjects.clear()
            found = self._subjects[lookup] = self._found_or_made(lookup)
        return found

    def find(self, name: str) -> Subject | None:
        """
        Return the person called *name*, or None if nobody put it down.
        """
        return self._stored(self._hashed(name))

    def find_pseudonym(self, pseudonym: str) -> Subject | None:
        """
        Return the person who is called *pseudonym* in the log, or None if it was erased.

        Opens every row, as none says whose it is: for what is rarely asked, and not in the loop.

        Raises:
            sqlite3.Error: The register cannot be read.
        """
        database = connect(self._path, _WIPE_BUSY_MS)
        try:
            for lookup, sealed in database.execute("SELECT * FROM subjects"):
                subject = _subject(self._seal.open(sealed, lookup))
                if subject.pseudonym == pseudonym:
                    return subject
        finally:
            database.close()
        return None

    def erase(self, name: str) -> Erased | None:
        """
        Destroy what leads to the person called *name*; returns whom, or None if there is nobody.

        Call `wipe` afterwards.
        """
        lookup = self._hashed(name)
        self._subjects.pop(lookup, None)
        found = self._stored(lookup)
        if found is None:
            return None
        self._database.execute("DELETE FROM subjects WHERE lookup = ?", (lookup,))
        return Erased(lookup.hex(), found.pseudonym)

    def forget(self, lookup: str) -> None:
        """
        Let go of what is remembered of a person who was erased in another worker.
        """
        self._subjects.pop(bytes.fromhex(lookup), None)

    def check(self) -> None:
        """
        Read and write a little of the file; what stands there stays as it is.

        Raises:
            sqlite3.Error: It cannot be read, written or opened.
        """
        stored_lookup_key(self._database, self._seal)
        self._database.execute("UPDATE lookup_key SET id = id")

    def wipe(self) -> None:
        """
        Leave nothing of deleted rows in the file and its journal; may wait, so not in the loop.

        Raises:
            sqlite3.Error: Somebody is in the way.
        """
        wipe(self._path)

    # --- addresses --------------------------------------------------------------------------

    def peer(self, address: str, now: float) -> str | None:
        """
        Return the pseudonym of *address*, today; None for no address.

        Args:
            now: Unix seconds.
        """
        if not address:
            return None
        day = int(now // DAY_S)
        if day != self._day:
            self._turn_to(day)
        found = self._peers.get(address)
        if found is None:
            if len(self._peers) >= _REMEMBERED:
                self._peers.clear()
            told = hmac.digest(self._peer_key, address.encode(), "sha256")
            found = self._peers[address] = f"peer_{told.hex()[:16]}"
        return found

    def _turn_to(self, day: int) -> None:
        oldest = day - self._days
        self._database.execute("DELETE FROM peer_keys WHERE day < ?", (oldest,))
        fresh = self._seal.seal(secrets.token_bytes(KEY_BYTES), PEERS)
        self._database.execute(
            "INSERT OR IGNORE INTO peer_keys VALUES (?, ?)", (day, fresh)
        )
        row = self._database.execute(
            "SELECT sealed FROM peer_keys WHERE day = ?", (day,)
        ).fetchone()
        self._peer_key = self._seal.open(row[0], PEERS)
        self._peers = {}
        self._day = day

    # --- rows -------------------------------------------------------------------------------

    def _found_or_made(self, lookup: bytes) -> Subject:
        found = self._stored(lookup)
        if found is not None:
            return found
        pseudonym, key = secrets.token_bytes(10), secrets.token_bytes(KEY_BYTES)
        # Another worker may be first: whose row stands there counts.
        self._database.execute(
            "INSERT OR IGNORE INTO subjects VALUES (?, ?)",
            (lookup, self._seal.seal(pseudonym + key, lookup)),
        )
        stored = self._stored(lookup)
        if stored is None:
            raise sqlite3.OperationalError("a row that was just made is gone")
        return stored

    def _stored(self, lookup: bytes) -> Subject | None:
        row = self._database.execute(
            "SELECT sealed FROM subjects WHERE lookup = ?", (lookup,)
        ).fetchone()
        if row is None:
            return None
        return _subject(self._seal.open(row[0], lookup))

    def _hashed(self, name: str) -> bytes:
        raw = name.encode(errors="surrogatepass")
        return hmac.digest(self._lookup_key, raw, "sha256")


def stored_lookup_key(database: sqlite3.Connection, seal: Seal) -> bytes | None:
    """
    Return the key that hashes names, where the file has it.

    Raises:
        SealedByAnother: Another root of all keys is needed.
        sqlite3.Error: The file cannot be read.
    """
    row = database.execute("SELECT sealed FROM lookup_key").fetchone()
    return None if row is None else seal.open(row[0], NAMES)


def _lookup_key(database: sqlite3.Connection, seal: Seal) -> bytes:
    """
    Return the key that hashes names; a file that has none yet gets the one that is derived.
    """
    found = stored_lookup_key(database, seal)
    if found is not None:
        return found
    # Rows of before this key was kept tell by themselves who sealed them.
    for sealed, lookup in database.execute(
        "SELECT sealed, lookup FROM subjects LIMIT 1"
    ):
        seal.open(sealed, lookup)
    for (sealed,) in database.execute("SELECT sealed FROM peer_keys LIMIT 1"):
        seal.open(sealed, PEERS)
    database.execute(
        "INSERT INTO lookup_key VALUES (1, ?)", (seal.seal(seal.lookup_key, NAMES),)
    )
    return seal.lookup_key


def wipe(path: Path) -> None:
    """
    Leave nothing of deleted rows in the file and its journal; may wait.

    Raises:
        sqlite3.Error: Somebody is in the way.
    """
    database = connect(path, _WIPE_BUSY_MS)
    try:
        database.execute("VACUUM")
        busy = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        database.close()
    if busy:
        raise sqlite3.OperationalError("the register's journal is in use")


def _subject(raw: bytes) -> Subject:
    return Subject(f"sub_{raw[:10].hex()}", raw[10:])


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """
    Wait for other workers that start now.

    Of several that put a new file into WAL mode at once SQLite refuses all but one, however long
    they would wait (SQLite documentation, "Write-Ahead Logging", section 8).
    """
    disk = Disk()
    lock = disk.lock(path, waits=True)
    try:
        yield
    finally:
        disk.close(lock)


def connect(path: Path, busy_ms: int) -> sqlite3.Connection:
    """
    Open the file, waiting for others for *busy_ms* milliseconds at most.
    """
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in (
        f"busy_timeout={busy_ms}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "secure_delete=ON",
    ):
        database.execute(f"PRAGMA {pragma}")
    return database
