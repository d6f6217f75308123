"""
The packed ranks are the published ones, or nothing is counted.
"""

from __future__ import annotations

import base64
import hashlib
import lzma
from importlib.resources import files

import pytest
import tiktoken_ext.openai_public

from gateway_encodings.ranks import NAMES, RanksDamaged, read_ranks, source_of, unpack


@pytest.fixture(name="theirs")
def _theirs(monkeypatch):
    """
    Definitions as tiktoken has them, with a file's expected sum for its content.
    """
    monkeypatch.setattr(
        tiktoken_ext.openai_public,
        "load_tiktoken_bpe",
        lambda url, expected_hash: expected_hash,
    )
    return {
        name: constructor()
        for name, constructor in tiktoken_ext.openai_public.ENCODING_CONSTRUCTORS.items()
        if name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_are_the_published_file(name, theirs):
    """
    Written as OpenAI publishes them, they have the sum that tiktoken expects of a download.
    """
    ranks = read_ranks(name)

    lines = [b"%b %d\n" % (base64.b64encode(token), ranks[token]) for token in ranks]

    published = hashlib.sha256(b"".join(lines)).hexdigest()
    assert published == theirs[name]["mergeable_ranks"]


@pytest.mark.parametrize("name", NAMES)
def test_pattern_and_special_tokens_are_theirs(name, theirs):
    """
    Text is cut into pieces as tiktoken does.
    """
    source = source_of(name)

    assert source.pattern == theirs[name]["pat_str"]
    assert dict(source.special_tokens) == theirs[name]["special_tokens"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[: len(packed) // 2],
        lambda packed: b"no archive",
        lambda packed: lzma.compress(lzma.decompress(packed)[:-2]),
        lambda packed: lzma.compress(lzma.decompress(packed).replace(b" the", b" thy")),
    ],
    ids=["cut", "other", "shorter", "edited"],
)
def test_damaged_ones_are_refused(damage):
    """
    What is not to the byte what this version was made with is not used.
    """
    packed = (files("gateway_encodings") / "data" / "cl100k_base.xz").read_bytes()

    with pytest.raises(RanksDamaged, match="cl100k_base are damaged"):
        unpack("cl100k_base", damage(packed))
