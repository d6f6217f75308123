from __future__ import annotations

import json

import pytest

from gateway_guardrails.harness import dataset as datasets
from gateway_guardrails.harness.dataset import DatasetInvalid, Span, read_dataset


def write(tmp_path, *rows):
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return file


def test_rows_are_read_with_what_they_say(tmp_path):
    """
    And what they leave out has its usual value.
    """
    full = {
        "text": "my canary",
        "label": 1,
        "category": "bird",
        "language": "en",
        "spans": [{"type": "CANARY", "start": 3, "end": 9, "value": "canary"}],
        "meta": {"more": 1},
    }

    found = read_dataset(write(tmp_path, full, {"text": "x" * 100, "label": None}))

    first, second = found.rows
    assert first.spans == (Span(3, 9, "CANARY"),)
    assert (first.label, first.category, first.language) == (True, "bird", "en")
    assert (second.label, second.spans, second.language) == (None, None, "?")
    assert (first.length, second.length) == ("<100", "<1k")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "2: no row"),
        ('{"label": 1}', "text"),
        ('{"text": 5, "label": 1}', "text is no text"),
        ('{"text": "x", "label": 2}', "neither 0, 1 nor null"),
        ('{"text": "x", "spans": [{"start": 0, "end": 9, "type": "A"}]}', "not in the"),
        ('{"text": "x", "language": 5}', "language is no text"),
        ("[]", "no row"),
    ],
)
def test_what_is_no_row_is_told_with_its_line(tmp_path, line, words):
    """
    A dataset that is half read would measure something else.
    """
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "good", "label": 0}\n' + line + "\n")

    with pytest.raises(DatasetInvalid, match=words):
        read_dataset(file)


def test_there_is_an_end_to_lines_and_rows(tmp_path, monkeypatch):
    """
    All of it is kept in memory.
    """
    monkeypatch.setattr(datasets, "MAX_ROWS", 1)
    two = write(tmp_path, {"text": "a"}, {"text": "b"})
    with pytest.raises(DatasetInvalid, match="more than 1 rows"):
        read_dataset(two)

    monkeypatch.setattr(datasets, "MAX_LINE_BYTES", 10)
    with pytest.raises(DatasetInvalid, match="longer than 10 bytes"):
        read_dataset(two)

    two.write_text("\n")
    with pytest.raises(DatasetInvalid, match="no rows"):
        read_dataset(two)
