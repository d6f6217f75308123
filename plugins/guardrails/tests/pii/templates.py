"""
Sentences and records around values: none of them was there when words and shapes were chosen.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

#: ``{w}`` is a word for the value, ``{v}`` the value.
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


def filled(word: str, value: str, chance: random.Random, count: int) -> Iterator[str]:
    """
    Yield *count* texts in which *word* and *value* stand.
    """
    tokens = word.split()
    camel = tokens[0].lower() + "".join(token.capitalize() for token in tokens[1:])
    for template in chance.sample(TEMPLATES, count):
        yield template.format(
            w=word, v=value, k="_".join(tokens).lower(), c=camel
        )
