from __future__ import annotations

import pytest

from gateway import Finding, Identity, Phase, Plugin
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
    identity = Identity(
        key_id=told.pop("key", "vk_1"),
        team_id=told.pop("team", None),
        customer_id=told.pop("customer", None),
    )
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


class RegisterPlugin(Plugin):
    """
    Knows one caller of each kind, and that there are no others.
    """

    phase = Phase.IDENTIFY

    def find_caller(self, kind, name):
        return f"id_{kind}" if name in {"payments", f"id_{kind}"} else ""


class TestWhose:
    @pytest.fixture
    async def guarded(self, guards):
        async with guards(plugins=[RegisterPlugin]) as found:
            yield found

    @pytest.mark.parametrize(
        ("parameter", "kind"),
        [("key", "virtual_key"), ("team", "team"), ("customer", "customer")],
    )
    async def test_callers_are_asked_for_by_name_or_id(self, guarded, parameter, kind):
        """
        What is stored is an id, which nobody knows by heart.
        """
        record(guarded, type="THEIRS", **{parameter: f"id_{kind}"})
        record(guarded, type="OTHERS", **{parameter: "other"})

        for name in ("payments", f"id_{kind}"):
            told = await guarded.get(f"/findings?{parameter}={name}")

            assert [each["type"] for each in told["findings"]] == ["THEIRS"]
            assert told["strangers"] == []

    async def test_a_name_that_is_nobodys_is_told(self, guarded):
        """
        Who is gone, and left findings, is asked for by id.
        """
        record(guarded, team="gone")

        slip = await guarded.get("/findings?team=paymnets&key=ky")
        gone = await guarded.get("/findings?team=gone")

        assert slip["findings"] == []
        assert slip["strangers"] == [
            "no virtual key is called ky",
            "no team is called paymnets",
        ]
        assert len(gone["findings"]) == 1
