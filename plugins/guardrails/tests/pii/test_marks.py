"""
Values that a mark gives away.
"""

from __future__ import annotations

import random
import string

import pytest
from cutting import assert_cut_invariant

from gateway.detecting import Place
from gateway_guardrails.pii import PiiDetector, PiiOptions
from gateway_guardrails.pii.checks.americas import cnpj
from gateway_guardrails.pii.options import select

ASKED = Place(stage="input", role="user")
DETECTOR = PiiDetector(select(PiiOptions()))
COUNT = 500


def companies(seed):
    """
    Yield Brazilian companies' numbers that have letters, with punctuation and right check digits.
    """
    chance = random.Random(seed)
    for _ in range(COUNT):
        root = chance.choices(string.digits + string.ascii_uppercase, k=12)
        root[chance.randrange(12)] = chance.choice(string.ascii_uppercase)
        told = "".join(root)
        checked = next(
            f"{n:02}" for n in range(100) if cnpj(f"{told}{n:02}")
        )  # Receita Federal's module 11
        yield f"{told[:2]}.{told[2:5]}.{told[5:8]}/{told[8:]}-{checked}"


def found(text):
    finds, _ = DETECTOR.find(text, 0, final=True, place=ASKED)
    return [text[one.start : one.end] for one in finds if one.type == "BR_CNPJ"]


@pytest.mark.parametrize(
    "shown", ["O CNPJ é {} na nota.", "{}", "a nota ({}), paga", "nota {}."]
)
def test_every_company_with_letters_is_found(shown):
    """
    Wherever the letters are, with a word beside it or none.
    """
    missed = [one for one in companies(1) if found(shown.format(one)) != [one]]

    assert not missed


def wrong_digit(one):
    return one[:-1] + str((int(one[-1]) + 1) % 10)


@pytest.mark.parametrize(
    "spoilt",
    [
        wrong_digit,
        lambda one: one + "7",
        lambda one: "X" + one,
        lambda one: "8." + one,
        lambda one: one + "-9",
        lambda one: one.replace("/", "-"),
        lambda one: one.replace("-", "/"),
    ],
    ids=["check digit", "longer", "letter", "left", "right", "slash", "hyphen"],
)
def test_what_is_nearly_a_company_is_not_found(spoilt):
    """
    A wrong check digit, other punctuation, a part of something longer.
    """
    taken = [one for one in map(spoilt, companies(2)) if found(f"a nota {one} paga")]

    assert not taken


def test_company_with_letters_is_found_however_it_is_cut():
    """
    A stream decides what a whole text does.
    """
    text = f"CNPJ {next(companies(3))}, paga. E {next(companies(4))}"

    assert_cut_invariant(DETECTOR, text)
