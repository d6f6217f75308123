"""
The table of names: what each of ``models`` in the settings leads to, checked at start.

A target is always ``provider/model``: names do not lead to other names, so there is no
chain to follow and none that goes round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import attrs

from gateway.errors import ConfigError, Problem
from gateway.near import nearest
from gateway.routing.patterns import STAR, NamePattern

if TYPE_CHECKING:
    from gateway.providers.provider import Provider
    from gateway.settings import ModelSettings


@attrs.frozen(kw_only=True)
class Branch:
    """
    One target or fallback of a name, as the settings declare it.

    Attributes:
        model: A pattern where the name is one.
        source: Its path in the settings: ``models.smart.targets[0]``.
    """

    provider: str
    model: NamePattern
    weight: int
    is_fallback: bool
    source: str


@attrs.frozen
class Route:
    """
    A name, and all that it leads to.
    """

    name: NamePattern
    branches: tuple[Branch, ...]


class RouteTable:
    """
    Finds the route of a name: the exact one, else the pattern that says the most.
    """

    __slots__ = ("_exact", "_patterns")

    def __init__(self, routes: Iterable[Route]) -> None:
        exact: dict[str, Route] = {}
        patterns = []
        for route in routes:
            if route.name.is_exact:
                exact[route.name.prefix] = route
            else:
                patterns.append(route)
        self._exact = exact
        self._patterns = sorted(
            patterns, key=lambda route: route.name.precision, reverse=True
        )

    def find(self, name: str) -> Route | None:
        """
        Find the route of *name*.
        """
        route = self._exact.get(name)
        if route is not None:
            return route
        matching = (route for route in self._patterns if route.name.matches(name))
        return next(matching, None)

    def exact(self) -> Iterable[tuple[str, Route]]:
        """
        List the names without a star, in the order of the settings.
        """
        return self._exact.items()

    def branches(self) -> Iterable[Branch]:
        """
        List every branch of every route.
        """
        for route in (*self._exact.values(), *self._patterns):
            yield from route.branches

    def patterns(self) -> Iterable[Route]:
        """
        List the routes of names with a star, the one that says the most first.
        """
        return self._patterns


def read_routes(
    models: Mapping[str, ModelSettings], providers: Mapping[str, Provider]
) -> RouteTable:
    """
    Make the table of *models*.

    Raises:
        ConfigError: with every target that leads nowhere.
    """
    problems: list[Problem] = []
    routes = []
    for text, settings in models.items():
        if text.count(STAR) > 1:
            problems.append(Problem("a name may have one *", path=f"models.{text}"))
            continue
        name = NamePattern.parse(text)
        branches = []
        for declared in _declared(text, settings):
            problem = _problem(declared.text, name, providers)
            if problem:
                problems.append(Problem(problem, path=declared.source))
            else:
                branches.append(declared.branch())
        routes.append(Route(name, tuple(branches)))
    if problems:
        raise ConfigError(problems)
    return RouteTable(routes)


class _Declared(NamedTuple):
    text: str
    weight: int
    is_fallback: bool
    source: str

    def branch(self) -> Branch:
        provider, _, model = self.text.partition("/")
        return Branch(
            provider=provider,
            model=NamePattern.parse(model),
            weight=self.weight,
            is_fallback=self.is_fallback,
            source=self.source,
        )


def _declared(name: str, settings: ModelSettings) -> Iterable[_Declared]:
    for number, target in enumerate(settings.targets):
        source = f"models.{name}.targets[{number}]"
        yield _Declared(target.model, target.weight, False, source)
    for number, model in enumerate(settings.fallbacks):
        source = f"models.{name}.fallbacks[{number}]"
        yield _Declared(model, 0, True, source)


def _problem(
    text: str, name: NamePattern, providers: Mapping[str, Provider]
) -> str | None:
    """
    Say what is wrong with the target *text* of *name*, or None.
    """
    provider, _, model = text.partition("/")
    if not model:
        return f'"{text}" is not provider/model'
    if provider not in providers:
        near = nearest(provider, providers)
        hint = f"did you mean {near[0]}?" if near else "add it under providers"
        return f'"{provider}" is no provider: {hint}'
    if model.count(STAR) > 1 or (STAR in model and name.is_exact):
        return f'"{text}": one * may stand for what the * of the name matched'
    if STAR not in model and not providers[provider].offers(model):
        return f'"{model}" is not among the models of providers.{provider}.models'
    return None
