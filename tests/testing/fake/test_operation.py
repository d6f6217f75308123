"""
The table entries that paths are made of.
"""

from __future__ import annotations

import pytest

from gateway.testing.fake.routes import _OPERATIONS


@pytest.mark.parametrize("operation", list(_OPERATIONS.values()), ids=lambda o: o.name)
def test_who_streams_can_tell_errors(operation):
    """
    An operation with a stream also writes errors in the middle of one.
    """
    assert (operation.events is None) == (operation.error_event is None)


def test_operations_have_names_of_their_own():
    """
    The bill tells operations apart by name.
    """
    operations = {id(each): each for each in _OPERATIONS.values()}.values()

    assert len({each.name for each in operations}) == len(operations) == 6
