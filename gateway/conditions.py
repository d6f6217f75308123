"""
Conditions in CEL, the Common Expression Language: compiled when written, evaluated in microseconds.

A plugin that lets operators write conditions says what these may ask, as a table of *facts*; facts
of an exchange that everybody may want stand here.  The engine is Google's own, in C++, and an
extra of its own: ``gatewright[cel]``.  Its limits are what makes conditions of an operator's safe
to run on the event loop: no loops but over what was given, a budget of iterations, regular
expressions in linear time.

Source: https://github.com/google/cel-spec; the engine is ``cel-expr-python``.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import attrs

if TYPE_CHECKING:
    from gateway.exchange import Exchange

__all__ = [
    "EXCHANGE_FACTS",
    "Condition",
    "ConditionFailed",
    "ConditionInvalid",
    "EngineMissing",
    "Kind",
    "Vocabulary",
    "plain_count",
    "plain_text",
]

#: A condition is a line or a few; what is longer is no condition.
MAX_CHARACTERS: Final = 4096

_WORD: Final = re.compile(r"[A-Za-z_]\w*")
#: Header names are looked up in lower case, however the condition writes them.
_HEADER: Final = re.compile(r"""\bheaders\[(["'])([\w-]+)\1\]""")
#: How the engine says that a map has no such key.
_ABSENT: Final = "NOT_FOUND: Key not found in map"
_MAX_TOLD: Final = 300
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


class ConditionInvalid(ValueError):
    """
    The text is no condition; says what is wrong with it.
    """


class EngineMissing(ConditionInvalid):
    """
    Nothing here can read conditions.
    """

    def __init__(self) -> None:
        super().__init__(
            "conditions need the CEL engine: pip install 'gatewright[cel]'"
        )


class ConditionFailed(Exception):
    """
    A condition could not be evaluated for a request; its text shows no value of it.
    """


@attrs.frozen(eq=False)
class Condition:
    """
    A condition that was compiled.

    Attributes:
        text: As it was written.
        names: The facts that it names, so that the others need not be found.
    """

    text: str
    names: tuple[str, ...]
    _expression: Any = attrs.field(repr=False)

    def holds(self, fact: Callable[[str], object]) -> bool | None:
        """
        Tell whether it holds; None where it asks for a header, or another entry, not there.

        Args:
            fact: Finds a fact by its name.

        Raises:
            ConditionFailed: It cannot be evaluated: a division by zero, a number that is no
                number, a budget of iterations that is spent.
        """
        try:
            known = {name: fact(name) for name in self.names}
            value = self._expression.eval(data=known).value()
        except Exception as exc:
            msg = f"{type(exc).__name__} while it was evaluated"
            raise ConditionFailed(msg) from exc
        if value is True or value is False:
            return bool(value)
        told = str(value)
        if told.startswith(_ABSENT):
            return None
        # The engine's status word; what follows may show a value.
        raise ConditionFailed(told.partition(":")[0][:40].lower().replace("_", " "))


@attrs.frozen(eq=False)
class Vocabulary:
    """
    What the conditions of one plugin may ask.

    Attributes:
        facts: Every fact's name, with what sort of value it is.
    """

    facts: Mapping[str, Kind]
    _environments: list[tuple[Any, Any]] = attrs.field(
        factory=list, init=False, repr=False
    )

    def read(self, text: str) -> Condition | None:
        """
        Compile a condition; None where it always holds, which needs no engine.

        Raises:
            ConditionInvalid: See `compile`.
        """
        return None if text.strip() in {"", "true"} else self.compile(text)

    def compile(self, text: str) -> Condition:
        """
        Compile a condition: parse it, check its names and types.

        Raises:
            EngineMissing: The extra is not installed.
            ConditionInvalid: It is no CEL, names what there is not, or is not true or false.
        """
        if len(text) > MAX_CHARACTERS:
            msg = f"a condition may have {MAX_CHARACTERS} characters"
            raise ConditionInvalid(msg)
        engine, environment = self._environment()
        lowered = _HEADER.sub(lambda found: found.group().lower(), text)
        try:
            expression = environment.compile(lowered)
        except Exception as exc:  # noqa: BLE001 - the engine has one error for everything
            raise ConditionInvalid(_told(str(exc))) from None
        if expression.return_type() != engine.Type.BOOL:
            kind = expression.return_type().name().lower()
            msg = f"a condition must be true or false, and this one is {kind}"
            raise ConditionInvalid(msg)
        names = {word for word in _WORD.findall(text) if word in self.facts}
        return Condition(text, tuple(sorted(names)), expression)

    def _environment(self) -> tuple[Any, Any]:
        engine = _engine()
        if not self._environments or self._environments[0][0] is not engine:
            types = {
                Kind.TEXT: engine.Type.STRING,
                Kind.FLAG: engine.Type.BOOL,
                Kind.COUNT: engine.Type.INT,
                # Not DOUBLE: nothing compares that with 80, only with 80.0.
                Kind.PERCENT: engine.Type.DYN,
                Kind.TEXTS: engine.Type.Map(engine.Type.STRING, engine.Type.STRING),
            }
            variables = {name: types[kind] for name, kind in self.facts.items()}
            self._environments[:] = [(engine, engine.NewEnv(variables=variables))]
        return self._environments[0]


@cache
def _engine() -> Any:
    try:
        return import_module("cel_expr_python.cel")
    except ImportError:
        raise EngineMissing from None


def _told(error: str) -> str:
    """
    Keep the sentence of the engine's *error*, and the place.
    """
    lines = error.splitlines()
    first = lines[0].partition("ERROR: <input>:")[2] if lines else ""
    told = first or error.replace("\n", " ")
    return f"not CEL as it is known here: {told.strip()}"[:_MAX_TOLD]


# --- facts of an exchange -------------------------------------------------------------------


def plain_text(text: str | None) -> str:
    """
    Make *text* what the engine can take: lone surrogates have no UTF-8.
    """
    if not text:
        return ""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


def plain_count(number: int | None) -> int:
    """
    Make *number* what the engine can take: it counts to 2^63 - 1.
    """
    return min(max(number or 0, 0), _MAX_COUNT)


def _headers(exchange: Exchange) -> dict[str, str]:
    """
    Return the caller's headers by lower-case name, but for credentials.
    """
    return {
        lower: plain_text(value)
        for name, value in exchange.headers.items()
        if (lower := name.lower()) not in _CREDENTIAL_HEADERS
    }


def _params(exchange: Exchange) -> dict[str, str]:
    """
    Return the parameters of the query, but for credentials; the last one of a name.
    """
    pairs = parse_qsl(exchange.query, keep_blank_values=True)
    return {
        plain_text(name): plain_text(value)
        for name, value in pairs[:_MAX_PARAMETERS]
        if name.lower() not in _CREDENTIAL_PARAMETERS
    }


def _request_type(exchange: Exchange) -> str:
    """
    Name the operation as Bifrost does.
    """
    if exchange.dialect.name == "openai_responses":
        return "responses"
    return _REQUEST_TYPES.get(exchange.operation, exchange.operation)


#: Facts that can be told of every exchange: what sort of value each is, and how it is found.
EXCHANGE_FACTS: Final[Mapping[str, tuple[Kind, Callable[[Exchange], object]]]] = (
    MappingProxyType(
        {
            "operation": (Kind.TEXT, lambda exchange: exchange.operation),
            "dialect": (Kind.TEXT, lambda exchange: exchange.dialect.name),
            "request_type": (Kind.TEXT, _request_type),
            "stream": (Kind.FLAG, lambda exchange: exchange.request.is_stream),
            "has_tools": (Kind.FLAG, lambda exchange: bool(exchange.request.tools)),
            "headers": (Kind.TEXTS, _headers),
            "params": (Kind.TEXTS, _params),
            "max_output_tokens": (
                Kind.COUNT,
                lambda exchange: plain_count(exchange.request.max_output_tokens),
            ),
        }
    )
)
