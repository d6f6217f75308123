"""
What is wrong with an entity, whoever wrote it: the settings file or the management API.

A `Fault` says where in terms of `entities`; each boundary has its own words for the same places.
What a single value must look like is checked where it is read.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final
from zoneinfo import available_timezones

import attrs

from gateway.catalog import FIELDS
from gateway.settings.values import NAME
from gateway_governance.entities import (
    ANY,
    Budget,
    Customer,
    Limits,
    ModelConfig,
    PricingOverride,
    ProviderConfig,
    RateLimit,
    RoutingRule,
    Team,
    VirtualKey,
)
from gateway_governance.facts import VOCABULARY
from gateway_governance.overriding import is_price_name, read_changes
from gateway_governance.periods import find_zone

Entity = Customer | Team | VirtualKey | ModelConfig | RoutingRule | PricingOverride

#: A thousand million USD: it fits in 63 bits of nano-USD, raised limits and all.
MAX_NANO: Final = 10**18
MAX_AMOUNT: Final = 10**15
MAX_NAME: Final = 128
MAX_TEXT: Final = 1_000
MAX_CONDITION: Final = 4_000
MAX_MODEL: Final = 200
MAX_LIST: Final = 1_000
MAX_OVERRIDES: Final = 16
MAX_METADATA: Final = 32
MAX_WEIGHT: Final = 1_000_000

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_REGEX: Final = "regex:"
_MODEL: Final = re.compile(r"[^\s\x00-\x1f\x7f\ud800-\udfff]{1,200}")

Step = str | int


@attrs.frozen
class Fault:
    """
    One thing that is wrong.

    Attributes:
        steps: Attributes and indexes of the entity that lead there.
        message: What is wrong and what to do.
    """

    steps: tuple[Step, ...]
    message: str


def _check_price(name: str, usd: str) -> None:
    if not is_price_name(name):
        msg = f"no such price{there_are(name, FIELDS)}"
        raise ValueError(msg)
    read_changes({name: usd})


@attrs.frozen(kw_only=True)
class Known:
    """
    What an entity may refer to.

    Attributes:
        providers: Their names; None where they cannot be known, and are not checked.
        customers: Ids of those that are there; likewise below.
        condition: Raises ValueError where a routing rule's condition is none.
        price: Raises ValueError where a name and an amount of USD are no price.
    """

    providers: Collection[str] | None = None
    customers: Collection[str] = ()
    teams: Collection[str] = ()
    virtual_keys: Collection[str] = ()
    condition: Callable[[str], Any] = VOCABULARY.read
    price: Callable[[str, str], Any] = _check_price


def faults_of(entity: Entity, known: Known) -> Iterator[Fault]:
    """
    Yield everything that is wrong with *entity*.
    """
    yield from _name_faults(entity)
    if not isinstance(entity, (RoutingRule, PricingOverride)):
        yield from _limits_faults(entity.limits, ("limits",))
    match entity:
        case Team():
            yield from _reference("customer_id", entity.customer_id, known.customers)
            yield from _models_faults(entity.models, ("models",))
        case VirtualKey():
            yield from _key_faults(entity, known)
        case ModelConfig():
            yield from _model_faults(entity.model, ("model",))
            yield from _provider_faults(entity.provider, known, ("provider",))
        case RoutingRule():
            yield from _rule_faults(entity, known)
        case PricingOverride():
            yield from _override_faults(entity, known)
        case _:
            pass


# --- names and references -------------------------------------------------------------------


def _name_faults(entity: Entity) -> Iterator[Fault]:
    if entity.is_declared:
        # It becomes part of the ids of meters, and of what people type.
        if NAME.fullmatch(entity.name) is None:
            message = "a name has 1 to 64 letters, digits, and . _ @ - between them"
            yield Fault(("name",), message)
    elif isinstance(entity, ModelConfig) and not entity.name:
        return
    elif not 1 <= len(entity.name) <= MAX_NAME:
        yield Fault(("name",), f"a name has 1 to {MAX_NAME} characters")
    elif _CONTROL.search(entity.name) or entity.name != entity.name.strip():
        message = "a name is one line, without a blank at either end"
        yield Fault(("name",), message)


def _reference(
    attribute: str, name: str | None, known: Collection[str]
) -> Iterator[Fault]:
    if name is not None and name not in known:
        noun = attribute.removesuffix("_id").replace("_", " ")
        yield Fault((attribute,), f"no such {noun}{there_are(name, known)}")


def there_are(name: str, known: Iterable[str]) -> str:
    """
    Say what exists instead of *name*: the nearest, or a few.
    """
    names = sorted(known)
    if not names:
        return "; there is none"
    if near := difflib.get_close_matches(name[:MAX_NAME], names[:MAX_LIST], n=1):
        return f", did you mean {near[0]}?"
    rest = "" if len(names) <= 8 else f" and {len(names) - 8} more"
    return f"; there are {' '.join(names[:8])}{rest}"


def _provider_faults(
    name: str | None, known: Known, steps: tuple[Step, ...]
) -> Iterator[Fault]:
    if name is not None and known.providers is not None and name not in known.providers:
        yield Fault(steps, f"no such provider{there_are(name, known.providers)}")


def _models_faults(
    models: tuple[str, ...] | None, steps: tuple[Step, ...]
) -> Iterator[Fault]:
    if models is None:
        return
    if len(models) > MAX_LIST:
        yield Fault(steps, f"at most {MAX_LIST} names")
        return
    for index, model in enumerate(models):
        yield from _model_faults(model, (*steps, index))


def _model_faults(model: str, steps: tuple[Step, ...]) -> Iterator[Fault]:
    if _MODEL.fullmatch(model) is None:
        yield Fault(steps, f"a model's name is one word of 1 to {MAX_MODEL} characters")
    elif model.count("*") > 1:
        yield Fault(steps, "more than one * in a name")
    elif model.startswith(_REGEX):
        # Bifrost's; taken for a name, what is blocked by one would be open.
        message = "regular expressions are not read here; one * stands for anything"
        yield Fault(steps, message)


def _text_faults(
    text: str, steps: tuple[Step, ...], most: int = MAX_TEXT
) -> Iterator[Fault]:
    if len(text) > most:
        yield Fault(steps, f"at most {most} characters")
    elif _CONTROL.search(text.replace("\n", "").replace("\t", "")):
        yield Fault(steps, "holds a control character")


# --- limits ---------------------------------------------------------------------------------


def _limits_faults(limits: Limits, steps: tuple[Step, ...]) -> Iterator[Fault]:
    for index, budget in enumerate(limits.budgets):
        yield from _budget_faults(budget, (*steps, "budgets", index))
    for index, rate in enumerate(limits.rate_limits):
        yield from _rate_faults(rate, (*steps, "rate_limits", index))
    yield from _twice(
        [budget.period.value for budget in limits.budgets],
        "budget",
        (*steps, "budgets"),
    )
    yield from _twice(
        [
            f"{rate.unit.name.lower()} per {rate.period.value}"
            for rate in limits.rate_limits
        ],
        "limit",
        (*steps, "rate_limits"),
    )
    most = limits.max_parallel
    if most is not None and not 1 <= most <= MAX_AMOUNT:
        yield Fault((*steps, "max_parallel"), "must be at least 1")


def _twice(keys: list[str], noun: str, steps: tuple[Step, ...]) -> Iterator[Fault]:
    """
    Yield a fault for each of *keys* that stood there before: it identifies the limit.
    """
    for index, key in enumerate(keys):
        if key in keys[:index]:
            where = (*steps, index, "period")
            yield Fault(
                where, f"an owner has one {noun} of each period: {key} stands twice"
            )


def _budget_faults(budget: Budget, steps: tuple[Step, ...]) -> Iterator[Fault]:
    raised = sum(extra.amount for extra in budget.overrides)
    if budget.limit_nano < 0:
        yield Fault((*steps, "limit_nano"), "must not be less than 0")
    elif budget.limit_nano + max(raised, 0) > MAX_NANO:
        message = f"must not be more than {MAX_NANO // 10**9} USD, raised and all"
        yield Fault((*steps, "limit_nano"), message)
    if len(budget.overrides) > MAX_OVERRIDES:
        yield Fault((*steps, "overrides"), f"at most {MAX_OVERRIDES} raises at a time")
    for index, extra in enumerate(budget.overrides):
        if extra.amount <= 0 or not math.isfinite(extra.until):
            yield Fault(
                (*steps, "overrides", index), "raises by nothing, or without an end"
            )
        yield from _text_faults(extra.reason, (*steps, "overrides", index, "reason"))
    yield from _window_faults(budget, steps)


def _rate_faults(rate: RateLimit, steps: tuple[Step, ...]) -> Iterator[Fault]:
    if not 0 <= rate.amount <= MAX_AMOUNT:
        yield Fault((*steps, "amount"), f"must be from 0 to {MAX_AMOUNT}")
    yield from _window_faults(rate, steps)


def _window_faults(
    limit: Budget | RateLimit, steps: tuple[Step, ...]
) -> Iterator[Fault]:
    if limit.calendar is not None and not _is_zone(limit.calendar):
        yield Fault(
            (*steps, "calendar"), f"no such time zone{_near_zone(limit.calendar)}"
        )
    if limit.anchor is not None and not 0 <= limit.anchor < math.inf:
        yield Fault((*steps, "anchor"), "is no time")


def _is_zone(name: str) -> bool:
    try:
        find_zone(name[:64])  # no zone's name is longer
    except ValueError:
        return False
    return True


def _near_zone(name: str) -> str:
    zones = sorted(available_timezones())
    near = difflib.get_close_matches(name[:64], zones, n=1)
    return f", did you mean {near[0]}?" if near else "; such as Europe/Zurich or UTC"


# --- virtual keys ---------------------------------------------------------------------------


def _key_faults(key: VirtualKey, known: Known) -> Iterator[Fault]:
    yield from _text_faults(key.description, ("description",))
    if key.team_id is not None and key.customer_id is not None:
        message = (
            "a key has a team or a customer, not both: the team's customer pays too"
        )
        yield Fault(("customer_id",), message)
    yield from _reference("team_id", key.team_id, known.teams)
    yield from _reference("customer_id", key.customer_id, known.customers)
    yield from _models_faults(key.models, ("models",))
    if key.expires_at is not None and not 0 <= key.expires_at < math.inf:
        yield Fault(("expires_at",), "is no time")
    yield from _metadata_faults(key.metadata)
    configs = key.provider_configs or ()
    providers = [config.provider for config in configs]
    for index, config in enumerate(configs):
        steps = ("provider_configs", index)
        if config.id.partition(":")[0] != key.id:
            yield Fault((*steps, "id"), f"must begin with the key's own id, {key.id}:")
        if config.provider in providers[:index]:
            yield Fault((*steps, "provider"), "stands twice among the key's providers")
        yield from _config_faults(config, known, steps)


def _config_faults(
    config: ProviderConfig, known: Known, steps: tuple[Step, ...]
) -> Iterator[Fault]:
    yield from _provider_faults(config.provider, known, (*steps, "provider"))
    yield from _weight_faults(config.weight, (*steps, "weight"))
    yield from _models_faults(config.allowed_models, (*steps, "allowed_models"))
    yield from _models_faults(config.blocked_models, (*steps, "blocked_models"))
    for index, name in enumerate(config.provider_keys):
        if name != ANY and NAME.fullmatch(name) is None:
            yield Fault(
                (*steps, "provider_keys", index), "is no name of a provider's key"
            )
    yield from _limits_faults(config.limits, (*steps, "limits"))


def _weight_faults(weight: float | None, steps: tuple[Step, ...]) -> Iterator[Fault]:
    if weight is not None and not 0 <= weight <= MAX_WEIGHT:  # which NaN is not either
        yield Fault(steps, f"must be from 0 to {MAX_WEIGHT}")


def _metadata_faults(metadata: Mapping[str, str]) -> Iterator[Fault]:
    if len(metadata) > MAX_METADATA:
        yield Fault(("metadata",), f"at most {MAX_METADATA} entries")
    for name, text in metadata.items():
        if not 1 <= len(name) <= 64 or _CONTROL.search(name):
            yield Fault(
                ("metadata", name), "a name has 1 to 64 characters, on one line"
            )
        yield from _text_faults(text, ("metadata", name), most=256)


# --- rules and prices -----------------------------------------------------------------------


def _rule_faults(rule: RoutingRule, known: Known) -> Iterator[Fault]:
    yield from _text_faults(rule.description, ("description",))
    yield from _text_faults(rule.condition, ("condition",), most=MAX_CONDITION)
    if rule.condition and len(rule.condition) <= MAX_CONDITION:
        try:
            known.condition(rule.condition)
        except ValueError as exc:
            yield Fault(("condition",), str(exc))
    scopes: Mapping[str, Collection[str]] = {
        "customer": known.customers,
        "team": known.teams,
        "virtual_key": known.virtual_keys,
    }
    if rule.scope == "global":
        if rule.scope_id is not None:
            yield Fault(("scope_id",), "a global rule is nobody's in particular")
    elif rule.scope_id not in scopes[rule.scope]:
        noun = rule.scope.replace("_", " ")
        there = there_are(rule.scope_id or "", scopes[rule.scope])
        yield Fault(("scope_id",), f"no such {noun}{there}")
    if not rule.targets and not rule.fallbacks:
        yield Fault(("targets",), "a rule that leads nowhere: give it a target")
    yield from _target_faults(rule, known)


def _target_faults(rule: RoutingRule, known: Known) -> Iterator[Fault]:
    if len(rule.targets) + len(rule.fallbacks) > 100:
        yield Fault(("targets",), "at most 100 targets and fallbacks")
        return
    for index, target in enumerate(rule.targets):
        steps = ("targets", index)
        yield from _provider_faults(target.provider, known, (*steps, "provider"))
        yield from _weight_faults(target.weight, (*steps, "weight"))
        if target.model is not None:
            yield from _model_faults(target.model, (*steps, "model"))
        if target.provider_key is not None and target.provider is None:
            yield Fault((*steps, "provider_key"), "is a key of which provider? name it")
    if rule.targets and not any(target.weight for target in rule.targets):
        yield Fault(("targets",), "every target has weight 0, so none is ever chosen")
    for index, fallback in enumerate(rule.fallbacks):
        # A name that callers use, or provider/model: only the router can tell which.
        yield from _model_faults(fallback, ("fallbacks", index))


def _override_faults(override: PricingOverride, known: Known) -> Iterator[Fault]:
    yield from _provider_faults(override.provider, known, ("provider",))
    yield from _model_faults(override.model, ("model",))
    yield from _reference("key_id", override.key_id, known.virtual_keys)
    if not override.prices:
        yield Fault(("prices",), "changes no price")
    for name, usd in override.prices.items():
        try:
            known.price(name, usd)
        except ValueError as exc:
            yield Fault(("prices", name), str(exc))
