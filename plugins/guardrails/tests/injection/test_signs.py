"""
A pattern is not looked for where the signs are missing that it needs.
"""

from __future__ import annotations

import pytest

from gateway_guardrails.injection.catalogue import rules
from gateway_guardrails.injection.signs import signs_of


@pytest.mark.parametrize(
    ("pattern", "signs"),
    [
        (r"(?:^|\n)\W{0,3}\b(?:system|human)\s?:", [":"]),
        (r"\[{2,}(?:insert|your) <prompt", ["[", "<"]),
        (r"(?:\[\w+\]|<\w+>)", ["[<"]),
        (r"(?:\[\w+\]|human)", []),
        (r"\[?insert", []),
        (r"[-:,]human", []),
    ],
)
def test_signs_that_every_match_has_are_told(pattern, signs):
    """
    Only what is in each choice, and is no sign of ordinary sentences, is needed.
    """
    assert list(map(set, signs_of(pattern))) == [set(one.encode()) for one in signs]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: f"{rule.family}-{rule.hit}")
def test_every_rule_has_its_signs_where_it_is(rule):
    """
    No rule needs a sign that its own example does not have.
    """
    raw = rule.hit.encode()

    assert all(not signs.isdisjoint(raw) for signs in signs_of(rule.pattern))
