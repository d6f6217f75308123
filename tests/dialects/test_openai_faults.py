"""
Errors in OpenAI's shape, written and read.
"""

from __future__ import annotations

import pytest

from gateway import codec
from gateway.dialects.openai_faults import (
    chunk_fault,
    error_doc,
    error_message,
    fault_doc,
    fault_of,
    read_fault,
)
from gateway.errors import Untranslatable
from gateway.neutral import Fault
from gateway.testing import make_chunk, make_response

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
    (404, {"message": "x", "code": "previous_response_not_found"}, "not_found"),
    (400, {"message": "x", "code": "content_policy_violation"}, "content_filter"),
    (503, {"message": "x", "code": "slow_down"}, "overloaded"),
    (418, {"message": "x"}, "invalid_request"),
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


def test_an_error_about_a_field_names_it():
    """
    What cannot be translated is found by its name.
    """
    assert error_doc(Untranslatable("top_k"))["error"]["param"] == "top_k"


class TestRead:
    @pytest.mark.parametrize(("status", "error", "kind"), THEIRS)
    def test_kind(self, status, error, kind):
        """
        Code, words and status tell what an error is, in this order.
        """
        fault = read_fault(status, codec.dumps({"error": error}))

        assert (fault.status, fault.kind) == (status, kind)

    @pytest.mark.parametrize("doc", SHAPES.values(), ids=SHAPES)
    def test_shapes(self, doc):
        """
        The message is found in every shape, and no prompt beside it.
        """
        fault = read_fault(422, codec.dumps(doc))

        assert (fault.message, fault.kind) == ("It broke", "invalid_request")

    @pytest.mark.parametrize(
        "body",
        [
            *(b"<html>Bad gateway</html>", b"", b"\xff", b"null", b"7", b'"x"'),
            b'{"error": {"message": 7}}',
        ],
        ids=repr,
    )
    def test_no_error_document(self, body):
        """
        A proxy's page says nothing but its status.
        """
        assert read_fault(502, body) == Fault(
            status=502,
            kind="server",
            message="The provider answered with status 502.",
        )

    @pytest.mark.parametrize(
        "secret",
        [
            *("sk-proj-abcd1234", "gsk_abcd1234", "org-abc123def", "Bearer abc.def"),
            *("sk-proj-abc***xyz", "sess-abcd1234", "key-abcd1234"),
        ],
    )
    def test_no_secrets(self, secret):
        """
        Keys and accounts that a provider quotes do not reach a caller.
        """
        error = {"message": f"Incorrect key {secret} here", "code": secret}

        fault = read_fault(401, codec.dumps({"error": error}))

        assert secret not in repr(fault)
        assert fault.message == "Incorrect key [removed] here"

    def test_bounded(self):
        """
        A message of any length is cut.
        """
        error = {"message": "x" * 99_999, "param": "y" * 999}

        fault = read_fault(400, codec.dumps({"error": error}))

        assert len(fault.message) == 4096
        assert len(fault.param or "") == 200

    @pytest.mark.parametrize("status", [200, None], ids=["200", "in mid-stream"])
    def test_the_document_tells_the_status(self, status):
        """
        An error that came without a status of its own has the one that it says.
        """
        assert fault_of(status, {"error": {"message": "x", "code": 429}}).status == 429

    @pytest.mark.parametrize(
        ("event", "message"),
        [
            (b'data: {"choices": []}\n\n', None),
            (b'data: {"error": {"message": "x"}}\n\n', "x"),
            (b'data: {"x_groq": {"error": "x"}}\n\n', "x"),
            (b'event: error\ndata: {"message": "x"}\n\n', "x"),
            (b"data: []\n\n", None),
        ],
        ids=["none", "error", "Groq", "event", "list"],
    )
    def test_in_mid_stream(self, event, message):
        """
        An event reports an error by its name, or by what it holds.
        """
        fault = chunk_fault(make_chunk(event))

        assert (fault and fault.message) == message


class TestWrite:
    @pytest.mark.parametrize(
        ("kind", "status", "written_status", "code"),
        [
            ("overloaded", 529, 503, "server_is_overloaded"),
            ("billing", 402, 402, "insufficient_quota"),
            ("rate_limit", 429, 429, "rate_limit_exceeded"),
            ("context_length", 400, 400, "context_length_exceeded"),
            ("content_filter", 400, 400, "content_filter"),
            ("authentication", 401, 401, "invalid_api_key"),
            ("permission", 403, 403, "theirs"),
            ("not_found", 404, 404, "model_not_found"),
            ("invalid_request", 422, 422, "theirs"),
            ("timeout", 504, 504, "timeout"),
            ("server", 500, 500, "theirs"),
            ("novel", 500, 500, "theirs"),
        ],
    )
    def test_statuses(self, kind, status, written_status, code):
        """
        Another vendor's error gets the status that OpenAI gives it, and the code if it has one.
        """
        fault = Fault(status=status, kind=kind, message="It broke", code="theirs")

        written, doc = fault_doc(fault)

        assert written == written_status
        assert (doc["error"]["code"], doc["error"]["message"]) == (code, "It broke")


@pytest.mark.parametrize(
    ("doc", "status", "message"),
    [
        ({"choices": []}, 200, None),
        ({"error": None}, 200, None),
        ({"error": {"message": "x"}}, 200, "x"),
        ({"detail": "x"}, 422, "x"),
        (b"[]", 200, None),
    ],
    ids=["answer", "null", "error with 200", "detail", "list"],
)
def test_a_response_is_an_error_by_its_status_or_by_what_it_holds(doc, status, message):
    """
    Some vendors answer errors with 200, others without the member that should hold them.
    """
    assert error_message(make_response(doc, status=status)) == message
