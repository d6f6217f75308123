"""
Tests of `gateway_audit.recording.refusals`.
"""

from __future__ import annotations

from gateway_audit.recording.refusals import Refusals
from gateway_audit.settings import RefusalSettings


def test_the_first_is_told_and_the_others_are_counted():
    """
    By source and reason, from when to when.
    """
    refusals = Refusals(RefusalSettings())

    told = [refusals.admits("p1", "x", 1000, is_known=False) for _ in range(5)]
    told.append(refusals.admits("p1", "y", 1001, is_known=False))
    counted = refusals.take(2000)

    assert told == [True, False, False, False, False, True]
    assert counted == {
        "count": 4,
        "others": 0,
        "rows": [{"code": "x", "count": 4, "source": "p1"}],
        "since": 1000,
        "until": 2000,
    }
    assert refusals.take(3000) is None


def test_a_known_key_has_more():
    """
    Whoever is known pays, and is told apart more finely.
    """
    refusals = Refusals(RefusalSettings(known_per_s=3))

    told = [refusals.admits("k1", "x", 0, is_known=True) for _ in range(5)]

    assert told == [True, True, True, False, False]


def test_the_table_is_bounded():
    """
    However many sources there are, so many rows, and one number for all others.
    """
    refusals = Refusals(RefusalSettings(max_sources=10, sampled_per_s=4))

    told = [refusals.admits(f"p{n}", "x", 0, is_known=False) for n in range(1000)]
    counted = refusals.take(1)

    assert sum(told) == 4
    assert counted["others"] == 990
    assert counted["count"] == 996
    assert len(counted["rows"]) == 6


def test_the_next_second_begins_anew():
    """
    Who was counted is told again.
    """
    refusals = Refusals(RefusalSettings())
    refusals.admits("p1", "x", 0, is_known=False)
    refusals.take(1000)

    assert refusals.admits("p1", "x", 1000, is_known=False)
    assert refusals.take(2000) is None
    assert refusals.is_empty
