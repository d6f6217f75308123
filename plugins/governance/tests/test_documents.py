from __future__ import annotations

import pytest

from gateway_governance.documents import (
    KINDS,
    UnreadableEntity,
    kind_of,
    read,
    written,
)
from gateway_governance.entities import (
    Budget,
    Customer,
    KeyValue,
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

LIMITS = Limits(
    budgets=(
        Budget(
            limit_nano=10**18,
            period=Period.MONTH,
            calendar="Europe/Zurich",
            anchor=12.5,
            mode="soft",
            overrides=(Override(amount=1, until=2.0, reason="r", actor="a"),),
        ),
    ),
    rate_limits=(RateLimit(amount=6, unit=Unit.TOKENS, period=Period.FIVE_MINUTES),),
    max_parallel=3,
)
FULL = [
    Customer(id="c", name="C", limits=LIMITS, is_declared=True, created_at=1.0),
    Team(id="t", name="T", customer_id="c", models=("a", "b*"), limits=LIMITS),
    VirtualKey(
        id="k",
        name="K",
        values=(KeyValue(lookup="x", digest=b"\x00\xff", hint="h", expires_at=1.5),),
        description="d",
        team_id="t",
        models=(),
        provider_configs=(
            ProviderConfig(
                id="k:p",
                provider="p",
                weight=0.25,
                allowed_models=("*",),
                blocked_models=("m",),
                provider_keys=("main",),
                limits=LIMITS,
            ),
        ),
        is_active=False,
        expires_at=9.0,
        limits=LIMITS,
        metadata={"owner": "Ünï 🔑"},
        updated_at=3.0,
    ),
    ModelConfig(id="m", name="all", model="gpt-*", provider="p", limits=LIMITS),
    RoutingRule(
        id="r",
        name="R",
        condition='model == "x"',
        targets=(RoutingTarget(provider="p", model="m", weight=0.5),),
        fallbacks=("p/n",),
        scope="team",
        scope_id="t",
        priority=-1,
        is_enabled=False,
        chains=True,
    ),
    PricingOverride(id="o", name="O", prices={"input": "1.10"}, key_id="k"),
]
BARE = [cls(id="x", name="y") for cls in KINDS.values()]


@pytest.mark.parametrize(
    "entity", [*FULL, *BARE], ids=lambda each: f"{each.id}-{kind_of(each)}"
)
def test_what_is_written_is_read(entity):
    """
    Nothing is lost, nothing becomes another type.
    """
    found = read(kind_of(entity), entity.id, written(entity))

    assert found == entity
    assert type(found) is type(entity)


def test_what_has_its_default_is_left_out():
    """
    A hundred thousand keys take no more room than what they say.
    """
    assert written(VirtualKey(id="a", name="b")) == '{"id":"a","name":"b"}'


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "null",
        '{"id":"a"}',
        '{"id":"a","name":"b","budget":{}}',
        '{"id":"a","name":"b","is_active":"false"}',
        '{"id":"a","name":"b","is_active":0}',
        '{"id":"a","name":"b","models":"*"}',
        '{"id":"a","name":"b","limits":{"max_parallel":1.5}}',
        '{"id":"a","name":"b","limits":{"budgets":[{"limit_nano":1,"period":"decade"}]}}',
        '{"id":"a","name":"b","limits":{"budgets":[{"limit_nano":1.0,"period":"day"}]}}',
        '{"id":"a","name":"b","values":[{"lookup":"x","digest":"zz"}]}',
    ],
)
def test_what_cannot_be_read_is_an_error(document):
    """
    A limit that is not understood is never a limit that does not hold.
    """
    with pytest.raises(UnreadableEntity, match="virtual_key a cannot be read"):
        read("virtual_key", "a", document)
