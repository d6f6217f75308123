"""
What no detector of texts can read is named.
"""

from __future__ import annotations

import pytest

from gateway.testing import make_request
from gateway_guardrails.inspecting.media import media_in

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
