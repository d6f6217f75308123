from __future__ import annotations

import gc
import weakref

import pytest

from gateway import Identity
from gateway.testing import make_exchange
from gateway.testing.exchanges import make_attempt
from gateway_guardrails.policy import nesting
from gateway_guardrails.policy.facts import VOCABULARY
from gateway_guardrails.policy.guardrail import (
    Guardrail,
    NamedDetector,
    NamedJudge,
    Scope,
)
from gateway_guardrails.policy.snapshot import (
    GuardrailUnknown,
    PolicySnapshot,
)

IDENTITY = Identity(
    key_id="vk_1",
    key_name="checkout",
    team_id="t_1",
    customer_id="c_1",
    facts={"team_name": "payments"},
)


def guard(name="g", when="", **told):
    scope = {
        key: frozenset(told.pop(key))
        for key in ("customers", "teams", "virtual_keys", "models", "providers")
        if key in told
    }
    return Guardrail(
        name=name, scope=Scope(**scope), condition=VOCABULARY.read(when), **told
    )


def snapshot(*guardrails):
    return PolicySnapshot(version="v", guardrails=guardrails)


def asking(model="smart", headers=None, identity=IDENTITY):
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    exchange = make_exchange(body, headers=headers or {})
    exchange.identity = identity
    return exchange


def target_of(exchange, name="openai/gpt-5"):
    provider, _, model = name.partition("/")
    return make_attempt(exchange, provider=provider, model=model).target


def test_nothing_is_mandatory_and_in_shadow():
    """
    Whoever makes such a guardrail is told, so that nobody has to ask for both.
    """
    with pytest.raises(ValueError, match="never in shadow"):
        guard(is_mandatory=True, is_shadow=True)


def names(guardrails):
    return [one.name for one in guardrails]


class TestAttachments:
    @pytest.mark.parametrize(
        ("attached", "counts"),
        [
            ({}, True),
            ({"virtual_keys": ["vk_1"]}, True),
            ({"virtual_keys": ["checkout"]}, True),
            ({"virtual_keys": ["other"]}, False),
            ({"teams": ["t_1"]}, True),
            ({"teams": ["payments"]}, True),
            ({"customers": ["c_1"]}, True),
            ({"customers": ["c_2"]}, False),
            ({"teams": ["t_2"], "customers": ["c_1"]}, True),
            ({"models": ["smart"]}, True),
            ({"models": ["sm*t"]}, True),
            ({"models": ["dumb"]}, False),
        ],
    )
    def test_whoever_is_named_in_any_of_them_has_it(self, attached, counts):
        """
        Attachments add up; none means everybody.
        """
        exchange = asking()

        found = snapshot(guard(**attached)).for_request(exchange)

        assert bool(found) is counts

    def test_guardrails_of_several_attachments_merge(self):
        """
        The global one goes on counting beside the team's.
        """
        rules = snapshot(guard("all"), guard("team", teams=["t_1"]))

        assert names(rules.for_request(asking())) == ["all", "team"]

    def test_a_stranger_has_the_global_ones(self):
        """
        Who is nobody is in no team.
        """
        rules = snapshot(guard("all"), guard("team", teams=["t_1"]))

        assert names(rules.for_request(asking(identity=None))) == ["all"]

    @pytest.mark.parametrize(
        ("attached", "counts"),
        [
            ({"providers": ["openai"]}, True),
            ({"providers": ["azure"]}, False),
            ({"models": ["openai/gpt-5"]}, True),
            ({"models": ["gpt-*"]}, True),
            ({"models": ["claude-*"]}, False),
            ({"models": ["claude-*"], "providers": ["openai"]}, True),
        ],
    )
    def test_what_the_target_decides_is_decided_for_each(self, attached, counts):
        """
        An alias does not walk round a guardrail of the model it leads to.
        """
        exchange, rules = asking(), snapshot(guard(**attached))

        before = rules.for_request(exchange)
        found = rules.for_target(exchange, target_of(exchange))

        assert (before, bool(found)) == ((), counts)

    def test_none_is_returned_twice(self):
        """
        What the name asked for decides already is not decided again by the target.
        """
        exchange = asking("openai/gpt-5")
        rules = snapshot(guard(models=["openai/gpt-5"]))

        first = rules.for_request(exchange)
        later = rules.for_target(exchange, target_of(exchange))

        assert (names(first), later) == (["g"], ())


class TestConditions:
    def test_one_that_does_not_hold_leaves_it_out(self):
        """
        And one that holds does not.
        """
        rules = snapshot(
            guard("yes", when="team_name == 'payments' && !stream"),
            guard("no", when="operation == 'embed'"),
        )

        assert names(rules.for_request(asking())) == ["yes"]

    @pytest.mark.parametrize(
        "when",
        [
            "headers['x-app'] == 'kiosk'",
            "headers['x-app'] != 'kiosk'",
            "1 / max_output_tokens == 1",
            "int(team_name) > 3",
        ],
    )
    def test_one_that_cannot_be_evaluated_counts(self, when):
        """
        It fails closed: what cannot be ruled out is looked for.
        """
        assert names(snapshot(guard(when=when)).for_request(asking())) == ["g"]

    @pytest.mark.parametrize(
        ("when", "counts"),
        [("provider == 'openai'", True), ("model.startsWith('claude')", False)],
    )
    def test_one_that_names_the_target_waits_for_it(self, when, counts):
        """
        Whatever name was asked for.
        """
        exchange, rules = asking(), snapshot(guard(when=when))

        assert rules.for_request(exchange) == ()
        assert bool(rules.for_target(exchange, target_of(exchange))) is counts

    def test_credentials_cannot_be_asked_for(self):
        """
        They are no facts, so that what asks for one cannot be evaluated.
        """
        exchange = asking(headers={"authorization": "Bearer x", "x-app": "y"})
        hidden = guard(when="'authorization' in headers")
        seen = guard("seen", when="headers['x-app'] == 'y'")

        assert names(snapshot(hidden, seen).for_request(exchange)) == ["seen"]


class TestAsking:
    @pytest.mark.parametrize(
        "header", ["x-gw-guardrails", "x-bf-guardrail-ids", "x-bf-guardrail-id"]
    )
    def test_a_caller_adds_rules_that_are_meant_for_it(self, header):
        """
        By our header or Bifrost's; others go on counting.
        """
        rules = snapshot(guard("all"), guard("more", is_on_request=True))

        assert names(rules.for_request(asking())) == ["all"]
        assert names(rules.for_request(asking(headers={header: "more"}))) == [
            "all",
            "more",
        ]

    @pytest.mark.parametrize("asked", ["nobody", "all", "others", "more,nobody"])
    def test_what_there_is_not_is_refused_by_name(self, asked):
        """
        A rule that counts anyway, and one that is attached to others, are as unknown.
        """
        rules = snapshot(
            guard("all"),
            guard("more", is_on_request=True),
            guard("others", is_on_request=True, teams=["t_2"]),
        )

        told = f'"{asked.rpartition(",")[2]}"'
        with pytest.raises(GuardrailUnknown, match=told) as caught:
            rules.for_request(asking(headers={"x-gw-guardrails": asked}))

        assert caught.value.status == 400

    def test_so_many_can_be_asked_for(self):
        """
        A header is no way to make work.
        """
        many = ",".join(f"g{number}" for number in range(33))

        with pytest.raises(GuardrailUnknown, match="32 guardrails, not 33"):
            snapshot().for_request(asking(headers={"x-gw-guardrails": many}))


def test_an_exchange_keeps_what_it_began_with():
    """
    A change in mid-flight does not change the rules for what is under way, nor close its judges.
    """
    exchange, old, new = asking(), snapshot(guard("old")), snapshot(guard("new"))

    old.for_request(exchange)

    assert names(new.for_request(exchange)) == ["old"]
    kept = weakref.ref(old)
    del old
    gc.collect()
    assert kept() is not None


class TestWhatGuardrailsAsk:
    def test_judges_are_not_asked_about_their_own_question(self):
        """
        Those who look by themselves look at it; what a caller added is not missed.
        """
        detector, judge = NamedDetector(name="d", detector=None), object()
        named = NamedJudge(name="j", judge=judge, kind=None)
        rules = snapshot(
            guard("both", texts=(detector,), judges=(named,)),
            guard("judge", judges=(named,)),
            guard("added", is_on_request=True, judges=(named,)),
        )
        headers = {"x-gw-guardrails": "added"}
        outer, nested = asking(headers=headers), asking(headers=headers)
        nested.parent = outer

        with nesting.asking():
            found = rules.for_request(nested)
            whole = rules.for_request(outer)

        assert names(whole) == ["both", "judge", "added"]
        assert [(one.name, one.judges) for one in found] == [("both", ())]

    def test_others_nested_calls_are_asked_about(self):
        """
        A plugin's own call may hold what its parent does not.
        """
        named = NamedJudge(name="j", judge=object(), kind=None)
        nested = asking()
        nested.parent = asking()

        assert names(snapshot(guard(judges=(named,))).for_request(nested)) == ["g"]
