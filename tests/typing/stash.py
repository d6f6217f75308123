"""
The stash: one key object stands for one type, wherever it is used.
"""

from __future__ import annotations

from typing import assert_type

from gateway import Exchange, StashKey

SEEN = StashKey[list[str]]("seen")
COUNT: StashKey[int] = StashKey("count")


def a_key_has_the_type_of_its_value(exchange: Exchange) -> None:
    """
    What is put in by a key comes out by it, of the same type.
    """
    stash = exchange.stash
    stash[SEEN] = []
    stash[COUNT] = 1

    assert_type(stash[SEEN], list[str])
    assert_type(stash[COUNT], int)
    assert_type(SEEN in stash, bool)


def a_default_widens_the_type(exchange: Exchange) -> None:
    """
    Without a default None is possible; with one, what it is.
    """
    stash = exchange.stash

    assert_type(stash.get(COUNT), int | None)
    assert_type(stash.get(COUNT, 0), int)
    assert_type(stash.get(COUNT, "none"), int | str)
