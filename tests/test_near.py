from __future__ import annotations

import pytest

from gateway.near import nearest

KNOWN = ("openai", "openrouter", "anthropic")


@pytest.mark.parametrize(
    ("word", "most", "meant"),
    [
        ("opnai", 1, ["openai"]),
        ("openr", 2, ["openai", "openrouter"]),
        ("zzz", 3, []),
        ("", 1, []),
    ],
    ids=["a slip", "two are near", "nothing is", "nothing was said"],
)
def test_what_may_have_been_meant(word, most, meant):
    """
    The nearest comes first, and what is far off is not guessed.
    """
    assert nearest(word, iter(KNOWN), most=most) == meant
