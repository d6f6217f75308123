"""
What no detector of texts can read is named.
"""

from __future__ import annotations

import json

import pytest

from gateway.testing import Script, make_request
from gateway_guardrails.inspecting.media import media_in, media_in_answer

PNG = "data:image/png;base64,iVBORw0KGgo="


def chat(part):
    return {"model": "m", "messages": [{"role": "user", "content": [part]}]}


def file(**box):
    return {"type": "file", "file": box}


def document(kind, media, data):
    source = {"type": kind, "media_type": media, "data": data}
    return {"type": "document", "source": source}


AUDIO = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
IMAGE = {"type": "image", "source": {"type": "url", "url": "https://x.org"}}


@pytest.mark.parametrize(
    ("part", "kinds"),
    [
        ({"type": "text", "text": "an image_url of a file"}, []),
        ({"type": "image_url", "image_url": {"url": PNG}}, ["image"]),
        (AUDIO, ["audio"]),
        (file(file_id="file-1"), ["file"]),
        (file(file_data="data:application/pdf;base64,AA=="), ["file"]),
        (file(file_data="data:text/plain;base64,aGk="), []),
        (file(file_data="data:text/plain,h%69"), []),
        (file(file_data="data:text/plain;base64,aABpAA=="), ["file"]),
        (file(file_data="data:text/csv;base64,?"), ["file"]),
    ],
)
def test_chat(part, kinds):
    """
    Images, audio and files are named; documents that are nothing but text are texts.
    """
    assert media_in(make_request(chat(part))) == kinds


@pytest.mark.parametrize(
    ("block", "kinds"),
    [
        (IMAGE, ["image"]),
        (document("text", "text/plain", "hi"), []),
        (document("base64", "application/pdf", "AA=="), ["file"]),
        (document("base64", "text/plain", "aGk="), []),
    ],
)
def test_messages(block, kinds):
    """
    So in Anthropic's blocks.
    """
    body = {**chat(block), "max_tokens": 9}

    assert media_in(make_request(body, dialect="anthropic_messages")) == kinds


def test_responses():
    """
    And in the input of OpenAI's responses.
    """
    content = [{"type": "input_image", "image_url": PNG}]
    body = {"model": "m", "input": [{"role": "user", "content": content}]}

    assert media_in(make_request(body, dialect="openai_responses")) == ["image"]


SOUND = {"id": "audio_1", "data": "AA==", "transcript": "hello", "expires_at": 1}
PICTURE = {"type": "image_url", "image_url": {"url": PNG}}
DRAWN = {"type": "image_generation_call", "id": "ig_1", "result": "iVBORw0KGgo="}


def says(member, value):
    message = {"role": "assistant", "content": "hello", member: value}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        (says("audio", SOUND), ["audio"]),
        (says("images", [PICTURE]), ["image"]),
        (says("refusal", "an image_url of a file"), []),
        (says("audio", None), []),
        ({"output": [DRAWN]}, ["image"]),
        ({"output": [{**DRAWN, "result": None}]}, []),
        ({"content": [document("base64", "application/pdf", "AA==")]}, ["file"]),
        ({"type": "response.audio.delta", "delta": "AA=="}, ["audio"]),
    ],
    ids=str,
)
def test_answers(answer, kinds):
    """
    What a model drew or said aloud is named too.
    """
    assert media_in_answer(answer, json.dumps(answer).encode()) == kinds


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(
    ("told", "status"),
    [({"mandatory": True}, 400), ({}, 200)],
    ids=["mandatory", "any"],
)
async def test_a_picture_in_an_answer_is_refused_where_all_must_be_seen(
    gate, fake, told, status, stream
):
    """
    Before the caller has any of it; other guardrails look at the words.
    """
    fake.script("m", Script(text="hello", extra_inner={"images": [PICTURE]}))
    rules = {"pii": {"detectors": ["mail"], "action": "redact", **told}}
    document = {"model": "openai/m", "messages": [{"role": "user", "content": "hi"}]}

    async with gate(rules) as gated:
        path = "/v1/chat/completions"
        answer = await gated.client.post(path, {**document, "stream": stream})

    assert answer.status == status
    assert (b"iVBOR" in answer.body) == (status == 200)
    if status == 400:
        assert answer.json["error"]["code"] == "guardrail_unenforceable"
