"""
Embeddings, judged by the SDK's own types.
"""

from __future__ import annotations

import base64
import math
import struct

import pytest
from openai.types import CreateEmbeddingResponse
from pydantic import TypeAdapter

from gateway.testing.fake.openai_embeddings import DIMENSIONS, EMBEDDINGS, embed
from gateway.testing.fake.script import Script


def body(given="hello world", **fields):
    return {"model": "embed-x", "input": given, **fields}


def likeness(one, other):
    return sum(a * b for a, b in zip(embed(one), embed(other), strict=True))


def test_the_answer_is_what_the_sdk_expects(whole):
    """
    One vector for each input, in order, with usage.
    """
    document = whole(EMBEDDINGS, body(["a", "b"]))

    answer = TypeAdapter(CreateEmbeddingResponse).validate_python(document)
    assert [each.index for each in answer.data] == [0, 1]
    assert len(answer.data[0].embedding) == DIMENSIONS
    assert answer.usage.total_tokens == 2


def test_base64_holds_the_same_vector(whole):
    """
    Packed vectors are little-endian 32-bit floats.
    """
    floats = whole(EMBEDDINGS, body())["data"][0]["embedding"]
    packed = whole(EMBEDDINGS, body(encoding_format="base64"))["data"][0]["embedding"]

    unpacked = struct.unpack(f"<{DIMENSIONS}f", base64.b64decode(packed))
    assert unpacked == pytest.approx(floats)


def test_equal_texts_are_equal_and_near_ones_near():
    """
    Texts that share words are nearer than those that share none.
    """
    assert likeness("How is Oslo?", "how is oslo") == pytest.approx(1)
    assert likeness("weather in Oslo", "the weather in Oslo") > 0.8
    assert likeness("weather in Oslo", "price of butter") < 0.5


@pytest.mark.parametrize("size", [1, 7], ids=str)
@pytest.mark.parametrize("text", ["a", "", "?!", "a b c d e f", "word " * 500], ids=len)
def test_every_vector_has_length_one(text, size):
    """
    No text makes a vector of zeros, not even words that cancel each other out.
    """
    assert math.hypot(*embed(text, size)) == pytest.approx(1)


def test_dimensions_are_honoured(whole):
    """
    A vector is as long as asked.
    """
    document = whole(EMBEDDINGS, body(dimensions=5))

    assert len(document["data"][0]["embedding"]) == 5


@pytest.mark.parametrize(
    ("given", "tokens"),
    [("abcde", 2), (["abcde", "a"], 3), ([1, 2, 3], 3), ([[1, 2], [3]], 3)],
    ids=repr,
)
def test_counts_input_of_every_kind(whole, given, tokens):
    """
    Token ids are counted one by one.
    """
    assert whole(EMBEDDINGS, body(given))["usage"]["prompt_tokens"] == tokens


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"given": ""}, "input"),
        ({"given": []}, "input"),
        ({"given": ["a", ""]}, "input"),
        ({"given": [{"a": 1}]}, "input"),
        ({"given": ["a"] * 2049}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"unheard": 1}, "unheard"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_refuses(refusal, fields, param):
    """
    What cannot be answered is refused by its parameter.
    """
    assert refusal(EMBEDDINGS.read, body(**fields)).param == param


def test_no_usage(whole):
    """
    A script can leave usage out.
    """
    assert "usage" not in whole(EMBEDDINGS, body(), Script(no_usage=True))
