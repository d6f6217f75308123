"""
Words that say something are heard in the text they stand in, however much of it is read at once.
"""

from __future__ import annotations

import random

import pytest

from gateway_guardrails.pii import KINDS
from gateway_guardrails.pii.lexicon import Lexicon
from gateway_guardrails.pii.sayings import LEFT, Sayings

LEXICON = Lexicon(KINDS)
PHRASES = [
    phrase.strip()
    for kind in KINDS
    for phrase in kind.words.split(",")
    if phrase.strip().isascii()
]
WORDS = (
    *("the", "order", "12", "x", "numéro", "aB", "cafe", "10", "“so”", "of", "N"),
    *("čeština", "ИНН", "\u0e01\u0e02", "²", "\u2028", "Ω", "\U0001f600"),
)
GAPS = (" ", " ", "_", "-", ": ", "\n\n", "", "1", " 20 ", ", ")


def drawn(chance):
    """
    Write phrases in some notation, and other words.
    """
    parts = []
    for _ in range(30):
        phrase = chance.choice(PHRASES)
        camel = "".join(word.title() for word in phrase.split())
        some = (phrase, phrase.upper(), camel, f"{phrase}s", chance.choice(WORDS))
        parts += chance.choice(some), chance.choice(GAPS)
    return "".join(parts)


def read(text):
    """
    Return what all of *text* says.
    """
    heard = Sayings(LEXICON, text)
    heard.read(0, len(text))
    return near(heard.told)


def near(told):
    """
    Return what was *told*; of phrases those that are near enough to count.
    """
    return [
        (*saying[:3], [one for one in saying[3] if one[0] >= saying[1] - LEFT])
        for saying in told
    ]


@pytest.mark.parametrize("seed", range(60))
def test_words_say_the_same_whichever_way_they_are_read(seed):
    """
    The quick way hears what the other hears.
    """
    text = drawn(random.Random(seed))
    quick = read(text)

    assert quick
    assert quick == near(Sayings(LEXICON, text)._any(0, len(text)))


def test_most_texts_are_read_the_quick_way():
    """
    What is compared above is mostly not the same way twice.
    """
    texts = [drawn(random.Random(seed)) for seed in range(60)]
    quick = [Sayings(LEXICON, text)._plain(0, len(text)) for text in texts]

    assert sum(one is not None for one in quick) > 40


@pytest.mark.parametrize("seed", range(20))
def test_words_say_the_same_in_pieces(seed):
    """
    What is read on ends where no word goes on, and is heard together with what was read before.
    """
    text = drawn(random.Random(seed)).replace("1", " 1")
    whole = read(text)
    pieces = Sayings(LEXICON, text)
    for at, one in enumerate(text):
        if one == " " and at > pieces.upto:
            pieces.read(max(0, at - LEFT), at)

    known = [saying for saying in whole if saying[1] <= pieces.upto]
    assert [saying[:3] for saying in pieces.told] == [saying[:3] for saying in known]
