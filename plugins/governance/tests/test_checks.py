from __future__ import annotations

import attrs
import pytest

from gateway_governance.checks import MAX_LIST, MAX_NANO, Known, faults_of, there_are
from gateway_governance.entities import (
    NANO_PER_USD,
    Budget,
    Customer,
    Limits,
    ModelConfig,
    Override,
    Period,
    PricingOverride,
    ProviderConfig,
    RateLimit,
    RoutingRule,
    RoutingTarget,
    Team,
    Unit,
    VirtualKey,
)

KNOWN = Known(
    providers=["openai", "anthropic"],
    customers=["c"],
    teams=["t", "t2"],
    virtual_keys=["k"],
)
DAY = Budget(limit_nano=1, period=Period.DAY)
MINUTE = RateLimit(amount=1, unit=Unit.REQUESTS, period=Period.MINUTE)
CONFIG = ProviderConfig(id="k:1", provider="openai", allowed_models=("*",))


def said(entity, known=KNOWN):
    """
    Return what is wrong, as lines.
    """
    return [
        f"{'.'.join(map(str, fault.steps))}: {fault.message}"
        for fault in faults_of(entity, known)
    ]


def team(*budgets, **more):
    return Team(id="t", name="T", limits=Limits(budgets=budgets, **more))


def key(*configs, **more):
    return VirtualKey(id="k", name="K", provider_configs=configs, **more)


RIGHT = [
    Customer(id="c", name="Ünï & Sons", limits=Limits(budgets=(DAY,), max_parallel=1)),
    team(DAY, attrs.evolve(DAY, period=Period.MONTH, calendar="Asia/Kathmandu")),
    team(rate_limits=(MINUTE, attrs.evolve(MINUTE, unit=Unit.TOKENS))),
    team(attrs.evolve(DAY, limit_nano=0)),
    key(CONFIG, attrs.evolve(CONFIG, id="k:2", provider="anthropic", weight=0.0)),
    key(team_id="t", models=("a*b",), metadata={"a": "line\nline"}, expires_at=5.0),
    ModelConfig(id="m", model="gpt-*", provider="openai"),
    RoutingRule(id="r", name="r", targets=(RoutingTarget(provider="openai"),)),
    RoutingRule(id="r", name="r", scope="team", scope_id="t", fallbacks=("openai/x",)),
    PricingOverride(id="o", name="o", prices={"input": "0.000001"}, key_id="k"),
]

WRONG = [
    (Customer(id="c", name=""), "name: a name has 1 to 128 characters"),
    (Customer(id="c", name="a\nb"), "name: a name is one line"),
    (Customer(id="c", name=" a"), "name: a name is one line"),
    (Customer(id="c", name="\ud800"), "name: a name is one line"),
    (
        Customer(id="c", name="a b", is_declared=True),
        "name: a name has 1 to 64 letters",
    ),
    (team(DAY, DAY), "limits.budgets.1.period: an owner has one budget of each period"),
    (
        team(rate_limits=(MINUTE, MINUTE)),
        "limits.rate_limits.1.period: an owner has one",
    ),
    (
        team(attrs.evolve(DAY, limit_nano=-1)),
        "limits.budgets.0.limit_nano: must not be less",
    ),
    (
        team(attrs.evolve(DAY, limit_nano=MAX_NANO + 1)),
        "limit_nano: must not be more than",
    ),
    (
        team(attrs.evolve(DAY, overrides=(Override(amount=MAX_NANO, until=1.0),))),
        "limits.budgets.0.limit_nano: must not be more than",
    ),
    (
        team(attrs.evolve(DAY, overrides=(Override(amount=1, until=float("inf")),))),
        "limits.budgets.0.overrides.0: raises by nothing, or without an end",
    ),
    (
        team(attrs.evolve(DAY, overrides=(Override(amount=1, until=1.0),) * 17)),
        "limits.budgets.0.overrides: at most 16 raises",
    ),
    (team(attrs.evolve(DAY, calendar="../etc/passwd")), "calendar: no such time zone"),
    (team(attrs.evolve(DAY, calendar="x" * 1_000)), "calendar: no such time zone"),
    (team(attrs.evolve(DAY, anchor=float("nan"))), "anchor: is no time"),
    (team(rate_limits=(attrs.evolve(MINUTE, amount=-1),)), "amount: must be from 0"),
    (team(max_parallel=0), "limits.max_parallel: must be at least 1"),
    (key(team_id="t", customer_id="c"), "customer_id: a key has a team or a customer"),
    (key(team_id="x"), "team_id: no such team; there are t t2"),
    (key(expires_at=float("inf")), "expires_at: is no time"),
    (key(description="x" * 1_001), "description: at most 1000 characters"),
    (key(description="\x1b[2J"), "description: holds a control character"),
    (key(metadata={str(i): "" for i in range(33)}), "metadata: at most 32 entries"),
    (key(metadata={"a\nb": ""}), "a name has 1 to 64 characters"),
    (key(metadata={"a": "x" * 257}), "metadata.a: at most 256 characters"),
    (key(CONFIG, attrs.evolve(CONFIG, id="k:2")), "provider: stands twice"),
    (
        key(attrs.evolve(CONFIG, id="other:1")),
        "id: must begin with the key's own id, k:",
    ),
    (key(attrs.evolve(CONFIG, provider="opnai")), "did you mean openai?"),
    (key(attrs.evolve(CONFIG, weight=-1.0)), "weight: must be from 0"),
    (key(attrs.evolve(CONFIG, weight=float("nan"))), "weight: must be from 0"),
    (
        key(attrs.evolve(CONFIG, allowed_models=("",))),
        "allowed_models.0: a model's name",
    ),
    (
        key(attrs.evolve(CONFIG, blocked_models=("**",))),
        "blocked_models.0: more than one *",
    ),
    (
        key(attrs.evolve(CONFIG, blocked_models=("regex:gpt-.*",))),
        "blocked_models.0: regular expressions are not read here",
    ),
    (key(attrs.evolve(CONFIG, provider_keys=("a b",))), "provider_keys.0: is no name"),
    (key(models=("x",) * (MAX_LIST + 1)), f"models: at most {MAX_LIST} names"),
    (ModelConfig(id="m", model="a b"), "model: a model's name is one word"),
    (ModelConfig(id="m", provider="x"), "provider: no such provider"),
    (RoutingRule(id="r", name="r"), "targets: a rule that leads nowhere"),
    (
        RoutingRule(id="r", name="r", scope_id="t", fallbacks=("openai/x",)),
        "scope_id: a global rule is nobody's",
    ),
    (
        RoutingRule(id="r", name="r", scope="customer", fallbacks=("openai/x",)),
        "scope_id: no such customer",
    ),
    (
        RoutingRule(id="r", name="r", fallbacks=("a b",)),
        "fallbacks.0: a model's name",
    ),
    (
        RoutingRule(id="r", name="r", targets=(RoutingTarget(weight=0.0),)),
        "targets: every target has weight 0",
    ),
    (
        RoutingRule(id="r", name="r", targets=(RoutingTarget(provider_key="main"),)),
        "targets.0.provider_key: is a key of which provider?",
    ),
    (
        RoutingRule(id="r", name="r", targets=(RoutingTarget(),) * 101),
        "targets: at most 100",
    ),
    (PricingOverride(id="o", name="o"), "prices: changes no price"),
    (PricingOverride(id="o", name="o", prices={"x": "1"}), "prices.x: no such price"),
    (PricingOverride(id="o", name="o", prices={"input": "-1"}), "USD"),
    (PricingOverride(id="o", name="o", prices={"input": "NaN"}), "USD"),
    (PricingOverride(id="o", name="o", prices={"input": "0.0000001"}), "USD"),
    (
        PricingOverride(id="o", name="o", prices={"input": "1e10"}),
        "USD",
    ),
]


@pytest.mark.parametrize("entity", RIGHT)
def test_what_is_right_passes(entity):
    """
    Nothing is wrong with what an operator would sensibly write.
    """
    assert said(entity) == []


@pytest.mark.parametrize(("entity", "line"), WRONG)
def test_what_is_wrong_is_told_with_its_place(entity, line):
    """
    One fault, at its place, with what to do.
    """
    (found,) = said(entity)

    assert line in found


def test_all_faults_are_told():
    """
    Whoever wrote several wrong things hears of all.
    """
    entity = team(attrs.evolve(DAY, limit_nano=-1, calendar="x"), max_parallel=0)

    assert len(said(entity)) == 3


def test_what_cannot_be_known_is_not_judged():
    """
    Where the providers are not known, none is called unknown.
    """
    entity = key(attrs.evolve(CONFIG, provider="whoever"))

    assert said(entity, attrs.evolve(KNOWN, providers=None)) == []


def test_the_greatest_amounts_fit_the_ledger():
    """
    A limit, raised and all, is a signed integer of 64 bits.
    """
    assert MAX_NANO < 2**63
    assert MAX_NANO // NANO_PER_USD == 10**9


def test_a_few_names_are_told_of_many():
    """
    A message stays short, whatever there is.
    """
    names = [f"team-{number}" for number in range(100_000)]

    assert len(there_are("zzz", names)) < 200
    assert len(there_are("x" * 100_000, names)) < 200
