"""
Patterns in linear time.
"""

from __future__ import annotations

import time

import pytest

from gateway_guardrails import patterns
from gateway_guardrails.patterns import (
    MAX_CHARACTERS,
    PatternInvalid,
    PatternSet,
    compile_pattern,
)


@pytest.fixture(params=["re2", "stdlib"])
def engine(request, monkeypatch):
    """
    Either engine.
    """
    if request.param == "stdlib":
        monkeypatch.setattr(patterns, "_re2", None)
    return request.param


def test_positions_are_characters(engine):
    """
    Also where a character takes several bytes.
    """
    found = compile_pattern(r"\d{3}").search("grün 123")

    assert found is not None
    assert found.span() == (5, 8)


@pytest.mark.parametrize("text", ["(", "a{2000}", "[z-a]"])
def test_what_is_no_pattern_is_refused(text):
    """
    The error says why.
    """
    with pytest.raises(PatternInvalid, match="no pattern"):
        compile_pattern(text)


def test_a_pattern_of_any_length_is_refused(engine):
    """
    Nobody writes such a pattern.
    """
    with pytest.raises(PatternInvalid, match="4096"):
        compile_pattern("a" * (MAX_CHARACTERS + 1))


def test_a_set_tells_which_are_there(engine):
    """
    In the order in which they were given.
    """
    words = PatternSet(["cat", "dog", "b.rd"])

    assert list(words.hits("a BIRD, a dog, a bird")) == [1, 2]
    assert list(words.hits(b"cat")) == [0]
    assert list(words.hits("nothing")) == []


def test_case_is_ignored_where_told(engine):
    """
    For sets as for single patterns.
    """
    assert compile_pattern("cat", ignores_case=True).search("CAT")
    assert list(PatternSet(["cat"], ignores_case=True).hits("CAT")) == [0]
    assert compile_pattern("cat").search("CAT") is None


def test_no_pattern_hangs():
    """
    What makes a backtracking engine run for years is done at once.
    """
    pattern = compile_pattern(r"(a+)+$")
    before = time.process_time()

    found = pattern.search("a" * 50_000 + "!")

    assert found is None
    assert time.process_time() - before < 1.0
