from __future__ import annotations

import attrs
import pytest

from gateway_governance.entities import (
    Budget,
    Limits,
    Override,
    Owner,
    OwnerKind,
    Period,
    RateLimit,
    Unit,
)
from gateway_governance.ledger.meters import Short, Standing, meters_of

OWNER = Owner(OwnerKind.VIRTUAL_KEY, "vk_1")
LIMITS = Limits(
    budgets=(
        Budget(limit_nano=100, period=Period.DAY, calendar="Europe/Zurich"),
        Budget(
            limit_nano=2000,
            period=Period.MONTH,
            mode="soft",
            anchor=5.0,
            overrides=(Override(amount=50, until=10.0),),
        ),
    ),
    rate_limits=(RateLimit(amount=60, unit=Unit.REQUESTS, period=Period.MINUTE),),
    max_parallel=4,
)


def test_each_limit_of_an_owner_is_a_meter():
    """
    Budgets, rates and requests in flight have ids that say whose they are and what they count.
    """
    found = meters_of(OWNER, LIMITS, now=0.0)

    assert [(meter.id, meter.limit) for meter in found] == [
        ("virtual_key/vk_1/usd/day", 100),
        ("virtual_key/vk_1/usd/month", 2050),
        ("virtual_key/vk_1/requests/minute", 60),
        ("virtual_key/vk_1/in_flight", 4),
    ]
    assert [meter.is_strict for meter in found] == [True, False, False, False]
    assert [meter.is_backed for meter in found] == [True, True, False, False]


def test_a_raise_ends():
    """
    After its time a raise counts nothing.
    """
    assert meters_of(OWNER, LIMITS, now=10.0)[1].limit == 2000


def test_the_same_limit_is_the_same_meter_whatever_it_is():
    """
    A meter whose limit was changed is found by the one that was known before.
    """
    meter = meters_of(OWNER, LIMITS, now=0.0)[0]
    changed = attrs.evolve(meter, limit=7)

    assert meter == changed
    assert {meter: 1}[changed] == 1


@pytest.mark.parametrize(
    ("spent", "need", "is_spent"),
    [(0, 101, True), (0, 100, False), (40, 61, True), (40, 60, False)],
)
def test_spent_is_what_would_not_fit_with_everything_back(spent, need, is_spent):
    """
    Short is spent exactly where even an empty pool of holds would not help.
    """
    meter = meters_of(OWNER, LIMITS, now=0.0)[0]
    standing = Standing(meter=meter, limit=100, granted=100, free=0, spent=spent)

    found = Short(meter, need=need, standing=standing, retry_after_s=1)

    assert found.is_spent is is_spent
    assert standing.held == 100 - spent
