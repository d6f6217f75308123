from __future__ import annotations

import weakref

from gateway import Finding, Identity, Outcome, Refused
from gateway.exchange import LARGE_BYTES, StashKey
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


def test_a_trace_tells_of_the_moment_of_the_end():
    """
    A trace that is noted a little later has the time and the duration of the end.
    """
    clock = ManualClock()
    exchange = make_exchange(clock=clock)
    clock.move(2)
    exchange.ended_at = clock.monotonic()
    told_at_once = Traces()
    told_at_once.keep(exchange)
    before = told_at_once.get(exchange.id)
    told_later = Traces()

    told_later.keep(exchange)
    clock.move(60)

    assert told_later.get(exchange.id) == before
    assert before["duration_ms"] == 2000


class Kept:
    """
    Something that an exchange keeps alive.
    """


def test_a_large_exchange_is_not_kept_waiting():
    """
    Of a long answer the trace alone stays in memory.
    """
    exchange = make_exchange()
    exchange.bytes_sent = LARGE_BYTES
    kept = Kept()
    gone = weakref.ref(kept)
    exchange.stash[StashKey[Kept]("kept")] = kept
    traces = Traces()

    traces.keep(exchange)
    del exchange, kept

    assert gone() is None
    assert len(traces) == 1
