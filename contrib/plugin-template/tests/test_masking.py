"""
Words in texts that are still being written.
"""

from __future__ import annotations

import pytest

from gateway_example.masking import WordFilter


@pytest.mark.parametrize(
    ("text", "safe"),
    [("a blue", 2), ("a bluebird", 10), ("a b", 2), ("a c", 3), ("", 0)],
)
def test_what_may_become_a_word_is_held_back(text, safe):
    """
    Nothing more than that: all before it may leave.
    """
    _, decided = WordFilter(["bluebird"], "-").find(text, 0, final=False)

    assert decided == safe


def test_a_word_is_found_whatever_its_case():
    """
    And nothing is held back at the end.
    """
    edits, safe = WordFilter(["bluebird"], "-").find("A BlueBird", 0, final=True)

    assert [(edit.start, edit.end, edit.new) for edit in edits] == [(2, 10, "-")]
    assert safe == 10
