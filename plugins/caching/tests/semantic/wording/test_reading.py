"""
What decides the meaning of a question, kind by kind.
"""

from __future__ import annotations

import pytest

from gateway_caching.semantic.wording import read_wording


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Is it not safe?", "Isn't it safe?"),
        ("It costs 1,000 dollars", "it costs 1000 USD"),
        ("five apples", "5 apples"),
        ("10 kilometers", "10 km"),
        ("on Monday", "am Montag"),
        ("How do I cook?", "Tell me how to cook"),
        ("What are the steps to cook?", "How can I cook?"),
        ("Delete it", "Remove it"),
    ],
    ids=str,
)
def test_what_says_the_same_has_one_signature(one, other):
    """
    However it is written.
    """
    assert read_wording(one).signature == read_wording(other).signature


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Is it safe?", "Is it not safe?"),
        ("with sugar", "without sugar"),
        ("5 km", "6 km"),
        ("5 km", "5 miles"),
        ("from 3 to 4", "from 4 to 3"),
        ("5 USD in EUR", "5 EUR in USD"),
        ("on Monday", "on Friday"),
        ("`a`", "`b`"),
        ("a > b", "a < b"),
        ("when is it", "where is it"),
        ("it is on", "it is off"),
        ("who is it", "who was it"),
        ("Do I have to go", "Do I go"),
        ("the largest city", "the smallest city"),
    ],
    ids=str,
)
def test_what_says_something_else_has_another(one, other):
    """
    Negations, numbers, units, dates, code, signs, what is asked for, opposites, times.
    """
    assert read_wording(one).signature != read_wording(other).signature


def test_a_script_of_which_nothing_is_known_is_not_read():
    """
    For it nothing could be vouched.
    """
    assert read_wording("Как сбросить пароль?") is None
    assert read_wording("How do I say 猫?") is None
