"""
The gate never hides what a rule's own pattern finds.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway_guardrails.injection.catalogue import rules
from gateway_guardrails.injection.gate import Gate, Sifted, stretches
from gateway_guardrails.patterns import compile_pattern

TALK = (Path(__file__).parent / "talk.txt").read_text(encoding="utf-8")
BESIDE = ["", "Some words stand here, and more of them -- until now. "]


def is_asked(gate: Gate, text: str, span: tuple[int, int]) -> bool:
    """
    Tell whether the gate lets its only pattern look where it is.
    """
    raw = text.encode()
    told = Sifted(raw)
    found = gate.candidates(text, raw, told).get(0, ())
    start, end = (len(text[:at].encode()) for at in span)
    return any(a <= start and end <= b for a, b in stretches(found, told))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: f"{rule.family}-{rule.hit}")
def test_every_rule_is_asked_where_it_is(rule):
    """
    A rule's own example is within what the gate lets through, whatever stands beside it.
    """
    gate = Gate([rule.pattern])
    pattern = compile_pattern(rule.pattern, ignores_case=True)

    for before in BESIDE:
        for shown in (rule.hit, rule.hit.replace(" ", " \n ")):
            text = before + shown + ("" if rule.hit.endswith(" ") else "\n")
            for match in pattern.finditer(text):
                assert is_asked(gate, text, match.span())


def test_every_rule_is_asked_in_talk_of_attacks():
    """
    In texts that are full of the rules' words, nothing that a pattern finds is passed over.
    """
    missed = []
    for rule in rules():
        gate = Gate([rule.pattern])
        pattern = compile_pattern(rule.pattern, ignores_case=True)
        for line in TALK.splitlines():
            missed += [
                (rule.pattern, match.group())
                for match in pattern.finditer(line)
                if not is_asked(gate, line, match.span())
            ]

    assert not missed


def test_many_of_its_words_hide_no_rule():
    """
    Who repeats a rule's words before and behind it does not keep it from being looked for.
    """
    pattern = (
        r"\b(?:you|assistant|the model)\b[^.]{1,9}\b(?:has to|must|shall|have to)\b[^.]{1,9}"
        r"\b(?:say|tell|print|write|show|read|send|run|open|call)\b"
    )
    gate = Gate([pattern])
    text = "you must. " * 40 + "you must now say" + " you must." * 40
    found = compile_pattern(pattern).search(text)

    assert found is not None
    assert is_asked(gate, text, found.span())


def test_pattern_that_needs_nothing_is_refused():
    """
    A rule that any text may match says so when it is made, not by its cost.
    """
    with pytest.raises(ValueError, match="nothing must be there"):
        Gate([r"\w+"])


def test_places_of_sifted_text_lead_back():
    """
    A place of the sifted text leads to a stretch of the text that has it.
    """
    raw = (b"word,  " * 400) + b"needle" + (b" -- more" * 400)
    told = Sifted(raw)
    at = told.text.index(b"needle")

    start, end = told.unsifted(at, at)

    assert start <= raw.index(b"needle") <= end


def test_sifted_text_has_one_blank_between_words():
    """
    Signs and blanks between two words are one blank, so that a phrase is one literal.
    """
    assert Sifted(b"Ignore,  ALL\n(previous)").text == b" ignore all previous "
