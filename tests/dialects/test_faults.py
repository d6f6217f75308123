"""
What providers' errors have in common.
"""

from __future__ import annotations

import pytest

from gateway.dialects.faults import (
    MAX_MESSAGE,
    document_of,
    has_kind,
    kind_of_status,
    unspoken,
    without_secrets,
)


@pytest.mark.parametrize(
    ("status", "kind", "is_its_own"),
    [
        (401, "authentication", True),
        (404, "not_found", True),
        (429, "rate_limit", True),
        (529, "overloaded", True),
        (400, "invalid_request", False),
        (418, "invalid_request", False),
        (500, "server", False),
        (302, "server", False),
    ],
)
def test_a_status_tells_a_kind(status, kind, is_its_own):
    """
    What a status does not tell for certain it tells by its hundreds.
    """
    assert (kind_of_status(status), has_kind(status)) == (kind, is_its_own)


@pytest.mark.parametrize(
    "secret", ["sk-ant-api03-abcd", "AIzaSyA1234567", "Bearer abc.def", "org-a1b2c3"]
)
def test_secrets_are_taken_out(secret):
    """
    A key that a provider quotes does not reach the caller.
    """
    assert without_secrets(f"Bad key {secret} here") == "Bad key [removed] here"


def test_messages_have_an_end():
    """
    What a provider says is cut where it becomes too much.
    """
    assert len(without_secrets("x " * MAX_MESSAGE)) == MAX_MESSAGE
    assert without_secrets("x y z", 3) == "x y"


def test_an_error_without_words_has_its_status():
    """
    Where nothing was said, there is still a sentence.
    """
    assert "502" in unspoken(502)


def test_a_body_that_is_no_json_says_nothing():
    """
    A proxy's page is no document, and neither is silence.
    """
    assert document_of(b'{"a": 1}') == {"a": 1}
    assert [document_of(body) for body in (b"<html>", b"", b"\xff")] == [None] * 3
