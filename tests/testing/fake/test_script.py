"""
Scripts and their parts.
"""

from __future__ import annotations

import attrs
import pytest

from gateway.testing.fake.script import Ending, Script, ToolCall, Usage


def test_first_ending_wins():
    """
    Of several endings the one after the fewest events happens.
    """
    script = Script(break_after=5, error_after=2, end_after=3)

    assert script.ending == (Ending.ERROR, 2)


def test_ending_at_once_is_an_ending():
    """
    Zero events is a count, not an absence.
    """
    assert Script(stall_after=0).ending == (Ending.STALL, 0)


def test_most_scripts_have_no_ending():
    """
    A script that says nothing about it ends well.
    """
    assert Script(text="hi").ending is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"split": 0},
        {"chunk_bytes": 0},
        {"latency_ms": -1},
        {"status": 99},
        {"line_end": "\n\n"},
        {"break_after": -1},
        {"comment_every": 0},
    ],
    ids=repr,
)
def test_figures_without_sense_are_refused(wrong):
    """
    A script that cannot be followed cannot be made.
    """
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Script(**wrong)


def test_is_a_value():
    """
    Scripts are equal by what they say, and evolve.
    """
    assert attrs.evolve(Script(text="a"), text="b") == Script(text="b")


def test_pieces_of_a_call_are_its_arguments():
    """
    Arguments follow from the pieces that they are streamed in.
    """
    assert ToolCall(name="f", pieces=('{"a"', ": 1}")).arguments == '{"a": 1}'


@pytest.mark.parametrize(
    "wrong",
    [
        {"input": 5, "cached": 6},
        {"input": 5, "cache_write_5m": 3, "cache_write_1h": 3},
        {"output": 1, "reasoning": 2},
        {"cached": -1},
    ],
    ids=repr,
)
def test_usage_must_add_up(wrong):
    """
    A total holds its parts.
    """
    with pytest.raises(ValueError):  # noqa: PT011 - two kinds of message
        Usage(**wrong)


def test_shows_only_what_it_says():
    """
    A failing test prints the few fields that were set.
    """
    assert repr(Script(text="a", chunk_bytes=1)) == "Script(text='a', chunk_bytes=1)"
