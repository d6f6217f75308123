from __future__ import annotations

from contextlib import suppress

import pytest

from gateway_governance.ledger.cells import Cells
from gateway_governance.ledger.layout import H_REDO, Geometry, MemoryRegion

GEOMETRY = Geometry(seats=1, slots=2)


class Killed(BaseException):
    pass


class Mortal:
    """
    Words whose owner dies at a store.
    """

    def __init__(self, words, stores):
        self._words, self._left = words, stores

    def __getitem__(self, at):
        return self._words[at]

    def __setitem__(self, at, value):
        if not self._left:
            raise Killed
        self._left -= 1
        self._words[at] = value


def nothing():
    pass


@pytest.mark.parametrize("stores", range(6))
def test_a_commit_is_whole_or_nothing(stores):
    """
    Whoever is killed at whichever store, the next one finds all of a commit or none of it.
    """
    region = MemoryRegion(GEOMETRY, rows=1)
    first = GEOMETRY.row(0)
    victim = Cells(region, nothing, nothing)
    victim.words = Mortal(region.words, stores)
    survivor = Cells(region, nothing, nothing)

    with suppress(Killed):
        victim.commit([first, 1, first + 1, 2, first + 2, 3])
    with survivor as words:
        found = words[first : first + 3].tolist()

    assert found == ([1, 2, 3] if stores else [0, 0, 0])
    assert region.words[H_REDO] == 0


def test_a_commit_that_was_finished_is_not_done_again():
    """
    What came after a commit is not undone by a redo of it.
    """
    region = MemoryRegion(GEOMETRY, rows=1)
    first = GEOMETRY.row(0)
    cells = Cells(region, nothing, nothing)

    cells.commit([first, 1])
    cells.commit([first, 2])
    with cells as words:
        assert words[first] == 2


def test_the_lock_is_left_when_something_breaks():
    """
    An error under the lock does not leave it taken.
    """
    calls = []
    region = MemoryRegion(GEOMETRY, rows=1)
    cells = Cells(region, lambda: calls.append("lock"), lambda: calls.append("unlock"))

    with pytest.raises(OSError, match="not set aside"), cells:
        cells.grow(2)

    assert calls == ["lock", "unlock"]
