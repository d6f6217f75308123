from __future__ import annotations

import pytest

from gateway.catalog import CatalogError
from gateway.catalog.document import parse


def test_every_scalar_is_a_text():
    """
    A price is what was written, to the last digit.
    """
    assert parse("a: {b: 0.10, c: yes, d: 2026-01-31, e: [1, ~]}") == {
        "a": {"b": "0.10", "c": "yes", "d": "2026-01-31", "e": ["1", "~"]}
    }


def test_a_tag_is_not_heeded():
    """
    Nothing that stands in a file is run.
    """
    assert parse("a: !!python/object:os.system {}") == {"a": {}}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: [1", "no YAML at line 2"),
        ("a: 1\na: 2\n", "a key is repeated in the table at line 1"),
        ("[" * 5000, "no YAML"),
    ],
    ids=["broken", "repeated", "deep"],
)
def test_what_is_no_document_is_told(text, fault):
    """
    In one sentence, with the line where there is one.
    """
    with pytest.raises(CatalogError, match=fault):
        parse(text)
