from __future__ import annotations

from collections import Counter
from random import Random
from timeit import repeat

import attrs
import pytest

from gateway.settings import settings_from_dict
from gateway.testing import make_exchange
from gateway_governance.checks import Known, faults_of
from gateway_governance.entities import (
    Customer,
    RoutingRule,
    RoutingTarget,
    Team,
    VirtualKey,
)
from gateway_governance.facts import ANONYMOUS, VOCABULARY, Facts, Used
from gateway_governance.rules import (
    MAX_CHAINED,
    Leg,
    RuleFailed,
    RuleSet,
)

SETTINGS = settings_from_dict(
    {
        "providers": {
            "openai": {"keys": {"main": "env.K"}},
            "azure": {"type": "openai", "keys": {"main": "env.K"}},
        },
        "models": {"fast": "openai/gpt-mini"},
    }
)


@attrs.frozen
class Caller:
    key: VirtualKey | None
    team: Team | None
    customer: Customer | None


ME = Caller(
    VirtualKey(id="vk_1", name="me"),
    Team(id="tm_1", name="payments"),
    Customer(id="cu_1", name="bank"),
)


def rule(name: str, condition: str = "", *to: str, **more) -> RoutingRule:
    targets = [RoutingTarget(model=model) for model in to or (f"openai/{name}",)]
    more.setdefault("targets", tuple(targets))
    return RoutingRule(id=f"rr_{name}", name=name, condition=condition, **more)


def facts_of(model="gpt", who=None, used=Used, **exchange) -> Facts:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    return Facts(
        exchange=make_exchange(body, settings=SETTINGS, **exchange),
        who=who or ME,
        used=used,
        input_tokens=lambda: 0,
    )


def decide(*rules: RoutingRule, facts: Facts | None = None, seed=1, **more):
    return RuleSet(rules, **more).decide(facts or facts_of(), Random(seed))


class TestOrder:
    def test_the_narrowest_scope_goes_first(self):
        """
        A key's own rule outweighs its team's, that the customer's, that everybody's.
        """
        scopes = [("global", None), ("customer", "cu_1"), ("team", "tm_1")]
        scopes += [("virtual_key", "vk_1")]
        rules = [
            rule(scope.replace("_", "-"), scope=scope, scope_id=owner)
            for scope, owner in scopes
        ]

        won = [decide(*rules[: count + 1]).rule for count in range(4)]

        assert won == ["global", "customer", "team", "virtual-key"]

    def test_within_a_scope_priority_decides_and_then_the_name(self):
        """
        The lowest number goes first; equal ones by name, so that the order is everywhere
        the same.
        """
        rules = [rule("b", priority=1), rule("a", priority=1), rule("z", priority=0)]

        decision = decide(*rules, facts=facts_of())

        assert decision.rule == "z"
        assert decide(*rules[:2]).rule == "a"

    def test_other_owners_rules_are_not_looked_at(self):
        """
        Neither evaluated nor told of.
        """
        others = [
            rule("theirs", scope="team", scope_id="tm_2"),
            rule("off", is_enabled=False),
        ]

        decision = decide(*others)

        assert (decision.rule, decision.why) == ("", "")
        assert not RuleSet(others).concerns(ME)

    def test_without_a_key_only_global_rules_hold(self):
        """
        An empty id is nobody's scope.
        """
        rules = [rule("team", scope="team", scope_id="tm_1"), rule("all")]

        assert decide(*rules, facts=facts_of(who=ANONYMOUS)).rule == "all"

    def test_the_first_that_holds_decides_and_all_verdicts_are_told(self):
        """
        Explain shows each rule that was looked at, and why it did or did not hold.
        """
        decision = decide(
            rule("a", 'model == "other"'),
            rule("b", 'headers["x-tier"] == "gold"'),
            rule("c", 'model == "gpt"'),
            rule("d"),
        )

        assert decision.rule == "c"
        assert decision.why == "a: no; b: no, entry absent; c: holds"


class TestLegs:
    @pytest.mark.parametrize(
        ("target", "asked", "leg"),
        [
            (RoutingTarget(provider="azure"), "gpt", "azure/gpt"),
            (RoutingTarget(provider="azure"), "openai/gpt", "azure/gpt"),
            (RoutingTarget(model="o1"), "gpt", "o1"),
            (RoutingTarget(model="o1"), "openai/gpt", "openai/o1"),
            (RoutingTarget(model="azure/o1"), "openai/gpt", "azure/o1"),
            (RoutingTarget(model="fast"), "openai/gpt", "fast"),
            (RoutingTarget(provider="azure", model="o1"), "gpt", "azure/o1"),
            (RoutingTarget(provider="azure", model="azure/o1"), "gpt", "azure/o1"),
        ],
    )
    def test_what_a_target_leaves_open_stays_as_the_request_had_it(
        self, target, asked, leg
    ):
        """
        Provider or model alone may be changed; a name of the settings keeps its meaning.
        """
        decision = decide(rule("r", targets=(target,)), facts=facts_of(asked))

        assert [each.name for each in decision.legs] == [leg]

    def test_weights_draw_the_first_leg_and_the_rest_follow(self):
        """
        A split of traffic; who was not drawn is tried after.
        """
        targets = (
            RoutingTarget(provider="openai", model="a", weight=0.25),
            RoutingTarget(provider="azure", model="b", weight=0.75),
        )
        rules = RuleSet([rule("r", targets=targets)])
        random = Random(7)

        legs = [rules.decide(facts_of(), random).legs for _ in range(2_000)]

        shares = Counter(each[0].name for each in legs)
        assert shares["azure/b"] / 2_000 == pytest.approx(0.75, abs=0.04)
        assert {len(each) for each in legs} == {2}

    def test_a_leg_may_be_pinned_to_a_provider_key(self):
        """
        The key goes along with the target.
        """
        target = RoutingTarget(provider="openai", model="o1", provider_key="main")

        decision = decide(rule("r", targets=(target,)))

        assert decision.legs == (Leg("openai", "o1", "main"),)

    def test_fallbacks_replace_the_requests_own_only_if_there_are_any(self):
        """
        None leaves them.
        """
        assert decide(rule("r", fallbacks=("fast",))).fallbacks == ("fast",)
        assert decide(rule("r")).fallbacks is None


class TestChaining:
    def test_later_rules_see_where_the_earlier_one_led(self):
        """
        The rules are gone through again from the top, with the new provider and model.
        """
        decision = decide(
            rule("second", 'provider == "azure"', "openai/last", priority=0),
            rule("first", 'model == "gpt"', "azure/next", priority=1, chains=True),
        )

        assert decision.rule == "second"
        assert decision.legs[0].name == "openai/last"
        assert decision.why == "second: no; first: holds; second: holds"

    def test_a_rule_holds_once(self):
        """
        A rule that leads to where it holds again does not go round.
        """
        decision = decide(rule("loop", "true", "openai/gpt", chains=True))

        assert decision.why == "loop: holds"

    def test_where_no_further_rule_holds_the_last_one_stands(self):
        """
        Chaining offers, it does not demand.
        """
        decision = decide(
            rule("first", "", "azure/next", chains=True),
            rule("other", 'model == "no"'),
        )

        assert decision.rule == "first"
        assert decision.legs[0].name == "azure/next"

    def test_a_chain_ends(self):
        """
        Ten rules at most, and the trail says that it was cut.
        """
        rules = [
            rule(f"r{number:02}", "", f"openai/m{number}", chains=True)
            for number in range(MAX_CHAINED + 5)
        ]

        decision = decide(*rules)

        assert decision.rule == f"r{MAX_CHAINED - 1:02}"
        assert decision.why.endswith("10 rules are chained at most")


class TestFailure:
    broken = rule("broken", "1 / input_tokens == 1", priority=-1)

    def test_a_rule_that_cannot_be_evaluated_refuses(self):
        """
        Traffic that a rule was to tell apart goes nowhere by accident.
        """
        with pytest.raises(RuleFailed) as caught:
            decide(rule("a", "model == 'x'", priority=-2), self.broken, rule("z"))

        error = caught.value
        assert (error.status, error.code) == (503, "routing_rule_failed")
        assert "broken" not in str(error)
        assert error.details["rule"] == "broken"
        assert error.details["before"] == "a: no"

    def test_it_may_be_passed_over_if_the_operator_says_so(self):
        """
        What Bifrost does, for who moves from there; the trail tells.
        """
        decision = decide(self.broken, rule("z"), skips_failed=True)

        assert decision.rule == "z"
        assert decision.why.startswith("broken: skipped, ")

    def test_a_rule_that_does_not_compile_fails_only_when_it_is_asked(self):
        """
        A stored rule that this engine does not read is a problem of its own scope.
        """
        unreadable = rule("bad", "nonsense(", scope="team", scope_id="tm_1")
        rules = RuleSet([unreadable, rule("z")])

        assert len(rules.problems) == 1
        assert 'rule "bad"' in rules.problems[0]
        assert rules.decide(facts_of(who=ANONYMOUS), Random(1)).rule == "z"
        with pytest.raises(RuleFailed):
            rules.decide(facts_of(), Random(1))

    def test_a_ledger_that_cannot_be_asked_fails_the_rule(self):
        """
        "Budget used above 80" is not "no" because nobody knows.
        """

        def used():
            raise OSError

        with pytest.raises(RuleFailed):
            decide(rule("r", "budget_used > 80"), facts=facts_of(used=used))

    def test_what_is_told_is_bounded(self):
        """
        A thousand rules do not make a trail of any length.
        """
        rules = [rule(f"r{number}" * 20, "model == 'x'") for number in range(1_000)]

        assert len(decide(*rules).why) <= 4_000


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("budget_used > 80", []),
        ("", []),
        ("model ==", ["condition"]),
        ("model", ["condition"]),
    ],
)
def test_a_condition_is_checked_when_its_rule_is_written(condition, told):
    """
    File and management API check rules alike, and nothing that does not compile is stored.
    """
    known = Known(condition=VOCABULARY.read)

    faults = faults_of(rule("r", condition), known)

    assert [step for fault in faults for step in fault.steps] == told


@pytest.mark.deep
def test_a_rule_costs_microseconds():
    """
    Below 10 us for each rule that is looked at, facts found once for all of them.
    """
    rules = RuleSet(
        rule(f"r{number}", f'model == "m{number}" && stream') for number in range(50)
    )
    exchange = facts_of().exchange

    def run() -> None:
        facts = Facts(exchange=exchange, who=ME, used=Used, input_tokens=lambda: 0)
        rules.decide(facts, Random(1))

    assert min(repeat(run, number=50, repeat=5)) / 50 / 50 < 10e-6
