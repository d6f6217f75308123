"""
The dialect as the gateway sees it.
"""

from __future__ import annotations

import json

import pytest

from gateway.errors import InvalidRequest
from gateway.neutral import Stop
from gateway.usage import Usage
from gateway.views import Chunk

PLAIN = {"model": "m", "max_tokens": 9, "messages": []}


def test_names_and_paths(kit):
    """
    A provider is asked below its base URL, which has no version.
    """
    dialect = kit.dialect

    assert (dialect.name, dialect.vendor) == ("anthropic_messages", "anthropic")
    assert dialect.operations == ("generate", "count_tokens")
    assert dialect.path["generate"] == "/v1/messages"
    assert dialect.path["count_tokens"] == "/v1/messages/count_tokens"


def test_request_is_read_and_kept_as_it_came(kit):
    """
    Reading a request changes none of its bytes.
    """
    raw = b'{"model": "m",  "max_tokens":9, "messages":[], "unheard_of": 1}'

    request = kit.dialect.read_request(raw, "generate")

    assert request.encode() == raw
    assert (request.model, request.max_output_tokens, request.is_stream) == (
        "m",
        9,
        False,
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model": None}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": "hello secret"}, "messages"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"tools": {}}, "tools"),
        ({"stream": "yes"}, "stream"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else None,
)
def test_malformed_requests_are_refused_by_name(kit, change, named):
    """
    What the gateway reads must be there; the error names it and quotes nothing.
    """
    raw = json.dumps({**PLAIN, **change}).encode()

    with pytest.raises(InvalidRequest, match=named) as caught:
        kit.dialect.read_request(raw, "generate")

    assert "secret" not in str(caught.value)


def test_count_needs_no_cap_and_is_no_stream(kit):
    """
    Counting tokens has no answer that could be capped or streamed.
    """
    raw = b'{"model":"m","messages":[],"stream":true}'

    request = kit.dialect.read_request(raw, "count_tokens")

    assert request.max_output_tokens is None
    assert not request.is_stream


def test_cap_is_one_named_edit(kit):
    """
    Lowering the cap changes its bytes and no others.
    """
    raw = b'{"model": "m", "max_tokens": 900, "messages": [] , "unheard_of": 1}'
    request = kit.dialect.read_request(raw, "generate")

    request.max_output_tokens = 100

    assert request.encode() == raw.replace(b"900", b"100")
    assert request.edits == ("max_tokens",)


def test_answer_tells_its_outcome(kit):
    """
    Usage, reason and stop are read from a whole answer.
    """
    response = kit.response(
        {
            "type": "message",
            "content": [{"type": "text", "text": "x"}],
            "stop_reason": "max_tokens",
            "usage": {"input_tokens": 1, "output_tokens": 2},
        }
    )

    assert list(response.finish_reasons) == ["max_tokens"]
    assert kit.dialect.usage_of(response) == Usage(input=1, output=2)
    assert kit.dialect.stop_of(response) == Stop(reason="length", raw="max_tokens")
    assert response.error is None


@pytest.mark.parametrize(
    "doc", [{"input_tokens": 7}, [], "x"], ids=["count", "list", "text"]
)
def test_other_answers_have_no_outcome(kit, doc):
    """
    A count of tokens used nothing, and what is no message did not stop.
    """
    response = kit.response(doc)

    assert list(response.finish_reasons) == []
    assert kit.dialect.usage_of(response) is None
    assert kit.dialect.stop_of(response) is None
    assert response.error is None


def test_error_tells_its_message(kit):
    """
    An error body is one.
    """
    error = {"type": "error", "error": {"type": "api_error", "message": "Oh."}}

    assert kit.response(error).error == "Oh."


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
def test_only_the_last_event_is_terminal(kit, line_end):
    """
    The byte test says the same as the parsed event, whatever the line ends.
    """
    frames = [kit.frame(e).replace(b"\n", line_end) for e in kit.example("stream")]
    talk = {"type": "text_delta", "text": "event: message_stop"}
    frames.insert(
        5, kit.frame({"type": "content_block_delta", "index": 0, "delta": talk})
    )

    byte_tests = [kit.dialect.is_terminal_frame(frame) for frame in frames]
    parsed = [Chunk(kit.dialect, frame).is_terminal for frame in frames]

    assert byte_tests == parsed == [False] * (len(frames) - 1) + [True]


def test_usage_needs_no_asking(kit):
    """
    Anthropic's streams always say what they used.
    """
    request = kit.request(dict(PLAIN))

    assert kit.dialect.ask_for_usage(request) is False
    assert not kit.dialect.is_usage_only(kit.chunk(kit.example("stream")[-2]))


def test_repr_is_the_name(kit):
    """
    Logs and parametrised tests show the dialect by its name.
    """
    assert repr(kit.dialect) == "anthropic_messages"
