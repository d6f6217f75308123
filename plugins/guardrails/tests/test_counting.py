"""
What guardrails count.
"""

from __future__ import annotations

import pytest

from gateway.testing import Script
from gateway_guardrails.counting import MAX_NAMES, Tally

ASKED = {"model": "openai/m", "messages": [{"role": "user", "content": "hello"}]}


def rule(**more):
    return {
        "detectors": [{"type": "oracle", "says": "fail"}],
        "action": "block",
        "stages": ["input"],
        **more,
    }


async def counted(guarded):
    answer = await guarded.client.ask("GET", "/metrics", None, None)
    text = answer.body.decode()
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[:1] != "#")
    return {name: float(value) for name, value in found.items() if "guardrail_" in name}


@pytest.mark.parametrize(
    ("told", "status", "outcome"),
    [
        ({"on_failure": "open"}, 200, "passed"),
        ({"on_failure": "closed"}, 503, "refused"),
        ({"shadow": True}, 200, "passed"),
        ({"action": "flag"}, 200, "passed"),
        ({"stages": ["output"], "on_failure": "open"}, 200, "passed"),
        ({"stages": ["output"], "streaming": "async"}, 503, "refused"),
    ],
    ids=["open", "closed", "shadow", "flag", "answer", "async"],
)
async def test_a_judge_that_could_not_judge_is_counted(
    guards, fake, told, status, outcome
):
    """
    And whether the exchange went on all the same, which nobody else would notice.
    """
    fake.script("m", Script(text="hi"))
    async with guards({"rules": {"ours": rule(**told)}}) as guarded:
        answer = await guarded.client.post("/v1/chat/completions", ASKED, {})
        found = await counted(guarded)

    assert answer.status == status
    assert found == {
        f'gatewright_guardrail_failures_total{{guardrail="ours",outcome="{outcome}"}}': 1,
        "gatewright_guardrail_findings_dropped_total": 0,
    }


async def test_what_does_not_fit_is_counted(guards):
    """
    Findings that were dropped are, for they are nowhere else.
    """
    rules = {"ours": {"detectors": ["word"], "action": "flag", "stages": ["input"]}}
    turns = [{"role": "user", "content": "canary canary canary"}]
    findings = {"max_queued": 1}
    async with guards({"rules": rules, "findings": findings}) as guarded:
        document = {**ASKED, "messages": turns}
        await guarded.client.post("/v1/chat/completions", document, {})
        found = await counted(guarded)

    assert found["gatewright_guardrail_findings_dropped_total"] == 2


def test_names_are_bounded():
    """
    Rules that come and go are counted together from some number on.
    """
    tally = Tally()

    for number in range(MAX_NAMES + 2):
        tally.take({(f"rule{number}", True): 1})
    tally.take({("rule0", True): 1})

    assert len(tally.failures) == MAX_NAMES + 1
    assert tally.failures["other", "refused"] == 2
    assert tally.failures["rule0", "refused"] == 2
