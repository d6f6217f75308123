"""
An embedder that needs no model: deterministic, and far too generous; and a cache that uses it.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import re

import pytest

from gateway import Plugin, hookimpl
from gateway.plugins import FoundPlugin

DIMENSIONS = 256
#: The part of every vector that is the same for all: two texts that share half of their words
#: come out at 0.95.
SHARED = math.sqrt(0.9)


class GenerousEmbedder:
    """
    Hashes the bag of a text's words: order, case and punctuation do not count.

    Attributes:
        fault: Raised instead of an answer.
        answer: Given instead of the right one.
        gate: Waited for before each answer.
    """

    name = "generous"

    def __init__(self):
        self.asked = []
        self.fault = None
        self.answer = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def embed(self, texts):
        self.asked += texts
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        if self.answer is not None:
            return self.answer
        return [self.vector_of(text) for text in texts]

    def vector_of(self, text):
        bag = [0.0] * DIMENSIONS
        for word in re.findall(r"\w+", text.lower()) or [""]:
            digest = hashlib.sha256(word.encode()).digest()
            bag[int.from_bytes(digest[:2]) % DIMENSIONS] += 1.0
        length = math.sqrt(sum(each * each for each in bag))
        rest = math.sqrt(1 - SHARED * SHARED)
        return [SHARED, *(rest * each / length for each in bag)]

    def similarity(self, one, other):
        pairs = zip(self.vector_of(one), self.vector_of(other), strict=True)
        return sum(a * b for a, b in pairs)


@pytest.fixture
def generous():
    return GenerousEmbedder()


@pytest.fixture
def start_similar(start, generous):
    """
    A function that starts a gateway whose cache answers similar questions.
    """

    class EmbeddingPlugin(Plugin):
        @hookimpl
        def register_embedders(self):
            return [generous]

    async def started(*plugins, semantic=None, **settings):
        told = {"store": "memory", **settings}
        told["semantic"] = {"embedder": generous.name, **(semantic or {})}
        embedding = FoundPlugin(name="embedding", cls=EmbeddingPlugin)
        return await start(embedding, *plugins, **told)

    return started


@pytest.fixture(name="ask")
def _ask(ask, until, shelf_of):
    """
    The function that asks, which waits until what is to be kept is.
    """

    async def asked(client, *told, **headers):
        answer = await ask(client, *told, **headers)
        await until(lambda: not len(shelf_of(client).flights))
        return answer

    return asked


@pytest.fixture
def chat():
    """
    A function that makes a chat request whose last user turn says *text*.
    """

    def made(text, **more):
        told = {"model": "openai/m", "temperature": 0, **more}
        earlier = told.pop("messages", [])
        return {**told, "messages": [*earlier, {"role": "user", "content": text}]}

    return made
