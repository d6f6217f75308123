"""
What the settings file says of those who have limits: customers, teams, virtual keys, models.

Each class is a table under its name; `entity` makes of it what everything else works with, under
that name as id, which the store replaces by the id that the name had at first sight.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Literal, Self

import attrs

from gateway.settings import SecretRef, at_least, told
from gateway_governance.entities import (
    ANY,
    NANO_PER_USD,
    Budget,
    Customer,
    Limits,
    ModelConfig,
    Period,
    ProviderConfig,
    RateLimit,
    Team,
    Unit,
    VirtualKey,
)
from gateway_governance.values import check_hash

#: The words for periods; the management API has its letter codes.
PeriodWord = Literal["minute", "hour", "day", "week", "month", "quarter", "year"]

_CALENDAR: Final = (
    "IANA zone whose calendar cuts the periods; left out: one after another."
)


def nano_of(usd: Decimal) -> int:
    """
    Turn *usd* into nano-USD, exactly.

    Raises:
        ValueError: it is finer than that.
    """
    nano = Fraction(usd) * NANO_PER_USD  # a Decimal would round at 28 digits
    if nano.denominator != 1:
        msg = "is finer than a nano-dollar, 0.000000001"
        raise ValueError(msg)
    return nano.numerator


def whole_nano(
    instance: Any, attribute: attrs.Attribute[Any], value: Decimal | None
) -> None:
    """
    Demand an amount of USD that is a whole number of nano-USD, and not below 0.
    """
    if value is None:
        return
    if value < 0:
        msg = f"must be at least 0, not {value}"
        raise ValueError(msg)
    nano_of(value)


@attrs.frozen
class Moment:
    """
    When something ends: a day, or a moment of it.

    Attributes:
        at: Unix seconds.
    """

    at: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``2026-12-31``, whose end in UTC is meant, or ``2026-12-31T18:00:00+01:00``.

        Raises:
            ValueError: it is neither.
        """
        msg = "must be a day, 2026-12-31, or a moment with its zone, 2026-12-31T18:00:00+01:00"
        try:
            if len(text) == len("2026-12-31"):
                day = date.fromisoformat(text) + timedelta(days=1)
                return cls(datetime.combine(day, time(), UTC).timestamp())
            moment = datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            raise ValueError(msg) from None
        if moment.tzinfo is None:
            raise ValueError(msg)
        return cls(moment.timestamp())

    def __str__(self) -> str:
        return datetime.fromtimestamp(self.at, UTC).isoformat()


@attrs.frozen
class KeyHash:
    """
    A hash of a virtual key's value, as ``gatewright keys hash`` writes it.
    """

    text: str = attrs.field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read one.

        Raises:
            ValueError: it is none; it is not repeated, as it may be a value.
        """
        check_hash(text)
        return cls(text)

    def __str__(self) -> str:
        return self.text


# --- limits ---------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class BudgetSettings:
    """
    Money per period.

    Attributes:
        limit_usd: How much may be spent in each period.
        per: The period.
        calendar: IANA zone whose calendar cuts the periods; None for windows of the period's
            length, one behind the other.
        mode: ``strict`` holds the worst case before a request is sent; ``soft`` lets it in
            while less than the limit is spent, and charges afterwards.
    """

    limit_usd: Decimal = attrs.field(
        validator=whole_nano, metadata=told("How much may be spent in each period.")
    )
    per: PeriodWord = attrs.field(metadata=told("The period."))
    calendar: str | None = attrs.field(default=None, metadata=told(_CALENDAR))
    mode: Literal["strict", "soft"] = attrs.field(
        default="strict",
        metadata=told(
            "strict: never passed. soft: entered while not yet reached, charged afterwards."
        ),
    )

    def budget(self) -> Budget:
        """
        Make the budget of it.
        """
        return Budget(
            limit_nano=nano_of(self.limit_usd),
            period=Period(self.per),
            calendar=self.calendar,
            mode=self.mode,
        )


@attrs.frozen(kw_only=True)
class RateSettings:
    """
    Requests or tokens per period.

    Attributes:
        requests: How many requests; or
        tokens: how many tokens.
        per: The period.
        calendar: As for budgets.
    """

    requests: int | None = attrs.field(
        default=None,
        validator=at_least(0),
        metadata=told("How many requests in each period; or tokens."),
    )
    tokens: int | None = attrs.field(
        default=None,
        validator=at_least(0),
        metadata=told("How many tokens in each period; or requests."),
    )
    per: PeriodWord = attrs.field(metadata=told("The period."))
    calendar: str | None = attrs.field(default=None, metadata=told(_CALENDAR))

    def __attrs_post_init__(self) -> None:
        if (self.requests is None) == (self.tokens is None):
            msg = "takes either requests or tokens: write two limits for both"
            raise ValueError(msg)

    def rate_limit(self) -> RateLimit:
        """
        Make the limit of it.
        """
        is_requests = self.tokens is None
        amount = self.requests if self.tokens is None else self.tokens
        return RateLimit(
            amount=amount or 0,
            unit=Unit.REQUESTS if is_requests else Unit.TOKENS,
            period=Period(self.per),
            calendar=self.calendar,
        )


@attrs.frozen(kw_only=True)
class LimitsSettings:
    """
    What limits an owner; part of the owner's own table.

    Attributes:
        budgets: Money; at most one for each period.
        rate_limits: Requests and tokens; at most one of each for each period.
        max_parallel: Requests under way at once.
    """

    budgets: tuple[BudgetSettings, ...] = attrs.field(
        default=(), metadata=told("Money per period; at most one for each period.")
    )
    rate_limits: tuple[RateSettings, ...] = attrs.field(
        default=(), metadata=told("Requests and tokens; one of each for each period.")
    )
    max_parallel: int | None = attrs.field(
        default=None,
        validator=at_least(1),
        metadata=told("Requests under way at once; left out: no limit."),
    )

    def limits(self) -> Limits:
        """
        Make the limits of it.
        """
        return Limits(
            budgets=tuple(budget.budget() for budget in self.budgets),
            rate_limits=tuple(rate.rate_limit() for rate in self.rate_limits),
            max_parallel=self.max_parallel,
        )


# --- who has them ---------------------------------------------------------------------------

_WAS: Final = told("Its name until now: what was spent under it stays spent.")


@attrs.frozen(kw_only=True)
class CustomerSettings(LimitsSettings):
    """
    An organization.

    Attributes:
        was: Its name until now; likewise below.
    """

    was: str | None = attrs.field(default=None, metadata=_WAS)

    def entity(self, name: str) -> Customer:
        """
        Make the customer *name*.
        """
        return Customer(id=name, name=name, limits=self.limits(), is_declared=True)


@attrs.frozen(kw_only=True)
class TeamSettings(LimitsSettings):
    """
    A team.

    Attributes:
        customer: Whose it is.
        models: Names that its keys may ask for; None leaves it to the keys.
    """

    was: str | None = attrs.field(default=None, metadata=_WAS)
    customer: str | None = attrs.field(
        default=None, metadata=told("The customer whose it is.")
    )
    models: tuple[str, ...] | None = attrs.field(
        default=None,
        metadata=told("Names that its keys may ask for; left out: left to the keys."),
    )

    def entity(self, name: str) -> Team:
        """
        Make the team *name*.
        """
        return Team(
            id=name,
            name=name,
            customer_id=self.customer,
            models=self.models,
            limits=self.limits(),
            is_declared=True,
        )


@attrs.frozen(kw_only=True)
class ProviderConfigSettings(LimitsSettings):
    """
    What a virtual key may do with one provider.

    Attributes:
        models: The provider's names for models, ``["*"]`` for all, ``[]`` for none.
        blocked_models: Outweigh *models*.
        weight: Its share of first choices where the caller names no provider.
        keys: Names of the provider's keys that may be used; ``["*"]`` for all.
    """

    # Without a default: neither "all" nor "none" would be what everybody expects.
    models: tuple[str, ...] = attrs.field(
        metadata=told('The provider\'s names for models: ["*"] is all, [] is none.')
    )
    blocked_models: tuple[str, ...] = attrs.field(
        default=(), metadata=told("Models that it may not use, whatever models says.")
    )
    weight: float | None = attrs.field(
        default=None,
        validator=at_least(0),
        metadata=told("Its share of first choices where the caller names no provider."),
    )
    keys: tuple[str, ...] = attrs.field(
        default=(ANY,),
        metadata=told("Names of the provider's keys that may be used; * is all."),
    )

    @classmethod
    def short_form(cls, text: str) -> Self:
        """
        Read the short form, the one model that may be used; ``"*"`` is all.
        """
        return cls(models=(text,))

    def config(self, key_name: str, provider: str) -> ProviderConfig:
        """
        Make what the key *key_name* may do with *provider*.
        """
        return ProviderConfig(
            id=f"{key_name}:{provider}",
            provider=provider,
            weight=self.weight,
            allowed_models=self.models,
            blocked_models=self.blocked_models,
            provider_keys=self.keys,
            limits=self.limits(),
        )


@attrs.frozen(kw_only=True)
class VirtualKeySettings(LimitsSettings):
    """
    A virtual key.

    Attributes:
        secret: Where its value is found.
        hash: What `gatewright keys hash` wrote of a value.  Beside *secret* it lets a second
            value in, while callers change from one to the other.
        team: The team that it belongs to; or
        customer: the customer.
        models: Names that it may ask for; None leaves it to the team.
        providers: What it may do with which provider; None allows every provider.
        expires: When it ends.
        is_active: Whether it may be used.
        metadata: The operator's own words, for reports.
    """

    was: str | None = attrs.field(default=None, metadata=_WAS)
    secret: SecretRef | None = attrs.field(
        default=None, metadata=told("Where its value is found.")
    )
    hash: KeyHash | None = attrs.field(
        default=None,
        metadata=told("What gatewright keys hash wrote of a value, instead or beside."),
    )
    team: str | None = attrs.field(
        default=None, metadata=told("The team that it belongs to.")
    )
    customer: str | None = attrs.field(
        default=None, metadata=told("The customer that it belongs to, without a team.")
    )
    description: str = attrs.field(default="", metadata=told("What it is for."))
    models: tuple[str, ...] | None = attrs.field(
        default=None,
        metadata=told("Names that it may ask for; left out: left to the team."),
    )
    providers: Mapping[str, ProviderConfigSettings] | None = attrs.field(
        default=None,
        metadata=told("What it may do with which provider; left out: all, with all."),
    )
    expires: Moment | None = attrs.field(
        default=None,
        metadata=told("When it ends: a day, whose end in UTC is meant, or a moment."),
    )
    is_active: bool = attrs.field(
        default=True, metadata=told("Whether it may be used.")
    )
    metadata: Mapping[str, str] = attrs.field(
        factory=dict, metadata=told("The operator's own words, for reports.")
    )

    def __attrs_post_init__(self) -> None:
        if self.secret is None and self.hash is None:
            msg = "needs a secret: env.NAME or file./path; or a hash: of its value"
            raise ValueError(msg)

    def entity(self, name: str) -> VirtualKey:
        """
        Make the key *name*, still without the values that it is shown by.
        """
        configs = None
        if self.providers is not None:
            configs = tuple(
                config.config(name, provider)
                for provider, config in self.providers.items()
            )
        return VirtualKey(
            id=name,
            name=name,
            description=self.description,
            team_id=self.team,
            customer_id=self.customer,
            models=self.models,
            provider_configs=configs,
            is_active=self.is_active,
            expires_at=None if self.expires is None else self.expires.at,
            limits=self.limits(),
            metadata=dict(self.metadata),
            is_declared=True,
        )


@attrs.frozen(kw_only=True)
class ModelLimitsSettings(LimitsSettings):
    """
    Limits on a model, or on all that a provider serves, for everybody together.

    Attributes:
        provider: Of which provider; None is of any.
        model: The provider's name for it, at most one ``*`` in it.
    """

    was: str | None = attrs.field(default=None, metadata=_WAS)
    provider: str | None = attrs.field(
        default=None, metadata=told("Of which provider; left out: of any.")
    )
    model: str = attrs.field(
        default=ANY, metadata=told("The provider's name for it; * stands for anything.")
    )

    def entity(self, name: str) -> ModelConfig:
        """
        Make the limits *name*.
        """
        return ModelConfig(
            id=name,
            name=name,
            model=self.model,
            provider=self.provider,
            limits=self.limits(),
            is_declared=True,
        )
