from __future__ import annotations

import pytest

from gateway.dialects.openai_chat.citations import sources_of, written
from gateway.neutral import Losses

LINK = {"url": "u", "title": "t", "start_index": 1, "end_index": 3}


@pytest.mark.parametrize(
    ("doc", "links"),
    [
        ({"citations": ["a", "b"]}, [{"url": "a"}, {"url": "b"}]),
        (
            {"search_results": [{"url": "a", "title": "t"}], "citations": ["b"]},
            [{"url": "a", "title": "t"}],
        ),
        ({"citations": [1, {}, None]}, []),
        ({"citations": "a"}, []),
        ({}, []),
    ],
    ids=["links", "results", "malformed", "string", "none"],
)
def test_sources(doc, links):
    """
    What a vendor cites beside the choices is read as links.
    """
    assert [raw["url_citation"] for raw in sources_of(doc)] == links


@pytest.mark.parametrize(
    "raw",
    [
        {"type": "url_citation", "url_citation": LINK},
        {"type": "url_citation", **LINK},
    ],
    ids=["chat", "responses"],
)
def test_links_are_moved(raw):
    """
    A link, nested or flat, counts from where its text begins.
    """
    losses = Losses()

    link = written(raw, 10, 20, losses)["url_citation"]

    assert link == {"url": "u", "title": "t", "start_index": 11, "end_index": 13}
    assert losses.found == []


def test_search_results_are_links():
    """
    Anthropic's search results are links of the whole text, with a record.
    """
    losses = Losses()
    raw = {"type": "web_search_result_location", "url": "u", "title": None}

    link = written(raw, 10, 20, losses)["url_citation"]

    assert link == {"url": "u", "title": "", "start_index": 10, "end_index": 20}
    assert losses.header() == "citations=emulated"


def test_places_in_documents():
    """
    Citations of documents that only the caller has cannot be said.
    """
    losses = Losses()

    assert written({"type": "char_location"}, 0, 1, losses) is None
    assert losses.header() == "citations=dropped"
