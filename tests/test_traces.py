from __future__ import annotations

from gateway import Finding, Identity, Outcome, Refused
from gateway.testing import ManualClock, make_attempt, make_exchange
from gateway.traces import Traces


def test_a_trace_tells_what_was_decided():
    """
    Status, reasons, attempts and findings are remembered; no text of the request is.
    """
    clock = ManualClock()
    body = {"model": "m", "messages": [{"role": "user", "content": "canary"}]}
    exchange = make_exchange(body, clock=clock, identity=Identity(key_id="k"))
    make_attempt(exchange, provider="openai", model="gpt")
    exchange.trail.add("governance", "pre_request", "refused", "spent", 41_000)
    exchange.trail.findings.append(
        Finding(
            guardrail="g",
            detector="pii",
            type="email",
            severity="high",
            action="redact",
            stage="input",
            span=(3, 9),
        )
    )
    exchange.error = Refused("Budget spent.", status=402, code="budget_exceeded")
    exchange.status, exchange.outcome = 402, Outcome.REFUSED
    clock.move(0.25)
    traces = Traces()

    traces.keep(exchange)
    told = traces.get(exchange.id)

    assert told["code"] == "budget_exceeded"
    assert told["duration_ms"] == 250.0
    assert told["trail"] == [
        {
            "plugin": "governance",
            "hook": "pre_request",
            "outcome": "refused",
            "reason": "spent",
            "us": 41.0,
        }
    ]
    assert told["attempts"][0]["target"] == "openai/gpt"
    assert told["findings"][0]["span"] == (3, 9)
    assert told["key"]["id"] == "k"
    assert "canary" not in str(told)


def test_only_the_latest_are_kept():
    """
    The memory is bounded: the oldest is forgotten, an unknown id gives nothing.
    """
    traces = Traces(kept=2)
    for number in range(3):
        exchange = make_exchange()
        exchange.id = f"req_{number}"
        traces.keep(exchange)

    assert len(traces) == 2
    assert traces.get("req_0") is None
    assert traces.get("req_2") is not None
