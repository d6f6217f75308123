"""
Routing, as the relay sees it: names to targets, targets to plans, places at providers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import attrs

from gateway.errors import ModelNotFound
from gateway.routing.admission import Admission
from gateway.routing.fallbacks import take_fallbacks
from gateway.routing.health import Health
from gateway.routing.plan import Plan
from gateway.routing.resolve import Resolver, without_repeats
from gateway.routing.retries import RetryBudget
from gateway.routing.targets import Target

if TYPE_CHECKING:
    from gateway.catalog import Catalog
    from gateway.clock import Clock
    from gateway.providers.provider import Provider
    from gateway.settings import RoutingSettings, Settings
    from gateway.views import Request


@attrs.define(kw_only=True, eq=False)
class Vitals:
    """
    What routing remembers of providers, by name: it outlives a settings snapshot.
    """

    clock: Clock
    health: Health = attrs.field(init=False)
    budgets: dict[str, RetryBudget] = attrs.field(factory=dict, init=False)
    admissions: dict[str, Admission] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.health = Health(clock=self.clock.monotonic)

    def take_over(
        self, settings: RoutingSettings, providers: Mapping[str, Provider]
    ) -> None:
        """
        Go by another settings snapshot from now on; who is in flight stays in flight.
        """
        self.health.cooldown_s = settings.cooldown_s
        self.health.failures_to_cool = settings.failures_to_cool
        for name, provider in providers.items():
            limits = provider.max_parallel, provider.queue_timeout_s
            if name in self.admissions:
                self.admissions[name].resize(*limits)
                self.budgets[name].share = settings.retry_budget
            else:
                self.admissions[name] = Admission(name, *limits)
                self.budgets[name] = RetryBudget(
                    clock=self.clock.monotonic, share=settings.retry_budget
                )


class Candidates(NamedTuple):
    """
    What the router has for a request.

    Attributes:
        targets: The first to try first; without the model, the request's fallbacks alone.
        nobody: What the caller is told if no plugin knows a target for the model either.
    """

    targets: tuple[Target, ...]
    nobody: ModelNotFound | None = None


class Router:
    """
    Routes the exchanges of one settings snapshot.

    Args:
        settings: The snapshot.
        providers: Those that were made of it.
        before: The router whose place this one takes: what it knows of the providers'
            health goes on, and so does who waits for a place.
        random: Chooses among weights, and jitters waits.

    Raises:
        ConfigError: A name of the settings leads nowhere; then *before* is untouched.
    """

    __slots__ = (
        "_resolver",
        "catalog",
        "health",
        "monotonic",
        "providers",
        "random",
        "settings",
        "vitals",
    )

    def __init__(
        self,
        settings: Settings,
        providers: Mapping[str, Provider],
        catalog: Catalog,
        *,
        clock: Clock,
        before: Router | None = None,
        random: Random | None = None,
    ) -> None:
        self.settings = settings.routing
        self.providers = providers
        self.catalog = catalog
        self.random = random or Random()
        self._resolver = Resolver(settings.models, providers, catalog, self.random)
        self.vitals: Vitals = before.vitals if before else Vitals(clock=clock)
        self.vitals.take_over(self.settings, providers)
        self.health = self.vitals.health
        self.monotonic: Callable[[], float] = clock.monotonic

    def candidates(self, request: Request) -> Candidates:
        """
        Find the targets for *request*.

        Takes this gateway's own field ``fallbacks`` out of the request.

        Raises:
            InvalidRequest: ``fallbacks`` is malformed.
            ModelNotFound: Nobody here has one of the fallbacks.
            UnsupportedOperation: Somebody has the model, but not for this operation.
        """
        fallbacks = take_fallbacks(request)
        model, operation = request.model, request.operation
        dialect = request.dialect.name
        try:
            found = self._resolver.resolve(model, operation, dialect)
            nobody = None
        except ModelNotFound as error:
            found, nobody = (), error
        if fallbacks:
            further = self._resolver.fallbacks(fallbacks, operation, dialect)
            found = without_repeats((*found, *further))
        return Candidates(found, nobody)

    def resolve(
        self, name: str, operation: str, dialect: str, fallbacks: Sequence[str] = ()
    ) -> tuple[Target, ...]:
        """
        Return the targets for the model *name*; see `Resolver.resolve`.
        """
        return self._resolver.resolve(name, operation, dialect, fallbacks)

    def offers(self, name: str, operation: str, dialect: str) -> tuple[Target, ...]:
        """
        Return a target of every provider that has *name*; see `Resolver.offers`.
        """
        return self._resolver.offers(name, operation, dialect)

    def check_model(self, name: str) -> None:
        """
        Check that the model *name* can be asked; see `Resolver.check_model`.
        """
        self._resolver.check_model(name)

    def names(self) -> Iterable[tuple[str, str]]:
        """
        List the models that callers may be told of, each with its first provider.
        """
        return self._resolver.names().items()

    def covered(self, name: str) -> tuple[str, str] | None:
        """
        Find the model that *name* means by a star; see `Resolver.covered`.
        """
        return self._resolver.covered(name)

    def model_name(self, provider: str, model: str) -> str | None:
        """
        Return the name by which a model is known; see `Resolver.model_name`.
        """
        return self._resolver.model_name(provider, model)

    def leads_to(self, name: str) -> tuple[str, ...]:
        """
        Write out what a listed *name* leads to; see `Resolver.leads_to`.
        """
        return self._resolver.leads_to(name)

    def plan(self, targets: Sequence[Target], party: str = "") -> Plan:
        """
        Begin the attempts of one exchange, which *party* asked for.
        """
        return Plan(self, targets, self.monotonic() + self.settings.total_s, party)

    def admission(self, provider: str) -> Admission:
        """
        Return the places at *provider*: ``async with router.admission(name):``.
        """
        return self.vitals.admissions[provider]

    def budget(self, provider: str) -> RetryBudget:
        """
        Return the retry budget of *provider*.
        """
        return self.vitals.budgets[provider]
