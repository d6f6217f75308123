"""
Taking questions apart.
"""

from __future__ import annotations

import pytest

from gateway_caching.semantic.wording.words import Word, is_legible, stem, take_apart


@pytest.mark.parametrize(
    ("text", "literals"),
    [
        ("run `rm -r x` now", ("`rm -r x`",)),
        ("say 'see you' to Ann's dog", ("'see you'",)),
        ("say „so“ oder «si»", ('"so"', "«si»")),
        ("see https://a.example/b?c=1 please", ("https://a.example/b?c=1",)),
        ("mail ann@example.com", ("ann@example.com",)),
        ("open /etc/hosts or C:\\temp\\a", ("/etc/hosts", "C:\\temp\\a")),
        ("use --force or -f", ("--force", "-f")),
        ("call foo.bar() and x_1 in parseInt", ("foo.bar()", "x_1", "parseInt")),
        ("gpt-4o against v1.2", ("gpt-4o", "v1.2")),
        ("```\na = 1\n``` fails", ("```\na = 1\n```",)),
    ],
    ids=str,
)
def test_what_is_copied_to_the_letter(text, literals):
    """
    Code, quotations, addresses, paths, options, names of machines.
    """
    assert take_apart(text).literals == literals


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("1,200", ["#1200"]),
        ("1.5", ["#1.5"]),
        ("-5", ["#-5"]),
        ("+5", ["#5"]),
        ("5kg", ["#5", "kg"]),
        ("3rd", ["#3"]),
        ("10:30", ["#10:30"]),
        ("2024-05-01", ["#2024-05-01"]),
    ],
)
def test_numbers(text, items):
    """
    Without what groups them, with their sign, apart from their unit.
    """
    told = take_apart(text).items

    assert [each.text if isinstance(each, Word) else each for each in told] == items


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't", ["do", "not"]),
        ("can’t", ["can", "not"]),
        ("isnt", ["is", "not"]),
        ("you'll", ["you", "will"]),
        ("what's", ["what"]),
        ("l'aiguille", ["l", "aiguille"]),
        ("n'est", ["n", "est"]),
    ],
)
def test_contractions_are_opened(text, words):
    """
    So that a negation shows wherever it is written.
    """
    assert [word.text for word in take_apart(text).words] == words


def test_capital_letters_are_noted():
    """
    At the beginning of a sentence and within it.
    """
    words = {word.text: word for word in take_apart("Ask Bob. Then US vitamin A").words}

    assert words["ask"].begins
    assert words["then"].begins
    assert not words["bob"].begins
    assert words["bob"].is_capitalised
    assert words["us"].is_loud
    assert words["a"].is_loud


@pytest.mark.parametrize(
    ("text", "is_so"),
    [("plain", True), ("größer, señor, Łódź", True), ("привет", False), ("π r", False)],
)
def test_only_latin_letters_are_legible(text, is_so):
    """
    Of other scripts no word is known here.
    """
    assert is_legible(text) is is_so


@pytest.mark.parametrize(
    "forms",
    [
        ("delete", "deletes", "deleting", "deleted"),
        ("stop", "stops", "stopping", "stopped"),
        ("city", "cities"),
        ("box", "boxes"),
    ],
)
def test_forms_of_a_word_have_one_stem(forms):
    """
    Plurals, and the endings of English verbs.
    """
    assert len({stem(form) for form in forms}) == 1
