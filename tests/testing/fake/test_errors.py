"""
Errors, judged by the exceptions that the SDKs raise for them.
"""

from __future__ import annotations

import anthropic
import openai
import pytest

from gateway.testing.fake.errors import VendorError, anthropic_error, openai_error
from gateway.testing.fake.script import Script

OPENAI = [
    (400, openai.BadRequestError, "invalid_request_error", None),
    (401, openai.AuthenticationError, "invalid_request_error", "invalid_api_key"),
    (403, openai.PermissionDeniedError, "invalid_request_error", None),
    (404, openai.NotFoundError, "invalid_request_error", None),
    (409, openai.ConflictError, "invalid_request_error", None),
    (422, openai.UnprocessableEntityError, "invalid_request_error", None),
    (429, openai.RateLimitError, "requests", "rate_limit_exceeded"),
    (500, openai.InternalServerError, "server_error", None),
    (503, openai.InternalServerError, "server_error", None),
]
ANTHROPIC = [
    (400, anthropic.BadRequestError, "invalid_request_error"),
    (401, anthropic.AuthenticationError, "authentication_error"),
    (402, anthropic.APIStatusError, "billing_error"),
    (403, anthropic.PermissionDeniedError, "permission_error"),
    (404, anthropic.NotFoundError, "not_found_error"),
    (413, anthropic.APIStatusError, "request_too_large"),
    (429, anthropic.RateLimitError, "rate_limit_error"),
    (500, anthropic.InternalServerError, "api_error"),
    (504, anthropic.APIStatusError, "timeout_error"),
    (529, anthropic.APIStatusError, "overloaded_error"),
]


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("status", "kind", "type_", "code"), OPENAI, ids=str)
async def test_openai_raises(
    fake, openai_client, chat, status, kind, type_, code, is_stream
):
    """
    Each status raises the SDK's class, with type, code and request id.
    """
    fake.enqueue(Script(status=status))

    with pytest.raises(kind) as caught:
        await openai_client.chat.completions.create(**chat(), stream=is_stream)

    assert (caught.value.status_code, caught.value.type) == (status, type_)
    assert (caught.value.code, caught.value.request_id) == (code, "req_fake00000001")


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("status", "kind", "type_"), ANTHROPIC, ids=str)
async def test_anthropic_raises(
    fake, anthropic_client, message, status, kind, type_, is_stream
):
    """
    Each status raises the SDK's class, with type and request id.
    """
    fake.enqueue(Script(status=status))

    with pytest.raises(kind) as caught:
        await anthropic_client.messages.create(**message(), stream=is_stream)

    assert (caught.value.status_code, caught.value.type) == (status, type_)
    assert caught.value.request_id == "req_fake00000001"


async def test_words_are_scripted(fake, openai_client, chat):
    """
    Type, code and message are what the script says.
    """
    script = Script(
        status=429,
        error_type="insufficient_quota",
        error_code="insufficient_quota",
        error_message="You are out of money.",
    )
    fake.enqueue(script)

    with pytest.raises(openai.RateLimitError, match="out of money") as caught:
        await openai_client.chat.completions.create(**chat())

    assert caught.value.code == caught.value.type == "insufficient_quota"


def test_a_type_of_its_own_has_no_borrowed_code():
    """
    The code that goes with a status does not go with another type.
    """
    assert openai_error(VendorError(429, "no", type="tokens"))["code"] is None


def test_an_error_of_anthropic_names_its_request():
    """
    The id stands in the document, as an event has no headers.
    """
    assert anthropic_error(VendorError(529, "busy"), "req_1") == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "busy"},
        "request_id": "req_1",
    }


def test_an_error_reads_as_a_sentence():
    """
    Status and message, for a log.
    """
    assert str(VendorError(404, "no such model")) == "404 no such model"
