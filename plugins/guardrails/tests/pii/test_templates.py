"""
Values in sentences and records: words and shapes were not chosen after these.
"""

from __future__ import annotations

import random

import pytest

from gateway.detecting import Place
from gateway_guardrails.pii import KINDS, PiiDetector, PiiOptions
from gateway_guardrails.pii.options import select

ASKED = Place(stage="input", role="user")
#: ``{w}`` is a word for the value, also written as ``{k}`` and ``{c}``; ``{v}`` is the value.
TEMPLATES = (
    "{w} {v}",
    "{w}: {v}",
    "{w}:{v}",
    "{w} = {v}",
    "{w}={v}",
    "{w}# {v}",
    "{w} #{v}",
    "{w} - {v}",
    "{w} ({v})",
    "{w}\n{v}",
    "{w},{v},active",
    "{w}\t{v}",
    "- **{w}**: {v}",
    "* {w}: `{v}`",
    "<td>{w}</td><td>{v}</td>",
    "<{w}>{v}</{w}>",
    "{w};{v};ok",
    "{{'{w}': '{v}', 'name': 'x'}}",
    '{{"id": 7, "{w}": "{v}", "ok": true}}',
    "Could you look up {w} {v} for me?",
    "I was told that the {w} would be {v}.",
    "Please note the new {w}, {v}, in our records.",
    "They asked for my {w}, which is {v}",
    "{v} is my {w}.",
    "{v} ({w})",
    "For {w} enter {v} and press return.",
    "[2026-03-04 10:22:31] WARN {w}={v} rejected",
    "Dear Sir,\nregarding {w} no. {v} we regret to say no.",
    "Customer gave {w} number {v} over chat.",
    "Q: what is your {w}?\nA: {v}",
    "his {w} was changed to {v} last week",
    "the caller verified with {w} ending, full value {v}",
    "SELECT * FROM people WHERE {k} = '{v}'",
    "{k}: {v}",
    '"{c}": "{v}"',
    "{c}={v}&lang=en",
    "--{k} {v}",
)
TRIES = 25
LEAST = {"A": 0.98, "B": 0.95, "C": 0.95}


def written(kind, chance):
    """
    Return a text, and where the value of *kind* stands in it.
    """
    value = kind.example.split("`")[1]
    tokens = chance.choice(kind.words.split(",") if kind.words else ["value"]).split()
    camel = tokens[0] + "".join(token.capitalize() for token in tokens[1:])
    text = chance.choice(TEMPLATES).format(
        w=chance.choice((" ".join(tokens), " ".join(tokens).capitalize())),
        k="_".join(tokens),
        c=camel,
        v=value,
    )
    start = text.index(value)
    return text, start, start + len(value)


@pytest.mark.parametrize("tier", LEAST)
def test_values_are_found_in_any_template(tier):
    """
    Whatever stands between a word and its value, and on whichever side the word is.

    The type counts where no other country's has the same words and the same shape.
    """
    detector = PiiDetector(select(PiiOptions()))
    chance = random.Random(20261128)
    kinds = [
        kind
        for kind in KINDS
        if kind.tier == tier
        and kind.is_default
        and kind.family not in {"said", "track", "url"}
    ]

    missed = []
    for kind in kinds:
        for _ in range(TRIES):
            text, start, end = written(kind, chance)
            finds, _ = detector.find(text, 0, final=True, place=ASKED)
            if not any(find.start <= start and end <= find.end for find in finds):
                missed.append(text)

    assert len(missed) <= (1 - LEAST[tier]) * TRIES * len(kinds), missed
