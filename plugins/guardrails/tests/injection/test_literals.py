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


def test_sign_beside_a_word_is_sought_with_it():
    """
    What has a seldom sign is sought with that, its neighbours as words: `prompt` alone is common.
    """
    made = literals_of(["{prompt}", "my first prompt"])

    assert [{(one.text, one.is_sifted) for one in kind} for kind in made] == [
        {("my first promp", True)},
        {("{prompt}", False)},
    ]
