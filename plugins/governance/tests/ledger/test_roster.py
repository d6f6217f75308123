from __future__ import annotations

import os

import pytest

from gateway_governance.ledger.roster import FileRoster


@pytest.fixture
def roster_of(tmp_path):
    """Opens the roster, as another worker each time."""
    opened = []

    def make():
        opened.append(FileRoster(tmp_path / "pool.meters"))
        return opened[-1]

    yield make
    for roster in opened:
        roster.close()


def test_workers_hear_of_each_other(roster_of):
    """
    A row that one worker gave a meter is found by another.
    """
    one, other = roster_of(), roster_of()

    one.write(0, "team/ä/usd/day")
    other.refresh()
    other.write(1, "team/b/usd/day")
    one.refresh()

    assert other.number("team/ä/usd/day") == 0
    assert one.name(1) == "team/b/usd/day"


def test_a_line_that_was_cut_off_is_not_one(roster_of, tmp_path):
    """
    What a killed worker left half written does not swallow the next line.
    """
    one = roster_of()
    one.write(0, "a")
    with (tmp_path / "pool.meters").open("ab") as file:
        file.write(b"\n1\thalf-wri")

    one.write(1, "whole")

    assert (one.name(1), one.number("whole")) == ("whole", 1)


def test_a_row_changes_its_meter(roster_of):
    """
    The last line of a row counts, also to a worker that reads them all at once.
    """
    one = roster_of()
    for name in ("a", "", "b"):
        one.write(0, name)
    late = roster_of()
    late.refresh()

    assert [each.number("a") for each in (one, late)] == [None, None]
    assert [each.number("b") for each in (one, late)] == [0, 0]


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "\x00"])
def test_names_that_break_a_line_are_refused(roster_of, name):
    """
    A meter is on one line.
    """
    with pytest.raises(ValueError, match="cannot name a meter"):
        roster_of().write(0, name)


def test_a_full_disk_is_told(roster_of, monkeypatch):
    """
    A line that was not written whole is an error.
    """
    roster = roster_of()
    monkeypatch.setattr(os, "write", lambda *_: 1)

    with pytest.raises(OSError, match="is the disk full"):
        roster.write(0, "a")
