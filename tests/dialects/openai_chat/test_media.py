from __future__ import annotations

import pytest

from gateway.dialects.openai_chat.media import document, seal, words_of_data_url
from gateway.dialects.shapes import Walk


def walked(kit, rule, value):
    box = {"a": value}
    walk = Walk(kit.request({"x": box}), "user")
    rule(walk, box, "a", value)
    return walk.out, box


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("data:text/plain;base64,aGk=", "hi"),
        ("data:application/json;charset=utf-8;base64,e30=", "{}"),
        ("data:image/svg+xml;base64,e30=", None),
        ("data:text/plain;base64,/w==", None),
        ("data:text/plain;base64,!", None),
        ("https://example.org", None),
    ],
    ids=["text", "JSON", "image", "no UTF-8", "no base64", "link"],
)
def test_words(url, words):
    """
    Only text documents have words.
    """
    assert words_of_data_url(url) == words


def test_document_is_read_decoded(kit):
    """
    A text document is a text, which replaced is encoded again.
    """
    (text,), box = walked(kit, document, "data:text/plain;base64,aGk=")

    text.replace("ho")

    assert (text.kind, text.value) == ("document", "ho")
    assert box["a"] == "data:text/plain;base64,aG8="


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ("data:image/png;base64,aaaa", 0),
        ("https://example.org/a b", 1),
        ("data:text/plain;base64,/w==", 1),
        (["words"], 1),
        (3, 0),
    ],
    ids=["image", "link", "no UTF-8", "list", "number"],
)
def test_other_media(kit, value, count):
    """
    What is no plain base64 is text.
    """
    assert len(walked(kit, document, value)[0]) == count


@pytest.mark.parametrize(
    ("value", "sealed"),
    [("c2ln", []), ("gw1.c2ln", []), ("some words", [True]), (["x y"], [False])],
    ids=["signature", "wrapped", "words", "list"],
)
def test_seal(kit, value, sealed):
    """
    Words in a signature's place are seen, and cannot be edited where they count.
    """
    assert [text.sealed for text in walked(kit, seal, value)[0]] == sealed
