"""
What the condition of a guardrail may ask of an exchange.

``provider`` and ``model`` are the target's: a condition that names one of them is decided for
each target, so that neither an alias nor a fallback walks round it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

from gateway.conditions import EXCHANGE_FACTS, Condition, Kind, Vocabulary, plain_text

if TYPE_CHECKING:
    from gateway import Exchange, Target

#: Facts that depend on where the request goes.
TARGET_FACTS: Final = frozenset({"provider", "model"})


@attrs.define(kw_only=True, eq=False)
class Facts:
    """
    The facts of one exchange, and of one target.
    """

    exchange: Exchange
    target: Target | None = None
    _found: dict[str, object] = attrs.field(factory=dict, init=False)

    def get(self, name: str) -> object:
        """
        Return the fact *name*, found when it is first asked for.
        """
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = _FINDERS[name][1](self)
        return found


def depends_on_target(condition: Condition | None) -> bool:
    """
    Tell whether *condition* asks where the request goes.
    """
    return condition is not None and not TARGET_FACTS.isdisjoint(condition.names)


_Finder = Callable[[Facts], object]


def _of_exchange(find: Callable[[Exchange], object]) -> _Finder:
    return lambda facts: find(facts.exchange)


def _of_target(name: str) -> _Finder:
    return lambda facts: plain_text(getattr(facts.target, name, None))


def _of_identity(name: str) -> _Finder:
    return lambda facts: plain_text(getattr(facts.exchange.identity, name, None))


def _told_by_identity(name: str) -> _Finder:
    def find(facts: Facts) -> object:
        identity = facts.exchange.identity
        return "" if identity is None else plain_text(identity.facts.get(name))

    return find


_FINDERS: Final[Mapping[str, tuple[Kind, _Finder]]] = MappingProxyType(
    {
        **{
            name: (kind, _of_exchange(find))
            for name, (kind, find) in EXCHANGE_FACTS.items()
        },
        "provider": (Kind.TEXT, _of_target("provider")),
        "model": (Kind.TEXT, _of_target("model")),
        "asked_model": (
            Kind.TEXT,
            lambda facts: plain_text(facts.exchange.request.model),
        ),
        "virtual_key_id": (Kind.TEXT, _of_identity("key_id")),
        "virtual_key_name": (Kind.TEXT, _of_identity("key_name")),
        "team_id": (Kind.TEXT, _of_identity("team_id")),
        "team_name": (Kind.TEXT, _told_by_identity("team_name")),
        "customer_id": (Kind.TEXT, _of_identity("customer_id")),
        "customer_name": (Kind.TEXT, _told_by_identity("customer_name")),
    }
)

#: What the condition of a guardrail is read with.
VOCABULARY: Final = Vocabulary({name: kind for name, (kind, _) in _FINDERS.items()})
