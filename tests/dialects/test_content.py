"""
Content: a string, or a list of parts.
"""

from __future__ import annotations

import pytest

from gateway.dialects.content import read_content, shortest
from gateway.errors import InvalidRequest
from gateway.neutral import TextBlock


def read(fields):
    return TextBlock(text=fields.needed("text"))


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (None, []),
        ("", []),
        ("a", ["a"]),
        ([], []),
        ([{"text": "a"}, {"text": "b"}], ["a", "b"]),
    ],
    ids=repr,
)
def test_content_is_read(content, texts):
    """
    A string is one block, a list one for each of its parts.
    """
    blocks = read_content(content, "messages[0].content", read)

    assert [block.text for block in blocks] == texts


def test_strings_among_the_parts_are_for_the_dialect_to_allow():
    """
    Some vendors take them, others refuse them.
    """
    content = ["a", {"text": "b"}]

    blocks = read_content(content, "content", read, takes_strings=True)

    assert [block.text for block in blocks] == ["a", "b"]
    with pytest.raises(InvalidRequest, match=r"^content\[0\]: must be an object"):
        read_content(content, "content", read)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({}, r"^messages\[0\]\.content: "),
        ([1], r"^messages\[0\]\.content\[0\]: "),
        ([{"text": "a"}, {}], r"^messages\[0\]\.content\[1\]\.text: "),
    ],
    ids=["object", "number", "empty"],
)
def test_malformed_content_is_refused_by_its_place(content, place):
    """
    The caller is told which part is wrong, and nothing of it is repeated.
    """
    with pytest.raises(InvalidRequest, match=place):
        read_content(content, "messages[0].content", read)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([{"type": "text", "text": "a"}], "a"),
        ([{"type": "input_text", "text": "a"}], "a"),
        ([{"type": "text", "text": "a", "cache_control": {}}], None),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], None),
        ([{"type": "image"}], None),
        ([], None),
    ],
    ids=["text", "input", "cached", "two", "image", "none"],
)
def test_one_text_is_said_as_a_string(parts, said):
    """
    Parts stay parts where a string would lose something.
    """
    assert shortest(parts) == (parts if said is None else said)
