"""
The dialect as the core sees it: routing, caps, terminal events, errors.
"""

from __future__ import annotations

import openai
import pytest

from gateway.dialects.openai_responses import OpenAIResponses
from gateway.errors import (
    Blocked,
    BudgetExceeded,
    InvalidRequest,
    ModelNotFound,
    NotAuthenticated,
    RateLimited,
    Untranslatable,
    UpstreamError,
)
from gateway.neutral import Fault
from gateway.views import Chunk, Request


class TestRequest:
    def test_reads_what_routing_needs(self, kit):
        """
        Model, stream and cap are read from the body.
        """
        raw = b'{"model": "m", "input": "x", "stream": true, "max_output_tokens": 9}'

        request = kit.dialect.read_request(raw, "generate")

        assert (request.model, request.is_stream, request.max_output_tokens) == (
            "m",
            True,
            9,
        )

    def test_cap_is_spliced_in(self, kit):
        """
        A cap changes its own bytes and no other ones.
        """
        request = kit.dialect.read_request(b'{"model": "m",  "input": "x"}', "generate")

        request.max_output_tokens = 99

        assert (
            request.encode() == b'{"max_output_tokens":99,"model": "m",  "input": "x"}'
        )

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            (b'{"input": "x"}', "model"),
            (b'{"model": "m", "stream": 1}', "stream"),
            (b'{"model": "m", "input": 1}', "input"),
            (b'{"model": "m", "tools": ["x"]}', "tools"),
            (b'{"model": "m", "max_output_tokens": -1}', "max_output_tokens"),
            (
                b'{"model": "m", "previous_response_id": "resp_gw_x"}',
                "previous_response_id",
            ),
        ],
    )
    def test_malformed(self, kit, body, field):
        """
        What cannot be routed, or names what is stored nowhere, is refused by name.
        """
        with pytest.raises(InvalidRequest, match=f"^{field}: "):
            kit.dialect.read_request(body, "generate")

    def test_a_response_of_the_vendors_own_may_be_continued(self, kit):
        """
        What is stored at the vendor is the vendor's to refuse.
        """
        body = b'{"model": "m", "previous_response_id": "resp_123"}'

        assert kit.dialect.read_request(body, "generate").model == "m"


class TestTerminal:
    def test_by_event_and_by_bytes(self, kit):
        """
        Both tests agree on every event, and only the last one of a stream is terminal.
        """
        frames = [kit.frame(event) for event in kit.events()]

        by_event = [Chunk(kit.dialect, frame).is_terminal for frame in frames]
        by_bytes = [kit.dialect.is_terminal_frame(frame) for frame in frames]

        assert by_event == by_bytes
        assert by_bytes.index(True) == len(frames) - 1

    @pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
    @pytest.mark.parametrize(
        "line", [b"event: response.completed", b"event:error"], ids=str
    )
    def test_any_line_end(self, kit, line, line_end):
        """
        The name of the event is found whatever its line ends with.
        """
        frame = line_end.join([line, b"data: {}", b"", b""])

        assert kit.dialect.is_terminal_frame(frame)

    @pytest.mark.parametrize(
        ("data", "is_terminal"),
        [
            (b'{"type":"response.failed"}', True),
            (b'{"type" : "error"}', True),
            (
                b'{"type":"response.output_text.delta","delta":"response.completed"}',
                False,
            ),
            (b'{"type":"response.created","tools":[{"type":"error"}]}', False),
        ],
    )
    def test_without_an_event_name(self, kit, data, is_terminal):
        """
        Servers that send no event names are understood; words are not taken for events.
        """
        frame = b"data: %b\n\n" % data

        assert kit.dialect.is_terminal_frame(frame) == is_terminal
        assert Chunk(kit.dialect, frame).is_terminal == is_terminal


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "raised", "kind"),
        [
            (
                InvalidRequest("input: no"),
                openai.BadRequestError,
                "invalid_request_error",
            ),
            (Blocked(), openai.BadRequestError, "invalid_request_error"),
            (NotAuthenticated(), openai.AuthenticationError, "authentication_error"),
            (BudgetExceeded(), openai.APIStatusError, "insufficient_quota"),
            (ModelNotFound("m"), openai.NotFoundError, "invalid_request_error"),
            (RateLimited(limit="1 a day"), openai.RateLimitError, "rate_limit_error"),
            (UpstreamError(), openai.InternalServerError, "server_error"),
        ],
        ids=lambda value: value.code if isinstance(value, Exception) else "",
    )
    def test_sdk_raises_its_own(self, kit, error, raised, kind):
        """
        The SDK raises the class that fits, with the sentence, the code and the type.
        """
        response = kit.dialect.error_response(error, "req_1")
        client = kit.client([response.encode()], response.status, "application/json")

        with pytest.raises(raised) as caught:
            client.responses.create(model="m", input="x")

        assert caught.value.code == error.code
        assert caught.value.type == kind
        assert str(error) in str(caught.value)
        assert response.error == str(error)

    def test_untranslatable_names_its_field(self, kit):
        """
        The field at fault stands where the vendor puts it.
        """
        response = kit.dialect.error_response(Untranslatable("conversation"), "req_1")

        assert response.doc["error"]["param"] == "conversation"

    def test_fault_of_a_provider(self, kit):
        """
        A provider's error comes with the vendor's status and code for it.
        """
        fault = Fault(status=529, kind="overloaded", message="Too busy.", code="x")

        response = kit.dialect.write_fault(fault, "req_1")

        assert response.status == 503
        assert response.doc["error"]["code"] == "server_is_overloaded"


class TestAnswer:
    def test_what_the_core_asks_of_a_response(self, kit):
        """
        Usage, stop and finish reason of a whole response.
        """
        response = kit.response(kit.example("responses")["response"])

        assert kit.dialect.usage_of(response).total_input == 75
        assert kit.dialect.stop_of(response).reason == "tool"
        assert response.finish_reasons == ("completed",)
        assert response.error is None

    def test_error_body_has_no_stop(self, kit):
        """
        An error is no answer that ended.
        """
        response = kit.response(kit.example("responses")["error"])

        assert kit.dialect.stop_of(response) is None
        assert response.finish_reasons == ()
        assert response.error == "Something is wrong."


def test_clock_is_the_machines_unless_one_is_given():
    """
    The dialect makes an answer's date by itself when nobody says what time it is.
    """
    dialect = OpenAIResponses()
    asked = Request(dialect, doc={"model": "m", "input": "x"})
    frames = dialect.cut(dialect.tracker(asked), Blocked())

    assert frames[0].doc["response"]["created_at"] > 1_700_000_000
