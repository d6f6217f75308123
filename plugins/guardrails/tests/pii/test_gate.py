"""
The gate hears every word that a value's judge would hear.
"""

from __future__ import annotations

import pytest

from gateway_guardrails.pii.gate import WordGate
from gateway_guardrails.pii.hearing import Hearing
from gateway_guardrails.pii.kinds import KINDS
from gateway_guardrails.pii.lexicon import Lexicon, gate_phrases

NEEDY = sum(1 << number for number, kind in enumerate(KINDS) if kind.needs_words)


@pytest.fixture(scope="module")
def gate():
    return WordGate(
        gate_phrases(
            (kind, 1 << number if kind.needs_words else 0)
            for number, kind in enumerate(KINDS)
        )
    )


@pytest.fixture(scope="module")
def lexicon():
    return Lexicon(KINDS)


def notations(phrase: str) -> list[str]:
    """
    Write *phrase* as people and programs do, also behind another word.
    """
    words = phrase.split()
    camel = "".join(word[0].upper() + word[1:] for word in words)
    written = [
        *(mark.join(words) for mark in (" ", "_", "-", "")),
        phrase.upper(),
        phrase.title(),
        camel,
        words[0] + "".join(word[0].upper() + word[1:] for word in words[1:]),
    ]
    written += [f"my{camel}", f"my{phrase.upper()}", f"my_{phrase}", f"the {phrase}s"]
    written += [f"{one}Code" for one in written]
    if len(words) == 1:
        written += [f"{phrase[:at]} {phrase[at:]}" for at in range(3, len(phrase) - 2)]
    return written


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.needs_words], ids=lambda kind: kind.name
)
def test_gate_hears_what_is_heard_beside_a_value(kind, gate, lexicon):
    """
    A kind that a word beside a value speaks of is one whose words the gate saw in the text.
    """
    missed = []
    heard = 0
    for phrase in filter(None, map(str.strip, kind.words.split(","))):
        for label in notations(phrase):
            for text, start in (
                (f"{label}: 1234", len(label) + 2),
                (f"1234 ({label})", 0),
            ):
                hearing = Hearing(lexicon, text, final=True)
                mask = hearing.hear(start, start + 4, NEEDY).mask
                heard += mask != 0
                if mask & ~gate.kinds(text):
                    missed.append(text)

    assert not missed
    assert heard or not kind.words


def test_word_of_one_kind_opens_no_other():
    """
    Where a security code is spoken of, a PIN is not looked for.
    """
    names = ["CVV", "PIN"]
    kinds = [kind for name in names for kind in KINDS if kind.name == name]
    gate = WordGate(
        gate_phrases((kind, 1 << number) for number, kind in enumerate(kinds))
    )

    assert gate.kinds("the cvv is 123") == 1
    assert gate.kinds("myCVV: 123") == 1
    assert gate.kinds("my pin is 1234") == 2
