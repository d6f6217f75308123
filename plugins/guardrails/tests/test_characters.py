"""
What a text has beside ASCII.
"""

from __future__ import annotations

import pytest

from gateway_guardrails.characters import beyond_ascii, without_halves


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plain\x00\x7f", set()),
        ("é, é and \u0130", {"é", "\u0130"}),
        ("\U0001f600 beside \ud83d", {"\U0001f600", "\ud83d"}),
    ],
    ids=["ascii", "letters", "beyond the basic plane, and half a pair"],
)
def test_tells_each_once(text, told):
    """
    In whatever plane, and also what is no character by itself.
    """
    assert beyond_ascii(text) == told


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\U0001f600 é", "\U0001f600 é"),
        ("a\ud83d\ude00b\udfff", "a\ufffd\ufffdb\ufffd"),
    ],
    ids=["ascii", "characters", "halves"],
)
def test_shows_halves_of_pairs_as_what_can_be_encoded(text, shown):
    """
    Each takes as much room as before, so that places stay what they are.
    """
    assert without_halves(text) == shown
