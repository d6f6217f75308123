"""
Seed phrases of wallets.
"""

from __future__ import annotations

import hashlib
import random

import pytest
from cutting import assert_cut_invariant

from gateway_guardrails.secrets.seeds import has_check, seed_words

from .conftest import PLACE


def phrase(words: int, seed: int = 7) -> str:
    """
    Draw a phrase with the right checksum.
    """
    check_bits = words // 3
    raw = random.Random(seed).randbytes((words * 11 - check_bits) // 8)
    check = hashlib.sha256(raw).digest()[0] >> (8 - check_bits)
    number = int.from_bytes(raw, "big") << check_bits | check
    places = [number >> 11 * at & 2047 for at in reversed(range(words))]
    return " ".join(seed_words()[place] for place in places)


def numbered(words: str) -> str:
    """
    Write a phrase down as wallets ask for it.
    """
    return "\n".join(f"{n}. {word}" for n, word in enumerate(words.split(), 1))


def finds(detector, text):
    """
    Return the values and scores of phrases.
    """
    found, _ = detector.find(text, 0, final=True, place=PLACE)
    return [(text[f.start : f.end], f.score) for f in found if f.type == "seed_phrase"]


@pytest.mark.parametrize("words", [12, 15, 18, 21, 24])
def test_a_right_checksum_makes_sure(words, detector):
    """
    A phrase is found whole behind its name; the checksum tells whether it is one.
    """
    right = phrase(words)
    wrong = " ".join([*right.split()[:-1], "zoo"])

    assert finds(detector, f"My seed phrase is: {right}. Keep it.") == [(right, 1.0)]
    assert has_check(right.split())
    if not has_check(wrong.split()):
        assert finds(detector, f'MNEMONIC="{wrong}"') == [(wrong, 0.8)]


def test_words_may_be_numbered(detector):
    """
    A word a line, with its number, is a phrase as well.
    """
    text = numbered(phrase(12))

    assert finds(detector, f"Recovery phrase:\n{text}\n") == [(text[3:], 1.0)]


@pytest.mark.parametrize(
    "text",
    [
        "A mnemonic is a device such as a pattern of letters that helps you to remember.",
        "Never share your seed phrase with anybody, nor your recovery words.",
        f"seed phrase: {' '.join(phrase(12).split()[:11])}",
        phrase(12),
    ],
    ids=["a sentence", "a warning", "too few", "no name"],
)
def test_leaves_what_is_no_phrase(text, detector):
    """
    Sentences, fewer words, and words without a name are left.
    """
    assert finds(detector, text) == []


@pytest.mark.parametrize("words", [11, 12, 24, 25])
def test_cutting_does_not_matter(words, detector):
    """
    A phrase waits for what it may still become, and no longer.
    """
    told = " ".join((phrase(24) + " " + phrase(12)).split()[:words])

    for text in (f"mnemonic: {told}", f"seed phrase\n{told}. Then more, and more."):
        assert_cut_invariant(detector, text)
