"""
Rules for what a model says piece by piece.
"""

from __future__ import annotations

import pytest

from gateway.dialects.openai_responses.spoken import (
    SpokenWalk,
    arguments,
    blanks_logprobs,
    blob,
    spoken,
    token,
    token_or,
)
from gateway.dialects.shapes import node


def walked(kit, rule, value, said="whole"):
    walk = SpokenWalk(kit.response({}), "assistant", said=said, is_answer=True)
    walk.lane = (0, 7)
    box = {"key": value}
    rule(walk, box, "key", value)
    return walk.out


@pytest.mark.parametrize("said", ["whole", "delta", "repeat"])
def test_spoken_has_the_form_of_its_walk(kit, said):
    """
    The same rule yields deltas and what repeats them, in one lane.
    """
    (text,) = walked(kit, spoken("message", part=(1,)), "words", said)

    assert (text.form, text.lane) == (said, (0, 7, 1, "message"))


def test_spoken_that_is_no_string(kit):
    """
    Something else in a text's place is looked through.
    """
    (text,) = walked(kit, spoken("message"), ["words"])

    assert (text.value, text.kind) == ("words", "message")


def test_arguments_are_source_once_they_were_streamed(kit):
    """
    Whole arguments are their strings, streamed ones are one source.
    """
    source = '{"a":"b"}'

    assert [text.value for text in walked(kit, arguments, source)] == ["a", "b"]
    (text,) = walked(kit, arguments, source, "repeat")
    assert (text.value, text.is_json, text.lane) == (
        source,
        True,
        (0, 7, 0, "tool_arguments"),
    )


@pytest.mark.parametrize(
    ("rule", "value", "hides"),
    [
        (token, "an-id_1", True),
        (token, ["a", "b"], True),
        (token, "two words", False),
        (token, ["a", "two words"], False),
        (token, {"a": "two words"}, False),
        (token_or(node({})), "a", True),
        (token_or(node({"a": None})), {"a": "two words"}, True),
        (token_or(node({})), {"a": "two words"}, False),
        (blob, "gAAAA-x_y+z/w==", True),
        (blob, "x" * 9999, True),
        (blob, "two words", False),
        (blob, ["a"], False),
    ],
)
def test_what_is_no_text(kit, rule, value, hides):
    """
    Identifiers and sealed data are passed over only where they look like it.
    """
    assert (walked(kit, rule, value) == []) is hides


@pytest.mark.parametrize("box", [[], {}, {"logprobs": []}, {"logprobs": None}], ids=str)
def test_nothing_to_blank(box):
    """
    Without log probabilities there is nothing beside a text.
    """
    assert blanks_logprobs(box) is None
