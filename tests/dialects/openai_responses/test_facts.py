"""
Usage, stop and errors of a provider's stream.
"""

from __future__ import annotations

import pytest

from gateway.neutral import Stop


def facts_of(kit, *events):
    facts = kit.dialect.facts()
    for event in events:
        chunk = kit.chunk(event)
        if any(tell in chunk.encode() for tell in facts.tells):
            facts.read(chunk)
    return facts


def test_story(kit):
    """
    The closing event tells usage and stop, found by a byte test.
    """
    facts = facts_of(kit, *kit.events())

    assert facts.usage.total_input == 75
    assert facts.stop == Stop(reason="tool", raw="completed")
    assert facts.fault is None


def test_failed_response(kit):
    """
    A response that failed tells why.
    """
    response = {
        "status": "failed",
        "error": {"code": "rate_limit_exceeded", "message": "No."},
    }

    facts = facts_of(kit, {"type": "response.failed", "response": response})

    assert facts.stop == Stop(
        reason="error", raw="rate_limit_exceeded", detail=response["error"]
    )
    assert (facts.fault.kind, facts.fault.status) == ("rate_limit", 429)


def test_error_event(kit):
    """
    An error event is a fault; the failed response behind it does not replace it.
    """
    facts = facts_of(
        kit,
        {"type": "error", "code": "server_error", "message": "First."},
        {"type": "response.failed", "response": {"error": {"message": "Second."}}},
    )

    assert facts.fault.message == "First."
    assert facts.stop.reason == "error"


@pytest.mark.parametrize("response", [None, "x", {}])
def test_malformed_end(kit, response):
    """
    An end that says nothing else still says that it is one.
    """
    facts = facts_of(kit, {"type": "response.incomplete", "response": response})

    assert facts.usage is None
    assert facts.stop == Stop(reason="unknown", raw="incomplete")
