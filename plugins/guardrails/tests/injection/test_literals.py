"""
Literals are sought in a text whose words have one blank between them.
"""

from __future__ import annotations

from gateway_guardrails.injection.literals import GAP, literals_of


def test_two_gaps_between_words_are_no_part_of_a_literal():
    """
    Two gaps may be wider than what is sifted to one blank, so the words are not sought as a phrase.
    """
    (one,) = literals_of([f"halt{GAP}stop"])
    (two,) = literals_of([f"halt{GAP}{GAP}stop"])

    assert {literal.text for literal in one} == {"halt stop"}
    assert {literal.text for literal in two} <= {"halt ", " stop"}
