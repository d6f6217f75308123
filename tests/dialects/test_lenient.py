"""
What a provider wrote, taken as it is.
"""

from __future__ import annotations

import pytest

from gateway.dialects.lenient import (
    count_at,
    is_count,
    object_at,
    objects,
    string_at,
)


@pytest.mark.parametrize(
    ("value", "string", "inner", "count"),
    [
        ("x", "x", {}, 0),
        ({"b": 1}, "", {"b": 1}, 0),
        (3, "", {}, 3),
        (-3, "", {}, 0),
        (True, "", {}, 0),
        (1.5, "", {}, 0),
        ([1], "", {}, 0),
        (None, "", {}, 0),
    ],
    ids=repr,
)
def test_a_value_of_another_type_counts_as_absent(value, string, inner, count):
    """
    Each reader knows its own type, and is not surprised by any other.
    """
    doc = {"a": value}

    assert (string_at(doc, "a"), object_at(doc, "a"), count_at(doc, "a")) == (
        string,
        inner,
        count,
    )
    assert is_count(value) is (value == 3)


def test_what_is_not_there_is_nothing():
    """
    A member that is missing, or whose object is, reads as nothing.
    """
    assert (string_at({}, "a"), object_at({}, "a"), count_at({}, "a")) == ("", {}, 0)
    assert object_at([], "a") == {}


@pytest.mark.parametrize(
    ("value", "found"),
    [([{"a": 1}, "x", {}], [{"a": 1}, {}]), ({"a": 1}, []), (None, [])],
    ids=["list", "object", "none"],
)
def test_objects_are_picked_out(value, found):
    """
    Of a list its objects count, of anything else nothing.
    """
    assert objects(value) == found
