"""
Words and phrases by lists.
"""

from __future__ import annotations

import random
import time

import pytest
from cutting import assert_cut_invariant, fed

from gateway.errors import ConfigError
from gateway_guardrails.words import WordsOptions

from .conftest import PLACE, found_in, words


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("orion", "Project ORION is late", ["ORION"]),
        ("orion", "Orionis and hyperorion", []),
        ("orion", "(Orion), orion.", ["Orion", "orion"]),
        ("naïve", "so NAIVE, so naïve, so ｎaive", ["NAIVE", "naïve", "ｎaive"]),
        ("secret plan", "the Secret\n Plan, secret-plan", ["Secret\n Plan", "secret-plan"]),
        ("secret project", "secret and project", []),
        ("don't do it", "Don’t do it!", ["Don’t do it"]),
        ("项目", "我的项目很好", ["项目"]),
        ("c", "C and C++ and abc", ["C", "C"]),
    ],
)  # fmt: skip
def test_finds_whole_words_however_they_are_spelt(word, text, found):
    """
    Case, diacritics, width and what stands between the words of a phrase do not matter.
    """
    assert found_in(words(words=(word,)), text) == found


@pytest.mark.parametrize(
    ("language", "word", "text", "found"),
    [
        ("en", "bomb", "bombs, bombing, bombed", ["bombs", "bombing", "bombed"]),
        ("en", "running", "he runs", ["runs"]),
        ("en", "bomb", "a bombastic bombardment", []),
        ("de", "Waffe", "Waffen und Waffe", ["Waffen", "Waffe"]),
        ("fr", "explosif", "des explosifs", ["explosifs"]),
        ("es", "arma", "armas", ["armas"]),
        ("en", "pipe bomb", "Pipe-bombs", ["Pipe-bombs"]),
    ],
)
def test_endings_do_not_matter_on_demand(language, word, text, found):
    """
    By stem, a word is found in its other forms, and none that only begins as it does.
    """
    by_stem = words(languages={language: (word,)}, match="stem")
    exact = words(languages={language: (word,)})

    assert found_in(by_stem, text) == found
    assert found_in(exact, text) == [
        one for one in found if one.lower() == word.lower()
    ]


def test_finds_what_is_hidden_behind_stars():
    """
    With masks, stars may stand for letters inside.
    """
    detector = words(words=("darn",), masks=True)

    assert found_in(detector, "d*rn, da*n, d**n, d***") == ["d*rn", "da*n", "d**n"]


def test_presets_come_along():
    """
    A preset's words are found; what only looks like one is not.
    """
    detector = words(presets=("profanity.en", "profanity.de"))

    assert len(found_in(detector, "What a bullshit, so ein Arschloch!")) == 2
    assert found_in(detector, "Scunthorpe, classic assassins, Dickens") == []


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "words"),
        ({"words": ("...",)}, "words"),
        ({"words": ("x" * 300,)}, "words"),
        ({"presets": ("profanity.xx",)}, "presets[0]"),
        ({"languages": {"xx": ("a",)}}, "languages.xx"),
    ],
)
def test_refuses_what_cannot_be_looked_for(options, path):
    """
    A rule that says nothing, or what is not known, is a mistake.
    """
    with pytest.raises(ConfigError) as caught:
        words(**options)

    assert [problem.path for problem in caught.value.problems] == [path]


def test_options_tell_what_a_find_is():
    """
    Its type and how much it matters are the rule's.
    """
    detector = words(words=("orion",), type="project", severity="high")

    (find,), _ = detector.find("orion", 0, final=True, place=PLACE)

    assert (find.type, find.severity) == ("project", "high")
    assert WordsOptions().severity == "medium"


FRAGMENTS = (
    "secret project Orion orio kill your boss now don't do it don ' - * d*rn d**n darn bombs"
    " bombing bomb happy happier feet run running runner straßen STRASSEN é É 项目 你 我项目"
    " naïve NAIVE xsecret"
).split()


def test_cutting_does_not_matter():
    """
    However a text is cut, the same is found.
    """
    detector = words(
        words=(
            "secret project",
            "Orion",
            "kill your boss now",
            "don't do it",
            "项目",
            "naïve",
        ),
        languages={"en": ("bombing", "happy feet", "run"), "de": ("straßen",)},
        match="stem",
        masks=True,
    )
    chance = random.Random(20261128)
    for _ in range(50):
        text = "".join(
            chance.choice(FRAGMENTS)
            + chance.choice(["", " ", " ", "  ", "\n", ". ", "-"])
            for _ in range(chance.randint(2, 12))
        )

        assert_cut_invariant(detector, text, rounds=4)


def test_holds_back_only_what_may_become_a_phrase():
    """
    Ordinary words are let out at once, the beginning of a phrase is not.
    """
    detector = words(words=("secret project",))

    _, held = fed(detector, list("An ordinary day, with nothing to report. "))
    _, safe = detector.find("the secret proj", 0, final=False, place=PLACE)

    assert held <= 1
    assert safe == len("the ")


def test_time_hangs_on_the_length_alone():
    """
    Thousands of words cost little more than a few.
    """
    chance = random.Random(5)
    many = tuple({"".join(chance.choices("abcdefghij", k=8)) for _ in range(5000)})
    detector = words(words=many)
    text = "An ordinary sentence about nothing in particular. " * 2000

    begin = time.process_time()
    detector.find(text, 0, final=True, place=PLACE)

    assert time.process_time() - begin < 0.5
