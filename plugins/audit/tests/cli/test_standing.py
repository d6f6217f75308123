"""
How the exports and retention stand, as an operator reads it.
"""

from __future__ import annotations

from gateway_audit.cli.standing import retention_lines, sink_lines, witness_lines


def test_a_sink_that_lags_says_by_how_much_and_why():
    """
    One that has all says so in a line.
    """
    sinks = {
        "splunk": {
            "lag_entries": 12,
            "lag_s": 3.5,
            "delivered": 7,
            "problem": "it answered 503, code 9",
            "refused": 2,
            "last_refused": 41,
            "stale": 5,
        },
        "file": {"lag_entries": 0, "lag_s": 0.0, "delivered": 19, "problem": None},
    }

    assert list(sink_lines(sinks)) == [
        "  sink file  has all  delivered 19",
        "  sink splunk  12 entries, 3.5 s behind  delivered 7",
        "    problem: it answered 503, code 9",
        "    refused for good: 2, the last is entry 41",
        "    5 came later than it takes them under their own time",
    ]


def test_retention_says_where_the_log_begins():
    """
    And what holds it back.
    """
    told = {
        "min_index": 256,
        "local_from": 768,
        "policy": {"days": 365, "archive_after_days": None, "legal_hold": "300"},
        "held_by": ["legal_hold", "sinks"],
        "problem": "S3 answered AccessDenied",
    }

    assert list(retention_lines(told)) == [
        "  kept from entry 256, here from 768  days 365, archived after never",
        "    legal hold from 300",
        "    held back by legal_hold, sinks",
        "    problem: S3 answered AccessDenied",
    ]
    assert list(retention_lines({})) == []


def test_a_witness_says_what_it_cosigned_and_since_when_not():
    """
    A line each, and one for what ails it.
    """
    witnesses = {
        "https://b.test": {"size": 4, "problem": "HTTP 500", "failing_s": 31.0},
        "https://a.test": {"size": 9, "problem": None, "failing_s": 0.0},
    }

    assert list(witness_lines(witnesses)) == [
        "  witness https://a.test  cosigned 9 entries",
        "  witness https://b.test  cosigned 4 entries",
        "    problem for 31 s: HTTP 500",
    ]
