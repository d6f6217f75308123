"""
Counting tokens.
"""

from __future__ import annotations

import pytest

from gateway.testing.fake.tokens import IMAGE_TOKENS, count_input, tokens_of


@pytest.mark.parametrize(("size", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2)], ids=str)
def test_rounds_up(size, tokens):
    """
    Four bytes are a token, and any rest is one more.
    """
    assert tokens_of(size) == tokens


def test_counts_text_wherever_it_stands():
    """
    Text is counted in any depth; names, kinds and references are not.
    """
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "12345678"}]},
        {"role": "assistant", "tool_calls": [{"id": "x", "arguments": "1234"}]},
    ]

    assert count_input(messages) == 3


def test_counts_bytes_and_not_characters():
    """
    What is not ASCII weighs what UTF-8 makes of it.
    """
    assert count_input("€€€€") == 3


def test_counts_an_image_at_a_flat_rate():
    """
    An image costs the same however large its data is.
    """
    image = {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64," + "A" * 999},
    }

    assert count_input([image]) == IMAGE_TOKENS


def test_survives_any_depth():
    """
    A document nested deeper than the stack is counted all the same.
    """
    node: list = ["abcd"]
    for _ in range(5_000):
        node = [node]

    assert count_input(node) == 1


def test_kinds_that_are_no_strings_do_no_harm():
    """
    A type that is a list is not taken for media.
    """
    assert count_input({"type": ["image"], "text": "abcd"}) == 1
