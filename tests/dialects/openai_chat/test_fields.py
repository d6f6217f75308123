from __future__ import annotations

import pytest

from gateway.dialects.openai_chat.fields import Fields
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
        ([], list),
        ({}, dict),
    ],
    ids=repr,
)
def test_taken_once(value, kind):
    """
    A member of the right type is taken, and then gone.
    """
    fields = Fields({"a": value})

    assert fields.take("a", kind) == value
    assert fields.take("a", kind) is None
    assert fields.rest() == {}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, str),
        (True, int),
        (True, float),
        (1, bool),
        ("1", int),
        ({}, list),
        (1.5, int),
    ],
    ids=repr,
)
def test_of_another_type(value, kind):
    """
    A member of another type is refused by its place, without being quoted.
    """
    with pytest.raises(InvalidRequest, match=r"^tools\[0\]\.a: must be "):
        Fields({"a": value}, "tools[0]").take("a", kind)


def test_no_object():
    """
    What should be an object, and is none, is refused.
    """
    with pytest.raises(InvalidRequest, match=r"messages\[0\]: must be an object"):
        Fields({"messages": [1]}).objects("messages")


def test_rest():
    """
    What nobody took is recorded, nulls aside.
    """
    fields = Fields({"a": 1, "b": 2, "c": None})
    losses = Losses()
    fields.take("a", int)

    fields.drop_rest(losses, "tools")

    assert losses.header() == "tools.b=dropped"


def test_inner():
    """
    An object that is not there is an empty one.
    """
    assert Fields({}).inner("a").raw == {}
