"""
Conditions in CEL, the Common Expression Language: compiled when written, evaluated in microseconds.

The engine is Google's own, in C++, and an extra of its own: ``gatewright-governance[rules]``.
Its limits are what makes conditions of an operator's safe to run on the event loop: no loops but
over what was given, a budget of iterations, regular expressions in linear time.

Source: https://github.com/google/cel-spec; the engine is ``cel-expr-python``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Final

import attrs

from gateway_governance.facts import FACTS, Kind

#: A condition is a line or a few; what is longer is no condition.
MAX_CHARACTERS: Final = 4096

_WORD: Final = re.compile(r"[A-Za-z_]\w*")
#: Header names are looked up in lower case, however the condition writes them.
_HEADER: Final = re.compile(r"""\bheaders\[(["'])([\w-]+)\1\]""")
#: How the engine says that a map has no such key.
_ABSENT: Final = "NOT_FOUND: Key not found in map"
_MAX_TOLD: Final = 300


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
            "conditions need the CEL engine: pip install 'gatewright-governance[rules]'"
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


def read_condition(text: str) -> Condition | None:
    """
    Compile a rule's condition; None where it always holds, which needs no engine.

    Raises:
        ConditionInvalid: See `compile_condition`.
    """
    return None if text.strip() in {"", "true"} else compile_condition(text)


def compile_condition(text: str) -> Condition:
    """
    Compile a condition: parse it, check its names and types.

    Raises:
        EngineMissing: The extra is not installed.
        ConditionInvalid: It is no CEL, names what there is not, or is not true or false.
    """
    if len(text) > MAX_CHARACTERS:
        msg = f"a condition may have {MAX_CHARACTERS} characters"
        raise ConditionInvalid(msg)
    engine, environment = _engine()
    lowered = _HEADER.sub(lambda found: found.group().lower(), text)
    try:
        expression = environment.compile(lowered)
    except Exception as exc:  # noqa: BLE001 - the engine has one error for everything
        raise ConditionInvalid(_told(str(exc))) from None
    if expression.return_type() != engine.Type.BOOL:
        kind = expression.return_type().name().lower()
        msg = f"a condition must be true or false, and this one is {kind}"
        raise ConditionInvalid(msg)
    names = {word for word in _WORD.findall(text) if word in FACTS}
    return Condition(text, tuple(sorted(names)), expression)


@cache
def _engine() -> tuple[Any, Any]:
    try:
        engine = import_module("cel_expr_python.cel")
    except ImportError:
        raise EngineMissing from None
    types = {
        Kind.TEXT: engine.Type.STRING,
        Kind.FLAG: engine.Type.BOOL,
        Kind.COUNT: engine.Type.INT,
        # Not DOUBLE: nothing compares that with 80, only with 80.0.
        Kind.PERCENT: engine.Type.DYN,
        Kind.TEXTS: engine.Type.Map(engine.Type.STRING, engine.Type.STRING),
    }
    variables = {name: types[kind] for name, kind in FACTS.items()}
    return engine, engine.NewEnv(variables=variables)


def _told(error: str) -> str:
    """
    Keep the sentence of the engine's *error*, and the place.
    """
    lines = error.splitlines()
    first = lines[0].partition("ERROR: <input>:")[2] if lines else ""
    told = first or error.replace("\n", " ")
    return f"not CEL as it is known here: {told.strip()}"[:_MAX_TOLD]
