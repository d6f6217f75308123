from __future__ import annotations

import pytest

from gateway import Finding, Identity
from gateway.testing import make_exchange


def record(guarded, **told):
    usual = {
        "guardrail": "canaries",
        "detector": "word",
        "type": "CANARY",
        "severity": "high",
        "action": "block",
        "stage": "input",
        "span": (3, 9),
    }
    identity = Identity(key_id="vk_1", team_id=told.pop("team", None))
    exchange = make_exchange(identity=identity)
    guarded.warden.recorder.record(exchange, [Finding(**{**usual, **told})], 1_500_000)


async def test_findings_are_told_where_never_what(guarded):
    """
    The latest first, written or not.
    """
    record(guarded, team="t_1")

    told = await guarded.get("/findings")

    (found,) = told["findings"]
    assert found["span"] == [3, 9]
    assert (found["team_id"], found["latency_ms"]) == ("t_1", 1.5)
    assert (told["cursor"], told["dropped"]) == (None, 0)


async def test_findings_are_filtered_and_paged(guarded):
    """
    By words, with a cursor for what follows.
    """
    for number in range(3):
        record(guarded, type=f"T{number}", team="t_1")
    record(guarded, type="OTHER", team="t_2")

    first = await guarded.get("/findings?team=t_1&limit=2&shadow=false")
    rest = await guarded.get(f"/findings?team=t_1&limit=2&cursor={first['cursor']}")

    assert [each["type"] for each in first["findings"]] == ["T2", "T1"]
    assert [each["type"] for each in rest["findings"]] == ["T0"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("teem=t_1", "?teem: unknown"),
        ("limit=0", "?limit: must be a whole number from 1 to 1000"),
        ("limit=x", "?limit: must be"),
        ("since=yesterday", "?since: must be a time"),
        ("team=a&team=b", "?team: stands twice"),
        ("shadow=maybe", "?shadow: must be true or false"),
        ("severity=hi", "?severity: must be one of low medium high critical"),
        ("action=blocked", "?action: must be one of block redact flag"),
        ("stage=request", "?stage: must be one of input output"),
    ],
)
async def test_what_nobody_knows_is_refused(guarded, query, words):
    """
    A filter that is not heeded would show too much.
    """
    told = await guarded.get(f"/findings?{query}", status=400)

    assert words in told["error"]["message"]
