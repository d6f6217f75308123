"""
Log probabilities: as texts, and in translation.
"""

from __future__ import annotations

import pytest

from gateway.dialects.logprobs import is_token, read_logprobs, spelt, write_logprobs

HI = {"token": "hi", "logprob": -0.5, "bytes": [104, 105]}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [(" Hello", True), ("\n\n", True), ("", True), ("a b", False), ("x" * 25, False)],
    ids=repr,
)
def test_is_token(text, is_one):
    """
    A token is a word at most.
    """
    assert is_token(text) is is_one


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ([{"token": "It "}, {"token": "is"}], "It is"),
        ([{"token": 3}, "x", {"token": "is"}], "is"),
        ([], None),
        (None, None),
        ("words", None),
    ],
    ids=repr,
)
def test_spelt(tokens, text):
    """
    Tokens are put together; what is no token spells nothing.
    """
    assert spelt(tokens) == text


@pytest.mark.parametrize(
    "odd", [None, "words", [3], [{"token": "hi"}], [{"token": 3, "logprob": -1}]]
)
def test_reading_passes_over_what_is_no_likelihood(odd):
    """
    What a provider wrote of another shape is not there.
    """
    assert read_logprobs(odd) == []


def test_writing_has_what_the_dialect_requires():
    """
    Members that are missing are written, foreign ones are not.
    """
    given = {"token": "hi", "logprob": -0.5, "top_logprobs": [HI], "new": 1}

    (written,) = write_logprobs([given])

    assert written == {
        "token": "hi",
        "logprob": -0.5,
        "bytes": None,
        "top_logprobs": [HI],
    }


def test_writing_shares_no_node():
    """
    What is written twice is not one list.
    """
    first, second = write_logprobs([HI, HI])

    assert first == second
    assert first["bytes"] is not second["bytes"]
