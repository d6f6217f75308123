"""
Content parts.
"""

from __future__ import annotations

import pytest


def texts(kit, part):
    request = kit.request(input=[{"role": "user", "content": [part, part]}])
    found = request.texts()
    return [(text.value, text.kind) for text in found[: len(found) // 2]]


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ({"type": "input_text", "text": "x y"}, [("x y", "message")]),
        ({"type": "refusal", "refusal": "x y"}, [("x y", "refusal")]),
        ({"type": "summary_text", "text": "x y"}, [("x y", "summary")]),
        ({"type": "reasoning_text", "text": "x y"}, [("x y", "reasoning")]),
        ({"type": "input_image", "image_url": "data:image/png;base64,AAAA"}, []),
        (
            {"type": "input_image", "image_url": "https://e.com/?secret=1"},
            [("https://e.com/?secret=1", "unknown")],
        ),
        (
            {"type": "input_file", "filename": "my file", "file_data": "AAAA"},
            [("my file", "document")],
        ),
        (
            {"type": "input_file", "file_data": "data:text/plain;base64,aGkgeW91"},
            [("hi you", "document")],
        ),
        (
            {"type": "input_file", "file_url": "https://e.com/a.pdf"},
            [("https://e.com/a.pdf", "document")],
        ),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, []),
        (
            {"type": "input_audio", "input_audio": "x y"},
            [("x y", "unknown")],
        ),
    ],
    ids=str,
)
def test_kinds(kit, part, found):
    """
    Words are of their part's kind, media are nothing unless they are words in base64.
    """
    assert texts(kit, part) == found


def test_citations_are_texts(kit):
    """
    Titles, file names and URLs of what was cited are judged too.
    """
    part = {
        "type": "output_text",
        "text": "x y",
        "annotations": [
            {
                "type": "url_citation",
                "title": "a b",
                "url": "https://e.com",
                "start_index": 0,
            },
            {
                "type": "file_citation",
                "filename": "c d",
                "file_id": "file_1",
                "index": 1,
            },
        ],
    }

    assert texts(kit, part) == [
        ("x y", "message"),
        ("a b", "annotation"),
        ("https://e.com", "annotation"),
        ("c d", "annotation"),
    ]
