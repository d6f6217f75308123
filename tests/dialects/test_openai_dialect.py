"""
Errors through OpenAI's own SDK, whatever dialect the caller speaks.
"""

from __future__ import annotations

import httpx2
import openai
import pytest

from gateway.dialects import core_dialects
from gateway.dialects.openai_dialect import OpenAIDialect
from gateway.errors import (
    Blocked,
    BudgetExceeded,
    ModelNotFound,
    NotAllowed,
    NotAuthenticated,
    PluginFailed,
    RateLimited,
    UpstreamError,
    UpstreamTimeout,
)
from gateway.neutral import Fault

DIALECTS = [one for one in core_dialects() if isinstance(one, OpenAIDialect)]
OURS = [
    (NotAuthenticated(), 401, "authentication_error", openai.AuthenticationError),
    (BudgetExceeded(), 402, "insufficient_quota", openai.APIStatusError),
    (NotAllowed(), 403, "permission_error", openai.PermissionDeniedError),
    (ModelNotFound("x"), 404, "invalid_request_error", openai.NotFoundError),
    (RateLimited(), 429, "rate_limit_error", openai.RateLimitError),
    (Blocked(), 400, "invalid_request_error", openai.BadRequestError),
    (PluginFailed("x"), 500, "server_error", openai.InternalServerError),
    (UpstreamError(), 502, "server_error", openai.InternalServerError),
    (UpstreamTimeout(), 504, "server_error", openai.InternalServerError),
]


def sdk(response):
    """
    Make a client of the vendor's that is answered with *response*.
    """
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(
            response.status,
            headers={"content-type": "application/json"},
            content=response.encode(),
        )
    )
    http = httpx2.Client(transport=transport)
    return openai.OpenAI(api_key="x", http_client=http, max_retries=0)


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
@pytest.mark.parametrize(
    ("error", "status", "kind", "raised"), OURS, ids=lambda v: type(v).__name__
)
def test_the_sdk_raises(dialect, error, status, kind, raised):
    """
    The SDK raises the exception of the status, with the sentence and the code.
    """
    response = dialect.error_response(error, "req_1")

    with sdk(response) as client, pytest.raises(raised) as caught:
        client.embeddings.create(model="m", input="x")

    assert (caught.value.status_code, caught.value.type) == (status, kind)
    assert caught.value.code == error.code
    assert str(error) in str(caught.value)


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
def test_a_providers_error_goes_through(dialect):
    """
    What was read of a provider's body is written to the caller, and known as an error.
    """
    fault = dialect.read_fault(529, b'{"error": {"message": "Busy."}}')

    response = dialect.write_fault(fault, "req_1")

    assert fault == Fault(status=529, kind="overloaded", message="Busy.")
    assert (response.status, response.error) == (503, "Busy.")
