"""
Answers that are written once.
"""

from __future__ import annotations

import pytest

from gateway.testing import FakeUpstream, Script
from gateway.testing.fake.canned import asks_for_stream


@pytest.fixture
async def fast():
    async with FakeUpstream(default=Script(canned=True)) as upstream:
        yield upstream


@pytest.fixture
async def http_fast(fast):
    import aiohttp

    async with aiohttp.ClientSession(fast.url) as session:
        yield session


@pytest.mark.parametrize(
    ("body", "is_stream"),
    [
        (b'{"stream":true}', True),
        (b'{"stream": true}', True),
        (b'{"stream":false}', False),
        (b"{}", False),
    ],
    ids=repr,
)
def test_sees_a_stream_without_reading(body, is_stream):
    """
    Both usual spellings are recognised.
    """
    assert asks_for_stream(body) is is_stream


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_the_first_answer_is_everybodys(http_fast, chat, is_stream):
    """
    Every request after the first gets the same bytes.
    """
    answers = []
    for text in ("one", "two"):
        body = chat(text, stream=is_stream)
        async with http_fast.post("/v1/chat/completions", json=body) as response:
            answers.append(await response.read())

    assert answers[0] == answers[1]
    assert answers[0] != b""


async def test_every_answer_is_charged(fast, http_fast, chat):
    """
    The bill knows each request, by an id of its own.
    """
    for _ in range(3):
        async with http_fast.post("/v1/chat/completions", json=chat()) as response:
            await response.read()

    assert len({charge.request_id for charge in fast.bill}) == 3
    assert [charge.output_tokens for charge in fast.bill] == [5, 5, 5]
    assert {charge.model for charge in fast.bill} == {"gpt-x"}


async def test_whole_and_streamed_are_two_answers(http_fast, chat):
    """
    A canned stream does not answer who wants a document.
    """
    kinds = []
    for is_stream in (True, False):
        body = chat(stream=is_stream)
        async with http_fast.post("/v1/chat/completions", json=body) as response:
            kinds.append(response.content_type)

    assert kinds == ["text/event-stream", "application/json"]


async def test_a_canned_script_of_one_model(fake, http, chat):
    """
    A single model may be canned while others are not.
    """
    fake.script("gpt-x", Script(canned=True))

    texts = []
    for name in ("one", "two"):
        async with http.post("/v1/chat/completions", json=chat(name)) as response:
            document = await response.json()
            texts.append(document["choices"][0]["message"]["content"])

    assert texts == ["echo: one", "echo: one"]


async def test_many_canned_scripts_are_not_kept_forever(fake, http, chat):
    """
    Scripts without number do not grow the memory.
    """
    for number in range(70):
        fake.enqueue(Script(canned=True, text=f"n{number}"))
        async with http.post("/v1/chat/completions", json=chat()) as response:
            document = await response.json()

        assert document["choices"][0]["message"]["content"] == f"n{number}"
    assert len(fake._canned._found) <= 64


async def test_an_endless_stream_cannot_be_canned(fake, http, chat):
    """
    What has no end is sent whole instead.
    """
    fake.enqueue(Script(canned=True, never_end=True, text="on"))

    async with http.post("/v1/chat/completions", json=chat(stream=True)) as response:
        assert response.content_type == "application/json"
