"""
What of the settings works, but hardly as it is meant: names that lead nowhere, unknown prices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.errors import ModelNotFound, Problem, UnsupportedOperation
from gateway.settings.problems import path_of
from gateway_governance.entities import PricingOverride
from gateway_governance.pricing import Pricer
from gateway_governance.settings import PATH, GovernanceSettings

if TYPE_CHECKING:
    from gateway import Gateway


def advice(settings: GovernanceSettings, gateway: Gateway) -> Iterator[Problem]:
    """
    Yield what an operator would want to be warned of.

    Args:
        gateway: One that was made, with its providers and its catalog.
    """
    yield from _strange_names(settings, gateway)
    if settings.unpriced_models == "refuse" and _has_budgets(settings):
        yield from _unpriced(settings, gateway)


def _strange_names(settings: GovernanceSettings, gateway: Gateway) -> Iterator[Problem]:
    """
    Yield names that somebody may ask for, and that lead to no model.
    """
    for table in ("teams", "virtual_keys"):
        for owner, limits in getattr(settings, table).items():
            for index, model in enumerate(limits.models or ()):
                if "*" in model or _is_known(model, gateway):
                    continue
                msg = (
                    f"no model is called {model} here: unless a routing rule leads it "
                    "somewhere, this allows nothing"
                )
                steps = (*PATH, table, owner, "models", index)
                yield Problem(msg, path=path_of(steps))


def _is_known(model: str, gateway: Gateway) -> bool:
    try:
        gateway.runtime.router.check_model(model)
    except ModelNotFound:
        return False
    except UnsupportedOperation:
        pass  # somebody has it, for something else
    return True


def _has_budgets(settings: GovernanceSettings) -> bool:
    owners = (
        *settings.customers.values(),
        *settings.teams.values(),
        *settings.virtual_keys.values(),
        *settings.model_limits.values(),
    )
    return any(owner.budgets for owner in owners)


def _unpriced(settings: GovernanceSettings, gateway: Gateway) -> Iterator[Problem]:
    """
    Yield the targets of the settings' own names that nobody can be charged for.
    """
    overrides = [
        entity
        for _, entity in settings.declared()
        if isinstance(entity, PricingOverride)
    ]
    runtime, at = gateway.runtime, gateway.clock.now()
    pricer = Pricer(runtime.catalog, overrides)
    for name, model in gateway.settings.models.items():
        for target in dict.fromkeys(
            (*(one.model for one in model.targets), *model.fallbacks)
        ):
            provider, _, called = target.partition("/")
            vendor = runtime.providers[provider].vendor.name
            if "*" in target or any(
                pricer.price(vendor, provider, called, key_id=key_id, at=at)
                for key_id in (None, *settings.virtual_keys)
            ):
                continue
            msg = (
                f"{target} has no price: keys with budgets get 402 model_unpriced. Name "
                "one under plugins.governance.pricing_overrides or price_files"
            )
            yield Problem(msg, path=path_of(("models", name)))
