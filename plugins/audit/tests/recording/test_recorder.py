"""
Tests of `gateway_audit.recording.recorder`.
"""

from __future__ import annotations

import attrs

from gateway import Finding
from gateway.events import (
    AdminActed,
    AdminDenied,
    Event,
    GatewayDraining,
    SettingsChanged,
)
from gateway.testing import Script


async def test_what_goes_out_was_intended_and_what_came_of_it_is_told(audit):
    """
    One intent and one outcome under the exchange's id, which the caller has as the receipt.
    """
    answer = await audit.call()

    intent, outcome = audit.entries("intent", "outcome")
    assert answer.status == 200
    assert intent["type"] == "intent"
    assert intent["request"] == outcome["request"]
    assert intent["request"] == answer.headers["x-gw-request-id"]
    assert (intent["target"], intent["attempt"]) == ("openai/gpt-5", 1)
    assert (outcome["status"], outcome["outcome"]) == (200, "finished")
    assert outcome["attempts"][0]["usage"]["input"] > 0
    assert intent["seq"] < outcome["seq"]
    assert intent["worker"] == outcome["worker"] == audit.journal.worker


async def test_each_attempt_has_an_intent_and_all_of_them_one_outcome(running, fake):
    """
    A fallback is another attempt; the outcome tells of both.
    """
    models = {"m": {"targets": ["openai/gpt-5"], "fallbacks": ["anthropic/claude"]}}
    async with running(models=models) as audit:
        fake.script("gpt-5", Script(status=500))
        await audit.call(model="m")

        intents = audit.entries("intent")
        (outcome,) = audit.entries("outcome")

    assert [each["target"] for each in intents] == ["openai/gpt-5", "anthropic/claude"]
    assert [each["status"] for each in outcome["attempts"]] == [500, 200]


async def test_a_stream_that_is_left_has_an_outcome(audit):
    """
    Who goes away is recorded all the same.
    """
    answer = await audit.call(stream=True)

    (outcome,) = audit.entries("outcome")
    assert answer.status == 200
    assert outcome["stream"] is True
    assert outcome["bytes_out"] > 0


async def test_a_refusal_has_no_intent(audit):
    """
    Nobody was asked, so nothing was intended.
    """
    answer = await audit.call(model="nobody/has-this")
    await audit.settled()

    (outcome,) = audit.entries("outcome", "intent")
    assert answer.status == 404
    assert (outcome["type"], outcome["code"]) == ("outcome", "model_not_found")
    assert outcome["attempts"] == []


async def test_a_dry_run_records_nothing(audit):
    """
    Nothing was asked, so nothing happened.
    """
    told = {"path": "/v1/chat/completions", "request": {"model": "openai/gpt-5"}}
    told["request"] |= {"messages": [{"role": "user", "content": "hi"}]}
    answer = await audit.client.post("/api/explain", told)
    await audit.settled()

    assert answer.status == 200, answer.body
    assert audit.entries("intent", "outcome") == []


async def test_who_is_turned_away_before_there_is_an_exchange_is_recorded(audit):
    """
    A body that is no JSON, and a path that is none: by code and pseudonym, without a word of it.
    """
    await audit.client.post("/v1/chat/completions", b"{canary")
    await audit.client.ask("GET", "/canary")
    await audit.settled()

    found = audit.entries("turned_away")
    assert [each["status"] for each in found] == [400, 404]
    assert all(each["peer"].startswith("peer_") for each in found)
    assert "canary" not in str(found)


async def test_events_are_recorded_once_where_they_happened(audit):
    """
    An echo of another worker's event is that one's to record.
    """
    publish = audit.gateway.publish
    publish(GatewayDraining(at=1.0))
    publish(SettingsChanged(at=1.0, actor="ann", before="a", after="b", changed=("x",)))
    publish(SettingsChanged(at=1.0, before="a", after="b", is_echo=True))
    publish(AdminActed(at=1.0, actor="ann", action="POST /api/x", target="t"))
    await audit.settled()

    found = audit.entries("gateway.draining", "settings.changed", "admin.acted")
    assert [each["type"] for each in found] == [
        "gateway.draining",
        "settings.changed",
        "admin.acted",
    ]
    assert found[1]["changed"] == ["x"]
    assert found[2]["actor"] == "ann"
    assert audit.entries()[0]["type"] == "gateway.started"


async def test_strangers_at_the_management_are_counted(audit):
    """
    The first is told, the others are counted: a stranger cannot fill the disk.
    """
    for _ in range(500):
        audit.gateway.publish(AdminDenied(at=1.0, route="r", peer="192.0.2.1"))
    await audit.settled()

    (denied,) = audit.entries("auth.denied")
    (counted,) = audit.entries("refusals")
    assert denied["peer"].startswith("peer_")
    assert counted["count"] == 499
    assert counted["rows"] == [
        {"code": "admin_denied", "count": 499, "source": denied["peer"]}
    ]
    assert "192.0.2.1" not in str(audit.entries())


async def test_a_person_stands_under_a_pseudonym(running):
    """
    The name that the header gives is nowhere; the same person has the same pseudonym.
    """
    async with running({"subject": {"header": "x-person"}}) as audit:
        for name in ("alice@example.com", "bob@example.com", "alice@example.com"):
            await audit.call(headers={"x-person": name})
        found = [each["subject"] for each in audit.entries("outcome")]

    assert found[0] == found[2] != found[1]
    assert "example.com" not in str(audit.entries())


async def test_the_user_of_a_request_may_be_the_person(running):
    """
    OpenAI's field, and Anthropic's.
    """
    messages = {"max_tokens": 9, "metadata": {"user_id": "alice"}}
    async with running({"subject": "user"}) as audit:
        await audit.call(user="alice")
        await audit.call(path="/v1/messages", model="anthropic/claude", **messages)
        found = [each["subject"] for each in audit.entries("outcome")]

    assert found[0] is not None
    assert found[0] == found[1]


@attrs.frozen(kw_only=True)
class SomethingFound(Event):
    request_id: str
    findings: tuple[Finding, ...]


FOUND = Finding(
    guardrail="pii",
    detector="email",
    type="EMAIL",
    severity="high",
    action="flag",
    stage="input",
    span=(1, 9),
)


async def test_what_was_found_in_a_request_is_told_once(audit):
    """
    In the request's outcome, and in no entry beside it that says less.
    """
    audit.gateway.publish(SomethingFound(at=1, request_id="r", findings=(FOUND,)))
    audit.gateway.publish(SomethingFound(at=1, request_id="r", findings=()))
    await audit.settled()

    (told,) = audit.entries("event.something_found")
    assert told["fields"] == {"findings": [], "request_id": "r"}
