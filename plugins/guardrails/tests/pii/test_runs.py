"""
What may begin in a run of digits is told by its skeleton, remembered or not.
"""

from __future__ import annotations

import random
import re

import pytest

from gateway_guardrails.pii import KINDS
from gateway_guardrails.pii.borders import PAIRS, SEPARATORS
from gateway_guardrails.pii.kind import shapes
from gateway_guardrails.pii.runs import FARTHEST, MOST_ALIKE, RUN, RunIndex
from gateway_guardrails.pii.shapes import LONGEST
from gateway_guardrails.pii.view import skeleton

SHAPES = sorted(
    {
        shape.replace("X", "9")
        for kind in KINDS
        for written in (kind.alone, kind.beside)
        for shape in shapes(written)
    }
)
BETWEEN = (
    " ",
    ", ",
    ". ",
    "/",
    "-",
    " - ",
    " (",
    ") ",
    "@",
    "%",
    "+",
    " a ",
    "\n",
    "_",
)


def drawn(chance):
    """
    Write shapes and words in a row, with enough around them that nothing ends the text.
    """
    parts = ["The first words of it, "]
    for _ in range(6):
        word = chance.choice(("MRN", "of", "NHS", "The", "x", "", "DE", "and so on"))
        parts += word, chance.choice(BETWEEN), chance.choice(SHAPES)
        parts.append(chance.choice(BETWEEN))
    return skeleton("".join(parts) + " and then these are the last words of all of it")


def told(run, at):
    """
    Return what *run* tells, by places of the text it begins at *at* of.
    """
    return {
        (at + token.digit + start.at, fit.size, fit.mask, tuple(fit.alone))
        for token in run.tokens
        for start in token.starts
        for fit in start.fits
    }


@pytest.mark.parametrize("seed", range(40))
def test_a_run_tells_the_same_by_itself_and_by_what_it_is_like(seed):
    """
    What stands for others of its kind around a run changes nothing of what may begin in it.
    """
    index = RunIndex(KINDS)
    texts = [drawn(random.Random(f"{seed} {number}")) for number in range(20)]
    runs = [(text, *run.span()) for text in texts for run in RUN.finditer(text)]
    short = [one for one in runs if one[2] - one[1] <= MOST_ALIKE]

    for text, low, high in short:
        # Where it may be cut it is read by itself.
        alone = index.read(text, low, high, final=True, is_cut=True)
        for _ in range(2):
            alike = index.read(text, low, high, final=True)
            assert told(alike, low) == told(alone, low)
            assert alike.mask & ~alone.mask == 0


def test_what_the_text_has_not_shown_yet_is_waited_for():
    """
    A group at the end may go on, and so may what a shape goes on with.
    """
    index = RunIndex(KINDS)
    text = f"{'of words ' * 5}123-45"
    low = text.index("1")
    written = skeleton(text)

    opened = index.read(written, low, len(text), final=False)
    closed = index.read(written, low, len(text), final=True)

    assert any(start.is_open for token in opened.tokens for start in token.starts)
    assert not any(start.is_open for token in closed.tokens for start in token.starts)
    assert len(text) - low < LONGEST


def test_shapes_are_as_the_memory_of_runs_takes_them():
    """
    None is longer, or has other gaps, than what is looked at around a run.
    """
    gaps = {gap for shape in SHAPES for gap in re.findall(r"[^9AX]+", shape)}

    assert max(map(len, SHAPES)) + len(" 9") <= FARTHEST < LONGEST
    assert {one for gap in gaps for one in gap} <= SEPARATORS
    assert {gap[:2] for gap in gaps if len(gap) > 1} <= PAIRS
