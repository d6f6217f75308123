"""
Of what must be there, that is asked for which texts have least.
"""

from __future__ import annotations

from gateway_guardrails.injection.choosing import Chooser


def test_literals_are_few_for_what_has_rare_words():
    """
    Of two steps, the gate asks for the one that texts seldom have.
    """
    (way,) = Chooser().chosen(r"\b(?:the|a)\b[^.]{0,9}\b(?:jailbreak)\b")

    assert [{one.text for one in step.literals} for step in way.steps] == [
        {" jailbrea"}
    ]


def test_words_with_many_forms_are_one_phrase():
    """
    What precedes a word, each with many forms, is part of what is asked for: fewer texts have both.
    """
    (way,) = Chooser().chosen(
        r"\b(?:(?:the|this|our) )?(?:last|old|above|prior|new)"
        r" (?:chat|test|task|session|document|exercise|context)\b"
    )

    (step,) = way.steps
    assert " above chat" in {one.text for one in step.literals}
