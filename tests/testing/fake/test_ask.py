"""
Reading what all formats share.
"""

from __future__ import annotations

import pytest

from gateway.testing.fake.ask import (
    check_types,
    is_image_url,
    last_text,
    need,
    refuse_unknown,
    strings_in,
    whole_number,
)
from gateway.testing.fake.errors import VendorError


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("hi", ["hi"]),
        (
            [{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}],
            ["a", "b"],
        ),
        ([{"type": "tool_result", "content": [{"text": "3 C"}]}], ["3 C"]),
        ({"type": "function_call_output", "output": "3 C"}, ["3 C"]),
        ([{"type": "image_url", "image_url": {"url": "data:"}}], []),
        (None, []),
    ],
    ids=repr,
)
def test_collects_text(content, texts):
    """
    Text is found in strings, parts and results, and nowhere else.
    """
    assert strings_in(content) == texts


def test_text_too_deep_is_not_looked_for():
    """
    Content nested without end costs no stack.
    """
    content: list = ["deep"]
    for _ in range(1_000):
        content = [content]

    assert strings_in(content) == []


def test_the_last_text_is_not_the_models_own():
    """
    An echo repeats what the caller said last, be it before an assistant's turn.
    """
    messages = [
        {"role": "user", "content": "first"},
        {"role": "user", "content": "second"},
        {"role": "assistant", "content": "third"},
        {"role": "user", "content": [{"type": "image"}]},
    ]

    assert last_text(messages) == "second"
    assert last_text([]) == ""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "Missing required parameter: 'model'"),
        ({"model": 7}, "Invalid type for 'model'"),
        ({"model": []}, "Invalid type for 'model'"),
    ],
    ids=repr,
)
def test_needs_a_field(body, said):
    """
    What is missing or of another type is named.
    """
    with pytest.raises(VendorError, match=said):
        need(body, "model", str)


def test_takes_the_first_number_there_is():
    """
    Of a field and its successor the successor counts.
    """
    assert whole_number({"max_tokens": 5, "max_completion_tokens": 6}, "b") is None
    assert whole_number({"a": None, "b": 5}, "a", "b") == 5


@pytest.mark.parametrize("wrong", [1.5, "5", True], ids=repr)
def test_a_number_must_be_whole(wrong):
    """
    Fractions, strings and switches are no numbers of tokens.
    """
    with pytest.raises(VendorError, match="'n'"):
        whole_number({"n": wrong}, "n")


def test_checks_types_of_what_is_there():
    """
    A field of another type is refused, one that is null or absent is not.
    """
    check_types({"a": None, "b": []}, a=dict, b=list, c=str)

    with pytest.raises(VendorError, match="'b'"):
        check_types({"b": []}, b=dict)


def test_names_the_first_unknown_field():
    """
    The refusal carries the field as its parameter.
    """
    refusal = refuse_unknown({"model": "m", "unheard": 1}, frozenset({"model"}))

    assert refusal is not None
    assert refusal.param == "unheard"
    assert refuse_unknown({"model": "m"}, frozenset({"model"})) is None


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        ("https://a/b.png", True),
        ("data:image/png;base64,AA", True),
        ("data:text/plain,AA", False),
        ("ftp://a", False),
        (None, False),
    ],
    ids=repr,
)
def test_knows_image_urls(url, is_one):
    """
    A web address or a data URL of an image is one.
    """
    assert is_image_url(url) is is_one
