"""
The law of cutting itself can fail.
"""

from __future__ import annotations

import re

import attrs
import pytest
from cutting import assert_cut_invariant, fed

from gateway.detecting import Find


@attrs.frozen
class Digits:
    """
    Finds runs of digits; holds back the last one where it is told to.
    """

    holds: bool
    context: int = 1

    def find(self, text, start, *, final, place):
        finds = [
            Find(*match.span(), "DIGITS")
            for match in re.finditer(r"(?<!\d)\d+", text)
            if match.start() >= start
        ]
        tail = re.search(r"\d+\Z", text) if self.holds and not final else None
        safe = max(start, tail.start()) if tail else len(text)
        return [find for find in finds if find.end <= safe], safe


def test_who_holds_back_keeps_the_law():
    """
    A run is found once, wherever it is cut.
    """
    assert_cut_invariant(Digits(holds=True), "call 5551234 or 42, not 7")


def test_who_lets_go_too_early_breaks_it():
    """
    The first half of the run was let go, and the second is taken for a run of its own.
    """
    with pytest.raises(AssertionError, match="where the whole text gives"):
        assert_cut_invariant(Digits(holds=False), "call 5551234 now")


def test_tells_how_much_had_to_wait():
    """
    At its longest the undecided run has four digits.
    """
    found, most_held = fed(Digits(holds=True), "no 1234 yes")

    assert found == [Find(3, 7, "DIGITS")]
    assert most_held == 4
