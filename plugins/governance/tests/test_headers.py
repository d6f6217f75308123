from __future__ import annotations

import pytest
from multidict import CIMultiDict

from gateway import NotAllowed
from gateway.errors import InvalidRequest
from gateway_governance.headers import attributed_to, check_required


def test_missing_headers_are_named_all_at_once():
    """
    A caller mends everything in one round; case makes no difference, and empty is missing.
    """
    headers = CIMultiDict({"X-Cost-Center": "7", "x-empty": " "})

    with pytest.raises(InvalidRequest) as caught:
        check_required(headers, ["x-cost-center", "X-Empty", "X-Project"])

    assert (caught.value.status, caught.value.code) == (400, "missing_required_headers")
    assert str(caught.value) == "missing required headers: X-Empty, X-Project"


def test_a_request_that_has_them_passes():
    """
    Nothing is asked for beyond what the operator asks for.
    """
    check_required(CIMultiDict({"X-A": "1"}), ["x-a"])
    check_required(CIMultiDict(), [])


def test_attribution_goes_to_owners_under_the_keys_own():
    """
    A header says which of its own teams a customer's key works for.
    """
    headers = CIMultiDict({"X-Gw-Team": " search "})

    assert attributed_to(headers, "x-gw-team", ["search", "tm_1"]) == "search"
    assert attributed_to(CIMultiDict(), "x-gw-team", ["search"]) is None


def test_attribution_to_anybody_else_is_refused_alike():
    """
    Whether a team exists elsewhere is not told: the answer is the same either way.
    """
    told = set()
    for named in ("payments", "there-is-none", "Search"):
        with pytest.raises(NotAllowed) as caught:
            attributed_to(CIMultiDict({"x-gw-team": named}), "x-gw-team", ["search"])
        told.add((caught.value.status, caught.value.code, str(caught.value)))

    assert len(told) == 1
    assert next(iter(told))[:2] == (403, "attribution_denied")
