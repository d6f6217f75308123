"""
Names of tools, there and back.
"""

from __future__ import annotations

import re

import pytest

from gateway.dialects.openai_responses.tool_names import (
    OfferedTools,
    ToolNames,
    free_text,
)
from gateway.neutral import ToolCall


@pytest.mark.parametrize("name", ["f", "get_weather", "a-b", "x" * 64])
def test_good_names_stay(name):
    """
    A name that the vendor takes is not touched.
    """
    names = ToolNames([name])

    assert names[name] == name
    assert not names.changed


@pytest.mark.parametrize("name", ["a.b", "a b", "x" * 65, "ä", "", "\ud800"])
def test_other_names_are_fitted(name):
    """
    Any other name is written in letters that the vendor takes, always in the same ones.
    """
    names = ToolNames([name])

    assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", names[name])
    assert names.changed
    assert ToolNames([name])[name] == names[name]


def test_names_never_meet():
    """
    Two names that would be spelt alike are kept apart.
    """
    given = ["a.b", "a/b", "a_b", "x" * 65, "x" * 66]
    names = ToolNames(given)

    assert len({names[name] for name in given}) == len(given)
    assert names["a_b"] == "a_b"


def test_names_come_back():
    """
    Whatever was written leads back to the name that the caller gave.
    """
    given = ["a.b", "c d", "e" * 80, "f"]
    names = ToolNames(given)
    offered = OfferedTools({"tools": [{"type": "function", "name": n} for n in given]})

    back = [offered.restored(ToolCall(id="1", name=names[name]))[0] for name in given]

    assert back == given


@pytest.mark.parametrize("name", ["unknown", "a_b"])
def test_names_that_lead_nowhere_stand(name):
    """
    A name of no tool, or of two, is not guessed at.
    """
    offered = OfferedTools(
        {"tools": [{"name": "a.b"}, {"name": "a/b"}, 1, {"name": 2}]}
    )

    assert offered.restored(ToolCall(id="1", name=name)) == (name, False)


@pytest.mark.parametrize(
    ("call", "arguments", "text"),
    [
        (ToolCall(id="1", name="c", kind="custom"), "as it is", "as it is"),
        (ToolCall(id="1", name="c"), '{"input":"free"}', "free"),
        (ToolCall(id="1", name="c"), '{"input":1}', '{"input":1}'),
        (ToolCall(id="1", name="c"), '{"input":"a","b":1}', '{"input":"a","b":1}'),
        (ToolCall(id="1", name="c"), "no json", "no json"),
    ],
)
def test_free_text(call, arguments, text):
    """
    The input of a custom tool is found in the function that stood for it.
    """
    assert free_text(call, arguments) == text
