from __future__ import annotations

import pytest

from gateway_governance.ledger.layout import (
    H_BOOT,
    H_CLEAN,
    H_EPOCH,
    H_LAYOUT,
    WORD,
    Geometry,
)
from gateway_governance.ledger.premises import Premises

GEOMETRY = Geometry(seats=3, slots=4)


def enter(folder, geometry=GEOMETRY, now=1_700_000_000.0):
    return Premises.enter(folder, geometry, now=now)


def overwrite(folder, word, value):
    with (folder / "pool").open("r+b") as file:
        file.seek(word * WORD)
        file.write(value.to_bytes(WORD, "little"))


def test_workers_have_seats_and_epochs_of_their_own(tmp_path):
    """
    No two workers share slots, and no two ever share an epoch.
    """
    one, other = enter(tmp_path), enter(tmp_path)
    other.close(is_clean=False)
    third = enter(tmp_path)

    assert (one.seat, other.seat, third.seat) == (0, 1, 1)
    assert one.epoch < other.epoch < third.epoch
    one.abandon()
    third.abandon()


def test_all_seats_taken_is_said(tmp_path):
    """
    One worker more than there are seats is refused.
    """
    taken = [enter(tmp_path) for _ in range(3)]

    with pytest.raises(RuntimeError, match="all 3 seats of the ledger are taken"):
        enter(tmp_path)

    for premises in taken:
        premises.abandon()


def test_the_dead_are_found_and_the_living_are_not(tmp_path):
    """
    Whoever lets go of his seat without leaving it is dead.
    """
    one, other, third = (enter(tmp_path) for _ in range(3))
    other.abandon()
    third.close(is_clean=False)

    found = one.dead()
    one.leave(1)

    assert found == [1]
    assert one.dead() == []
    one.abandon()


def test_a_pool_outlives_its_workers(tmp_path):
    """
    After a crash of every process the pool is as it was: memory was shared by a file.
    """
    one = enter(tmp_path)
    one.cells.commit([GEOMETRY.row(0), 42])
    one.abandon()
    again = enter(tmp_path)

    assert not again.is_new
    assert again.cells.words[GEOMETRY.row(0)] == 42
    again.abandon()


@pytest.mark.parametrize("is_clean", [True, False])
def test_after_another_start_only_a_clean_pool_is_trusted(tmp_path, is_clean):
    """
    A machine that lost power has on its disk what it happened to write.
    """
    enter(tmp_path).close(is_clean=is_clean)
    overwrite(tmp_path, H_BOOT, 12345)
    again = enter(tmp_path)

    assert again.is_new is not is_clean
    again.abandon()


def test_clean_is_taken_back_before_anything_is_stored(tmp_path):
    """
    While a worker is there the file does not say clean.
    """
    enter(tmp_path).close(is_clean=True)
    again = enter(tmp_path)

    assert again.cells.words[H_CLEAN] == 0
    again.abandon()


@pytest.mark.parametrize("damage", ["short", "empty", "no-names", "no-magic"])
def test_a_damaged_pool_is_made_anew(tmp_path, damage):
    """
    A file that is not whole is not believed.
    """
    enter(tmp_path).close(is_clean=True)
    pool = tmp_path / "pool"
    if damage == "no-names":
        (tmp_path / "pool.meters").unlink()
    elif damage == "no-magic":
        overwrite(tmp_path, 0, 5)
    else:
        with pool.open("r+b") as file:
            file.truncate(pool.stat().st_size - 1 if damage == "short" else 0)
    again = enter(tmp_path)

    assert again.is_new
    again.abandon()


@pytest.mark.parametrize("now", [0.0, 1_000.0, 1_700_000_000.0])
def test_a_clock_that_was_put_back_repeats_no_epoch(tmp_path, now):
    """
    The database ignores a settlement whose hold it knows, so a new pool goes on counting.
    """
    one, other = enter(tmp_path), enter(tmp_path)
    newest = other.epoch
    one.abandon()
    other.abandon()
    overwrite(tmp_path, H_BOOT, 12345)
    again = enter(tmp_path, now=now)

    assert again.is_new
    assert again.epoch > newest
    again.abandon()


def test_an_epoch_that_is_none_is_not_gone_on_from(tmp_path):
    """
    What a loss of power left in its place must not lead beyond what ids have room for.
    """
    enter(tmp_path).abandon()
    overwrite(tmp_path, H_EPOCH, 1 << 40)
    overwrite(tmp_path, H_BOOT, 12345)
    again = enter(tmp_path)

    assert again.epoch == (1_700_000_000 & 0x3FFFFFFF) + 1
    again.abandon()


def test_another_version_at_work_is_not_disturbed(tmp_path):
    """
    Two versions that lay out the pool differently do not work on it together.
    """
    one = enter(tmp_path)
    overwrite(tmp_path, H_LAYOUT, 99)

    with pytest.raises(RuntimeError, match="another version"):
        enter(tmp_path)

    one.abandon()
    after = enter(tmp_path)
    assert after.is_new
    after.abandon()


def test_the_number_of_slots_changes_when_everybody_has_left(tmp_path):
    """
    Another size takes effect after a clean stop; until then that of the file holds.
    """
    larger = Geometry(seats=3, slots=9)
    one = enter(tmp_path)
    beside = enter(tmp_path, larger)
    slots = beside.cells.geometry.slots
    beside.close(is_clean=False)
    one.close(is_clean=True)
    after = enter(tmp_path, larger)

    assert (slots, after.cells.geometry.slots) == (4, 9)
    after.abandon()
