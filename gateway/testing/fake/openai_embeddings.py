"""
Read and write ``POST /v1/embeddings``.
"""

from __future__ import annotations

import array
import base64
import functools
import hashlib
import math
import re
import sys
from typing import Any

from gateway.testing.fake.answer import Answer
from gateway.testing.fake.ask import (
    Ask,
    Body,
    Rules,
    need,
    refuse_unknown,
    whole_number,
)
from gateway.testing.fake.errors import Vendor, bad_request
from gateway.testing.fake.operation import Operation
from gateway.testing.fake.tokens import count_input

__all__ = ["DIMENSIONS", "EMBEDDINGS", "embed"]

DIMENSIONS = 64
_MOST_DIMENSIONS = 4096
_MOST_INPUTS = 2048
_FIELDS = frozenset("dimensions encoding_format input model user".split())
_WORD = re.compile(r"\w+")


def _read(body: Body, rules: Rules) -> Ask:
    model = need(body, "model", str)
    given = need(body, "input", (str, list))
    if rules.is_strict and (unknown := refuse_unknown(body, _FIELDS)):
        raise unknown
    if body.get("encoding_format") not in {None, "float", "base64"}:
        raise bad_request("Invalid 'encoding_format'.", "encoding_format")
    dimensions = whole_number(body, "dimensions")
    if dimensions is not None and not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise bad_request("Invalid 'dimensions': expected 1 to 4096.", "dimensions")
    inputs = _inputs(given)
    if not 1 <= len(inputs) <= _MOST_INPUTS or not all(inputs):
        raise bad_request("Invalid 'input': expected 1 to 2048, none empty.", "input")
    return Ask(
        body=body,
        model=model,
        input_tokens=sum(_count(each) for each in inputs),
        is_generated=False,
    )


def _inputs(given: Any) -> list[Any]:
    """
    Read the inputs: texts, or lists of token ids.
    """
    if isinstance(given, str):
        return [given]
    if all(type(each) is int for each in given):
        return [given] if given else []
    for each in given:
        is_tokens = isinstance(each, list) and all(type(n) is int for n in each)
        if not isinstance(each, str) and not is_tokens:
            raise bad_request("Invalid type for 'input'.", "input")
    return list(given)


def _count(each: Any) -> int:
    return len(each) if isinstance(each, list) else count_input(each)


def _whole(answer: Answer) -> dict[str, Any]:
    body = answer.ask.body
    size = body.get("dimensions") or DIMENSIONS
    is_base64 = body.get("encoding_format") == "base64"
    entries = []
    for index, each in enumerate(_inputs(body["input"])):
        vector = embed(each if isinstance(each, str) else repr(each), size)
        entry = {
            "object": "embedding",
            "index": index,
            "embedding": _pack(vector) if is_base64 else vector,
        }
        entries.append(answer.add_inner(entry))
    document: dict[str, Any] = {
        "object": "list",
        "data": entries,
        "model": answer.model,
    }
    if not answer.script.no_usage:
        total = answer.tokens.input
        document["usage"] = {"prompt_tokens": total, "total_tokens": total}
    return answer.add(document)


def embed(text: str, size: int = DIMENSIONS) -> list[float]:
    """
    Embed *text* as a bag of words, in a vector of *size* with length 1.

    Equal texts have equal vectors, texts that share words have near ones.
    """
    vector = [0.0] * size
    for word in _WORD.findall(text.lower()) or [text]:
        place, sign = _place_of(word)
        vector[place % size] += sign
    length = math.sqrt(sum(each * each for each in vector))
    if not length:  # two words that cancel each other out
        vector[0] = length = 1.0
    return [each / length for each in vector]


@functools.lru_cache(maxsize=4096)
def _place_of(word: str) -> tuple[int, float]:
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest[:7], "big"), 1.0 if digest[7] & 1 else -1.0


def _pack(vector: list[float]) -> str:
    """
    Pack as base64 of little-endian 32-bit floats.
    """
    packed = array.array("f", vector)
    if sys.byteorder == "big":
        packed.byteswap()
    return base64.b64encode(packed.tobytes()).decode()


EMBEDDINGS = Operation(name="embedding", vendor=Vendor.OPENAI, read=_read, whole=_whole)
