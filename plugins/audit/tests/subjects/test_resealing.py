"""
Tests of `gateway_audit.subjects.resealing`.
"""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from gateway_audit.subjects.register import FILE, Register
from gateway_audit.subjects.resealing import reseal
from gateway_audit.subjects.seals import SealedByAnother

FIRST, SECOND, THIRD = bytes(range(64)), bytes(range(64, 128)), bytes(range(128, 192))
NOW = 1_700_000_000.0


@contextlib.contextmanager
def opened(folder, secret):
    """
    Work with the register as a gateway of this secret does.
    """
    register = Register(folder, secret)
    try:
        yield register
    finally:
        register.close()


def test_everybody_is_known_as_before(tmp_path):
    """
    Pseudonyms, keys of bodies and addresses stay, however often the root of all keys changes.
    """
    with opened(tmp_path, FIRST) as register:
        alice, peer = register.subject("alice"), register.peer("192.0.2.1", NOW)

    counts = [reseal(tmp_path, FIRST, SECOND), reseal(tmp_path, SECOND, THIRD)]

    assert counts == [1, 1]
    with opened(tmp_path, THIRD) as register:
        assert register.find("alice") == alice
        assert register.peer("192.0.2.1", NOW) == peer
        assert register.erase("alice").pseudonym == alice.pseudonym


def test_the_old_key_opens_nothing_any_more(tmp_path):
    """
    Neither through the register nor in what the file's pages and journal are left with.
    """
    with opened(tmp_path, FIRST) as register:
        register.subject("alice")
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as database:
        ((sealed,),) = database.execute("SELECT sealed FROM subjects").fetchall()

    reseal(tmp_path, FIRST, SECOND)

    with pytest.raises(SealedByAnother):
        Register(tmp_path, FIRST)
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert sealed not in content


def test_with_a_wrong_key_nothing_is_changed(tmp_path):
    """
    Who gives another key than the old one has the register as it was.
    """
    with opened(tmp_path, FIRST) as register:
        alice = register.subject("alice")

    with pytest.raises(SealedByAnother):
        reseal(tmp_path, THIRD, SECOND)

    with opened(tmp_path, FIRST) as register:
        assert register.find("alice") == alice


def test_a_row_that_cannot_be_opened_undoes_all(tmp_path):
    """
    No register is left that is sealed half by one key and half by another.
    """
    with opened(tmp_path, FIRST) as register:
        alice = register.subject("alice")
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as database:
        # The day's key is the last that is sealed anew.
        database.execute("INSERT INTO peer_keys VALUES (1, zeroblob(64))")
        database.commit()

    with pytest.raises(SealedByAnother):
        reseal(tmp_path, FIRST, SECOND)

    with opened(tmp_path, FIRST) as register:
        assert register.find("alice") == alice
