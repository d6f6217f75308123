"""
Literals are sought in a text whose words have one blank between them.
"""

from __future__ import annotations

from gateway_guardrails.injection.literals import blanked, sifted


def test_sifted_text_has_one_blank_between_words():
    """
    Signs and blanks between two words are one blank, so that a phrase is one literal.
    """
    assert sifted(blanked(b"Ignore,  ALL\n(previous)")) == b"ignore all previous "
