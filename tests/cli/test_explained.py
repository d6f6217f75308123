from __future__ import annotations

from gateway.cli.explained import explained_lines

TRACE = {
    "request_id": "req_1",
    "at": "2026-11-23T03:12:44.000Z",
    "status": 402,
    "code": "budget_exceeded",
    "message": "A budget is spent.",
    "settings": "7f3a",
    "operation": "generate",
    "model": "smart",
    "dialect": "openai_chat",
    "key": {"id": "vk1", "name": "checkout-prod"},
    "team": "payments",
    "trail": [
        {
            "plugin": "governance",
            "hook": "before_attempt",
            "outcome": "refused",
            "reason": "payments 5000.00/month: spent 4998.71",
            "us": 41.2,
            "attempt": 1,
        },
        {
            "plugin": "audit",
            "hook": "pre_request",
            "outcome": "passed",
            "reason": "",
            "us": 1.0,
        },
    ],
    "attempts": [
        {
            "number": 1,
            "target": "anthropic/claude",
            "state": "not_sent",
            "status": None,
            "error": "budget_exceeded",
            "input_tokens": None,
            "output_tokens": None,
        }
    ],
    "cost_usd": 0.001,
}


def test_tells_a_refusal_at_three_in_the_morning():
    """
    What, when, by which settings, whose key; who decided and why; what was not reached.
    """
    assert explained_lines(TRACE) == [
        (
            "402 budget_exceeded  2026-11-23T03:12:44.000Z  settings 7f3a  "
            "generate smart (openai_chat)  key checkout-prod → team payments"
        ),
        (
            "  governance before_attempt attempt 1 41 µs  refused: "
            "payments 5000.00/month: spent 4998.71"
        ),
        "  attempt 1 anthropic/claude  not_sent, budget_exceeded",
        "  A budget is spent.",
        "  cost $0.001000",
    ]


def test_tells_the_targets_of_a_dry_run():
    """
    Each target in its order, with its health, its translation and why it is skipped.
    """
    refused = {"status": 403, "code": "model_blocked", "why": "Not this one."}
    told = {
        "dry_run": True,
        "settings": "7f3a",
        "operation": "generate",
        "model": "smart",
        "dialect": "openai_chat",
        "trail": [],
        "targets": [
            {"target": "a/x", "key": "main", "health": "healthy", "translated": False},
            {
                "target": "b/y",
                "key": None,
                "health": "cooling 14 s",
                "translated": True,
                "dialect": "anthropic_messages",
                "refused": refused,
            },
        ],
    }

    assert explained_lines(told)[1:] == [
        "  target 1 a/x (main, healthy)",
        (
            "  target 2 b/y (cooling 14 s, translated to anthropic_messages)  "
            "403 model_blocked: Not this one."
        ),
    ]


def test_names_the_plugin_that_would_answer():
    """
    A cache hit is told as such.
    """
    (head,) = explained_lines({"dry_run": True, "answered_by": "caching"})

    assert head.startswith("would be answered by caching")
