from __future__ import annotations

import pytest

from gateway import codec, neutral
from gateway.errors import Untranslatable
from gateway.testing import find_dialect, make_chunk, make_request, make_response
from gateway.translation import Translation


class Unknown:
    """
    A model of which nothing is known.
    """

    max_output_tokens = None
    takes_sampling = None
    reasons_adaptively = None


def translating(body=None, *, is_strict=False):
    """
    Make the translation of a chat caller's request for Anthropic.
    """
    losses = neutral.Losses(is_strict)
    asked = make_request(body)
    to = find_dialect("anthropic_messages")
    made = Translation(asked.dialect, to, asked, losses=losses, now=lambda: 1700.5)
    return made, losses


def test_a_request_goes_over():
    """
    What both can say is said.
    """
    translation, _ = translating()

    request = translation.request(Unknown())

    doc = codec.loads(request.encode())
    assert request.dialect.name == "anthropic_messages"
    assert doc["messages"][0]["role"] == "user"
    assert doc["max_tokens"] > 0


def test_a_loss_is_listed_or_refused():
    """
    What only one can say is recorded by name, and in strict mode refused.
    """
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "seed": 7}
    lenient, losses = translating(body)
    strict, _ = translating(body, is_strict=True)

    lenient.request(Unknown())

    assert "seed" in losses.header()
    with pytest.raises(Untranslatable, match="seed"):
        strict.request(Unknown())


def test_what_an_answer_loses_is_never_refused():
    """
    Strictness is about requests: an answer was paid for.
    """
    translation, losses = translating(is_strict=True)
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "pause_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }

    answer = translation.answer(make_response(message, dialect="anthropic_messages"))

    assert answer.doc["choices"][0]["message"]["content"] == "hi"
    assert answer.doc["created"] == 1700
    assert losses.is_strict


def test_a_stream_goes_over_event_by_event():
    """
    Chunks of one dialect come out as chunks of the other.
    """
    translation, _ = translating()
    translation.begin()
    start = (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1",'
        b'"type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,'
        b'"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
    )
    opened = (
        b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
        b'"content_block":{"type":"text","text":""}}\n\n'
    )
    delta = (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":"hi"}}\n\n'
    )
    frames = [
        make_chunk(raw, dialect="anthropic_messages") for raw in (start, opened, delta)
    ]

    chunks = translation.chunks(frames)

    assert all(chunk.dialect.name == "openai_chat" for chunk in chunks)
    assert {chunk.doc["created"] for chunk in chunks} == {1700}
    assert [t.value for chunk in chunks for t in chunk.texts()] == ["hi"]
