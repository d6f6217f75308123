"""
An embedder that needs no model: deterministic, and far too generous.
"""

from __future__ import annotations

import hashlib
import math
import re

import pytest

DIMENSIONS = 256
#: The part of every vector that is the same for all: two texts that share half of their words
#: come out at 0.95.
SHARED = math.sqrt(0.9)


class GenerousEmbedder:
    """
    Hashes the bag of a text's words: order, case and punctuation do not count.
    """

    name = "generous"

    def __init__(self):
        self.asked = []

    async def embed(self, texts):
        self.asked += texts
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
