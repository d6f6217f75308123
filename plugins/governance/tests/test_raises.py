from __future__ import annotations

import attrs

from gateway_governance.entities import (
    NO_LIMITS,
    Budget,
    Limits,
    Override,
    Owner,
    OwnerKind,
    Period,
    ProviderConfig,
    RoutingRule,
    VirtualKey,
)
from gateway_governance.raises import with_budget, with_raises_of, without_raises

DAY = Budget(limit_nano=1, period=Period.DAY)
MONTH = Budget(limit_nano=9, period=Period.MONTH)
RAISE = Override(amount=5, until=100.0)
CONFIG = ProviderConfig(
    id="vk_1:a", provider="openai", limits=Limits(budgets=(DAY, MONTH))
)
KEY = VirtualKey(
    id="vk_1", name="k", provider_configs=(CONFIG,), limits=Limits(budgets=(DAY, MONTH))
)
OF_KEY = Owner(OwnerKind.VIRTUAL_KEY, "vk_1")
OF_CONFIG = Owner(OwnerKind.PROVIDER_CONFIG, "vk_1:a")
RAISED = attrs.evolve(DAY, overrides=(RAISE,))


def test_one_budget_of_one_owner_is_another():
    """
    Neither its other budgets nor the same period of a part of it.
    """
    of_key = with_budget(KEY, OF_KEY, RAISED)
    of_config = with_budget(KEY, OF_CONFIG, RAISED)

    assert of_key.limits.budgets == (RAISED, MONTH)
    assert of_key.provider_configs == (CONFIG,)
    assert of_config.limits == KEY.limits
    assert of_config.provider_configs[0].limits.budgets == (RAISED, MONTH)


def test_an_entity_without_raises_is_what_its_file_says():
    """
    Raises of all its parts are left out.
    """
    raised = with_budget(with_budget(KEY, OF_KEY, RAISED), OF_CONFIG, RAISED)

    assert without_raises(raised) == KEY


def test_raises_that_are_not_over_go_along():
    """
    To the same owner's budget of the same period, if there still is one.
    """
    before = with_budget(KEY, OF_CONFIG, RAISED)
    bare = attrs.evolve(KEY, provider_configs=())

    assert with_raises_of(KEY, before, now=99.0) == before
    assert with_raises_of(KEY, before, now=100.0) == KEY
    assert with_raises_of(bare, before, now=99.0) == bare


def test_what_has_no_limits_stays_the_same():
    """
    Nothing is made of nothing, and who has no limits keeps the one value for it.
    """
    rule = RoutingRule(id="r", name="r")
    key = VirtualKey(id="vk_2", name="l")

    assert without_raises(rule) is rule
    assert with_raises_of(rule, KEY, now=0.0) is rule
    assert without_raises(key).limits is NO_LIMITS
