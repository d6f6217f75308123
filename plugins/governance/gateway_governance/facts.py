"""
What the condition of a routing rule may ask of a request.

Names are those that Bifrost's rules use, so that its conditions can be taken over, and further
ones.  Each fact is found when a condition first asks for it, and then kept.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import parse_qsl

import attrs

if TYPE_CHECKING:
    from gateway import Exchange
    from gateway_governance.entities import Customer, Team, VirtualKey


class Kind(enum.Enum):
    """
    What sort of value a fact is.
    """

    TEXT = "text"
    FLAG = "flag"
    COUNT = "count"
    #: 0 to 100 and beyond, for a soft limit may be passed.
    PERCENT = "percent"
    #: Texts by name.
    TEXTS = "texts"


#: The largest number that CEL counts to.
_MAX_COUNT: Final = (1 << 63) - 1
_MAX_PARAMETERS: Final = 100

#: Callers put credentials there; a condition has no business with them.
_CREDENTIAL_HEADERS: Final = frozenset(
    "authorization proxy-authorization cookie x-bf-vk x-gw-key x-api-key x-goog-api-key "
    "api-key".split()
)
_CREDENTIAL_PARAMETERS: Final = frozenset({"key", "api_key", "api-key", "access_token"})

#: Bifrost's words for operations; the dialects of one operation share one, but for Responses.
_REQUEST_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "generate": "chat_completion",
        "complete": "text_completion",
        "embed": "embedding",
    }
)


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
        self._found["provider"] = _text(self.provider)
        self._found["model"] = _text(self.model)

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

    def headers(self) -> dict[str, str]:
        """
        Return the caller's headers by lower-case name, but for credentials.
        """
        return {
            lower: _text(value)
            for name, value in self.exchange.headers.items()
            if (lower := name.lower()) not in _CREDENTIAL_HEADERS
        }

    def params(self) -> dict[str, str]:
        """
        Return the parameters of the query, but for credentials; the last one of a name.
        """
        pairs = parse_qsl(self.exchange.query, keep_blank_values=True)
        return {
            _text(name): _text(value)
            for name, value in pairs[:_MAX_PARAMETERS]
            if name.lower() not in _CREDENTIAL_PARAMETERS
        }

    def request_type(self) -> str:
        """
        Name the operation as Bifrost does.
        """
        exchange = self.exchange
        if exchange.dialect.name == "openai_responses":
            return "responses"
        return _REQUEST_TYPES.get(exchange.operation, exchange.operation)

    def metadata(self) -> dict[str, str]:
        """
        Return the operator's own words on the key.
        """
        key = self.who.key
        if key is None:
            return {}
        return {_text(name): _text(value) for name, value in key.metadata.items()}


def split_name(name: str, exchange: Exchange) -> tuple[str, str]:
    """
    Take *name* apart into provider and model; "" for the provider if it names none.
    """
    provider, slash, model = name.partition("/")
    if slash and model and provider in exchange.settings.providers:
        return provider, model
    return "", name


def _text(text: str | None) -> str:
    """
    Make *text* what the engine can take: lone surrogates have no UTF-8.
    """
    if not text:
        return ""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


def _count(number: int | None) -> int:
    return min(max(number or 0, 0), _MAX_COUNT)


_Finder = Callable[[Facts], object]

_FINDERS: Final[Mapping[str, tuple[Kind, _Finder]]] = MappingProxyType(
    {
        "model": (Kind.TEXT, lambda facts: _text(facts.model)),
        "provider": (Kind.TEXT, lambda facts: _text(facts.provider)),
        "operation": (Kind.TEXT, lambda facts: facts.exchange.operation),
        "dialect": (Kind.TEXT, lambda facts: facts.exchange.dialect.name),
        "request_type": (Kind.TEXT, Facts.request_type),
        "stream": (Kind.FLAG, lambda facts: facts.exchange.request.is_stream),
        "has_tools": (Kind.FLAG, lambda facts: bool(facts.exchange.request.tools)),
        "headers": (Kind.TEXTS, Facts.headers),
        "params": (Kind.TEXTS, Facts.params),
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
        "input_tokens": (Kind.COUNT, lambda facts: _count(facts.input_tokens())),
        "max_output_tokens": (
            Kind.COUNT,
            lambda facts: _count(facts.exchange.request.max_output_tokens),
        ),
    }
)

#: Every fact, with what sort of value it is.
FACTS: Final[Mapping[str, Kind]] = MappingProxyType(
    {name: kind for name, (kind, _) in _FINDERS.items()}
)


def _id_of(entity: VirtualKey | Team | Customer | None) -> str:
    return "" if entity is None else _text(entity.id)


def _name_of(entity: VirtualKey | Team | Customer | None) -> str:
    return "" if entity is None else _text(entity.name)
