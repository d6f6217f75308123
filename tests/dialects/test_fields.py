"""
Members of an object, taken one by one.
"""

from __future__ import annotations

import pytest

from gateway.dialects.fields import Fields
from gateway.errors import InvalidRequest
from gateway.neutral import Losses


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", str),
        (1, int),
        (1, float),
        (1.5, float),
        (True, bool),
        (False, bool),
        ([], list),
        ({}, dict),
    ],
    ids=repr,
)
def test_a_member_is_taken_once(value, kind):
    """
    A member of the right type is taken, and then gone; null and nothing are none.
    """
    fields = Fields({"a": value, "b": None})

    assert fields.take("a", kind) == value
    assert [fields.take(key, kind) for key in "abc"] == [None, None, None]
    assert fields.rest() == {}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, str),
        (True, int),
        (True, float),
        (1, bool),
        ("1", int),
        ("1", float),
        (1.5, int),
        ({}, list),
        ([], dict),
    ],
    ids=repr,
)
def test_a_member_of_another_type_is_refused(value, kind):
    """
    The error names the place; a number is not true, and true is no number.
    """
    with pytest.raises(InvalidRequest, match=r"^tools\[0\]\.a: must be "):
        Fields({"a": value}, "tools[0]").take("a", kind)


def test_errors_quote_nothing():
    """
    What stands in a wrong place is not repeated to anybody.
    """
    with pytest.raises(InvalidRequest) as caught:
        Fields({"a": "my secret"}).take("a", int)

    assert str(caught.value) == "a: must be an integer"


def test_what_is_needed_must_be_there():
    """
    A string that is not there is asked for.
    """
    assert Fields({"a": ""}).needed("a") == ""
    with pytest.raises(InvalidRequest, match=r"^outer\.a: a string is required"):
        Fields({}, "outer").needed("a")


def test_only_objects_have_members():
    """
    What should be an object, and is none, is named; the body as the body.
    """
    with pytest.raises(InvalidRequest, match=r"^messages\[0\]: must be an object"):
        Fields({"messages": [1]}).objects("messages")
    with pytest.raises(InvalidRequest, match=r"^the body: must be an object"):
        Fields([])


def test_what_is_inside_knows_where_it_is():
    """
    Inner members are named with the outer ones; what is not there is empty.
    """
    fields = Fields({"a": {"b": 1}, "c": [{}], "d": [1]}, "x")

    assert fields.inner("a").at("b") == "x.a.b"
    assert [member.place for member in fields.objects("c")] == ["x.c[0]"]
    assert fields.members("d") == [1]
    assert (fields.inner("e").raw, fields.objects("e"), fields.members("e")) == (
        {},
        [],
        [],
    )


def test_the_rest_is_recorded():
    """
    What nobody took is dropped with its name on the record, unless it says nothing.
    """
    fields = Fields({"a": 1, "b": 2, "c": None})
    losses = Losses()
    fields.take("a", int)

    fields.drop_rest(losses, "tools")

    assert fields.rest() == {"b": 2}
    assert losses.header() == "tools.b=dropped"
