"""
What is sent in one call.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detecting import Find
from gateway_guardrails.remote.bundles import bundles_of

TEXTS = st.lists(st.text(alphabet="ab \n.", max_size=60), max_size=12)


@given(TEXTS, st.integers(20, 50), st.integers(0, 20), st.integers(0, 2))
def test_every_character_is_sent_and_told_where_it_stands(texts, limit, join, kinds):
    """
    Whatever the texts, each character that is no white space is found again at its place.
    """
    told = [(number % (kinds + 1), text) for number, text in enumerate(texts)]

    bundles = bundles_of(told, limit=limit, join=join, overlap=5)

    found = {
        (number, find.start): bundle.text[at]
        for bundle in bundles
        for at in range(len(bundle.text))
        for number, find in bundle.placed(Find(at, at + 1, "x"))
    }
    for number, text in enumerate(texts):
        for at, character in enumerate(text):
            if not character.isspace():
                assert found[number, at] == character
    assert all(texts[number][at] == one for (number, at), one in found.items())
    assert all(0 < len(bundle.text) <= limit for bundle in bundles)
    assert all(bundle.text.strip() for bundle in bundles)


def test_texts_of_another_kind_do_not_go_together():
    """
    A service that is told a role is told it of all that it is sent.
    """
    bundles = bundles_of(
        [("a", "one"), ("b", "two"), ("a", "three")], limit=99, join=50
    )

    assert [bundle.text for bundle in bundles] == ["one\n\nthree", "two"]


def test_a_find_over_two_texts_is_told_in_each():
    """
    What reaches over the gap belongs to both.
    """
    (bundle,) = bundles_of([("", "one"), ("", "two")], limit=99, join=50)

    placed = list(bundle.placed(Find(1, 7, "X")))

    assert placed == [(0, Find(1, 3, "X")), (1, Find(0, 2, "X"))]


def test_those_that_went_together_can_be_taken_apart():
    """
    Each is a whole passage again.
    """
    (bundle,) = bundles_of([("", "one"), ("", "two")], limit=99, join=50)

    assert [(one.number, one.text, one.is_whole) for one in bundle.apart()] == [
        (0, "one", True),
        (1, "two", True),
    ]
    assert not bundle.is_whole


@pytest.mark.parametrize("size", [1_000_000])
def test_a_long_run_is_cut_in_linear_time(size, cpu_seconds):
    """
    A megabyte without a gap is cut hard, part by part.
    """
    bundles = bundles_of([("", "x" * size)], limit=10_000)

    assert sum(len(bundle.text) for bundle in bundles) >= size
    assert cpu_seconds() < 1


@pytest.fixture
def cpu_seconds():
    """
    Seconds of this process since the test began.
    """
    start = time.process_time()
    return lambda: time.process_time() - start
