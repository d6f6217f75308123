"""
Rules for what Anthropic's documents hold beside text.
"""

from __future__ import annotations

import pytest

from gateway.dialects.anthropic_messages.rules import (
    at,
    ids,
    mapping,
    opaque,
    sealed_by,
)
from gateway.dialects.shapes import Walk, identifier, node, text
from gateway.views import MESSAGE, UNKNOWN


@pytest.fixture
def walked(kit):
    def walk_over(rule, value):
        walk = Walk(kit.request({}), "user")
        rule(walk, {"here": value}, "here", value)
        return walk.out

    return walk_over


@pytest.mark.parametrize(
    "value", ["c2ln+/=", "gw1.eyJkIjoi", "claude#c2ln", "x" * 5000, "", 7, None]
)
def test_seals_of_any_length_are_passed_over(walked, value):
    """
    A signature is no text, however long it is.
    """
    assert walked(opaque, value) == []


@pytest.mark.parametrize("value", ["not a signature", ["a b"], {"k": "a b"}])
def test_what_is_no_seal_is_text(walked, value):
    """
    Words in place of a signature come out.
    """
    texts = walked(opaque, value)

    assert {t.kind for t in texts} == {UNKNOWN}


def test_lane_holds_for_the_rule_only(walked):
    """
    A lane of its own ends with the rule.
    """
    rule = node({"a": at("x", text(MESSAGE)), "b": text(MESSAGE)})

    texts = walked(rule, {"a": "one", "b": "two"})

    assert [t.lane for t in texts] == [("x",), ()]


def test_names_in_a_mapping_are_chosen_by_somebody(walked):
    """
    A key that looks like a name passes, one that holds prose comes out with its value.
    """
    texts = walked(mapping(identifier), {"get_weather": "on", "two words": "off"})

    assert [t.value for t in texts] == ["two words", "off"]


def test_seal_holds_where_the_signature_is(walked):
    """
    Texts are sealed if one of the named members is there and not empty.
    """
    rule = sealed_by(("sig",), node({**ids("sig"), "a": text(MESSAGE)}))

    signed = walked(rule, {"a": "one", "sig": "c2ln"})
    unsigned = walked(rule, {"a": "one", "sig": ""})

    assert [t.sealed for t in (*signed, *unsigned)] == [True, False]


def test_list_in_place_of_a_mapping_is_text(walked):
    """
    What is no mapping is walked to the end.
    """
    assert [t.value for t in walked(mapping(identifier), ["a b"])] == ["a b"]
