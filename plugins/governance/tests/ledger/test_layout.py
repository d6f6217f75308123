from __future__ import annotations

import pytest

from gateway_governance.ledger.cells import Cells
from gateway_governance.ledger.layout import (
    H_ROWS,
    HEADER,
    MAX_PARTS,
    PART,
    REDO,
    REDO_WORDS,
    S_PARTS,
    SEATS,
    SLOT,
    WORD,
    Geometry,
    Region,
    tag,
)

GEOMETRY = Geometry(seats=3, slots=4)


@pytest.fixture
def path(tmp_path):
    """A pool's file."""
    Region.create(tmp_path / "pool", GEOMETRY, rows=2, boot=(1, 2), epoch=9)
    return tmp_path / "pool"


def nothing():
    pass


def test_nothing_overlaps():
    """
    Header, redo record, seats, slots and rows each have words of their own.
    """
    assert REDO + REDO_WORDS <= SEATS
    assert SEATS + GEOMETRY.seats <= HEADER == GEOMETRY.seat(0)
    assert GEOMETRY.seat(1) - GEOMETRY.seat(0) == 4 * SLOT
    assert GEOMETRY.seat(3) == GEOMETRY.first_row == GEOMETRY.row(0)
    assert GEOMETRY.row_number(GEOMETRY.row(7)) == 7


def test_the_redo_record_holds_the_largest_commit():
    """
    A sweep stores four words a part and the state of the slot.
    """
    assert 2 * (4 * MAX_PARTS + 1) <= REDO_WORDS
    assert S_PARTS + PART * MAX_PARTS == SLOT


def test_a_tag_names_row_and_unit():
    """
    Row and unit are one word and come apart again.
    """
    assert (tag(12345, 3) >> 2, tag(12345, 3) & 3) == (12345, 3)


def test_an_unused_seat_takes_no_room(path):
    """
    The file is sparse: what nobody has used is not on the disk.
    """
    big = Geometry(seats=32, slots=4096)
    Region.create(path, big, rows=16, boot=(1, 2), epoch=9)

    assert path.stat().st_size > 100_000_000
    assert path.stat().st_blocks * 512 < 1_000_000


def test_the_file_grows_while_others_use_it(path):
    """
    A worker that another one's growing took by surprise maps the file again.
    """
    one, other = (Cells(Region(path, GEOMETRY), nothing, nothing) for _ in range(2))
    last = GEOMETRY.row(9)

    with one:
        one.grow(10)
        one.commit([last, 77])
    with other as words:
        found = words[last]

    assert found == 77
    assert other.words[H_ROWS] == 10
    one.region.close()
    other.region.close()


def test_a_new_file_replaces_the_old_one_at_once(path):
    """
    A pool is made beside its place and moved there: half of one is never seen.
    """
    Region.create(path, GEOMETRY, rows=5, boot=(1, 2), epoch=10)

    assert [each.name for each in path.parent.iterdir()] == ["pool"]
    assert path.stat().st_size == GEOMETRY.words(5) * WORD
