"""
Tests of `gateway.kept`.
"""

from __future__ import annotations

import attrs
import pytest

from gateway.kept import Kept


@attrs.define(eq=False, slots=False)
class Keeping:
    """
    Keeps a number, and no bytes.
    """

    kept: Kept
    kept_bytes: int = 0
    gave_way: bool = False

    def bring(self, size: int) -> None:
        """
        Keep *size* bytes more.
        """
        self.kept_bytes += size
        self.kept.add(self, size)

    def give_way(self) -> None:
        """
        Keep none.
        """
        self.kept_bytes = 0
        self.gave_way = True


def test_the_longest_gives_way():
    """
    Whoever brings what is too much, the one that keeps most ends, and no other.
    """
    kept = Kept(100)
    short, long, last = (Keeping(kept) for _ in range(3))
    short.bring(10)
    long.bring(40)
    long.bring(40)

    last.bring(15)

    assert [one.gave_way for one in (short, long, last)] == [False, True, False]


def test_as_many_give_way_as_must():
    """
    The bound holds whatever came at a time.
    """
    kept = Kept(100)
    keepers = [Keeping(kept) for _ in range(5)]
    for keeper in keepers:
        keeper.bring(20)

    keepers[0].bring(90)

    assert sum(keeper.kept_bytes for keeper in keepers) <= 100
    assert [keeper.gave_way for keeper in keepers] == [True, *[False] * 4]


@pytest.mark.parametrize("is_cycle", [False, True])
def test_those_that_are_gone_do_not_count(is_cycle):
    """
    One after another may keep as much as there is, also where only the collector frees them.
    """
    kept = Kept(100)
    for _ in range(5):
        gone = Keeping(kept)
        gone.bring(90)
        if is_cycle:
            gone.kept_by = gone
        del gone
    last = Keeping(kept)

    last.bring(90)

    assert not last.gave_way
