"""
Entities as JSON, field by field as Bifrost's tables have them; our own fields stand behind.

What is empty there is left out here too; our own fields are always there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from gateway.clock import utc_text
from gateway_governance.api import wire
from gateway_governance.api.limits import LimitWriter
from gateway_governance.entities import (
    ANY,
    Customer,
    KeyValue,
    ModelConfig,
    Owner,
    OwnerKind,
    PricingOverride,
    ProviderConfig,
    RoutingRule,
    RoutingTarget,
    Team,
    VirtualKey,
)
from gateway_governance.snapshot import Snapshot


@attrs.frozen(kw_only=True)
class Shapes:
    """
    Writes entities of one snapshot.

    Attributes:
        limits: Writes their limits.
        counts: How many virtual keys each team and each customer has, by (kind, id).
    """

    snapshot: Snapshot
    limits: LimitWriter
    counts: Mapping[tuple[str, str], int] = attrs.field(factory=dict)

    # --- virtual keys -----------------------------------------------------------------------

    def virtual_key(self, key: VirtualKey, value: str | None = None) -> dict[str, Any]:
        """
        Write a virtual key.

        Args:
            value: Its value in full, in the one answer that shows it; else it is masked.
        """
        owner = Owner(OwnerKind.VIRTUAL_KEY, key.id)
        team = self.snapshot.teams.get(key.team_id)
        customer = self.snapshot.customers.get(key.customer_id)
        newest = key.values[0] if key.values else None
        document = {
            "id": key.id,
            "name": key.name,
            "description": key.description,
            "value": wire.masked(newest) if value is None else value,
            "is_active": key.is_active,
            "provider_configs": [
                self.provider_config(key, config)
                for config in key.provider_configs or ()
            ],
            "mcp_configs": [],
            "team_id": key.team_id,
            "customer_id": key.customer_id,
            "team": team and self.brief_team(team),
            "customer": customer and self.brief_customer(customer),
            **self.limits.limits(owner, key.limits, _times(key)),
            **_stamps(key),
            "allow_all_providers": key.provider_configs is None,
            "models": None if key.models is None else list(key.models),
            "expires_at": wire.moment(key.expires_at),
            "metadata": dict(key.metadata),
            "is_declared": key.is_declared,
            "state": self._state(key),
            "values": [_value(one) for one in key.values],
        }
        return wire.without_empty(
            document, "description", "team_id", "customer_id", "team", "customer"
        )

    def _state(self, key: VirtualKey) -> str:
        return self.snapshot.found(key, self.limits.now).block or "active"

    def provider_config(
        self, key: VirtualKey, config: ProviderConfig
    ) -> dict[str, Any]:
        """
        Write what *key* may do with one provider.
        """
        names = [] if ANY in config.provider_keys else list(config.provider_keys)
        owner = Owner(OwnerKind.PROVIDER_CONFIG, config.id)
        return {
            "id": wire.number_of(config.id),
            "virtual_key_id": key.id,
            "provider": config.provider,
            "weight": config.weight,
            "allowed_models": list(config.allowed_models),
            "blacklisted_models": list(config.blocked_models),
            "allow_all_keys": ANY in config.provider_keys,
            "keys": [{"id": name, "name": name} for name in names],
            **self.limits.limits(owner, config.limits, _times(key)),
            "key_ids": list(config.provider_keys),
        }

    # --- teams and customers ----------------------------------------------------------------

    def brief_team(self, team: Team) -> dict[str, Any]:
        """
        Write a team beside what belongs to it, without its limits.
        """
        document = {
            "id": team.id,
            "name": team.name,
            "customer_id": team.customer_id,
            "virtual_key_count": self.counts.get(("team", team.id), 0),
            "profile": {},
            "config": {},
            "claims": {},
            "calendar_aligned": any(budget.calendar for budget in team.limits.budgets),
            **_stamps(team),
        }
        return wire.without_empty(document, "customer_id")

    def team(self, team: Team) -> dict[str, Any]:
        """
        Write a team.
        """
        customer = self.snapshot.customers.get(team.customer_id)
        owner = Owner(OwnerKind.TEAM, team.id)
        document = {
            **self.brief_team(team),
            "customer": customer and self.brief_customer(customer),
            **self.limits.limits(owner, team.limits, _times(team)),
            "models": None if team.models is None else list(team.models),
            "is_declared": team.is_declared,
        }
        return wire.without_empty(document, "customer")

    def brief_customer(self, customer: Customer) -> dict[str, Any]:
        """
        Write a customer beside what belongs to it.
        """
        return {
            "id": customer.id,
            "name": customer.name,
            "teams": [],
            "virtual_keys": [],
            "calendar_aligned": any(
                budget.calendar for budget in customer.limits.budgets
            ),
            **_stamps(customer),
        }

    def customer(
        self,
        customer: Customer,
        teams: Iterable[Team] = (),
        keys: Iterable[VirtualKey] = (),
    ) -> dict[str, Any]:
        """
        Write a customer with its *teams* and its own *keys*, briefly.
        """
        owner = Owner(OwnerKind.CUSTOMER, customer.id)
        return {
            **self.brief_customer(customer),
            "teams": [self.brief_team(team) for team in teams],
            "virtual_keys": [self.brief_key(key) for key in keys],
            **self.limits.limits(owner, customer.limits, _times(customer)),
            "virtual_key_count": self.counts.get(("customer", customer.id), 0),
            "is_declared": customer.is_declared,
        }

    def brief_key(self, key: VirtualKey) -> dict[str, Any]:
        """
        Write a virtual key beside whom it belongs to.
        """
        document = {
            "id": key.id,
            "name": key.name,
            "value": wire.masked(key.values[0] if key.values else None),
            "is_active": key.is_active,
            "provider_configs": [],
            "mcp_configs": [],
            "team_id": key.team_id,
            "customer_id": key.customer_id,
            "calendar_aligned": any(budget.calendar for budget in key.limits.budgets),
            **_stamps(key),
        }
        return wire.without_empty(document, "team_id", "customer_id")

    # --- limits on models and providers -----------------------------------------------------

    def model_config(self, config: ModelConfig) -> dict[str, Any]:
        """
        Write limits on a model.
        """
        owner = Owner(OwnerKind.MODEL, config.id)
        limits = self.limits.limits(owner, config.limits, _times(config))
        budgets = limits.get("budgets", [])
        document = {
            "id": config.id,
            "model_name": config.model,
            "provider": config.provider,
            "scope": "global",
            "budget_id": budgets[0]["id"] if budgets else None,
            "budget_ids": [budget["id"] for budget in budgets],
            "budget": budgets[0] if budgets else None,
            **limits,
            **_stamps(config),
            "name": config.name,
            "is_declared": config.is_declared,
        }
        return wire.without_empty(
            document, "provider", "budget_id", "budget_ids", "budget"
        )

    def provider(self, name: str, config: ModelConfig | None) -> dict[str, Any]:
        """
        Write the limits on all that a provider serves; *config* is None where there are none.
        """
        document: dict[str, Any] = {"provider": name}
        if config is not None:
            owner = Owner(OwnerKind.MODEL, config.id)
            document |= self.limits.limits(owner, config.limits, _times(config))
            if budgets := document.get("budgets"):
                document["budget"] = budgets[0]
        return {
            **document,
            "model_config_id": config and config.id,
            "is_declared": config is not None and config.is_declared,
        }


# --- rules and prices -----------------------------------------------------------------------


def routing_rule(rule: RoutingRule) -> dict[str, Any]:
    """
    Write a routing rule.
    """
    document = {
        "id": rule.id,
        "config_hash": wire.config_hash(rule),
        "name": rule.name,
        "description": rule.description,
        "enabled": rule.is_enabled,
        "cel_expression": rule.condition,
        "targets": [_target(target) for target in rule.targets],
        "fallbacks": list(rule.fallbacks),
        "scope": rule.scope,
        "scope_id": rule.scope_id,
        "chain_rule": rule.chains,
        "priority": rule.priority,
        "created_at": utc_text(rule.created_at),
        "updated_at": utc_text(rule.updated_at),
        "is_declared": rule.is_declared,
    }
    return wire.without_empty(document, "fallbacks")


def _target(target: RoutingTarget) -> dict[str, Any]:
    document = {
        "provider": target.provider,
        "model": target.model,
        "key_id": target.provider_key,
        "provider_key_name": target.provider_key,
        "weight": target.weight,
    }
    return wire.without_empty(
        document, "provider", "model", "key_id", "provider_key_name"
    )


def pricing_override(override: PricingOverride) -> dict[str, Any]:
    """
    Write a pricing override.
    """
    document = {
        "id": override.id,
        "name": override.name,
        "scope_kind": scope_of(override),
        "virtual_key_id": override.key_id,
        "provider_id": override.provider,
        "match_type": "wildcard" if ANY in override.model else "exact",
        "pattern": override.model,
        **_stamps(override),
        "prices": dict(override.prices),
        "is_declared": override.is_declared,
    }
    return wire.without_empty(document, "virtual_key_id", "provider_id")


def scope_of(override: PricingOverride) -> str:
    """
    Return Bifrost's word for whom *override* is.
    """
    if override.key_id is None:
        return "global" if override.provider is None else "provider"
    return "virtual_key" if override.provider is None else "virtual_key_provider"


def _value(value: KeyValue) -> dict[str, Any]:
    return {"value": wire.masked(value), "expires_at": wire.moment(value.expires_at)}


def _times(entity: VirtualKey | Team | Customer | ModelConfig) -> tuple[float, float]:
    return entity.created_at, entity.updated_at


def _stamps(
    entity: VirtualKey | Team | Customer | ModelConfig | PricingOverride,
) -> dict[str, Any]:
    return {
        "config_hash": wire.config_hash(entity),
        "created_at": utc_text(entity.created_at),
        "updated_at": utc_text(entity.updated_at),
    }
