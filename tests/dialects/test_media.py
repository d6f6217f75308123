"""
Media in base64: what it is, and the words of documents that are nothing but words.
"""

from __future__ import annotations

import base64

import pytest

from gateway.dialects.media import (
    IMAGE_TYPES,
    document,
    document_link,
    image_type,
    read_data_url,
    words_of,
    words_of_file,
)
from gateway.dialects.shapes import Walk
from gateway.testing import make_request


def walked(rule, value):
    box = {"a": value}
    walk = Walk(make_request(), "user")
    rule(walk, box, "a", value)
    return walk.out, box


def encoded(raw):
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("data:text/plain;base64,aGk=", "hi"),
        ("data:application/json;charset=utf-8;base64,e30=", "{}"),
        ("data:image/svg+xml;base64,e30=", None),
        ("data:text/plain;base64,AAE=", None),
        ("data:text/plain;base64,!", None),
        ("data:;base64,aGk=", "hi"),
        ("data:,h%69", "hi"),
        ("aGk=", "hi"),
        ("iVBORw0KGgoAAAANSUhEUg", None),
        (encoded(b"%PDF-1.4 letters alone"), None),
        ("https://example.org", None),
    ],
    ids=(
        "text,JSON,image,no text,no base64,no type,no type in percent,bare,bare image,PDF,link"
    ).split(","),
)
def test_words(url, words):
    """
    Only text documents have words.
    """
    assert words_of_file(url) == words


@pytest.mark.parametrize("head", ["", "data:text/plain;base64,", "data:,"])
def test_halves_of_characters_are_no_base64(head):
    """
    What no encoding has is met in JSON, and breaks nothing.
    """
    (text,), box = walked(document, f"{head}\ud800 a@b.c")

    assert "a@b.c" in text.value
    assert box["a"].endswith("\ud800 a@b.c")
    assert read_data_url(f"{head}\ud800") is not None or not head


SPELLINGS = {
    "wrapped": ("text/plain;base64", "bcO8\r\nIGFA\nYi5j\n"),
    "unpadded": ("text/plain;base64", "bcO8IGFAYi5jIQ"),
    "URL-safe": ("text/plain;base64", "Pj8_PiBhQGIuYw"),
    "escaped base64": ("text/plain;base64", "YSBhQGIuYyE%3D"),
    "percent": ("text/plain", "m%C3%BC%20a%40b.c"),
    "capitals": ("TEXT/Plain;BASE64", "bcO8IGFAYi5j"),
    "quoted": ('text/plain;name="a, b";base64', "bcO8IGFAYi5j"),
    "many": ("text/plain;a=b;c=d;e=f;g=h;base64", "bcO8IGFAYi5j"),
    "Latin 1": ("text/csv;base64", encoded("mü a@b.c".encode("latin-1"))),
    "UTF-16": ("text/plain;base64", encoded("mü a@b.c".encode("utf-16"))),
    "declared": (
        "text/plain;charset=shift_jis;base64",
        encoded("日本 a@b.c".encode("shift_jis")),
    ),
}


@pytest.mark.parametrize(("head", "body"), SPELLINGS.values(), ids=SPELLINGS)
def test_document_is_read_however_it_is_spelled(head, body):
    """
    Whatever a vendor can read is seen, and what is written in its place is read the same way.
    """
    (text,), box = walked(document, f"data:{head},{body}")
    assert text.kind == "document"
    assert "a@b.c" in text.value

    text.replace(text.value.replace("a@b.c", "<EMAIL_1>"))

    assert box["a"].startswith(f"data:{head},")
    assert words_of_file(box["a"]) == text.value


def test_document_is_read_decoded():
    """
    A text document is a text, which replaced is encoded again.
    """
    (text,), box = walked(document, "data:text/plain;base64,aGk=")

    text.replace("ho")

    assert (text.kind, text.value) == ("document", "ho")
    assert box["a"] == "data:text/plain;base64,aG8="


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("data:text/plain;base64,aGk=", "hi"),
        ("https://example.org/a", "https://example.org/a"),
    ],
    ids=["document", "address"],
)
def test_an_address_may_be_the_document_itself(url, seen):
    """
    Whoever reads what stands there reads the words, not their encoding.
    """
    (text,), _ = walked(document_link, url)

    assert (text.kind, text.value) == ("document", seen)


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ("data:image/png;base64,aaaa", 0),
        ("https://example.org/a b", 1),
        ("data:text/plain;base64,AAE=", 1),
        (["words"], 1),
        (3, 0),
    ],
    ids=["image", "link", "no text", "list", "number"],
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
        ("text/plain", "/w==", "ÿ"),
        ("text/plain", "AAE=", None),
        ("text/plain", "!", None),
    ],
    ids=["text", "JSON", "YAML", "suffix", "PDF", "Latin 1", "no text", "no base64"],
)
def test_a_written_document_has_words(kind, data, words):
    """
    Only a document of a written type, which holds a text, can be told as text.
    """
    assert words_of(kind, data) == words
