"""
Members of a request's objects.
"""

from __future__ import annotations

import pytest

from gateway.dialects.openai_responses.fields import Fields
from gateway.errors import InvalidRequest
from gateway.neutral import Losses


@pytest.mark.parametrize(
    ("take", "value"),
    [
        ("string", "x"),
        ("flag", False),
        ("integer", 0),
        ("number", 0.5),
        ("number", 1),
        ("object", {}),
        ("items", [1]),
    ],
)
def test_take(take, value):
    """
    A member of the right type is what it is; absent and null are nothing.
    """
    fields = Fields({"a": value, "b": None})

    assert getattr(fields, take)("a") == value
    assert not getattr(fields, take)("b")
    assert not getattr(fields, take)("c")
    assert fields.rest() == {}


@pytest.mark.parametrize(
    ("take", "value"),
    [
        ("string", 1),
        ("flag", 1),
        ("integer", True),
        ("integer", 1.5),
        ("number", True),
        ("number", "1"),
        ("object", []),
        ("items", {}),
        ("needed", None),
        ("below", "x"),
    ],
)
def test_wrong_type(take, value):
    """
    A member of another type is an error that names it.
    """
    with pytest.raises(InvalidRequest, match=r"^outer\.a: "):
        getattr(Fields({"a": value}, "outer"), take)("a")


def test_no_object():
    """
    What should be an object and is none is named; the body as the body.
    """
    with pytest.raises(InvalidRequest, match=r"^input\[0\]: must be an object"):
        Fields("x", "input[0]")
    with pytest.raises(InvalidRequest, match=r"^the body: "):
        Fields([])


def test_rest_is_recorded():
    """
    What nobody took is on the list of losses, unless it says nothing.
    """
    losses = Losses()
    fields = Fields({"a": 1, "b": 2, "c": None})
    fields.any("a")

    fields.drop_rest(losses, "thing")

    assert losses.header() == "thing.b=dropped"


def test_below_knows_where_it_is():
    """
    An inner object's members are named with the outer one.
    """
    inner = Fields({"a": {"b": 1}}, "x").below("a")

    assert inner.at("b") == "x.a.b"
    assert Fields({}).below("a").rest() == {}
