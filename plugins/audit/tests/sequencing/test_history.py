"""
Checkpoints of the past are kept, in order, and found again.
"""

from __future__ import annotations

import pytest

from gateway_audit.sequencing import history
from gateway_audit.sequencing.history import History
from gateway_audit.tlog.checkpoints import Checkpoint, Signed
from gateway_audit.tlog.notes import Note, SigningKey


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(history, "_PER_FILE", 4)
    monkeypatch.setattr(history, "_RECENT", 6)


@pytest.fixture(scope="module")
def key():
    return SigningKey.of_seed("gw.test/log", bytes(32))


def signed(key, size):
    point = Checkpoint(origin="gw.test/log", size=size, root=bytes(32))
    note = Note(point.text)
    return Signed(checkpoint=point, note=note.signed(key.sign(note.text)))


def fill(folder, key, sizes):
    made = History(folder)
    for size in sizes:
        made.add(signed(key, size), size * 1000)
    return made


def all_after(made, size):
    """
    Ask on and on, as an export does.
    """
    found = []
    for _ in range(100):
        following = made.after(size)
        if not following:
            return found
        found += [past.size for past in following]
        size = found[-1]
    pytest.fail("it never ends")


@pytest.mark.parametrize("after", [0, 1, 2, 7, 19, 20, 30, 39, 40])
@pytest.mark.parametrize("again", [False, True])
def test_each_is_found_once_and_in_order(tmp_path, key, after, again):
    """
    Those in memory, those in files, and from anywhere between.
    """
    sizes = range(2, 41, 2)
    made = fill(tmp_path, key, sizes)
    if again:
        made = History(tmp_path)

    assert all_after(made, after) == [size for size in sizes if size > after]
    assert made.size == 40


def test_one_that_is_there_is_not_added_again(tmp_path, key):
    """
    Cosigned or after a start: it counts the same entries.
    """
    made = fill(tmp_path, key, [3, 3, 2, 5, 5])

    assert all_after(History(tmp_path), 0) == all_after(made, 0) == [3, 5]


def test_half_a_line_is_passed_over(tmp_path, key):
    """
    A power cut left it: the others are there, and what comes after it too.
    """
    fill(tmp_path, key, [1, 2])
    (file,) = (tmp_path / history.FOLDER).iterdir()
    file.write_bytes(file.read_bytes()[:-20])
    made = History(tmp_path)

    made.add(signed(key, 2), 0)
    made.add(signed(key, 3), 0)

    assert all_after(History(tmp_path), 0) == [1, 2, 3]
