"""
Tests of `gateway_audit.entries.exchanges` and `gateway_audit.entries.happenings`.
"""

from __future__ import annotations

import attrs
import pytest

from gateway import Finding, Identity, codec
from gateway.events import (
    AdminActed,
    AdminDenied,
    CallerTurnedAway,
    Event,
    GatewayDraining,
    GatewayStarted,
    KeyHealthChanged,
    SettingsChanged,
    SettingsRefused,
)
from gateway.testing import make_attempt, make_exchange
from gateway_audit.entries.exchanges import Parties, intent, outcome
from gateway_audit.entries.happenings import of_event
from gateway_audit.entries.kinds import may_be_kind
from gateway_audit.entries.names import Names

HEAD = (1000, "id1")
NAMES = Names(b"k" * 32, list)


def in_order(value):
    """
    Tell whether every object below *value* has its keys in order.
    """
    if isinstance(value, dict):
        return list(value) == sorted(value) and all(map(in_order, value.values()))
    return all(map(in_order, value)) if isinstance(value, list | tuple) else True


def whole_exchange():
    """
    Make an exchange that has everything.
    """
    identity = Identity(key_id="k1", key_name="shop", team_id="t", customer_id="c")
    exchange = make_exchange(identity=identity, headers={"x-request-id": "mine"})
    attempt = make_attempt(exchange, hold_nano=70, cost_nano=50, upstream_id="up-1")
    exchange.trail.add("governance", "pre_request", "passed", "key shop", 41_500)
    exchange.trail.add("governance", "before_attempt", "passed", "", 9_000, 1)
    exchange.trail.findings.append(
        Finding(
            guardrail="pii",
            detector="email",
            type="EMAIL",
            severity="high",
            action="redact",
            stage="input",
            span=(1, 9),
        )
    )
    exchange.cost_nano = 50
    return exchange, attempt


def test_an_intent_says_who_whom_and_for_how_much():
    """
    With the keys in order, at every depth.
    """
    exchange, attempt = whole_exchange()

    told = intent(HEAD, exchange, attempt, Parties("sub_1", "peer_1"), NAMES)

    assert (told["key"], told["team"], told["hold_nano"]) == ("k1", "t", 70)
    assert (told["subject"], told["peer"]) == ("sub_1", "peer_1")
    assert in_order(codec.loads(codec.dumps(told)))


def test_an_outcome_says_the_whole_path():
    """
    Trail, findings without what was found, attempts and what they cost.
    """
    exchange, _ = whole_exchange()

    told = outcome(HEAD, exchange, Parties(), NAMES)

    assert told["trail"] == [
        {
            "hook": "pre_request",
            "outcome": "passed",
            "plugin": "governance",
            "reason": "key shop",
            "us": 41,
        },
        {
            "attempt": 1,
            "hook": "before_attempt",
            "outcome": "passed",
            "plugin": "governance",
            "us": 9,
        },
    ]
    assert told["findings"][0]["span"] == (1, 9)
    assert told["findings"][0]["shadow"] is False
    assert told["attempts"][0]["cost_nano"] == told["cost_nano"] == 50
    assert told["client_request"] == NAMES.word("mine")
    assert "mine" not in str(told)
    assert in_order(codec.loads(codec.dumps(told)))


def test_a_providers_id_is_one_or_is_left_out():
    """
    A header of a provider is no place for a novel.
    """
    exchange, attempt = whole_exchange()
    attempt.upstream_id = "no id <script>"

    told = outcome(HEAD, exchange, Parties(), NAMES)

    assert told["attempts"][0]["upstream_id"] is None


@attrs.frozen(kw_only=True)
class BudgetCrossed(Event):
    meter: str
    percent: int
    is_hard: bool = True
    owners: tuple[str, ...] = ()
    secret_word: str = ""
    long: str = ""
    odd: object = None


EVENTS = [
    GatewayStarted(at=1, version="1", settings_digest="d"),
    GatewayDraining(at=1),
    SettingsChanged(at=1, before="a", after="b", changed=("x",)),
    SettingsRefused(at=1, problems=("f.yaml:1:2 a.b: must not be hunter2",)),
    AdminActed(at=1, action="POST /x", target="t", digests=("a", "b")),
    AdminDenied(at=1, route="GET /x", peer="192.0.2.1"),
    CallerTurnedAway(
        at=1, request_id="r", path="", method="GET", status=404, code="x", peer="::1"
    ),
    KeyHealthChanged(at=1, provider="p", key="main", is_healthy=False),
    BudgetCrossed(at=1, meter="m", percent=80),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_has_an_entry_in_order(event):
    """
    Under one type each, which can be asked for, without addresses.
    """
    told = of_event(event, HEAD, lambda address: f"peer_{len(address)}")

    assert may_be_kind(told["type"])
    assert in_order(told)
    assert codec.loads(codec.dumps(told)) == told
    assert "192.0.2.1" not in str(told)
    assert "hunter2" not in str(told)


def test_an_unknown_event_is_told_by_what_is_harmless():
    """
    Numbers and short texts, but nothing that is called like a secret.
    """
    event = BudgetCrossed(
        at=1,
        meter="team/a",
        percent=80,
        owners=("a", "b"),
        secret_word="hunter2",
        long="x" * 500,
        odd=object(),
    )

    told = of_event(event, HEAD, str)

    assert told["type"] == "event.budget_crossed"
    assert told["fields"] == {
        "is_hard": True,
        "meter": "team/a",
        "owners": ["a", "b"],
        "percent": 80,
    }


def test_a_list_is_told_whole_or_not_at_all():
    """
    An empty list, or half of one, would say that there was nothing else.
    """
    event = BudgetCrossed(at=1, meter="m", percent=80, owners=("a", object()))

    told = of_event(event, HEAD, str)

    assert "owners" not in told["fields"]
