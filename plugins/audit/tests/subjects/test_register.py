"""
Tests of `gateway_audit.subjects.register`.
"""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway_audit.subjects.register import DAY_S, MAX_NAME, Register
from gateway_audit.subjects.seals import SealedByAnother

STARTS = Path(__file__).with_name("starts.py")
SECRET = bytes(range(64))
NOW = 1_700_000_000.0


@pytest.fixture(name="register")
def _register(tmp_path):
    register = Register(tmp_path, SECRET)
    yield register
    register.close()


@pytest.fixture(name="other")
def _other(tmp_path, register):
    other = Register(tmp_path, SECRET)
    yield other
    other.close()


def test_a_person_is_the_same_in_every_worker(register, other):
    """
    Whoever is first makes the row, and the others find it.
    """
    assert register.subject("alice") == other.subject("alice")
    assert register.subject("alice") != register.subject("bob")


def test_nothing_in_the_file_tells_who_it_is(register, tmp_path):
    """
    Neither the name nor the pseudonym nor the key stands in it.
    """
    found = register.subject("alice@example.com")
    register.wipe()

    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"alice" not in content
    assert found.pseudonym.encode() not in content
    assert bytes.fromhex(found.pseudonym.removeprefix("sub_")) not in content
    assert found.key not in content


def test_who_is_erased_is_somebody_else_afterwards(register, other):
    """
    The pseudonym leads to nobody any more, also where it was remembered.
    """
    before = other.subject("alice")
    erased = register.erase("alice")
    other.forget(erased.lookup)

    assert erased.pseudonym == before.pseudonym
    assert register.find("alice") is None
    assert other.subject("alice").pseudonym != before.pseudonym
    assert register.erase("nobody") is None


def test_what_was_deleted_is_not_left_in_the_file(register, other, tmp_path):
    """
    The sealed row is gone from pages and journal, though others have the file open.
    """
    register.subject("alice")
    database = sqlite3.connect(tmp_path / "subjects.db")
    (sealed,) = database.execute("SELECT sealed FROM subjects").fetchone()
    database.close()
    register.erase("alice")
    register.wipe()

    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert sealed not in content


@pytest.mark.parametrize("name", ["", "x" * (MAX_NAME + 1)], ids=["empty", "endless"])
def test_what_is_no_name_is_nobody(register, name):
    """
    A caller cannot make rows of any size.
    """
    assert register.subject(name) is None


def test_an_address_has_another_pseudonym_tomorrow(register, other):
    """
    Today it is the same in every worker; once the day's key is gone, nobody can tell.
    """
    today = register.peer("192.0.2.1", NOW)

    assert other.peer("192.0.2.1", NOW) == today
    assert register.peer("192.0.2.2", NOW) != today
    assert register.peer("192.0.2.1", NOW + DAY_S) != today
    assert other.peer("192.0.2.1", NOW) == today
    register.peer("192.0.2.1", NOW + 40 * DAY_S)
    assert register.peer("192.0.2.1", NOW) != today


def test_another_root_key_is_told(register, tmp_path):
    """
    A restored register with the wrong secret is no empty one: nobody begins to work with it.
    """
    register.subject("alice")

    with pytest.raises(SealedByAnother, match="secret_key"):
        Register(tmp_path, SECRET[:32] + bytes(32))


@pytest.mark.parametrize("rows", ["subjects", "peer_keys"])
def test_another_root_key_is_told_by_any_row_of_before(tmp_path, rows):
    """
    A register that an earlier version made has no sealed key of names to tell it by.
    """
    register = Register(tmp_path, SECRET)
    register.subject("alice")
    register.peer("192.0.2.1", NOW)
    register.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "subjects.db")) as database:
        other = {"subjects": "peer_keys", "peer_keys": "subjects"}[rows]
        database.executescript(f"DROP TABLE lookup_key; DELETE FROM {other};")

    with pytest.raises(SealedByAnother):
        Register(tmp_path, bytes(64))
    Register(tmp_path, SECRET).close()


def test_workers_that_start_together_wait_for_each_other(tmp_path):
    """
    The file is new to all of them, and each wants to make it what it is to be.
    """
    done = subprocess.run(
        [sys.executable, STARTS, tmp_path, "40"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
