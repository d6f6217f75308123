"""
The commonest words are in order, and each stands there once.
"""

from __future__ import annotations

from gateway_guardrails.commonest import commonest_words


def test_the_commonest_words_come_first_and_once():
    """
    What a word's place says of how often texts have it is only so if there are no two.
    """
    words = commonest_words()

    assert words[0] == "the"
    assert len(set(words)) == len(words)
