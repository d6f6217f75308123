from __future__ import annotations

import re

import pytest

from gateway.dialects.openai_chat.names import (
    offered_names,
    restored_name,
    written_names,
)

NAMES = ["f", "a.b", "a/b", "a_b", "x" * 70, "x" * 71, "", "naïve", "mcp.tool" * 9]


def test_every_name_is_accepted():
    """
    What OpenAI is told fits its rule.
    """
    written = written_names(NAMES)

    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in written.values())


def test_no_two_names_meet():
    """
    Names that are cleaned to the same letters are told apart; a good one stays.
    """
    written = written_names(NAMES)

    assert len(set(written.values())) == len(NAMES)
    assert written["a_b"] == "a_b"


def test_the_same_every_time():
    """
    A conversation's tools are written the same in every turn, so that caches hold.
    """
    assert written_names(NAMES) == written_names(list(NAMES))


@pytest.mark.parametrize("name", [name for name in NAMES if name], ids=lambda n: n[:9])
def test_there_and_back(name):
    """
    The caller is told the name that the caller gave.
    """
    written = written_names(NAMES)

    assert restored_name(written[name], NAMES) == name


def test_unknown_name_stays():
    """
    A name that leads to no tool is the model's invention, and told as it is.
    """
    assert restored_name("invented", ["f"]) == "invented"


def test_ambiguous_name_stays():
    """
    A name that leads to two tools is not guessed at.
    """
    assert restored_name("a_b", ["a.b", "a/b"]) == "a_b"


def test_offered():
    """
    Names are found in tools of every kind, malformed ones passed over.
    """
    request = {
        "tools": [
            {"type": "function", "function": {"name": "f"}},
            {"type": "custom", "custom": {"name": "g"}},
            {"type": "function", "function": 3},
            "x",
        ],
        "functions": [{"name": "h"}],
    }

    assert offered_names(request) == ["f", "g", "h"]
