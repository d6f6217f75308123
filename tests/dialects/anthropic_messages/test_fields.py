"""
Members of an object, taken one by one.
"""

from __future__ import annotations

import pytest

from gateway.dialects.anthropic_messages.fields import Fields
from gateway.errors import InvalidRequest
from gateway.neutral import Losses


def test_what_was_taken_is_gone():
    """
    The rest is what nobody took, without nulls.
    """
    fields = Fields({"a": 1, "b": None, "c": "x"}, "")

    assert fields.take("a", int) == 1
    assert fields.take("missing", str) is None
    assert fields.rest() == {"c": "x"}


def test_rest_is_recorded():
    """
    What nobody took is dropped with its name on the record.
    """
    losses = Losses()

    Fields({"b": None, "c": "x"}, "tools[0]").drop_rest(losses, "tools")

    assert [(loss.field, loss.action) for loss in losses.found] == [
        ("tools.c", "dropped")
    ]


@pytest.mark.parametrize(
    ("kind", "value", "is_good"),
    [
        (int, 1, True),
        (int, True, False),
        (int, 1.5, False),
        (float, 1, True),
        (float, 0.5, True),
        (float, True, False),
        (bool, True, True),
        (bool, 1, False),
        (str, 1, False),
        (list, {}, False),
    ],
)
def test_types_are_exact(kind, value, is_good):
    """
    A number is not true, and true is no number.
    """
    fields = Fields({"a": value}, "here")

    if is_good:
        assert fields.take("a", kind) == value
    else:
        with pytest.raises(InvalidRequest, match=r"here\.a: must be"):
            fields.take("a", kind)


def test_errors_quote_nothing():
    """
    What stands in a wrong place is not repeated to anybody.
    """
    with pytest.raises(InvalidRequest) as caught:
        Fields({"a": "my secret"}, "").take("a", int)

    assert str(caught.value) == "a: must be an integer"


def test_only_objects_have_members():
    """
    A list in an object's place is the caller's mistake.
    """
    with pytest.raises(InvalidRequest, match=r"messages\[0\]: must be an object"):
        Fields([], "messages[0]")
