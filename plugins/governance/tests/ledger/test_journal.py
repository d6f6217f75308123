from __future__ import annotations

import errno

import pytest

from gateway_governance.ledger.authority import Burned, Charge, Settled
from gateway_governance.ledger.journal import (
    Journal,
    disown,
    encode,
    files_of,
    orphans,
    read,
)

CHARGE = Charge(meter="team/ä/usd/day", starts=-5, amount=1 << 60, returned=3, limit=9)
ENTRIES = [
    Settled(
        hold_id=1 << 61, actual=(1, 2, 3), charges=(CHARGE,), row=("a", 1, None, True)
    ),
    Burned(hold_id=5, at=77, charges=(CHARGE, CHARGE)),
    Settled(hold_id=6, actual=(0, 0, 0), charges=(), row=("b", 2)),
]


@pytest.fixture
def journal(tmp_path):
    """The journal of seat 2."""
    found = Journal(tmp_path, seat=2, epoch=30)
    yield found
    found.seal()


def test_records_read_back_as_they_were_written(journal):
    """
    A journal gives back what it was given, in order.
    """
    for entry in ENTRIES:
        journal.write(entry)
    (path,) = journal.seal()

    assert read(path) == ENTRIES


def test_what_was_written_is_remembered_until_it_is_moved(journal):
    """
    The writer of a file need not read it, and forgets it when it is moved.
    """
    for entry in ENTRIES:
        journal.write(entry)
    (path,) = journal.seal()
    remembered = journal.written(path)
    journal.moved(path)

    assert remembered == ENTRIES
    assert journal.written(path) is None


def test_a_journal_that_is_not_moved_is_not_remembered_for_ever(journal, monkeypatch):
    """
    What stands in more records than are remembered is read from the disk.
    """
    monkeypatch.setattr("gateway_governance.ledger.journal.REMEMBERED", 2)
    for entry in ENTRIES:
        journal.write(entry)
    (long,) = journal.seal()
    journal.write(ENTRIES[0])
    _, short = journal.seal()

    assert journal.written(long) is None
    assert read(long) == ENTRIES
    assert journal.written(short) == ENTRIES[:1]


@pytest.mark.parametrize("cut", range(1, len(encode(ENTRIES[1]))))
def test_a_record_that_was_cut_off_is_not_one(tmp_path, cut):
    """
    Wherever a last record ends too early, those before it are whole.
    """
    first, second = encode(ENTRIES[0]), encode(ENTRIES[1])
    (tmp_path / "file.log").write_bytes(first + second[:cut])

    assert read(tmp_path / "file.log") == ENTRIES[:1]


@pytest.mark.parametrize(
    "rest", [b"\0" * 4096, b"\xff" * 64, encode(ENTRIES[1])[:-1] + b"?"]
)
def test_what_a_loss_of_power_left_behind_ends_the_file(tmp_path, rest):
    """
    Zeros, noise and damaged records are no records.
    """
    (tmp_path / "file.log").write_bytes(encode(ENTRIES[0]) + rest)

    assert read(tmp_path / "file.log") == ENTRIES[:1]


def test_a_file_that_is_gone_has_no_records(tmp_path):
    """
    Somebody else moved it.
    """
    assert read(tmp_path / "gone.log") == []


def test_sealed_files_stay_until_they_are_moved(journal, tmp_path):
    """
    A file is removed when the database has it, and asked for again until then.
    """
    journal.write(ENTRIES[0])
    first = journal.seal()
    journal.write(ENTRIES[1])
    both = journal.seal()
    journal.moved(first[0])

    assert both == [*first, both[1]]
    assert journal.seal() == both[1:]
    assert sorted(tmp_path.iterdir()) == both[1:]


def test_files_of_the_dead_are_found_in_order(tmp_path):
    """
    What a seat left is found, the oldest first, and anybody may move it then.
    """
    for number in range(12):
        journal = Journal(tmp_path, seat=2, epoch=30 + number // 11)
        journal._number = number
        journal.write(ENTRIES[0])
        journal.seal()
    Journal(tmp_path, seat=3, epoch=99).write(ENTRIES[0])

    found = files_of(tmp_path, 2)
    for path in found:
        disown(path)

    assert [path.stem for path in found][-3:] == ["002-30-10", "002-30-11", "002-31-12"]
    assert len(orphans(tmp_path)) == 12
    assert files_of(tmp_path, 2) == []


def test_a_file_that_is_being_written_can_be_read(journal, tmp_path):
    """
    Who clears up after a killed worker finds what it wrote, in a file that nobody ended.
    """
    for entry in ENTRIES:
        journal.write(entry)

    assert [read(path) for path in files_of(tmp_path, 2)] == [ENTRIES]


def test_a_sealed_file_is_as_long_as_its_records(journal):
    """
    Files that wait for the database take no more of the disk than they need.
    """
    for entry in ENTRIES:
        journal.write(entry)
    (path,) = journal.seal()

    assert path.read_bytes() == b"".join(encode(entry) for entry in ENTRIES)


def test_a_full_file_is_followed_by_another(journal, monkeypatch):
    """
    Records stand whole in one file, also one that is longer than files usually are.
    """
    monkeypatch.setattr("gateway_governance.ledger.journal.ROOM", 100)
    for entry in (*ENTRIES, ENTRIES[0]._replace(row=("long" * 100, 1))):
        journal.write(entry)

    found = [read(path) for path in journal.seal()]

    assert [len(entries) for entries in found] == [1, 1, 1, 1]
    assert found[3][0].row[0] == "long" * 100


def test_a_disk_that_fills_up_stops_no_settlement(journal, monkeypatch, tmp_path):
    """
    What there is no room for waits in memory, what was written stays, and nothing half made.
    """
    monkeypatch.setattr("gateway_governance.ledger.journal.ROOM", 100)
    journal.write(ENTRIES[0])
    monkeypatch.setattr("gateway_governance.ledger.journal.allocate", no_space)
    journal.write(ENTRIES[1])
    monkeypatch.undo()
    journal.write(ENTRIES[2])

    assert journal.unwritten == [ENTRIES[1]]
    assert [read(path) for path in journal.seal()] == [ENTRIES[:1], ENTRIES[2:]]
    assert len(list(tmp_path.iterdir())) == 2


def no_space(*_):
    raise OSError(errno.ENOSPC, "no space left on device")


def test_what_cannot_be_written_is_kept(tmp_path):
    """
    Where the disk takes nothing, settlements wait in memory for the database.
    """
    journal = Journal(tmp_path / "away", seat=1, epoch=1)

    journal.write(ENTRIES[0])

    assert journal.unwritten == [ENTRIES[0]]
    assert journal.seal() == []
