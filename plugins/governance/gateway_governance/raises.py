"""
Limits that are raised for a time: the one thing about a declared owner that its file does not say.

Whoever raises the budget of a team at three in the morning has no time to edit a file, and the
file, read again, must not take the raise back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import attrs

from gateway_governance.checks import Entity
from gateway_governance.entities import (
    Budget,
    Limits,
    Owner,
    OwnerKind,
    Period,
    PricingOverride,
    RoutingRule,
    VirtualKey,
)

E = TypeVar("E", bound=Entity)

_Change = Callable[[str | None, Budget], Budget]


def without_raises(entity: E) -> E:
    """
    Return *entity* as it is once every raise is over.
    """
    return _changed(entity, lambda _, budget: attrs.evolve(budget, overrides=()))


def with_budget(entity: E, owner: Owner, budget: Budget) -> E:
    """
    Return *entity* with *budget* in place of the one of that period.

    Args:
        owner: The entity itself, or one of its provider configs.
    """
    config_id = owner.id if owner.kind is OwnerKind.PROVIDER_CONFIG else None

    def change(place: str | None, before: Budget) -> Budget:
        is_meant = place == config_id and before.period is budget.period
        return budget if is_meant else before

    return _changed(entity, change)


def with_raises_of(entity: E, before: Entity, now: float) -> E:
    """
    Return *entity* with those raises of *before* that are not over.
    """
    known = _budgets(before)

    def change(place: str | None, budget: Budget) -> Budget:
        held = known.get((place, budget.period))
        if held is None:
            return budget
        running = tuple(extra for extra in held.overrides if extra.until > now)
        return attrs.evolve(budget, overrides=running)

    return _changed(entity, change)


def _budgets(entity: Entity) -> Mapping[tuple[str | None, Period], Budget]:
    if isinstance(entity, (RoutingRule, PricingOverride)):
        return {}
    found: dict[tuple[str | None, Period], Budget] = {
        (None, budget.period): budget for budget in entity.limits.budgets
    }
    if isinstance(entity, VirtualKey):
        for config in entity.provider_configs or ():
            found |= {
                (config.id, budget.period): budget for budget in config.limits.budgets
            }
    return found


def _changed(entity: E, change: _Change) -> E:
    if isinstance(entity, (RoutingRule, PricingOverride)):
        return entity
    if isinstance(entity, VirtualKey) and entity.provider_configs:
        configs = tuple(
            attrs.evolve(config, limits=_limits(config.limits, config.id, change))
            for config in entity.provider_configs
        )
        entity = attrs.evolve(entity, provider_configs=configs)
    return attrs.evolve(entity, limits=_limits(entity.limits, None, change))


def _limits(limits: Limits, place: str | None, change: _Change) -> Limits:
    if not limits.budgets:
        return limits  # the same one, which the snapshot knows for none
    budgets = tuple(change(place, budget) for budget in limits.budgets)
    return attrs.evolve(limits, budgets=budgets)
