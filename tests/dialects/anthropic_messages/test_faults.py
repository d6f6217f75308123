"""
Errors in Anthropic's shape, as the SDK raises them, and a provider's errors read.
"""

from __future__ import annotations

import json

import anthropic
import pytest

from gateway import errors
from gateway.neutral import Fault

REQUEST_ID = "req_0123"


@pytest.mark.parametrize(
    ("error", "status", "kind", "raised"),
    [
        (errors.InvalidRequest("bad"), 400, "invalid_request_error", "BadRequestError"),
        (errors.Blocked(), 400, "invalid_request_error", "BadRequestError"),
        (
            errors.NotAuthenticated(),
            401,
            "authentication_error",
            "AuthenticationError",
        ),
        (errors.BudgetExceeded(), 402, "billing_error", "PaymentRequiredError"),
        (errors.BudgetExceeded(status=429), 429, "billing_error", "RateLimitError"),
        (errors.NotAllowed(), 403, "permission_error", "PermissionDeniedError"),
        (errors.ModelNotFound("m"), 404, "not_found_error", "NotFoundError"),
        (errors.InvalidRequest("x", status=405), 405, "invalid_request_error", None),
        (errors.BodyTimeout(), 408, "timeout_error", "RequestTimeoutError"),
        (errors.Refused("x", status=409), 409, "conflict_error", "ConflictError"),
        (errors.BodyTooLarge(), 413, "request_too_large", "ContentTooLargeError"),
        (errors.NotJson(), 415, "invalid_request_error", None),
        (errors.UpgradeRefused(), 426, "invalid_request_error", None),
        (errors.RateLimited(limit="1/s"), 429, "rate_limit_error", "RateLimitError"),
        (errors.PluginFailed("p"), 500, "api_error", "InternalServerError"),
        (
            errors.UnsupportedOperation(),
            501,
            "not_supported",
            "HTTPNotImplementedError",
        ),
        (errors.UpstreamError(), 502, "api_error", "InternalServerError"),
        (errors.UpstreamBusy(), 503, "overloaded_error", "ServiceUnavailableError"),
        (errors.UpstreamOverloaded(), 529, "overloaded_error", "OverloadedError"),
        (errors.UpstreamTimeout(), 504, "timeout_error", "GatewayTimeoutError"),
        (errors.Refused("x", status=529), 529, "overloaded_error", "OverloadedError"),
    ],
    ids=lambda value: str(value.status) if hasattr(value, "status") else None,
)
def test_errors_are_raised_as_the_vendors(kit, error, status, kind, raised):
    """
    Each error makes the SDK raise the class that Anthropic's own would, with our code.
    """
    response = kit.dialect.error_response(error, REQUEST_ID)

    with pytest.raises(anthropic.APIStatusError) as caught:
        kit.create(response.encode(), response.status)

    assert response.status == status
    assert caught.value.type == kind
    assert caught.value.error_code == error.code
    assert caught.value.api_message == str(error)
    assert caught.value.body["request_id"] == REQUEST_ID
    if raised is not None:
        assert type(caught.value).__name__ == raised


def test_headers_of_an_error_go_with_it(kit):
    """
    What the error says in headers is kept, and changing them changes no error.
    """
    error = errors.RateLimited(limit="x", headers={"x-should-retry": "false"})

    response = kit.dialect.error_response(error, REQUEST_ID)
    response.headers["more"] = "x"

    assert response.headers["x-should-retry"] == "false"
    assert "more" not in error.headers


@pytest.mark.parametrize(
    ("status", "kind", "message", "read"),
    [
        (400, "invalid_request_error", "max_tokens: too large", "invalid_request"),
        (400, "invalid_request_error", "prompt is too long: 9 > 5", "context_length"),
        (
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 1 + 2 > 3",
            "context_length",
        ),
        (400, "invalid_request_error", "Your credit balance is too low", "billing"),
        (
            400,
            "invalid_request_error",
            "Output blocked by content filtering policy",
            "content_filter",
        ),
        (401, "authentication_error", "invalid x-api-key", "authentication"),
        (402, "billing_error", "x", "billing"),
        (403, "permission_error", "x", "permission"),
        (404, "not_found_error", "model: x", "not_found"),
        (413, "request_too_large", "x", "too_large"),
        (429, "rate_limit_error", "x", "rate_limit"),
        (500, "api_error", "x", "server"),
        (504, "timeout_error", "x", "timeout"),
        (529, "overloaded_error", "Overloaded", "overloaded"),
        (503, "a_new_error", "x", "overloaded"),
        (418, "a_new_error", "x", "invalid_request"),
        (599, "a_new_error", "x", "server"),
    ],
)
def test_faults_are_read(kit, status, kind, message, read):
    """
    A provider's error has a neutral kind, told by its type, its words or its status.
    """
    body = {"type": "error", "error": {"type": kind, "message": message}}

    fault = kit.dialect.read_fault(status, json.dumps(body).encode())

    assert (fault.status, fault.kind, fault.message) == (status, read, message)
    assert fault.code == kind


def test_fault_names_the_field(kit):
    """
    Anthropic's messages begin with the field at fault.
    """
    body = {"error": {"type": "invalid_request_error", "message": "messages.0: bad"}}

    fault = kit.dialect.read_fault(400, json.dumps(body).encode())

    assert fault.param == "messages.0"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>502 Bad Gateway</html>", "The provider answered with status 502."),
        (b"", "The provider answered with status 502."),
        (b"[]", "The provider answered with status 502."),
        (b'{"error": "down"}', "down"),
        (b'{"message": "down"}', "down"),
        (b'{"error": {"message": "down", "code": "x"}}', "down"),
        (b'{"error": {"message": ["down"]}}', "The provider answered with status 502."),
        (b"\xff\xfe", "The provider answered with status 502."),
    ],
)
def test_faults_of_any_shape_are_read(kit, body, message):
    """
    What a proxy answers in the provider's place is read as well as can be.
    """
    fault = kit.dialect.read_fault(502, body)

    assert (fault.kind, fault.message) == ("server", message)


def test_message_of_a_fault_is_bounded(kit):
    """
    A provider's error is no way to send megabytes to a caller's log.
    """
    body = json.dumps({"error": {"message": "x" * 100_000}}).encode()

    assert len(kit.dialect.read_fault(500, body).message) == 4096


@pytest.mark.parametrize(
    ("kind", "status", "sent", "word"),
    [
        ("invalid_request", 400, 400, "invalid_request_error"),
        ("authentication", 401, 401, "authentication_error"),
        ("billing", 429, 402, "billing_error"),
        ("permission", 403, 403, "permission_error"),
        ("not_found", 404, 404, "not_found_error"),
        ("too_large", 413, 413, "request_too_large"),
        ("rate_limit", 429, 429, "rate_limit_error"),
        ("overloaded", 503, 529, "overloaded_error"),
        ("timeout", 408, 504, "timeout_error"),
        ("server", 500, 500, "api_error"),
        ("server", 502, 502, "api_error"),
        ("context_length", 400, 400, "invalid_request_error"),
        ("content_filter", 400, 400, "invalid_request_error"),
        ("a_new_kind", 418, 500, "api_error"),
    ],
)
def test_faults_are_written(kit, kind, status, sent, word):
    """
    Each kind of error has Anthropic's type and status.
    """
    fault = Fault(status=status, kind=kind, message="Oh.")

    response = kit.dialect.write_fault(fault, REQUEST_ID)

    assert response.status == sent
    assert response.doc["error"]["type"] == word
    assert response.doc["request_id"] == REQUEST_ID
    assert response.error.endswith("Oh.")


def test_long_prompt_is_said_in_the_words_that_agents_know(kit):
    """
    A coding agent shortens its conversation when it reads the vendor's own words.
    """
    ours = Fault(status=400, kind="context_length", message="prompt is too long: 9 > 5")
    theirs = Fault(status=400, kind="context_length", message="maximum is 5 tokens")

    kept = kit.dialect.write_fault(ours, REQUEST_ID)
    said = kit.dialect.write_fault(theirs, REQUEST_ID)

    assert kept.error == "prompt is too long: 9 > 5"
    assert said.error == "prompt is too long: maximum is 5 tokens"
