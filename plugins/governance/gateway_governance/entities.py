"""
Who may call what, and within which limits: the values that everything else works with.

Every entity is frozen; a change makes a new one, and a new `snapshot` of all of them.  The order
of owners, innermost first: provider config -> virtual key -> team -> customer; beside them stand
limits on a model or a provider, which concern everybody, and a run below its key.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final, Literal

import attrs

#: What a list of names says when everything is allowed.
ANY: Final = "*"
NANO_PER_USD: Final = 1_000_000_000


class OwnerKind(enum.Enum):
    """
    What a limit belongs to.
    """

    CUSTOMER = "customer"
    TEAM = "team"
    VIRTUAL_KEY = "virtual_key"
    PROVIDER_CONFIG = "provider_config"
    MODEL = "model"
    RUN = "run"


@attrs.frozen
class Owner:
    """
    One owner of limits; written ``team/payments``.
    """

    kind: OwnerKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind.value}/{self.id}"


class Period(enum.Enum):
    """
    How long a window is; the letter codes of the management API are `CODES` in `periods`.
    """

    MINUTE = "minute"
    FIVE_MINUTES = "5 minutes"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Unit(enum.IntEnum):
    """
    What a meter counts.
    """

    #: Nano-USD.
    MONEY = 0
    TOKENS = 1
    REQUESTS = 2
    #: Requests under way; it has no window.
    IN_FLIGHT = 3


@attrs.frozen(kw_only=True)
class Override:
    """
    A limit raised for a time.

    Attributes:
        amount: What is added, in the limit's unit.
        until: Unix seconds.
        reason: Why, in the words of who did it.
        actor: Who did it.
    """

    amount: int
    until: float
    reason: str = ""
    actor: str = ""


@attrs.frozen(kw_only=True)
class Budget:
    """
    Money per period.

    An owner has at most one budget of each period, so owner and period identify it.

    Attributes:
        calendar: IANA zone whose calendar cuts the periods; None for windows of the period's
            length, one behind the other from *anchor* on.
        anchor: Unix seconds from which windows without a calendar are counted; None is the
            moment at which the ledger first saw the budget.
        mode: ``strict`` holds the worst case before a request is sent; ``soft`` lets it in
            while less than the limit is spent, holds nothing and charges afterwards.
        overrides: Raises of the limit; those whose time is over count nothing.
    """

    limit_nano: int
    period: Period
    calendar: str | None = None
    anchor: float | None = None
    mode: Literal["strict", "soft"] = "strict"
    overrides: tuple[Override, ...] = ()

    def limit_at(self, now: float) -> int:
        """
        Return the limit in force, in nano-USD.
        """
        raised = sum(extra.amount for extra in self.overrides if extra.until > now)
        return self.limit_nano + raised


@attrs.frozen(kw_only=True)
class RateLimit:
    """
    Requests or tokens per period; identified by owner, unit and period.
    """

    amount: int
    unit: Literal[Unit.TOKENS, Unit.REQUESTS]
    period: Period
    calendar: str | None = None
    anchor: float | None = None


@attrs.frozen(kw_only=True)
class Limits:
    """
    Everything that limits one owner.

    Attributes:
        max_parallel: Requests under way at once; None is no limit.
    """

    budgets: tuple[Budget, ...] = ()
    rate_limits: tuple[RateLimit, ...] = ()
    max_parallel: int | None = None


NO_LIMITS: Final = Limits()


@attrs.frozen(kw_only=True)
class Customer:
    """
    An organization, which has teams.

    Attributes:
        is_declared: It stands in the settings file, so the management API cannot change it;
            likewise below.
    """

    id: str
    name: str
    limits: Limits = NO_LIMITS
    is_declared: bool = False
    created_at: float = 0.0
    updated_at: float = 0.0


@attrs.frozen(kw_only=True)
class Team:
    """
    A team, which has virtual keys.

    Attributes:
        models: Names that its keys may ask for, as callers write them, at most one ``*`` in
            each; None leaves it to the keys, empty allows nothing.
    """

    id: str
    name: str
    customer_id: str | None = None
    models: tuple[str, ...] | None = None
    limits: Limits = NO_LIMITS
    is_declared: bool = False
    created_at: float = 0.0
    updated_at: float = 0.0


@attrs.frozen(kw_only=True)
class ProviderConfig:
    """
    What one virtual key may do with one provider.

    Attributes:
        id: Unique among all, for its limits outlive a change of the others.
        weight: Its share of first choices where the caller names no provider; None allows
            the provider without choosing it.
        allowed_models: The provider's names for models, ``("*",)`` for all; empty allows none.
        blocked_models: Outweigh the allowed ones.
        provider_keys: Names of the provider keys that may be used; ``("*",)`` for all.
    """

    id: str
    provider: str
    weight: float | None = None
    allowed_models: tuple[str, ...] = ()
    blocked_models: tuple[str, ...] = ()
    provider_keys: tuple[str, ...] = (ANY,)
    limits: Limits = NO_LIMITS


@attrs.frozen(kw_only=True)
class KeyValue:
    """
    One value that a virtual key is shown by: its hash, never the value itself.

    Attributes:
        lookup: Where it is found: the id within a value of our own, or a short keyed hash of a
            value that somebody else chose.
        digest: The keyed hash of the whole value.
        hint: Its last characters, for people to tell values apart; "" for foreign values.
        expires_at: Unix seconds, for a value that a rotation left valid for a while.
    """

    lookup: str
    digest: bytes = attrs.field(repr=False)
    hint: str = ""
    expires_at: float | None = None


@attrs.frozen(kw_only=True)
class VirtualKey:
    """
    Who pays: what callers show instead of a provider's credential.

    Attributes:
        values: What it is shown by, the newest first; more than one while a rotation overlaps.
        team_id: Its team; a key has a team or a customer, or neither.
        models: Names that it may ask for, as `Team.models`; None leaves it to the team, and
            where neither says, to *provider_configs*.
        provider_configs: What it may do with which provider; None allows every provider,
            empty none.
        expires_at: Unix seconds.
        metadata: The operator's own words, for reports.
    """

    id: str
    name: str
    values: tuple[KeyValue, ...] = attrs.field(default=(), repr=False)
    description: str = ""
    team_id: str | None = None
    customer_id: str | None = None
    models: tuple[str, ...] | None = None
    provider_configs: tuple[ProviderConfig, ...] | None = None
    is_active: bool = True
    expires_at: float | None = None
    limits: Limits = NO_LIMITS
    metadata: Mapping[str, str] = attrs.field(factory=dict)
    is_declared: bool = False
    created_at: float = 0.0
    updated_at: float = 0.0


@attrs.frozen(kw_only=True)
class ModelConfig:
    """
    Limits on a model, or on all that a provider serves, for everybody together.

    Attributes:
        name: What the settings file calls it; "" where nobody gave it one.
        model: The provider's name for it, at most one ``*`` in it.
        provider: Of which provider; None is of any.
    """

    id: str
    name: str = ""
    model: str = ANY
    provider: str | None = None
    limits: Limits = NO_LIMITS
    is_declared: bool = False
    created_at: float = 0.0
    updated_at: float = 0.0


@attrs.frozen(kw_only=True)
class RoutingTarget:
    """
    Where a routing rule leads; what is None stays as the request had it.
    """

    provider: str | None = None
    model: str | None = None
    provider_key: str | None = None
    weight: float = 1.0


@attrs.frozen(kw_only=True)
class RoutingRule:
    """
    A condition, and where requests go for which it holds.

    Attributes:
        condition: CEL; empty always holds.
        scope: ``global``, ``customer``, ``team``, ``virtual_key``; the narrowest goes first.
        scope_id: Of which customer, team or key.
        priority: Within a scope the lowest goes first.
        chains: Whether later rules see the request as this one changed it.
    """

    id: str
    name: str
    description: str = ""
    condition: str = ""
    targets: tuple[RoutingTarget, ...] = ()
    fallbacks: tuple[str, ...] = ()
    scope: Literal["global", "customer", "team", "virtual_key"] = "global"
    scope_id: str | None = None
    priority: int = 0
    is_enabled: bool = True
    chains: bool = False
    is_declared: bool = False
    created_at: float = 0.0
    updated_at: float = 0.0


@attrs.frozen(kw_only=True)
class PricingOverride:
    """
    Another price than the catalog's.

    Attributes:
        prices: USD, as decimal text, by the names that `overriding` tells: ``input``,
            ``priority.output``, ``cache_read@200000``, …; what none speaks of stays.
        provider: Of which provider; None is of any.
        model: The provider's name for it, at most one ``*`` in it.
        key_id: For which virtual key; None is for all.
    """

    id: str
    name: str
    prices: Mapping[str, str] = attrs.field(factory=dict)
    provider: str | None = None
    model: str = ANY
    key_id: str | None = None
    is_declared: bool = False
    created_at: float = 0.0
    updated_at: float = 0.0
