from __future__ import annotations

import json

import openai
import pytest

from gateway.errors import (
    Blocked,
    BudgetExceeded,
    ModelNotFound,
    NotAllowed,
    NotAuthenticated,
    PluginFailed,
    RateLimited,
    Untranslatable,
    UpstreamError,
    UpstreamTimeout,
)
from gateway.neutral import Fault

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
#: Status, error, and the kind that they mean.
THEIRS = [
    (400, {"message": "bad", "type": "invalid_request_error"}, "invalid_request"),
    (401, {"message": "x", "code": "invalid_api_key"}, "authentication"),
    (403, {"message": "x"}, "permission"),
    (404, {"message": "x", "code": "model_not_found"}, "not_found"),
    (413, {"message": "x"}, "too_large"),
    (429, {"message": "x", "code": "rate_limit_exceeded"}, "rate_limit"),
    (429, {"message": "x", "type": "tokens"}, "rate_limit"),
    (429, {"message": "x", "type": "insufficient_quota"}, "billing"),
    (402, {"message": "x"}, "billing"),
    (400, {"message": "x", "code": "context_length_exceeded"}, "context_length"),
    (400, {"message": "This model's maximum context length is 9"}, "context_length"),
    (400, {"message": "x", "code": "content_filter"}, "content_filter"),
    (500, {"message": "x", "type": "server_error"}, "server"),
    (503, {"message": "x"}, "overloaded"),
    (529, {"message": "x"}, "overloaded"),
    (504, {"message": "x"}, "timeout"),
]
SHAPES = {
    "object": {"error": {"message": "It broke"}},
    "string": {"error": "It broke"},
    "bare": {"message": "It broke"},
    "detail": {"detail": "It broke"},
    "FastAPI": {
        "detail": [{"loc": ["body", "n"], "msg": "It broke", "input": "secret"}]
    },
    "list": [{"error": {"message": "It broke"}}],
}


def written(kit, response):
    return kit.client(response.encode(), response.status)


class TestOurs:
    @pytest.mark.parametrize(
        ("error", "status", "kind", "raised"), OURS, ids=lambda v: type(v).__name__
    )
    def test_sdk_raises(self, kit, error, status, kind, raised):
        """
        The SDK raises the exception of the status, with the sentence and the code.
        """
        response = kit.dialect.error_response(error, "req_1")

        with written(kit, response) as client, pytest.raises(raised) as caught:
            client.chat.completions.create(model="m", messages=[])

        assert caught.value.status_code == status
        assert caught.value.type == kind
        assert caught.value.code == error.code
        assert str(error) in str(caught.value)

    def test_field_at_fault(self, kit):
        """
        An error about a field names it.
        """
        response = kit.dialect.error_response(Untranslatable("top_k"), "req_1")

        assert response.doc["error"]["param"] == "top_k"


class TestTheirs:
    @pytest.mark.parametrize(("status", "error", "kind"), THEIRS)
    def test_kind(self, kit, status, error, kind):
        """
        Code, words and status tell what an error is, in this order.
        """
        fault = kit.dialect.read_fault(status, json.dumps({"error": error}).encode())

        assert (fault.status, fault.kind) == (status, kind)

    @pytest.mark.parametrize("doc", SHAPES.values(), ids=SHAPES)
    def test_shapes(self, kit, doc):
        """
        The message is found in every shape, and no prompt beside it.
        """
        fault = kit.dialect.read_fault(422, json.dumps(doc).encode())

        assert fault.message == "It broke"
        assert fault.kind == "invalid_request"

    @pytest.mark.parametrize(
        "body", [b"<html>Bad gateway</html>", b"", b"\xff", b"null", b"7"], ids=repr
    )
    def test_no_error_document(self, kit, body):
        """
        A proxy's page says nothing but its status.
        """
        fault = kit.dialect.read_fault(502, body)

        assert fault == Fault(
            status=502,
            kind="server",
            message="The provider answered with status 502.",
        )

    @pytest.mark.parametrize(
        "secret",
        ["sk-proj-abcd1234", "gsk_abcd1234", "org-abc123def", "Bearer abc.def"],
    )
    def test_no_secrets(self, kit, secret):
        """
        Keys and accounts that a provider quotes do not reach a caller.
        """
        error = {"message": f"Incorrect key {secret} here", "code": secret}

        fault = kit.dialect.read_fault(401, json.dumps({"error": error}).encode())

        assert secret not in repr(fault)
        assert fault.message == "Incorrect key [removed] here"

    def test_bounded(self, kit):
        """
        A message of any length is cut.
        """
        body = json.dumps({"error": {"message": "x" * 99_999, "param": "y" * 999}})

        fault = kit.dialect.read_fault(400, body.encode())

        assert len(fault.message) == 4096
        assert len(fault.param) == 200

    def test_error_with_status_200(self, kit):
        """
        An error that came with 200 has the status that it says.
        """
        body = json.dumps({"error": {"message": "x", "code": 429}}).encode()

        assert kit.dialect.read_fault(200, body).status == 429


class TestWrite:
    @pytest.mark.parametrize(
        ("kind", "status", "written_status", "code"),
        [
            ("overloaded", 529, 503, "overloaded"),
            ("billing", 402, 402, "insufficient_quota"),
            ("rate_limit", 429, 429, "rate_limit_exceeded"),
            ("context_length", 400, 400, "context_length_exceeded"),
            ("authentication", 401, 401, "invalid_api_key"),
            ("invalid_request", 422, 422, None),
            ("server", 500, 500, None),
            ("novel", 500, 500, None),
        ],
    )
    def test_statuses(self, kit, kind, status, written_status, code):
        """
        Another vendor's error gets the status and the code that OpenAI gives it.
        """
        fault = Fault(status=status, kind=kind, message="It broke")

        response = kit.dialect.write_fault(fault, "req_1")

        assert response.status == written_status
        assert response.doc["error"]["code"] == code
        assert response.doc["error"]["message"] == "It broke"


class TestErrorOf:
    @pytest.mark.parametrize(
        ("doc", "status", "message"),
        [
            ({"choices": []}, 200, None),
            ({"error": None}, 200, None),
            ({"error": {"message": "x"}}, 200, "x"),
            ({"detail": "x"}, 422, "x"),
            (["odd"], 200, None),
        ],
        ids=["answer", "null", "error with 200", "detail", "list"],
    )
    def test_message(self, kit, doc, status, message):
        """
        A response is an error by its status or by its error.
        """
        assert kit.response(doc, status).error == message
