"""
Errors in the vendor's shape.
"""

from __future__ import annotations

import pytest

from gateway import codec
from gateway.dialects.openai_responses.faults import (
    error_members,
    failure,
    fault_body,
    read_error_event,
    read_fault,
)
from gateway.neutral import Fault


def body(**error):
    return codec.dumps({"error": error})


@pytest.mark.parametrize(
    ("status", "raw", "kind"),
    [
        (400, body(message="No.", code=None), "invalid_request"),
        (400, body(message="No.", code="context_length_exceeded"), "context_length"),
        (400, body(message="No.", code="content_policy_violation"), "content_filter"),
        (401, body(message="No.", code="invalid_api_key"), "authentication"),
        (402, body(message="No."), "billing"),
        (403, body(message="No."), "permission"),
        (404, body(message="No.", code="model_not_found"), "not_found"),
        (413, body(message="No."), "too_large"),
        (429, body(message="No.", code="insufficient_quota"), "billing"),
        (429, body(message="No.", type="tokens"), "rate_limit"),
        (500, body(message="No."), "server"),
        (503, body(message="No."), "overloaded"),
        (504, b"", "timeout"),
        (418, b"", "server"),
    ],
)
def test_read_fault(status, raw, kind):
    """
    The code tells the kind of an error, where it does not the status does.
    """
    fault = read_fault(status, raw)

    assert (fault.status, fault.kind) == (status, kind)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"error": {"message": "No."}}', "No."),
        (b'{"error": "No."}', "No."),
        (b'{"message": "No."}', "No."),
        (b'{"detail": "No."}', "No."),
        (b'[{"error": {"message": "No."}}]', "No."),
        (b"<html>No.</html>", "The provider answered with status 500."),
        (b'{"error": {"message": 7}}', "The provider answered with status 500."),
        (b'"x"', "The provider answered with status 500."),
        (b"\xff", "The provider answered with status 500."),
    ],
)
def test_bodies_of_any_shape(raw, message):
    """
    Whatever a server or a proxy in front of it answers, there is a sentence.
    """
    assert read_fault(500, raw).message == message


def test_messages_keep_no_secrets_and_have_an_end():
    """
    A provider that quotes the key does not tell the caller, and no message is endless.
    """
    fault = read_fault(
        401, body(message="Incorrect key sk-proj-abc***xyz" + "." * 9999)
    )

    assert "abc" not in fault.message
    assert len(fault.message) <= 2000


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
    ("kind", "status", "code"),
    [
        ("invalid_request", 400, "theirs"),
        ("authentication", 401, "invalid_api_key"),
        ("billing", 429, "insufficient_quota"),
        ("permission", 403, "theirs"),
        ("not_found", 404, "model_not_found"),
        ("too_large", 413, "theirs"),
        ("rate_limit", 429, "rate_limit_exceeded"),
        ("overloaded", 503, "server_is_overloaded"),
        ("timeout", 504, "theirs"),
        ("server", 500, "server_error"),
        ("context_length", 400, "context_length_exceeded"),
        ("content_filter", 400, "content_filter"),
    ],
)
def test_write_fault(kind, status, code):
    """
    Each kind has the vendor's status and, where it has one, its code.
    """
    fault = Fault(status=499, kind=kind, message="No.", code="theirs")

    assert fault_body(fault)[0] == status
    assert fault_body(fault)[1]["error"]["code"] == code


def test_error_event_says_it_twice():
    """
    The reference puts the members at the top, the SDK raises on the inner error.
    """
    _, doc = fault_body(Fault(status=500, kind="server", message="No.", param="p"))

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
    _, doc = fault_body(Fault(status=500, kind="server", message="No."))
    failed = kit.example("responses")["failed"]

    failed["error"] = failure(doc, status)

    assert kit.valid_response(failed).error.code == code
