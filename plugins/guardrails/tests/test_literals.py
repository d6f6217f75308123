"""
Literals, found by an automaton or without one.
"""

from __future__ import annotations

import random

import pytest

from gateway_guardrails import literals
from gateway_guardrails.literals import Literals


@pytest.fixture(params=["automaton", "pattern"])
def engine(request, monkeypatch):
    """
    Either engine.
    """
    if request.param == "pattern":
        monkeypatch.setattr(literals, "_ahocorasick", None)
    return request.param


def test_finds_all_also_where_they_overlap(engine):
    """
    None hides another: not the longer one, nor the one that begins before it.
    """
    found = Literals(["he", "she", "hers", "his"]).hits("ushers")

    assert sorted(found) == [(0, 2, 4), (1, 1, 4), (2, 2, 6)]


def test_positions_are_characters(engine):
    """
    Also behind characters of several bytes, and half a surrogate pair.
    """
    assert list(Literals(["ab"]).hits("é😀ab\ud800ab")) == [(0, 2, 4), (0, 5, 7)]


def test_positions_in_bytes_are_bytes(engine):
    """
    For who has a text in UTF-8 already.
    """
    raw = "é😀ab\ud800ab".encode("utf-8", "surrogatepass")

    assert list(Literals(["ab"]).hits_in(raw)) == [(0, 6, 8), (0, 11, 13)]


def test_case_is_ignored_on_demand(engine):
    """
    For letters of ASCII alone, so that positions stay.
    """
    assert list(Literals(["api"], ignores_case=True).hits("İ API")) == [(0, 2, 5)]
    assert list(Literals(["api"]).hits("API")) == []


def test_nothing_to_look_for_finds_nothing(engine):
    """
    An empty set is one.
    """
    assert list(Literals([]).hits("anything")) == []


@pytest.mark.parametrize("wrong", [["a", "a"], [""]])
def test_refuses_what_has_no_meaning(wrong, engine):
    """
    A literal that is empty or told twice is a mistake.
    """
    with pytest.raises(ValueError, match="literal"):
        Literals(wrong)


def test_both_engines_find_the_same(monkeypatch):
    """
    On random texts of few letters.
    """
    chance = random.Random(3)
    words = sorted(
        {
            "".join(chance.choice("abc") for _ in range(chance.randint(1, 4)))
            for _ in range(20)
        }
    )
    texts = ["".join(chance.choice("abcdé") for _ in range(60)) for _ in range(50)]
    with_automaton = Literals(words)
    monkeypatch.setattr(literals, "_ahocorasick", None)
    without = Literals(words)

    for text in texts:
        assert sorted(with_automaton.hits(text)) == sorted(without.hits(text))
