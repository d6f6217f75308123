"""
Tests of `gateway_audit.entries.canonical`.
"""

from __future__ import annotations

import pytest

from gateway import codec
from gateway_audit.entries.canonical import encode

LINE = {"hook": "pre_request", "outcome": "passed", "plugin": "x" * 60, "us": 1}


def entry(**members):
    return dict(sorted({"type": "outcome", "v": 1, **members}.items()))


def test_what_fits_is_written_as_it_is():
    """
    One object, its keys in order, no blank.
    """
    assert encode(entry(at=5), 4096) == b'{"at":5,"type":"outcome","v":1}'


def test_what_is_too_long_is_cut_and_says_so():
    """
    The least important goes first, its beginning stays, and the rest is whole.
    """
    raw = encode(entry(trail=[LINE] * 500, findings=[1, 2]), 16_384)

    told = codec.loads(raw)
    assert len(raw) <= 16_384
    assert told["truncated"] == ["trail[64:]"]
    assert len(told["trail"]) == 64
    assert told["findings"] == [1, 2]
    assert list(told) == sorted(told)


def test_everything_may_have_to_go():
    """
    The smallest size still holds who and what.
    """
    raw = encode(
        entry(
            trail=[LINE] * 500,
            findings=[LINE] * 500,
            attempts=[LINE] * 500,
            params={"x" * 5000: 1},
        ),
        4096,
    )

    told = codec.loads(raw)
    assert len(raw) <= 4096
    assert told["truncated"] == ["attempts[4:]", "findings[8:]", "params", "trail[16:]"]


def test_what_cannot_be_cut_is_an_error():
    """
    Nothing is written that the log cannot take.
    """
    with pytest.raises(ValueError, match="cannot be cut"):
        encode(entry(model="x" * 5000), 4096)
