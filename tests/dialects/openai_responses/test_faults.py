"""
Errors in events, and in responses that failed.
"""

from __future__ import annotations

import pytest

from gateway.dialects.openai_faults import fault_doc
from gateway.dialects.openai_responses.faults import (
    error_members,
    failure,
    read_error_event,
    read_failure,
)
from gateway.neutral import Fault


@pytest.mark.parametrize(
    "doc",
    [
        {"type": "error", "code": "slow_down", "message": "No.", "param": "x"},
        {
            "type": "error",
            "error": {"code": "slow_down", "message": "No.", "param": "x"},
        },
    ],
    ids=["flat", "nested"],
)
def test_error_events(doc):
    """
    The members of an error event are found at the top or in its error.
    """
    assert read_error_event(doc) == Fault(
        status=503, kind="overloaded", message="No.", code="slow_down", param="x"
    )


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ({"code": "rate_limit_exceeded", "message": "No."}, 429, "rate_limit"),
        ({"code": "server_error", "message": "No."}, 500, "server"),
        ({"code": "invalid_prompt", "message": "No."}, 400, "invalid_request"),
        ({"code": "never_heard", "message": "No."}, 500, "server"),
        (None, 500, "server"),
    ],
    ids=["limit", "server", "prompt", "novel", "none"],
)
def test_failed_responses(error, status, kind):
    """
    The code of a response that failed tells its kind and status.
    """
    fault = read_failure(error)

    assert (fault.status, fault.kind) == (status, kind)
    assert fault.message


def test_error_event_says_it_twice():
    """
    The reference puts the members at the top, the SDK raises on the inner error.
    """
    _, doc = fault_doc(Fault(status=500, kind="server", message="No.", param="p"))

    members = error_members(doc)

    assert members["error"] == doc["error"]
    assert (members["message"], members["param"]) == ("No.", "p")


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "rate_limit_exceeded"), (400, "invalid_prompt"), (500, "server_error")],
)
def test_failed_responses_have_closed_codes(kit, status, code):
    """
    The error of a response has one of the codes that the SDK knows.
    """
    _, doc = fault_doc(Fault(status=500, kind="server", message="No."))
    failed = kit.example("responses")["failed"]

    failed["error"] = failure(doc, status)

    assert kit.valid_response(failed).error.code == code
