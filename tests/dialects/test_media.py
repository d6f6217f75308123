"""
Media in base64: what it is, and the words of documents that are nothing but words.
"""

from __future__ import annotations

import pytest

from gateway.dialects.media import (
    IMAGE_TYPES,
    document,
    image_type,
    read_data_url,
    words_of,
    words_of_data_url,
)
from gateway.dialects.shapes import Walk
from gateway.testing import make_request


def walked(rule, value):
    box = {"a": value}
    walk = Walk(make_request(), "user")
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


def test_document_is_read_decoded():
    """
    A text document is a text, which replaced is encoded again.
    """
    (text,), box = walked(document, "data:text/plain;base64,aGk=")

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
def test_other_media(value, count):
    """
    What is no plain base64 is text.
    """
    assert len(walked(document, value)[0]) == count


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("iVBORw0KGgoAAAANSUhEUg", "image/png"),
        ("/9j/4AAQSkZJRg", "image/jpeg"),
        ("R0lGODlhAQABAIAAAAAAAP", "image/gif"),
        ("UklGRiIAAABXRUJQ", "image/webp"),
        ("SUkqAAgAAAA", None),
    ],
    ids=["PNG", "JPEG", "GIF", "WebP", "TIFF"],
)
def test_an_image_is_known_by_its_first_bytes(data, kind):
    """
    What callers declare is often wrong, what the bytes say is not.
    """
    assert image_type(data) == kind
    assert kind is None or kind in IMAGE_TYPES


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("data:image/png;base64,aaaa", ("image/png", "aaaa")),
        ("data:text/plain;charset=utf-8;base64,aGk=", ("text/plain", "aGk=")),
        ("data:text/plain,h%69", ("text/plain", "aGk=")),
        ("data:;base64,aaaa", ("", "aaaa")),
        ("data:,hi", ("", "aGk=")),
        ("https://example.org/a.png", None),
        ("data:image/png", None),
    ],
    ids=["image", "charset", "escaped", "untyped", "bare", "link", "no data"],
)
def test_a_data_url_is_read(url, found):
    """
    Its type as declared, its data in base64 whatever it was written in.
    """
    assert read_data_url(url) == found


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("text/markdown", "aGk=", "hi"),
        ("application/json", "e30=", "{}"),
        ("application/x-yaml", "e30=", "{}"),
        ("application/ld+json", "e30=", "{}"),
        ("application/pdf", "aGk=", None),
        ("text/plain", "/w==", None),
        ("text/plain", "!", None),
    ],
    ids=["text", "JSON", "YAML", "suffix", "PDF", "no UTF-8", "no base64"],
)
def test_a_written_document_has_words(kind, data, words):
    """
    Only a document of a written type, in UTF-8, can be told as text.
    """
    assert words_of(kind, data) == words
