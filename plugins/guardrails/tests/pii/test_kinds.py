"""
The registry: every row is tried with its own examples.
"""

from __future__ import annotations

import pytest
from cutting import assert_cut_invariant

from gateway.detecting import Place
from gateway_guardrails.pii import KINDS, PiiDetector, PiiOptions
from gateway_guardrails.pii.kind import shapes
from gateway_guardrails.pii.options import select

ASKED = Place(stage="input", role="user")


@pytest.fixture(scope="module")
def everything():
    """
    A detector of all kinds.
    """
    return PiiDetector(select(PiiOptions(types=("all",))))


def parted(marked):
    """
    Return a text and the place of what stands in backticks there.
    """
    before, value, after = marked.split("`")
    return before + value + after, (len(before), len(before) + len(value))


def found(detector, text):
    finds, _ = detector.find(text, 0, final=True, place=ASKED)
    return [(find.type, (find.start, find.end)) for find in finds]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_its_example_is_found(kind, everything):
    """
    By its own type, from its first character to its last, and nothing else.
    """
    text, span = parted(kind.example)

    assert found(everything, text) == [(kind.name, span)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_its_counterexample_is_not(kind, everything):
    """
    What looks like it, but has a wrong digit or the wrong words beside it.
    """
    text, _ = parted(kind.counter)

    assert kind.name not in [name for name, _ in found(everything, text)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_its_example_may_be_cut_anywhere(kind, everything):
    """
    In a stream it is found as in the whole text.
    """
    text, _ = parted(kind.example)

    assert_cut_invariant(everything, f"So it goes. {text} And on it goes, 42 times.")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_its_shapes_are_those_that_are_looked_up(kind):
    """
    A shape leaves places for either only if it is nothing else, and is then told by its length.
    """
    either = [
        shape
        for text in (kind.alone, kind.beside)
        for shape in shapes(text)
        if "X" in shape
    ]

    assert all(set(shape) == {"X"} for shape in either)


def test_there_are_ninety_kinds_at_least():
    """
    Each has a name of its own.
    """
    names = {kind.name for kind in KINDS}

    assert len(names) == len(KINDS) >= 90
