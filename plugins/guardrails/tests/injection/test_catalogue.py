"""
Each rule finds its example and not its counterexample.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway_guardrails.injection.catalogue import Rule, language_signs, rules
from gateway_guardrails.injection.options import FAMILIES, LANGUAGES
from gateway_guardrails.injection.syntax import Node, Row, read
from gateway_guardrails.patterns import compile_pattern


def named(rule: Rule) -> str:
    return f"{rule.language}-{rule.family}-{rule.hit[:24]}"


def parts_of(pattern: str) -> Sequence[Node]:
    node = read(pattern)
    return node.parts if isinstance(node, Row) else [node]


@pytest.mark.parametrize("rule", rules(), ids=named)
def test_finds_its_example(rule):
    """
    A rule is found in its example, and not in its counterexample.
    """
    pattern = compile_pattern(rule.pattern, ignores_case=True)

    assert pattern.search(rule.hit) is not None
    assert pattern.search(rule.miss) is None


def test_a_screen_seeks_an_end_of_what_a_rule_finds():
    """
    What is sought of a pattern is wherever the pattern is: all of it, or what it ends in.
    """
    shorter = [rule for rule in rules() if rule.sought != rule.pattern]

    for rule in shorter:
        assert parts_of(rule.pattern)[-len(parts_of(rule.sought)) :] == parts_of(
            rule.sought
        )
    assert shorter


@pytest.mark.parametrize("rule", rules(), ids=named)
def test_is_known_to_the_options(rule):
    """
    What a rule is called can be turned off.
    """
    assert rule.family in FAMILIES
    assert rule.language == "en" or rule.language in LANGUAGES
    assert 0 < rule.weight < 1


def test_asks_other_languages_where_they_are_written():
    """
    The sign for other languages is in each of their examples that is ASCII.
    """
    sign = compile_pattern(language_signs(), ignores_case=True)

    for rule in rules():
        if rule.language != "en" and rule.pattern.isascii():
            assert sign.search(rule.hit) is not None, rule.hit
