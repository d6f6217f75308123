"""
Ways round a guardrail beside the request itself, 31 to 40 of the checklist.
"""

from __future__ import annotations

import asyncio
import json

import pytest
from bypasses import CARD, CHAT, COMPLETIONS, HI, RULES, WORD, chat, user

from gateway.testing import Script
from gateway.testing.conformance.suite import logged
from gateway_caching import CachingPlugin
from gateway_governance import GovernancePlugin


async def test_31_a_cached_answer_meets_the_rules_of_today(start, fake):
    """
    31: a rule that came after the answer was kept acts on the next hit.
    """
    fake.script("m", Script(text=f"a {WORD} sings"))
    caching = {"store": "memory", "default": {"sampled": True}}
    client = await start({}, ("caching", CachingPlugin), tables={"caching": caching})
    first = await client.post(*chat(HI))
    rule = {"name": "late", "rule": RULES["words"]}
    made = await client.post("/api/guardrails/rules", rule)

    second = await client.post(*chat(HI))

    assert WORD.encode() in first.body
    assert made.status in {200, 201}
    assert second.headers["x-gw-cache"] == "hit"
    assert WORD.encode() not in second.body
    assert len(list(fake.requests)) == 1


async def test_32_a_fallback_meets_its_own_rules(start, fake):
    """
    32: rules of the target that is tried; what was redacted once is not redacted again.
    """
    fake.script("m", Script(status=503))
    rules = {
        "cards": RULES["cards"],
        "second": {**RULES["words"], "applies_to": {"models": ["openai/second"]}},
    }
    client = await start(rules)
    document = chat(user(f"{WORD} {CARD}"), fallbacks=["openai/second"])[1]

    answer = await client.post(CHAT, document)

    asked = [(r.json["model"], r.json["messages"][0]["content"]) for r in fake.requests]
    assert answer.headers["x-gw-code"] == "guardrail_blocked"
    assert {model for model, _ in asked} == {"m"}
    assert {content for _, content in asked} == {f"{WORD} <CREDIT_CARD_1>"}


async def test_33_rules_of_a_team_add_to_those_of_all(start, fake):
    """
    33: neither takes the other's place.
    """
    keys = {
        "teams": {"payments": {}},
        "virtual_keys": {"k": {"team": "payments", "secret": "env.K"}},
        "require_key": True,
        "unpriced_models": "free",
    }
    rules = {
        "cards": RULES["cards"],
        "team": {**RULES["words"], "applies_to": {"teams": ["payments"]}},
    }
    client = await start(
        rules,
        ("governance", GovernancePlugin),
        tables={"governance": keys},
        environ={"K": "a-key-of-payments-" + "k" * 30},
    )
    who = {"authorization": "Bearer a-key-of-payments-" + "k" * 30}

    blocked = await client.post(*chat(user(WORD)), who)
    passed = await client.post(*chat(user(CARD)), who)

    assert blocked.headers["x-gw-code"] == "guardrail_blocked"
    assert passed.status == 200
    (seen,) = fake.requests
    assert seen.json["messages"][0]["content"] == "<CREDIT_CARD_1>"


@pytest.mark.parametrize(
    ("more", "headers"),
    [
        ({"guardrails": []}, {}),
        ({"guardrails": ["none"]}, {}),
        ({"metadata": {"guardrails": "[]"}}, {}),
        ({"disable_guardrails": True}, {}),
        ({}, {"x-gw-guardrails": "extra"}),
        ({}, {"x-bf-guardrail-ids": "extra"}),
        ({}, {"x-portkey-config": "{}"}),
        ({}, {"x-gw-guardrails": ""}),
    ],
    ids=str,
)
async def test_34_a_caller_cannot_switch_rules_off(start, fake, more, headers):
    """
    34: naming one adds it, and takes none away.
    """
    extra = {"detectors": [{"type": "words", "words": ["x"]}], "action": "flag"}
    client = await start({**RULES, "extra": {**extra, "on_request": True}})

    answer = await client.post(*chat(user(WORD), **more), headers)

    assert answer.headers["x-gw-code"] == "guardrail_blocked"
    assert list(fake.requests) == []


@pytest.mark.parametrize("on_failure", ["closed", "open"])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (429, b""),
        (200, b"no json"),
        (200, b'{"action":"shrug"}'),
        (302, b""),
    ],
    ids=str,
)
async def test_35_a_service_that_fails(start, fake, service, status, body, on_failure):
    """
    35: the policy decides, never the failure.
    """
    service |= {"status": status, "body": body}
    judge = {"type": "webhook", "endpoint": service["url"]}
    rule = {"detectors": [judge], "action": "block", "stages": ["input"]}
    client = await start({"ask": {**rule, "on_failure": on_failure}})

    answer = await client.post(*chat(HI))

    assert service["asked"] == 1
    if on_failure == "open":
        assert answer.status == 200
    else:
        assert answer.status in {400, 503}
        assert list(fake.requests) == []


async def test_36_nothing_to_look_at_is_not_a_pass(start, fake):
    """
    36: it is noted as what was not looked at, and a body that cannot be read is refused.
    """
    client = await start()

    empty = await client.post(*chat(user("")))
    unreadable = await client.post(COMPLETIONS, {"model": "openai/m", "prompt": [7]})

    assert empty.status == 200
    told = await client.ask("GET", f"/api/explain/{empty.headers['x-gw-request-id']}")
    assert "not_run" in told.body.decode() or "nothing" in told.body.decode()
    assert unreadable.headers["x-gw-code"] == "guardrail_unenforceable"


async def test_37_what_one_rule_redacts_the_provider_never_sees(start, fake):
    """
    37: rules see the same text, and what each finds is taken out together.
    """
    names = {"detectors": [{"type": "words", "words": ["1111 is"]}], "action": "redact"}
    client = await start({"cards": RULES["cards"], "names": names})

    await client.post(*chat(user(f"card {CARD} is mine")))

    (seen,) = fake.requests
    told = seen.json["messages"][0]["content"]
    assert "1111" not in told
    assert told.startswith("card <")
    assert told.endswith(" mine")


async def test_38_what_is_too_much_is_refused_whole(start, fake):
    """
    38: too deep, too large: nothing passes on the strength of its beginning.
    """
    client = await start()
    deep = b'{"model":"openai/m","messages":' + b"[" * 5000 + b"]" * 5000 + b"}"
    large = json.dumps(chat(user("x" * (21 << 20)))[1]).encode()
    late = chat(user("x " * 300_000 + WORD))

    answers = [await client.post(CHAT, body) for body in (deep, large)]
    last = await client.post(*late)

    assert [answer.status for answer in answers] == [400, 413]
    assert last.headers["x-gw-code"] == "guardrail_blocked"
    assert list(fake.requests) == []


async def test_39_nothing_that_was_found_is_written_down(start, fake):
    """
    39: not in a log, a trace, an error or a finding.
    """
    with logged() as lines:
        client = await start()
        answers = [
            await client.post(*chat(user(f"{CARD} {word}"))) for word in ("ok", WORD)
        ]
        traces = [
            await client.ask("GET", f"/api/explain/{a.headers['x-gw-request-id']}")
            for a in answers
        ]
        found = await client.ask("GET", "/api/guardrails/findings")

    told = lines() + "".join(each.body.decode() for each in (*traces, found))
    assert "CREDIT_CARD" in told
    assert WORD not in told + answers[1].body.decode()
    assert "1111" not in told


async def test_40_no_answer_before_the_verdict(start, fake, service):
    """
    40: while the judge thinks, the caller has nothing.
    """
    service |= {"delay": asyncio.Event(), "body": b'{"action":"block"}'}
    judge = {"type": "webhook", "endpoint": service["url"]}
    client = await start(
        {"ask": {"detectors": [judge], "action": "block", "stages": ["output"]}}
    )
    fake.script("m", Script(text="an answer"))

    asking = asyncio.ensure_future(client.post(*chat(HI)))
    async with asyncio.timeout(20):
        while not service["asked"]:  # noqa: ASYNC110 - a server of the test's own
            await asyncio.sleep(0.01)
        assert not asking.done()
        service["delay"].set()
        answer = await asking

    assert b"an answer" not in answer.body
