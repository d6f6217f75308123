from __future__ import annotations

import pytest

from gateway_guardrails.policy.names import matches_any


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("gpt-5", "gpt-5", True),
        ("gpt-5", "gpt-5-mini", False),
        ("gpt-*", "gpt-5", True),
        ("*-mini", "gpt-5-mini", True),
        ("g*t", "gt", True),
        ("g*t", "g", False),
        ("ab*ba", "aba", False),
        ("*", "anything", True),
        ("*", "", False),
        ("", "", False),
    ],
)
def test_one_star_stands_for_any_text(pattern, name, expected):
    """
    What stands before it and behind it do not overlap; no name is none.
    """
    assert matches_any(frozenset({pattern}), name) is expected


def test_one_of_several_names_is_enough():
    """
    A target is known by several.
    """
    assert matches_any(frozenset({"a", "b-*"}), "x", "b-1")
    assert not matches_any(frozenset(), "x")
