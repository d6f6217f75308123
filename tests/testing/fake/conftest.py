"""
A fake upstream, real clients for it, and its writers without a socket.
"""

from __future__ import annotations

import aiohttp
import anthropic
import openai
import orjson
import pytest

from gateway.testing import FakeUpstream, Script
from gateway.testing.fake.answer import compose
from gateway.testing.fake.ask import Rules
from gateway.testing.fake.seal import Seal

VERSION = {"anthropic-version": "2023-06-01"}


@pytest.fixture
async def fake():
    async with FakeUpstream(patience_s=2.0) as upstream:
        yield upstream


@pytest.fixture
async def openai_client(fake):
    client = openai.AsyncOpenAI(
        base_url=fake.openai_url, api_key="sk-test", max_retries=0
    )
    async with client:
        yield client


@pytest.fixture
async def anthropic_client(fake):
    client = anthropic.AsyncAnthropic(
        base_url=fake.url, api_key="sk-test", max_retries=0
    )
    async with client:
        yield client


@pytest.fixture
async def http(fake):
    async with aiohttp.ClientSession(fake.url, headers=VERSION) as session:
        yield session


@pytest.fixture
def chat():
    """
    Make the body of a small chat request.
    """

    def make(text="hello there", **fields):
        messages = [{"role": "user", "content": text}]
        return {"model": "gpt-x", "messages": messages, **fields}

    return make


@pytest.fixture
def message():
    """
    Make the body of a small request for a message.
    """

    def make(text="hello there", **fields):
        messages = [{"role": "user", "content": text}]
        return {"model": "claude-x", "max_tokens": 500, "messages": messages, **fields}

    return make


@pytest.fixture
def rules():
    return Rules(is_strict=True, seal=Seal("fake"))


@pytest.fixture
def refusal(rules):
    """
    Tell in which words a request is refused, or None.
    """

    def refused(read, body, rules=rules):
        from gateway.testing.fake.errors import VendorError

        try:
            read(body, rules)
        except VendorError as error:
            return error
        return None

    return refused


@pytest.fixture
def answer(rules):
    """
    Compose an answer to a request, without a socket.
    """

    def make(operation, body, script=None):
        ask = operation.read(body, rules)
        return compose(ask, script or Script(), number=7, seal=rules.seal)

    return make


@pytest.fixture
def whole(answer):
    """
    Write an answer as a document.
    """

    def write(operation, body, script=None):
        return orjson.loads(
            orjson.dumps(operation.whole(answer(operation, body, script)))
        )

    return write


@pytest.fixture
def events(answer):
    """
    Write an answer as the documents of its events.
    """

    def write(operation, body, script=None):
        found = operation.events(answer(operation, body, script))
        return [orjson.loads(each.data) for each in found if each.data != b"[DONE]"]

    return write


@pytest.fixture
def parse():
    """
    Read a body of server-sent events: pairs of name and document.
    """

    def read(body):
        text = body.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        pairs = []
        for block in text.split("\n\n"):
            fields = [line.partition(": ")[::2] for line in block.split("\n")]
            data = "\n".join(value for key, value in fields if key == "data")
            if data and data != "[DONE]":
                name = dict(fields).get("event")
                pairs.append((name, orjson.loads(data)))
        return pairs

    return read
