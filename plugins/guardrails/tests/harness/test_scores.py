from __future__ import annotations

import pytest

from gateway.detecting import Find
from gateway_guardrails.harness.dataset import Row, Span
from gateway_guardrails.harness.scores import Scores, add_spans, f1


def scored(*told):
    scores = Scores()
    for label, is_flagged in told:
        row = Row(text="x" * 1024, label=label)
        scores.add(row, is_flagged=is_flagged, spent_ns=3_000)
    return scores.as_dict()


def test_texts_are_counted_by_label_and_verdict():
    """
    Precision, recall, F1, benign texts blocked, cost.
    """
    told = scored(
        *[(True, True)] * 3,
        (True, False),
        (False, True),
        *[(False, False)] * 4,
        (None, True),
    )

    assert told == {
        "texts": 10,
        "positives": 4,
        "negatives": 5,
        "hits": 3,
        "false_alarms": 1,
        "precision": 0.75,
        "recall": 0.75,
        "f1": 0.75,
        "benign_block_rate": 0.2,
        "us_per_kb": 3.0,
    }


def test_what_nobody_can_say_is_nothing():
    """
    A share of no text is no number.
    """
    told = scored((False, False))

    assert (told["precision"], told["recall"], told["f1"]) == (None, None, None)
    assert told["benign_block_rate"] == 0.0


def test_the_harmonic_mean_of_nothing_is_nothing():
    """
    And of two zeros zero.
    """
    assert (f1(None, 1.0), f1(0.0, 0.0), f1(1.0, 0.5)) == (None, 0.0, 0.6667)


class TestSpans:
    @pytest.mark.parametrize(
        ("finds", "covered", "named", "right"),
        [
            ([Find(3, 9, "EMAIL")], 1, 1, 1),
            ([Find(0, 12, "EMAIL")], 1, 1, 1),
            ([Find(3, 6, "EMAIL")], 0, 1, 1),
            ([Find(3, 6, "EMAIL"), Find(6, 9, "URL")], 1, 1, 1),
            ([Find(3, 9, "URL")], 1, 0, 0),
            ([Find(0, 3, "EMAIL")], 0, 0, 0),
            ([], 0, 0, 0),
        ],
    )
    def test_nothing_of_what_is_covered_would_leak(self, finds, covered, named, right):
        """
        By whatever type; what is named was found under its own.
        """
        scores = {}

        add_spans(scores, "to a@b.co, hi", [Span(3, 9, "EMAIL")], finds)

        email = scores["EMAIL"]
        assert (email.covered, email.named, email.right) == (covered, named, right)

    def test_marks_at_the_edges_leak_nothing(self):
        """
        A span that somebody drew with its full stop.
        """
        scores = {}

        add_spans(scores, "(a@b.co).", [Span(0, 9, "EMAIL")], [Find(1, 7, "EMAIL")])

        assert scores["EMAIL"].as_dict()["recall"] == 1.0

    def test_finds_where_nothing_is_cost_precision(self):
        """
        Of their own type.
        """
        scores = {}

        add_spans(scores, "nothing here", [], [Find(0, 7, "EMAIL")])

        told = scores["EMAIL"].as_dict()
        assert (told["precision"], told["recall"]) == (0.0, None)
