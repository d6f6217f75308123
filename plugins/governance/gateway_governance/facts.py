"""
What the condition of a routing rule may ask of a request.

Names are those that Bifrost's rules use, so that its conditions can be taken over, and further
ones.  Each fact is found when a condition first asks for it, and then kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from gateway.conditions import EXCHANGE_FACTS, Kind, Vocabulary, plain_count, plain_text

if TYPE_CHECKING:
    from gateway import Exchange
    from gateway_governance.entities import Customer, Team, VirtualKey


@attrs.frozen(kw_only=True)
class Used:
    """
    How much of its limits the caller has used, each in percent of the fullest one.
    """

    money: float = 0.0
    tokens: float = 0.0
    requests: float = 0.0


class Who(Protocol):
    """
    Who calls, as the snapshot found it.
    """

    @property
    def key(self) -> VirtualKey | None:
        """
        The virtual key.
        """

    @property
    def team(self) -> Team | None:
        """
        Its team.
        """

    @property
    def customer(self) -> Customer | None:
        """
        Its customer, or its team's.
        """


@attrs.frozen
class Anonymous:
    """
    A caller without a virtual key.
    """

    key: None = None
    team: None = None
    customer: None = None


#: Who calls where no key is required and none was shown.
ANONYMOUS: Final[Who] = Anonymous()


@attrs.define(kw_only=True, eq=False)
class Facts:
    """
    The facts of one request.

    Attributes:
        provider: The provider that the caller, or a rule before, named; else "".
        model: The model without it.

    Args:
        used: Finds what is used of the limits; called once, if some rule asks.
        input_tokens: Estimates the request's tokens; likewise.
    """

    exchange: Exchange
    who: Who
    used: Callable[[], Used]
    input_tokens: Callable[[], int]
    provider: str = attrs.field(default="", init=False)
    model: str = attrs.field(default="", init=False)
    _found: dict[str, object] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.move_to(self.exchange.request.model)

    def move_to(self, name: str) -> None:
        """
        Go on as if the caller had asked for *name*.
        """
        self.provider, self.model = split_name(name, self.exchange)
        self._found["provider"] = plain_text(self.provider)
        self._found["model"] = plain_text(self.model)

    def get(self, name: str) -> object:
        """
        Return the fact *name*, of the kind that `FACTS` says.
        """
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = _FINDERS[name][1](self)
        return found

    @property
    def share(self) -> Used:
        """
        What is used of the caller's limits.
        """
        found = self._found.get("")
        if not isinstance(found, Used):
            found = self._found[""] = self.used()
        return found

    def metadata(self) -> dict[str, str]:
        """
        Return the operator's own words on the key.
        """
        key = self.who.key
        if key is None:
            return {}
        return {
            plain_text(name): plain_text(value) for name, value in key.metadata.items()
        }


def split_name(name: str, exchange: Exchange) -> tuple[str, str]:
    """
    Take *name* apart into provider and model; "" for the provider if it names none.
    """
    provider, slash, model = name.partition("/")
    if slash and model and provider in exchange.settings.providers:
        return provider, model
    return "", name


_Finder = Callable[[Facts], object]


def _of_exchange(find: Callable[[Exchange], object]) -> _Finder:
    return lambda facts: find(facts.exchange)


_FINDERS: Final[Mapping[str, tuple[Kind, _Finder]]] = MappingProxyType(
    {
        **{
            name: (kind, _of_exchange(find))
            for name, (kind, find) in EXCHANGE_FACTS.items()
        },
        "model": (Kind.TEXT, lambda facts: plain_text(facts.model)),
        "provider": (Kind.TEXT, lambda facts: plain_text(facts.provider)),
        "metadata": (Kind.TEXTS, Facts.metadata),
        "virtual_key_id": (Kind.TEXT, lambda facts: _id_of(facts.who.key)),
        "virtual_key_name": (Kind.TEXT, lambda facts: _name_of(facts.who.key)),
        "team_id": (Kind.TEXT, lambda facts: _id_of(facts.who.team)),
        "team_name": (Kind.TEXT, lambda facts: _name_of(facts.who.team)),
        "customer_id": (Kind.TEXT, lambda facts: _id_of(facts.who.customer)),
        "customer_name": (Kind.TEXT, lambda facts: _name_of(facts.who.customer)),
        "budget_used": (Kind.PERCENT, lambda facts: float(facts.share.money)),
        "tokens_used": (Kind.PERCENT, lambda facts: float(facts.share.tokens)),
        "request": (Kind.PERCENT, lambda facts: float(facts.share.requests)),
        "requests_used": (Kind.PERCENT, lambda facts: float(facts.share.requests)),
        "rate_used": (
            Kind.PERCENT,
            lambda facts: float(max(facts.share.tokens, facts.share.requests)),
        ),
        "input_tokens": (Kind.COUNT, lambda facts: plain_count(facts.input_tokens())),
    }
)

#: Every fact, with what sort of value it is.
FACTS: Final[Mapping[str, Kind]] = MappingProxyType(
    {name: kind for name, (kind, _) in _FINDERS.items()}
)

#: What the condition of a routing rule is read with.
VOCABULARY: Final = Vocabulary(FACTS)


def _id_of(entity: VirtualKey | Team | Customer | None) -> str:
    return "" if entity is None else plain_text(entity.id)


def _name_of(entity: VirtualKey | Team | Customer | None) -> str:
    return "" if entity is None else plain_text(entity.name)
