"""
What a text must be as a whole.
"""

from __future__ import annotations

import pytest
from cutting import assert_cut_invariant

from gateway.detecting import Place
from gateway.errors import ConfigError
from gateway_guardrails.shape import WHOLE_SHAPE

from .conftest import PLACE, found_in, whole_shape


@pytest.mark.parametrize(
    ("options", "text", "found"),
    [
        ({"min_characters": 5}, "abc", [("too_short", "abc")]),
        ({"max_characters": 3}, "abcdef", [("too_long", "def")]),
        ({"min_words": 3}, "one two", [("too_few_words", "one two")]),
        ({"max_words": 2}, "one two  three four", [("too_many_words", "three four")]),
        ({"must": {"sign": r"Yours,\s"}}, "Hello", [("missing_sign", "Hello")]),
        ({"must": {"sign": r"Yours,\s"}}, "Yours, A", []),
        ({"json": True}, "{'a': 1}", [("no_json", "{'a': 1}")]),
        ({"json": True}, '{"a": 1}', []),
        ({"json": True}, '{"a": 1, "a": 2}', [("no_json", '{"a": 1, "a": 2}')]),
        ({"json_schema": {"type": "object"}}, "[]", [("json_schema", "[]")]),
        ({"roles": ("user",)}, "x", [("role", "x")]),
        ({"kinds": ("document",)}, "x", [("kind", "x")]),
        ({"roles": ("assistant",), "max_characters": 9}, "fine", []),
        ({"min_characters": 5}, "", []),
    ],
)
def test_finds_what_is_not_as_it_must_be(options, text, found):
    """
    All of the text, or what is too much of it.
    """
    assert found_in(whole_shape(**options), text) == found


def test_a_text_of_nobody_has_no_wrong_role():
    """
    Where the dialect tells no role, roles say nothing.
    """
    place = Place(stage="input", role=None)

    assert found_in(whole_shape(roles=("user",)), "x", place) == []


def test_waits_for_the_whole_text():
    """
    Nothing is decided before the end, and it is said to be so.
    """
    detector = whole_shape(max_characters=3)

    assert detector.find("abcdef", 0, final=False, place=PLACE) == ((), 0)
    assert WHOLE_SHAPE.needs_whole
    assert_cut_invariant(detector, "abcdef ghi", rounds=3)


@pytest.mark.parametrize(
    "options", [{"must": {"x": "("}}, {"json_schema": {"type": "thing"}}]
)
def test_refuses_what_cannot_be_checked(options):
    """
    A wrong pattern or schema is told when the rule is read.
    """
    with pytest.raises(ConfigError, match=r"^(must\.x|json_schema): "):
        whole_shape(**options)
