from __future__ import annotations

from pathlib import Path

import pytest

from gateway import codec
from gateway.dialects import Dialect, core_dialects
from gateway.errors import InvalidRequest, UnsupportedOperation
from gateway.neutral import Losses
from gateway.testing import find_dialect, make_request
from gateway.views import Chunk, Request, Response


class Bare(Dialect):
    """
    A dialect that speaks nothing but errors.
    """

    name = "bare"
    vendor = "nobody"
    operations = ("generate",)
    path = {"generate": "/bare"}

    def request_texts(self, request):
        """
        No texts.
        """
        return []

    def response_texts(self, response):
        """
        No texts.
        """
        return []

    def error_response(self, error, request_id):
        """
        No shape.
        """
        return Response(self, b"{}", status=error.status)

    def read_fault(self, status, body):
        """
        No faults.
        """
        raise NotImplementedError

    def write_fault(self, fault, request_id):
        """
        No faults.
        """
        raise NotImplementedError


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "could not be read"),
        (b"canary", "could not be read"),
        (b"[]", "must be a JSON object"),
        (b"{}", "model: a string is required"),
        (b'{"model":7}', "model: a string is required"),
        (b'{"model":""}', "model: a string is required"),
        (b'{"model":"m","model":"n"}', "repeats a key"),
        (b'{"model":"m","stream":"yes"}', "stream: must be true or false"),
        (b'{"model":"' + b"m" * 600 + b'"}', "model: a string is required"),
    ],
)
def test_a_body_that_cannot_be_routed_is_refused(raw, says):
    """
    The error says what is wrong and quotes nothing.
    """
    with pytest.raises(InvalidRequest, match=says) as caught:
        Bare().read_request(raw, "generate")

    assert "canary" not in str(caught.value)


def test_a_dialect_without_streams_says_so():
    """
    What a dialect cannot do is refused by its name, not by a crash.
    """
    bare = Bare()
    request = bare.read_request(b'{"model":"m"}', "generate")
    losses = Losses()

    for call in (
        bare.stream_reader,
        lambda: bare.stream_writer(request, losses),
        lambda: bare.to_neutral(request, losses),
        lambda: bare.read_answer(Response(bare, b"{}")),
        lambda: bare.set_output_cap(request, 5),
    ):
        with pytest.raises(UnsupportedOperation, match="bare"):
            call()


def test_the_defaults_know_nothing():
    """
    A dialect that says nothing has no tools, no cap, no facts, no usage.
    """
    bare = Bare()
    request = bare.read_request(b'{"model":"m","stream":true}', "generate")

    assert request.is_stream
    assert request.max_output_tokens is None
    assert list(request.tools) == []
    assert list(request.unreadable) == []
    assert bare.facts() is None
    assert bare.tracker(request) is None
    assert Chunk(bare, b"data: {}\n\n").texts() == []
    assert not bare.ask_for_usage(request)
    assert bare.drop_foreign_seals(request) == 0


@pytest.mark.parametrize("dialect", core_dialects(), ids=str)
def test_every_dialect_names_what_it_speaks(dialect):
    """
    Name, vendor, and a path for each operation.
    """
    assert dialect.name
    assert dialect.vendor in {"openai", "anthropic"}
    assert set(dialect.path) == set(dialect.operations)


@pytest.mark.parametrize("dialect", core_dialects(), ids=str)
def test_every_dialect_reads_its_simplest_request(dialect):
    """
    The test kit's short request is one of the dialect's own.
    """
    request = make_request(dialect=dialect.name)

    assert isinstance(request, Request)
    assert request.model == "m"
    assert [text.value for text in request.texts()] == ["hi"]


STREAMS = {
    "openai_chat": "chunks.json",
    "openai_responses": "stream.json",
    "anthropic_messages": "stream.json",
}


@pytest.mark.parametrize("name", STREAMS)
def test_what_is_plain_ends_nothing_and_has_no_offsets(name):
    """
    Only an event whose ends and offsets need no asking is called plain, and some are.
    """
    dialect = find_dialect(name)
    path = Path(__file__).parent / name / "examples" / STREAMS[name]
    examples = codec.loads(path.read_bytes())
    events = examples if isinstance(examples, list) else examples["events"]
    chunks = [Chunk(dialect, b"data: %b\n\n" % codec.dumps(event)) for event in events]
    for chunk, event in zip(chunks, events, strict=True):
        chunk.event = event.get("type", "").encode() or None
        chunk.texts()

    plain = [chunk for chunk in chunks if chunk.is_plain]

    assert 0 < len(plain) < len(chunks)
    for chunk in plain:
        assert len(chunk.texts()) <= 1
        assert (list(dialect.chunk_ends(chunk)), dialect.chunk_spans(chunk)) == ([], [])
        assert (list(chunk.ends()), chunk.spans()) == ([], [])
