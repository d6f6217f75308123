from __future__ import annotations

import pytest
from multidict import CIMultiDict

from gateway_governance.credentials import credential_of


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        ({}, None),
        ({"Authorization": "Bearer abc"}, "abc"),
        ({"authorization": "bearer  abc "}, "abc"),
        ({"Authorization": "Basic abc"}, None),
        ({"Authorization": "Bearer "}, None),
        ({"x-api-key": "abc"}, "abc"),
        ({"x-goog-api-key": "abc"}, "abc"),
        ({"api-key": "abc"}, "abc"),
        ({"x-gw-key": "own", "Authorization": "Bearer abc"}, "own"),
        ({"x-bf-vk": "bf", "x-gw-key": "own"}, "bf"),
        ({"x-api-key": "key", "Authorization": "Bearer token"}, "token"),
    ],
)
def test_a_key_is_found_where_callers_put_it(headers, value):
    """
    Every place that a client knows is looked at, in one fixed order.
    """
    assert credential_of(CIMultiDict(headers)) == value
