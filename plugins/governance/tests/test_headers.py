from __future__ import annotations

import pytest
from multidict import CIMultiDict

from gateway.errors import InvalidRequest
from gateway_governance.headers import check_required


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
