"""
Everything that one settings snapshot means, frozen: plugins, chains, dialects, providers, routes.

A reload makes a new one beside the old; exchanges keep the one that they began with.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import attrs

from gateway.dialects import core_dialects
from gateway.errors import ConfigError
from gateway.hooks import Hooks
from gateway.plugins import collect, load_plugins
from gateway.providers.configured import make_providers
from gateway.providers.vendors import VENDORS
from gateway.routing.resolve import Resolver
from gateway.routing.router import Router
from gateway.upstream import Proxy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.catalog import Catalog, ModelFacts
    from gateway.clock import Clock
    from gateway.detecting import Detector
    from gateway.dialects import Dialect
    from gateway.errors import Problem
    from gateway.exchange import Attempt, Exchange
    from gateway.installation import Installation
    from gateway.plugins import FoundPlugin, LoadedPlugin
    from gateway.providers.provider import Provider
    from gateway.registrations import (
        Embedder,
        Encoding,
        Metric,
        ProcessSpec,
        Route,
    )
    from gateway.routing.targets import Target
    from gateway.secrets import Secrets
    from gateway.settings import SecretRef, Settings
    from gateway.upstream import Upstream


@attrs.define(eq=False, kw_only=True)
class Runtime:
    """
    One settings snapshot, made ready.

    Attributes:
        in_flight: Exchanges that began with it and have not ended.
        routes: The plugins' management routes, each with the plugin's name.
    """

    settings: Settings
    plugins: Sequence[LoadedPlugin]
    hooks: Hooks
    dialects: Mapping[str, Dialect]
    providers: Mapping[str, Provider]
    catalog: Catalog
    router: Router
    secrets: Secrets
    upstream: Upstream
    routes: Sequence[tuple[Route, str]]
    processes: Sequence[ProcessSpec]
    detectors: Mapping[str, Detector]
    embedders: Mapping[str, Embedder]
    encodings: Mapping[str, Encoding]
    metrics: Sequence[Metric]
    in_flight: int = 0
    _secret_refs: dict[tuple[str, str], SecretRef] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._secret_refs = {
            (provider.name, key.name): key.secret
            for provider in self.providers.values()
            for key in provider.keys
        }

    @property
    def authenticates_callers(self) -> bool:
        """
        Whether some plugin refuses callers without a credential.
        """
        return any(each.plugin.authenticates(self.settings) for each in self.plugins)

    def credential(self, target: Target) -> str | None:
        """
        Resolve the secret of the target's key, now; None if none of ours is sent.

        Raises:
            SecretMissing: if the reference leads nowhere.
        """
        if target.key is None:
            return None
        return self.secrets.get(self._secret_refs[target.provider, target.key])

    def proxy(self, provider: Provider) -> Proxy | None:
        """
        Return the proxy on the way to *provider*, with its credentials as they are now.

        Raises:
            SecretMissing: if their reference leads nowhere.
        """
        return Proxy.of(provider.proxy, self.secrets.get)

    def facts(self, target: Target) -> ModelFacts:
        """
        Return what the catalog knows of the target's model; it may be nothing.
        """
        vendor = self.providers[target.provider].vendor.name
        return self.catalog.limits(vendor, target.model)

    def price(self, exchange: Exchange, attempt: Attempt) -> None:
        """
        Put what *attempt* cost on the exchange, where usage and price are known.

        A plugin may have chosen the tariff; else the catalog's of now holds.
        """
        usage = attempt.usage
        if usage is None or attempt.joined:
            return
        tariff = attempt.tariff
        if tariff is None:
            tariff = self.facts(attempt.target).tariff_at(exchange.clock.now())
            if tariff is None:
                return
            attempt.tariff = tariff
            attempt.price_version = self.catalog.version
        cost = attempt.cost_nano = tariff.cost_nano(usage, attempt.request.service_tier)
        if cost is not None:
            exchange.cost_nano = (exchange.cost_nano or 0) + cost


def make_runtime(
    settings: Settings,
    *,
    secrets: Secrets,
    upstream: Upstream,
    clock: Clock,
    installation: Installation,
    extra: Sequence[FoundPlugin] = (),
    before: Runtime | None = None,
    problems: list[Problem] | None = None,
) -> Runtime:
    """
    Make everything that *settings* mean, or nothing.

    Args:
        before: What runs now: its plugins go on where their settings are the same, and so
            does what is known of the providers' health.
        problems: Takes what plugins say is wrong, which else is raised.

    Raises:
        ConfigError: with every problem in the settings.
        PluginErrors: with everything that is wrong with the plugins.
    """
    running = before.plugins if before is not None else ()
    plugins = load_plugins(
        settings, extra, installed=installation.plugins, running=running
    )
    catalog = _catalog(installation.catalog, plugins)
    dialects = _dialects(plugins)
    _register_stores(plugins, secrets)
    detectors = _values(plugins, "register_detectors")
    vendors = {**VENDORS, **_values(plugins, "register_providers")}
    providers = make_providers(settings, dialects, vendors)
    # Not the router's own, which takes over what runs; this one chooses nothing.
    resolver = Resolver(settings.models, providers, catalog, Random(0))  # noqa: S311
    told = _told_by_plugins(plugins, detectors, resolver)
    if problems is not None:
        problems += told
    elif told:
        raise settings.located(ConfigError(told))
    router = Router(
        settings,
        providers,
        catalog,
        clock=clock,
        before=before.router if before is not None else None,
    )
    return Runtime(
        settings=settings,
        plugins=tuple(plugins),
        hooks=Hooks(plugins),
        dialects=dialects,
        providers=providers,
        catalog=catalog,
        router=router,
        secrets=secrets,
        upstream=upstream,
        routes=tuple(collect(plugins, "register_routes", _name).values()),
        processes=tuple(_values(plugins, "register_processes").values()),
        detectors=detectors,
        embedders=_values(plugins, "register_embedders"),
        encodings=_values(plugins, "register_encodings"),
        metrics=tuple(_values(plugins, "register_metrics").values()),
    )


def _name(value: Any) -> str:
    name: str = value.name
    return name


def _values(plugins: Sequence[LoadedPlugin], hook: str) -> dict[str, Any]:
    found = collect(plugins, hook, _name)
    return {name: value for name, (value, _) in found.items()}


def _told_by_plugins(
    plugins: Sequence[LoadedPlugin],
    detectors: Mapping[str, Detector],
    resolver: Resolver,
) -> list[Problem]:
    """
    List what plugins say of detectors and models, before anything that runs is touched.
    """
    return [
        problem
        for each in plugins
        for problem in (
            *each.plugin.detector_problems(detectors),
            *each.plugin.model_problems(resolver.check_model),
        )
    ]


def _catalog(builtin: Catalog, plugins: Sequence[LoadedPlugin]) -> Catalog:
    """
    Return the catalog that comes with the gateway, with what plugins know of models.
    """
    added = collect(plugins, "register_models", _model)
    return builtin.extended(facts for facts, _ in added.values()) if added else builtin


def _model(facts: ModelFacts) -> str:
    return f"{facts.provider}/{facts.model}"


def _dialects(plugins: Sequence[LoadedPlugin]) -> dict[str, Dialect]:
    dialects = {dialect.name: dialect for dialect in core_dialects()}
    return {**dialects, **_values(plugins, "register_dialects")}


def _register_stores(plugins: Sequence[LoadedPlugin], secrets: Secrets) -> None:
    stores = _values(plugins, "register_secret_stores")
    secrets.register(
        store for name, store in stores.items() if name not in secrets.schemes
    )
