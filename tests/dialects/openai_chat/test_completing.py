"""
What chat completions and legacy completions have in common.
"""

from __future__ import annotations

import pytest

from gateway import codec
from gateway.errors import Blocked, UpstreamError
from gateway.testing import find_dialect, make_chunk, make_request

SILENT = {"openai_chat": {"delta": {}}, "openai_completions": {"text": ""}}


@pytest.fixture(params=SILENT)
def dialect(request):
    """
    One of the two.
    """
    return find_dialect(request.param)


def test_the_first_cap_is_the_one_that_is_set(dialect):
    """
    A request without a cap gets the one that the vendor heeds; the others stay away.
    """
    request = make_request(dialect=dialect)

    request.max_output_tokens = 7

    assert request.max_output_tokens == 7
    assert {key for key in dialect.caps if request.peek(key)} == {dialect.caps[0]}


def test_a_stream_that_is_blocked_at_once_ends_as_the_vendors_filter_would(dialect):
    """
    Nothing was sent yet, and still the chunk has all that a chunk has.
    """
    tracker = dialect.tracker(make_request(dialect=dialect))

    first, last = dialect.cut(tracker, Blocked())

    (choice,) = first.doc["choices"]
    assert first.doc.keys() == {*dialect.envelope, "choices"}
    assert choice["finish_reason"] == "content_filter"
    assert SILENT[dialect.name].items() <= choice.items()
    assert dialect.is_terminal_frame(last.encode())


def test_a_stream_that_fails_ends_with_an_error(dialect):
    """
    Anything but a guardrail's refusal is the vendor's error event.
    """
    tracker = dialect.tracker(make_request(dialect=dialect))

    first, _ = dialect.cut(tracker, UpstreamError())

    assert first.doc["error"]["code"] == UpstreamError().code


def test_what_was_used_and_why_it_ended_is_read_the_same_way(dialect):
    """
    Facts of a stream and the words of a whole answer come from the same members.
    """
    choice = {"index": 0, "finish_reason": "length"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    event = codec.dumps({"choices": [choice], "usage": usage})
    chunk = make_chunk(b"data: %b\n\n" % event, dialect=dialect)
    facts = dialect.facts()

    facts.read(chunk)

    assert (facts.usage.input, facts.usage.output, facts.stop.reason) == (
        3,
        2,
        "length",
    )
    assert not dialect.is_usage_only(chunk)
