"""
From the model that a caller names to the targets that may be tried, in order.

A name is looked up as a name of the settings, then as ``provider/model``, then as a
bare name that exactly one provider is known to have.  Nothing is guessed: what two
providers have must be asked for by provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Final

import attrs

from gateway.errors import ModelNotFound, UnsupportedOperation
from gateway.near import nearest
from gateway.routing.patterns import NamePattern
from gateway.routing.routes import Branch, Route, RouteTable, read_routes
from gateway.routing.targets import Target

if TYPE_CHECKING:
    from gateway.catalog import Catalog
    from gateway.providers.provider import Provider
    from gateway.settings import ModelSettings

#: Callers choose names, so what was found is remembered only up to here.
MAX_REMEMBERED: Final = 4096

_ANY: Final = NamePattern("", "")

# Comparing names takes time, and unknown ones come for free.
_MAX_COMPARED = 300
_MAX_COMPARED_LENGTH = 64


@attrs.frozen
class _Found:
    """
    What one name leads to in one dialect: usable targets, and among them first choices.
    """

    targets: tuple[Target, ...]
    total_weight: int
    is_settled: bool  # the order does not depend on chance

    @classmethod
    def of(cls, targets: Iterable[Target]) -> _Found:
        once = without_repeats(targets)
        weighed = [target for target in once if not target.is_fallback]
        total = sum(target.weight for target in weighed)
        choices = sum(1 for target in weighed if target.weight)
        ordered = sorted(weighed, key=lambda target: target.weight, reverse=True)
        rest = [target for target in once if target.is_fallback]
        return cls((*ordered, *rest), total, choices <= 1)


class Resolver:
    """
    Resolves names against one settings snapshot.

    Args:
        models: The names of the settings.
        providers: By name.
        random: Chooses among weighted targets; a seeded one chooses the same again.

    Raises:
        ConfigError: with every target that leads nowhere.
    """

    def __init__(
        self,
        models: Mapping[str, ModelSettings],
        providers: Mapping[str, Provider],
        catalog: Catalog,
        random: Random,
    ) -> None:
        self._routes: RouteTable = read_routes(models, providers)
        self._providers = providers
        self._catalog = catalog
        self._random = random
        self._spelt_out = {
            (branch.provider, branch.model.prefix)
            for branch in self._routes.branches()
            if branch.model.is_exact
        } | {
            (provider.name, pattern.prefix)
            for provider in providers.values()
            for pattern in provider.models or ()
            if pattern.is_exact
        }
        self._remembered: dict[tuple[str, str, str], _Found] = {}
        self._offered: dict[tuple[str, str, str], tuple[Target, ...]] = {}

    def resolve(
        self, name: str, operation: str, dialect: str, fallbacks: Sequence[str] = ()
    ) -> tuple[Target, ...]:
        """
        Return the targets for the model *name*, the first to try first.

        Weights pick the first one, the others follow by weight, then the declared
        fallbacks, then *fallbacks*, each in order.  No target comes twice.

        Args:
            dialect: The caller's; providers that speak it are spoken with in it.
            fallbacks: Names that the request itself gives.

        Raises:
            ModelNotFound: Nobody here has such a model.
            UnsupportedOperation: Somebody has, but not for this operation.
        """
        found = self._found(name, operation, dialect)
        targets = found.targets if found.is_settled else self._shuffled(found)
        if fallbacks:
            more = self.fallbacks(fallbacks, operation, dialect)
            return without_repeats((*targets, *more))
        return targets

    def offers(self, name: str, operation: str, dialect: str) -> tuple[Target, ...]:
        """
        Return a target of every provider that is known to have the model *name* itself.

        Unlike `resolve` this reads no name of the settings, and takes several providers
        for an answer; none is one too.
        """
        key = (name, operation, dialect)
        offered = self._offered.get(key)
        if offered is None:
            found = self._having(name)
            offered = tuple(self._targets(name, found, operation, dialect))
            if not offered:
                return ()  # strangers' names are not worth remembering
            if len(self._offered) >= MAX_REMEMBERED:
                self._offered.clear()
            self._offered[key] = offered
        return offered

    def check_model(self, name: str) -> None:
        """
        Check that some provider is known to have the model *name*, to generate with.

        Raises:
            ModelNotFound: Nobody has.
            UnsupportedOperation: Somebody has, but not for this.
        """
        try:
            self.resolve(name, "generate", "openai_chat")
        except ModelNotFound:
            # Of several who have it a plugin may choose one.
            if not self.offers(name, "generate", "openai_chat"):
                raise

    def names(self) -> dict[str, str]:
        """
        List the models that callers may be told of, each with its first provider.

        They are the names of the settings, those with a star filled with what their
        providers are known to have, and ``provider/model`` for what a provider's own
        settings or the catalog list.
        """
        names = {
            name: route.branches[0].provider for name, route in self._routes.exact()
        }
        for name, provider_name in self._filled():
            names.setdefault(name, provider_name)
        for provider in self._providers.values():
            for model in self._models_of(provider):
                names.setdefault(f"{provider.name}/{model}", provider.name)
        return names

    def leads_to(self, name: str) -> tuple[str, ...]:
        """
        Write out what a listed *name* leads to, each as ``provider/model``.
        """
        route = self._routes.find(name)
        if route is None:
            return (name,)
        return tuple(
            f"{branch.provider}/{model}"
            for branch, model in self._offered_by(route, name)
        )

    def covered(self, name: str) -> tuple[str, str] | None:
        """
        Find the model that *name* means by a star of the settings, whoever lists it or not.

        Returns:
            The name to list it by, and its first provider; None if the settings have none.
        """
        route = self._routes.find(name)
        if route is not None:
            offered = self._offered_by(route, name)
            return (name, offered[0][0].provider) if offered else None
        prefix, _, model = name.partition("/")
        provider = self._providers.get(prefix)
        if provider is not None:
            return (name, prefix) if model and provider.lists(model) else None
        listing = [p.name for p in self._providers.values() if p.lists(name)]
        return (f"{listing[0]}/{name}", listing[0]) if len(listing) == 1 else None

    def model_name(self, provider: str, model: str) -> str | None:
        """
        Return the name by which *model* of *provider* is known, without what a caller made up.

        Its own, where the settings spell it out; the catalog's, which has no date where the
        model is a snapshot that it does not list; None for the rest.
        """
        if (provider, model) in self._spelt_out:
            return model
        known = self._providers.get(provider)
        if known is None:
            return None
        facts = self._catalog.find(known.vendor.name, model)
        return None if facts is None else facts.model

    # -- by name ----------------------------------------------------------------

    def _found(self, name: str, operation: str, dialect: str) -> _Found:
        key = (name, operation, dialect)
        found = self._remembered.get(key)
        if found is None:
            targets = list(self._candidates(name, operation, dialect))
            if not targets:
                msg = (
                    f'No provider of "{name[:200]}" offers this operation: {operation}.'
                )
                raise UnsupportedOperation(msg)
            found = _Found.of(targets)
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = found
        return found

    def _candidates(self, name: str, operation: str, dialect: str) -> Iterable[Target]:
        yield from self._targets(name, self._branches(name), operation, dialect)

    def _targets(
        self,
        name: str,
        branches: Iterable[tuple[Branch, str]],
        operation: str,
        dialect: str,
    ) -> Iterable[Target]:
        for branch, model in branches:
            provider = self._providers[branch.provider]
            spoken = self._dialect(provider, model, operation, dialect)
            if spoken:
                yield Target(
                    provider=provider.name,
                    model=model,
                    dialect=spoken,
                    key=_only_key(provider, model),
                    weight=branch.weight,
                    is_fallback=branch.is_fallback,
                    source=branch.source,
                    asked=name,
                )

    def _branches(self, name: str) -> list[tuple[Branch, str]]:
        if not _is_name(name):
            raise ModelNotFound(name)
        route = self._routes.find(name)
        if route is None:
            branch, model = self._direct(name) or self._bare(name)
            return [(branch, model)]
        offered = self._offered_by(route, name)
        if not offered:
            raise ModelNotFound(name)
        return offered

    def _offered_by(self, route: Route, name: str) -> list[tuple[Branch, str]]:
        caught = route.name.caught(name)
        filled = [(branch, branch.model.filled(caught)) for branch in route.branches]
        return [
            (branch, model)
            for branch, model in filled
            if model and self._providers[branch.provider].offers(model)
        ]

    def _direct(self, name: str) -> tuple[Branch, str] | None:
        """
        Read *name* as ``provider/model``; None if no provider is called that.
        """
        prefix, _, model = name.partition("/")
        provider = self._providers.get(prefix)
        if provider is None or not model:
            return None
        if not provider.offers(model):
            raise self._not_found(name)
        return _branch(provider, "asked"), model

    def _bare(self, name: str) -> tuple[Branch, str]:
        """
        Find the one provider that has *name*: by its settings, else by the catalog.
        """
        listing = [p for p in self._providers.values() if p.lists(name)]
        source = "providers"
        if not listing:
            source = "catalog"
            listing = [p for p in self._providers.values() if self._knows(p, name)]
        if len(listing) > 1:
            ways = ", ".join(f'"{p.name}/{name[:200]}"' for p in islice(listing, 5))
            msg = f"Several providers have this model; ask for one of {ways}."
            raise ModelNotFound(name, msg)
        if not listing:
            raise self._not_found(name)
        return _branch(listing[0], source), name

    def _having(self, name: str) -> Iterable[tuple[Branch, str]]:
        if not _is_name(name):
            return
        for provider in self._providers.values():
            if provider.lists(name):
                yield _branch(provider, "providers"), name
            elif self._knows(provider, name):
                yield _branch(provider, "catalog"), name

    def _knows(self, provider: Provider, name: str) -> bool:
        """
        Tell whether the catalog has *name* at *provider*, and it may be asked for.
        """
        if not provider.offers(name):
            return False
        return self._catalog.find(provider.vendor.name, name) is not None

    def _dialect(
        self, provider: Provider, model: str, operation: str, dialect: str
    ) -> str | None:
        """
        Choose the dialect to speak: the caller's if it may be, else the provider's own.
        """
        spoken = provider.speaks(operation)
        facts = self._catalog.find(provider.vendor.name, model)
        if facts is not None and facts.dialects:
            spoken = tuple(name for name in spoken if name in facts.dialects)
        if dialect in spoken:
            return dialect
        return spoken[0] if spoken else None

    # -- order ------------------------------------------------------------------

    def _shuffled(self, found: _Found) -> tuple[Target, ...]:
        """
        Let weights pick the first; the others keep their order.
        """
        targets = found.targets
        pick = self._random.random() * found.total_weight
        chosen = 0
        while pick >= targets[chosen].weight:
            pick -= targets[chosen].weight
            chosen += 1
        return (targets[chosen], *targets[:chosen], *targets[chosen + 1 :])

    def fallbacks(
        self, names: Sequence[str], operation: str, dialect: str
    ) -> Iterable[Target]:
        """
        Find the targets of the *names* that a request gives as its fallbacks.

        Raises:
            ModelNotFound: Nobody here has one of them.
            UnsupportedOperation: Somebody has, but not for this operation.
        """
        for number, name in enumerate(names):
            for target in self._found(name, operation, dialect).targets:
                yield attrs.evolve(
                    target,
                    weight=0,
                    is_fallback=True,
                    source=f"request.fallbacks[{number}]",
                )

    # -- names ------------------------------------------------------------------

    def _filled(self) -> Iterable[tuple[str, str]]:
        """
        Fill the names with a star with what their providers are known to have.
        """
        for route in self._routes.patterns():
            for branch in route.branches:
                if branch.model.is_exact:
                    continue
                for model in self._models_of(self._providers[branch.provider]):
                    if not branch.model.matches(model):
                        continue
                    name = route.name.filled(branch.model.caught(model))
                    if self._routes.find(name) is route:
                        yield name, branch.provider

    def _models_of(self, provider: Provider) -> Iterable[str]:
        if provider.models is None:
            return self._catalog.models_of(provider.vendor.name)
        return [str(model) for model in provider.models if model.is_exact]

    def _not_found(self, name: str) -> ModelNotFound:
        """
        Say that nobody has *name*, and which names are near it.
        """
        short = name[:_MAX_COMPARED_LENGTH]
        known = self.names()
        bare = (full.partition("/")[2] for full in known)
        candidates = islice(dict.fromkeys((*known, *filter(None, bare))), _MAX_COMPARED)
        near = nearest(short, candidates, most=3)
        if not near:
            return ModelNotFound(name)
        hint = ", ".join(f'"{other}"' for other in near)
        return ModelNotFound(
            name, f'No model "{name[:200]}" here. Did you mean {hint}?'
        )


def _is_name(name: str) -> bool:
    """
    Tell whether *name* can be a model's: it goes into headers, and vendors cut blanks off.
    """
    return name.isprintable() and name == name.strip()


def _branch(provider: Provider, source: str) -> Branch:
    return Branch(
        provider=provider.name,
        model=_ANY,
        weight=1,
        is_fallback=False,
        source=source,
    )


def _only_key(provider: Provider, model: str) -> str | None:
    """
    Name the one key that may be used for *model*; None if there is a choice, or none.
    """
    if provider.auth != "key":
        return None
    names = [key.name for key in provider.keys if key.serves(model)]
    return names[0] if len(names) == 1 else None


def without_repeats(targets: Iterable[Target]) -> tuple[Target, ...]:
    """
    Return *targets* with none twice, each at its first place.
    """
    once: dict[tuple[str, str, str | None], Target] = {}
    for target in targets:
        once.setdefault((target.provider, target.model, target.key), target)
    return tuple(once.values())
