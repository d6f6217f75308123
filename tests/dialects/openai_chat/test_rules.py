from __future__ import annotations

import pytest

from gateway.dialects.openai_chat.rules import (
    end_user,
    error,
    figure,
    figures,
    label,
    labels,
    members,
    padding,
    seal,
    stray,
    token_biases,
)
from gateway.dialects.shapes import Walk


def walked(kit, rule, value, form="whole"):
    box = {"a": value}
    walk = Walk(kit.request({"x": box}), "user", form)
    rule(walk, box, "a", value)
    assert walk.form == form
    return walk.out


def values(found):
    return [text.value for text in found]


@pytest.mark.parametrize(
    ("rule", "value", "found"),
    [
        (label, "gpt-5", []),
        (label, "two words", ["two words"]),
        (label, ["x"], ["x"]),
        (label, 3, []),
        (labels, ["text", "two words"], ["two words"]),
        (labels, "text", []),
        (figure, 3, []),
        (figure, "3", ["3"]),
        (figures(), {"prompt_tokens": 3}, []),
        (figures(), {"novel": {"x": 3}}, ["novel", "x"]),
        (padding, "aB3dE5", []),
        (padding, "a b", ["a b"]),
        (end_user, "user-1", ["user-1"]),
        (end_user, "ann@example.org", ["ann@example.org"]),
        (end_user, ["x"], ["x"]),
        (token_biases, {"50256": -100}, []),
        (token_biases, {"50256": "x"}, ["x"]),
        (token_biases, {"words": 1}, ["words"]),
        (error, "It broke", ["It broke"]),
        (error, {"message": "It broke", "code": 3}, ["It broke"]),
        (error, ["a", {"b": "c"}], ["a", "b", "c"]),
    ],
)
def test_rule(kit, rule, value, found):
    """
    Each rule passes over what belongs there, and over nothing else.
    """
    assert values(walked(kit, rule, value)) == found


@pytest.mark.parametrize("rule", [label, figure, figures(), error], ids=str)
def test_whole_even_in_a_delta(kit, rule):
    """
    What is repeated with every event is no running text.
    """
    assert [t.form for t in walked(kit, rule, ["two words"], "delta")] == ["whole"]


def test_stray_in_a_delta(kit):
    """
    Names come whole, values may be pieces.
    """
    found = walked(kit, stray, {"b": "c"}, "delta")

    assert [(t.value, t.form) for t in found] == [
        ("a", "whole"),
        ("b", "whole"),
        ("c", "delta"),
    ]


def test_members(kit):
    """
    An object's listed members go by their rules, all others are strays.
    """
    rule = members({"b": label, "c": figure})

    found = walked(kit, rule, {"b": "x", "c": None, "d": None, "e": "f g"})

    assert values(found) == ["d", "e", "f g"]


@pytest.mark.parametrize(
    ("value", "sealed"),
    [("c2ln", []), ("gw1.c2ln", []), ("some words", [True]), (["x y"], [False])],
    ids=["signature", "wrapped", "words", "list"],
)
def test_seal(kit, value, sealed):
    """
    Words in a signature's place are seen, and cannot be edited where they count.
    """
    assert [text.sealed for text in walked(kit, seal, value)] == sealed
