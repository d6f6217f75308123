"""
What the settings file says of where requests go and what they cost: rules and prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, Self

import attrs

from gateway.catalog import SCALES, pico_of
from gateway.settings import at_least, not_empty, told
from gateway_governance.entities import ANY, PricingOverride, RoutingRule, RoutingTarget

Scope = Literal["global", "customer", "team", "virtual_key"]

_WAS = told("Its name until now.")


def usd_text(usd: Decimal) -> str:
    """
    Write an amount without an exponent.
    """
    return f"{usd:f}"


def price(instance: Any, attribute: attrs.Attribute[Any], value: Decimal) -> None:
    """
    Demand a price in USD per million tokens.
    """
    pico_of(usd_text(value), SCALES["input"])


@attrs.frozen(kw_only=True)
class RoutingTargetSettings:
    """
    Where a routing rule leads; what is None stays as the request had it.
    """

    provider: str | None = attrs.field(
        default=None, metadata=told("Which provider; left out: as the request has it.")
    )
    model: str | None = attrs.field(
        default=None,
        metadata=told("The provider's name for it; left out: as the request has it."),
    )
    key: str | None = attrs.field(
        default=None, metadata=told("The one provider key that may be used.")
    )
    weight: float = attrs.field(
        default=1.0,
        validator=at_least(0),
        metadata=told("Its share of first choices."),
    )

    @classmethod
    def short_form(cls, text: str) -> Self:
        """
        Read the short form: ``provider/model``, or a name that callers use.
        """
        provider, slash, model = text.partition("/")
        return cls(provider=provider, model=model) if slash else cls(model=text)

    def target(self) -> RoutingTarget:
        """
        Make the target of it.
        """
        return RoutingTarget(
            provider=self.provider,
            model=self.model,
            provider_key=self.key,
            weight=self.weight,
        )


@attrs.frozen(kw_only=True)
class RoutingRuleSettings:
    """
    A condition, and where requests go for which it holds.

    Attributes:
        condition: CEL; "" always holds.
        customer: For whose requests; at most one of the three, none is everybody's.
        priority: The lowest goes first.
        chains: Whether later rules see the request as this one changed it.
    """

    was: str | None = attrs.field(default=None, metadata=_WAS)
    description: str = attrs.field(default="", metadata=told("What it is for."))
    condition: str = attrs.field(
        default="", metadata=told("CEL; left out: it always holds.")
    )
    targets: tuple[RoutingTargetSettings, ...] = attrs.field(
        default=(), metadata=told("Candidates; weights pick the first.")
    )
    fallbacks: tuple[str, ...] = attrs.field(
        default=(), metadata=told("provider/model or names, tried last, in this order.")
    )
    customer: str | None = attrs.field(
        default=None, metadata=told("For requests of this customer alone.")
    )
    team: str | None = attrs.field(
        default=None, metadata=told("For requests of this team alone.")
    )
    virtual_key: str | None = attrs.field(
        default=None, metadata=told("For requests of this key alone.")
    )
    priority: int = attrs.field(
        default=0, metadata=told("The lowest goes first; then the name.")
    )
    is_enabled: bool = attrs.field(default=True, metadata=told("Whether it counts."))
    chains: bool = attrs.field(
        default=False, metadata=told("Whether later rules see what this one changed.")
    )

    def __attrs_post_init__(self) -> None:
        if len(self._scopes) > 1:
            msg = f"takes one of {' '.join(self._scopes)}: a rule is for one of them"
            raise ValueError(msg)

    @property
    def _scopes(self) -> Mapping[Scope, str]:
        """
        For whom it is: the kind, and the name.
        """
        scopes: dict[Scope, str | None] = {
            "customer": self.customer,
            "team": self.team,
            "virtual_key": self.virtual_key,
        }
        return {scope: name for scope, name in scopes.items() if name is not None}

    def entity(self, name: str) -> RoutingRule:
        """
        Make the rule *name*.
        """
        everybody: tuple[Scope, str | None] = ("global", None)
        scope, scope_id = next(iter(self._scopes.items()), everybody)
        return RoutingRule(
            id=name,
            name=name,
            description=self.description,
            condition=self.condition,
            targets=tuple(target.target() for target in self.targets),
            fallbacks=self.fallbacks,
            scope=scope,
            scope_id=scope_id,
            priority=self.priority,
            is_enabled=self.is_enabled,
            chains=self.chains,
            is_declared=True,
        )


@attrs.frozen(kw_only=True)
class PricingOverrideSettings:
    """
    Other prices than the catalog's.

    Attributes:
        prices: USD by the names that `overriding` tells.
        provider: Of which provider; None is of any.
        model: The provider's name for it, at most one ``*`` in it.
        virtual_key: For which key; None is for all.
    """

    was: str | None = attrs.field(default=None, metadata=_WAS)
    prices: Mapping[str, Decimal] = attrs.field(
        validator=not_empty,
        metadata=told("USD per million tokens; input, output, cache_read and others."),
    )
    provider: str | None = attrs.field(
        default=None, metadata=told("Of which provider; left out: of any.")
    )
    model: str = attrs.field(
        default=ANY, metadata=told("The provider's name for it; * stands for anything.")
    )
    virtual_key: str | None = attrs.field(
        default=None, metadata=told("For which key; left out: for all.")
    )

    def entity(self, name: str) -> PricingOverride:
        """
        Make the override *name*.
        """
        return PricingOverride(
            id=name,
            name=name,
            prices={bucket: usd_text(usd) for bucket, usd in self.prices.items()},
            provider=self.provider,
            model=self.model,
            key_id=self.virtual_key,
            is_declared=True,
        )
