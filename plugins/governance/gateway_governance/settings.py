"""
What the table ``plugins.governance`` says.

The owners of limits stand in `owners`, rules and prices in `directions`; here is the whole, and
the policies.  What stands in different places of the table and does not fit together is found when
the table is read, each fault at its place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, Self

import attrs

from gateway import CallerKind, Drain
from gateway.errors import ConfigError, Problem
from gateway.settings import HEADER_NAME, SecretRef, above, at_least, between, told
from gateway.settings.problems import path_of
from gateway_governance.checks import Entity, Fault, Known, faults_of
from gateway_governance.directions import (
    PricingOverrideSettings,
    RoutingRuleSettings,
    price,
)
from gateway_governance.owners import (
    CustomerSettings,
    KeyHash,
    ModelLimitsSettings,
    TeamSettings,
    VirtualKeySettings,
    nano_of,
    whole_nano,
)
from gateway_governance.rules import model_faults

#: Seconds for which an answer is read that nobody waits for, where nothing is said.
MAX_DRAIN_S: Final = 600.0

PATH: Final = ("plugins", "governance")

#: The tables of entities, in the order in which one may refer to another.
TABLES: Final = (
    "customers",
    "teams",
    "virtual_keys",
    "model_limits",
    "routing_rules",
    "pricing_overrides",
)

_DeclaredTable = Mapping[
    str,
    CustomerSettings
    | TeamSettings
    | VirtualKeySettings
    | ModelLimitsSettings
    | RoutingRuleSettings
    | PricingOverrideSettings,
]


# --- policies -------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class CeilingPrice:
    """
    A price that is above every price.

    Attributes:
        input: USD per million tokens of the prompt, of whatever kind.
        output: USD per million tokens of the answer.
    """

    input: Decimal = attrs.field(
        validator=price, metadata=told("USD per million tokens of the prompt.")
    )
    output: Decimal = attrs.field(
        validator=price, metadata=told("USD per million tokens of the answer.")
    )

    @classmethod
    def short_form(cls, text: str) -> Self:
        """
        Read the short form: one price for both.
        """
        try:
            usd = Decimal(text)
            return cls(input=usd, output=usd)
        except (ArithmeticError, ValueError):
            msg = "must be USD per million tokens, or {input: …, output: …}"
            raise ValueError(msg) from None


@attrs.frozen(kw_only=True)
class UnpricedAtCeiling:
    """
    A model without a price is charged at a price that the operator names.
    """

    ceiling: CeilingPrice = attrs.field(
        metadata=told("What is charged: USD per million tokens.")
    )


@attrs.frozen(kw_only=True)
class LowerOutput:
    """
    A request for which the money left is short gets less output.

    Attributes:
        lower_output_to: Tokens below which its output is never cut.
    """

    lower_output_to: int = attrs.field(
        default=4096,
        validator=between(1, 1_000_000),
        metadata=told("Tokens below which an answer's length is never lowered."),
    )


@attrs.frozen(kw_only=True)
class DrainLimit:
    """
    How far an answer is read that nobody waits for any more.

    Attributes:
        output_tokens: So many more tokens.
        time_s: So much longer.
    """

    output_tokens: int | None = attrs.field(
        default=None, validator=at_least(1), metadata=told("So many more tokens; or")
    )
    time_s: float | None = attrs.field(
        default=None, validator=above(0), metadata=told("so much longer; or both.")
    )

    def __attrs_post_init__(self) -> None:
        if self.output_tokens is None and self.time_s is None:
            msg = "needs output_tokens, time_s or both; without an end write drain"
            raise ValueError(msg)


@attrs.frozen(kw_only=True)
class DrainUpTo:
    """
    When a caller leaves, the rest is read up to an end.
    """

    drain_up_to: DrainLimit = attrs.field(metadata=told("How far the rest is read."))


@attrs.frozen(kw_only=True)
class HoldForUnbounded:
    """
    A request whose cost cannot be told beforehand holds an amount that the operator names.
    """

    hold_usd: Decimal = attrs.field(
        validator=whole_nano,
        metadata=told("What such a request holds, and may cost at most."),
    )

    @property
    def hold_nano(self) -> int:
        """
        The amount, in nano-USD.
        """
        return nano_of(self.hold_usd)


@attrs.frozen(kw_only=True)
class RunSettings:
    """
    Budgets of runs, which callers name.

    Attributes:
        lifetime_s: How long a run is known after its last request.
        max_per_key: How many runs of one key are known at a time.
    """

    lifetime_s: float = attrs.field(
        default=86_400.0,
        validator=between(60, 31 * 86_400),
        metadata=told("How long a run is known after its last request."),
    )
    max_per_key: int = attrs.field(
        default=1_000,
        validator=between(1, 100_000),
        metadata=told("How many runs of one key are known at a time."),
    )


@attrs.frozen(kw_only=True)
class WaitSettings:
    """
    Waiting for what only others' holds keep back.

    Attributes:
        up_to_s: How long a request waits; 0 does not.
        max_waiting: How many wait at a time, in one worker.
    """

    up_to_s: float = attrs.field(
        default=2.0,
        validator=between(0, 60),
        metadata=told("How long a request waits for what others hold; 0: not at all."),
    )
    max_waiting: int = attrs.field(
        default=1_000,
        validator=between(0, 100_000),
        metadata=told("How many wait at a time, in one worker."),
    )


# --- the whole ------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class GovernanceSettings:
    """
    Who may call what, and within which limits.

    Attributes:
        require_key: Whether callers without a virtual key are refused; None leaves it to
            `is_key_required`.
        unpriced_models: What becomes of a model without a price, for keys with budgets.
        when_short: What becomes of a request for which little money is left.
        unbounded_requests: What becomes of one whose cost cannot be told beforehand.
        on_disconnect: What becomes of an answer whose caller left.
        required_headers: Headers without which a request is refused.
        wait: Waiting for what others hold.
        runs: Budgets of runs.
        keep_usage_days: How long it is kept what requests used.
        price_files: Files of prices, which outweigh the gateway's own.
        customers: Organizations, by name; likewise the other entities.
    """

    require_key: bool | None = attrs.field(
        default=None,
        metadata=told(
            "Whether callers without a virtual key are refused; left out: as soon as "
            "there is a settings file, or another address than loopback."
        ),
    )
    unpriced_models: Literal["refuse", "free"] | UnpricedAtCeiling = attrs.field(
        default="refuse",
        metadata=told("A model without a price: refuse it, free, or {ceiling: …}."),
    )
    when_short: Literal["refuse"] | LowerOutput = attrs.field(
        factory=LowerOutput,
        metadata=told("Little money left: refuse, or {lower_output_to: tokens}."),
    )
    unbounded_requests: Literal["refuse"] | HoldForUnbounded = attrs.field(
        default="refuse",
        metadata=told("Cost not to be told beforehand: refuse, or {hold_usd: …}."),
    )
    on_disconnect: Literal["cancel", "drain"] | DrainUpTo = attrs.field(
        default="cancel",
        metadata=told("The caller left: cancel, drain, or {drain_up_to: …}."),
    )
    required_headers: tuple[str, ...] = attrs.field(
        default=(), metadata=told("Headers without which a request is refused.")
    )
    wait: WaitSettings = attrs.field(
        factory=WaitSettings, metadata=told("Waiting for what others hold.")
    )
    runs: RunSettings = attrs.field(
        factory=RunSettings, metadata=told("Budgets of runs, which callers name.")
    )
    keep_usage_days: int = attrs.field(
        default=400,
        validator=between(1, 36_500),
        metadata=told("Days for which it is kept what requests used."),
    )
    price_files: tuple[Path, ...] = attrs.field(
        default=(),
        metadata=told("Files of prices; a later one outweighs an earlier one."),
    )
    customers: Mapping[str, CustomerSettings] = attrs.field(
        factory=dict, metadata=told("Organizations, by name.")
    )
    teams: Mapping[str, TeamSettings] = attrs.field(
        factory=dict, metadata=told("Teams, by name.")
    )
    virtual_keys: Mapping[str, VirtualKeySettings] = attrs.field(
        factory=dict, metadata=told("Virtual keys, by name.")
    )
    model_limits: Mapping[str, ModelLimitsSettings] = attrs.field(
        factory=dict,
        metadata=told("Limits on a model or provider, for everybody, by name."),
    )
    routing_rules: Mapping[str, RoutingRuleSettings] = attrs.field(
        factory=dict, metadata=told("Where requests go, by name.")
    )
    pricing_overrides: Mapping[str, PricingOverrideSettings] = attrs.field(
        factory=dict, metadata=told("Other prices than the catalog's, by name.")
    )

    def __attrs_post_init__(self) -> None:
        if problems := list(self.problems()):
            raise ConfigError(problems)

    def declared(self) -> Iterator[tuple[str, Entity]]:
        """
        Yield every entity with the name of its table; ids are names.
        """
        for table in TABLES:
            for name, settings in self._table(table).items():
                yield table, settings.entity(name)

    def names(self, kind: CallerKind) -> Collection[str]:
        """
        Return the names of all declared callers of *kind*.
        """
        names: Collection[str] = self._table(f"{kind}s")
        return names

    def drain(self) -> Drain | None:
        """
        Return how far a provider is listened to after its caller left; None is not at all.
        """
        policy = self.on_disconnect
        if policy == "cancel":
            return None
        if not isinstance(policy, DrainUpTo):
            return Drain(max_s=MAX_DRAIN_S)
        limit = policy.drain_up_to
        return Drain(max_s=limit.time_s or MAX_DRAIN_S, max_events=limit.output_tokens)

    def renames(self) -> Mapping[tuple[str, str], str]:
        """
        Return what the entities were called: (table, name) -> former name.
        """
        return {
            (table, name): settings.was
            for table in TABLES
            for name, settings in self._table(table).items()
            if settings.was is not None
        }

    def secret_refs(self) -> Mapping[str, SecretRef]:
        """
        Return where the values of virtual keys are found, by the keys' names.
        """
        return {
            name: key.secret
            for name, key in self.virtual_keys.items()
            if key.secret is not None
        }

    def hashes(self) -> Mapping[str, KeyHash]:
        """
        Return the hashes of virtual keys' values, by the keys' names.
        """
        return {
            name: key.hash
            for name, key in self.virtual_keys.items()
            if key.hash is not None
        }

    def problems(self, providers: Collection[str] | None = None) -> Iterator[Problem]:
        """
        Yield what does not fit together, each with its path.

        Args:
            providers: Those that are declared, where they are known.
        """
        known = Known(
            providers=providers,
            customers=self.customers,
            teams=self.teams,
            virtual_keys=self.virtual_keys,
        )
        for index, header in enumerate(self.required_headers):
            if HEADER_NAME.fullmatch(header) is None:
                yield _problem(("required_headers", index), "is no name of a header")
        for table, entity in self.declared():
            for fault in faults_of(entity, known):
                yield _problem(
                    (table, entity.name, *_file_steps(entity, fault)), fault.message
                )
        for (table, name), was in self.renames().items():
            if was in self._table(table):
                message = f"{was} is declared as well: it is either the old name or another one"
                yield _problem((table, name, "was"), message)
        yield from self._shared_pasts()

    def model_problems(self, check_model: Callable[[str], None]) -> Iterator[Problem]:
        """
        Yield which models that routing rules lead to nobody has.
        """
        for name, rule in self.routing_rules.items():
            entity = rule.entity(name)
            for fault in model_faults(entity, check_model):
                steps = _file_steps(entity, fault)
                yield _problem(("routing_rules", name, *steps), fault.message)

    def _shared_pasts(self) -> Iterator[Problem]:
        seen: dict[tuple[str, str], str] = {}
        for (table, name), was in self.renames().items():
            other = seen.setdefault((table, was), name)
            if other != name:
                yield _problem((table, name, "was"), f"{other} was {was} already")

    def _table(self, name: str) -> _DeclaredTable:
        table: _DeclaredTable = getattr(self, name)
        return table


def is_key_required(
    settings: GovernanceSettings, *, has_file: bool, is_exposed: bool
) -> bool:
    """
    Tell whether callers without a virtual key are refused.

    Args:
        has_file: The gateway has a settings file.
        is_exposed: Others than this machine can reach it.
    """
    if settings.require_key is not None:
        return settings.require_key
    return has_file or is_exposed


# --- from entities to the words of the file -------------------------------------------------

#: What the file calls the attributes of entities; "" is none of its own.
_WORDS: Final[Mapping[str, str]] = {
    "limits": "",
    "period": "per",
    "limit_nano": "limit_usd",
    "customer_id": "customer",
    "team_id": "team",
    "key_id": "virtual_key",
    "expires_at": "expires",
    "provider_keys": "keys",
    "allowed_models": "models",
    "provider_key": "key",
}


def _problem(steps: tuple[str | int, ...], message: str) -> Problem:
    return Problem(message, path=path_of((*PATH, *steps)))


def _file_steps(entity: Entity, fault: Fault) -> Iterator[str | int]:
    """
    Say in the words of the file where *fault* is, below the entity's own table.
    """
    steps = list(fault.steps)
    if steps == ["name"]:
        return  # the table's key itself
    if steps == ["scope_id"]:
        yield getattr(entity, "scope")  # noqa: B009 - a routing rule's
        return
    if steps[0] == "provider_configs":
        configs: Any = getattr(entity, "provider_configs")  # noqa: B009 - a virtual key's
        yield "providers"
        yield configs[steps[1]].provider
        steps = [step for step in steps[2:] if step != "provider"]
    is_rate = "rate_limits" in steps
    for step in steps:
        if step == "amount" and is_rate:
            continue  # under requests or tokens: the line is the same
        word = _WORDS.get(step, step) if isinstance(step, str) else step
        if word != "":
            yield word
