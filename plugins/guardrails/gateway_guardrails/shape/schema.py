"""
JSON Schema, the part that is used to shape answers, in bounded time.

Checked here and not by a library, because what checks an answer runs on what a model wrote:
patterns are RE2's, so that none takes long; references lead within the schema, and nowhere else;
no schema becomes code.  A keyword that is not known is refused when the schema is read, since a
check that is not made must not look made.  Source: JSON Schema 2020-12, core and validation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway_guardrails.patterns import Pattern, PatternInvalid, compile_pattern

__all__ = ["Schema", "SchemaInvalid"]

#: Levels of a document and of references that are followed.
MOST_LEVELS: Final = 64
#: Checks of one document; beyond, it does not fit.
MOST_STEPS: Final = 200_000
MOST_NODES: Final = 5_000

_TOLD_ONLY: Final = frozenset({
    *("$schema", "$id", "$defs", "definitions", "$comment", "title", "description", "default"),
    *("examples", "deprecated", "readOnly", "writeOnly", "format", "strict"),
})  # fmt: skip
_AMOUNTS: Final = frozenset({
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
})  # fmt: skip


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
}


class SchemaInvalid(ValueError):
    """
    What is told is no schema that can be checked; says where and why.
    """


class _TooMuch(Exception):
    """
    A document asks for more than one check may take.
    """


class Schema:
    """
    A schema, read and checked; safe to use from any thread.

    Args:
        told: As it was read from JSON or the settings.

    Raises:
        SchemaInvalid: It is none, or uses what is not known here.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._told = told
        self._patterns: dict[str, Pattern] = {}
        self._nodes = 0
        self._read(told, "#", 0)

    def __repr__(self) -> str:
        return f"<Schema of {self._nodes} nodes>"

    def fits(self, document: Any) -> bool:
        """
        Tell whether *document* is of this schema.
        """
        try:
            return _Check(self._told, self._patterns).fits(self._told, document, 0)
        except _TooMuch:
            return False  # not what "not" would make of it

    def _read(self, node: Any, where: str, level: int) -> None:
        if isinstance(node, bool):
            return
        self._nodes += 1
        if not isinstance(node, Mapping):
            raise SchemaInvalid(f"{where} is neither a table nor true or false")
        if level > MOST_LEVELS or self._nodes > MOST_NODES:
            raise SchemaInvalid(f"{where}: too deep, or too many parts")
        for key, value in node.items():
            place = f"{where}/{key}"
            if key not in _KEYWORDS and key not in _TOLD_ONLY:
                raise SchemaInvalid(f"{place}: not a keyword that is checked here")
            self._read_keyword(key, value, place, level)

    def _read_keyword(self, key: str, value: Any, where: str, level: int) -> None:
        if key in ("properties", "patternProperties", "$defs", "definitions"):
            for name, child in _table(value, where).items():
                self._read(child, f"{where}/{name}", level + 1)
                if key == "patternProperties":
                    self._pattern(name, where)
        elif key in (
            "items",
            "additionalProperties",
            "not",
            "contains",
            "propertyNames",
        ):
            self._read(value, where, level + 1)
        elif key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            if not isinstance(value, list | tuple) or not value:
                raise SchemaInvalid(f"{where} is no list of schemas")
            for number, child in enumerate(value):
                self._read(child, f"{where}/{number}", level + 1)
        elif key == "pattern":
            self._pattern(value, where)
        elif key == "$ref":
            _resolved(self._told, value, where)
        elif key in ("enum", "required"):
            if not isinstance(value, list | tuple):
                raise SchemaInvalid(f"{where} is no list")
        elif key in _AMOUNTS:
            least = 1e-12 if key == "multipleOf" else None
            if not _is_number(value) or (least is not None and value < least):
                raise SchemaInvalid(f"{where} is no number that can be")
        elif key == "type":
            types = value if isinstance(value, list | tuple) else [value]
            if not all(isinstance(one, str) and one in _TYPES for one in types):
                raise SchemaInvalid(f"{where}: no such type")

    def _pattern(self, told: Any, where: str) -> None:
        try:
            self._patterns[told] = compile_pattern(told)
        except (PatternInvalid, TypeError) as exc:
            raise SchemaInvalid(f"{where}: {exc}") from None


class _Check:
    """
    One check of one document.
    """

    def __init__(
        self, root: Mapping[str, Any], patterns: Mapping[str, Pattern]
    ) -> None:
        self.root = root
        self.patterns = patterns
        self._left = MOST_STEPS

    def fits(self, node: Any, value: Any, level: int) -> bool:
        """
        Tell whether *value* is of the schema *node*.
        """
        if isinstance(node, bool):
            return node
        self._left -= 1
        if level > MOST_LEVELS or self._left < 0:
            raise _TooMuch
        for key, told in node.items():
            check = _KEYWORDS.get(key)
            if check is not None and not check(self, node, told, value, level + 1):
                return False
        return True

    def count(self, nodes: Any, value: Any, level: int) -> int:
        """
        Count those of *nodes* that *value* is of.
        """
        return sum(self.fits(node, value, level) for node in nodes)


def _is_multiple(value: float, of: float) -> bool:
    if isinstance(value, int) and isinstance(of, int):
        return value % of == 0
    quotient = value / of
    return math.isfinite(quotient) and abs(quotient - round(quotient)) < 1e-9


def _same(left: Any, right: Any) -> bool:
    # 1 and true are equal to Python, and not to JSON.
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(
            _same(left[key], right[key]) for key in left
        )
    return bool(left == right)


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SchemaInvalid(f"{where} is no table")
    return value


def _resolved(root: Mapping[str, Any], reference: Any, where: str = "$ref") -> Any:
    if not isinstance(reference, str) or not reference.startswith("#"):
        raise SchemaInvalid(
            f"{where}: a reference leads within the schema: #/$defs/..."
        )
    node: Any = root
    for part in reference[1:].split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, Mapping) or name not in node:
            raise SchemaInvalid(f"{where}: nothing is there")
        node = node[name]
    return node


def _fits_properties(
    check: _Check, node: Any, told: Any, value: Any, level: int
) -> bool:
    return not isinstance(value, dict) or all(
        check.fits(child, value[name], level)
        for name, child in told.items()
        if name in value
    )


def _fits_patterns(check: _Check, node: Any, told: Any, value: Any, level: int) -> bool:
    return not isinstance(value, dict) or all(
        check.fits(child, each, level)
        for pattern, child in told.items()
        for name, each in value.items()
        if check.patterns[pattern].search(name)
    )


def _fits_additional(
    check: _Check, node: Any, told: Any, value: Any, level: int
) -> bool:
    if not isinstance(value, dict):
        return True
    known = node.get("properties", {})
    patterns = [check.patterns[one] for one in node.get("patternProperties", {})]
    return all(
        check.fits(told, each, level)
        for name, each in value.items()
        if name not in known and not any(one.search(name) for one in patterns)
    )


def _fits_items(check: _Check, node: Any, told: Any, value: Any, level: int) -> bool:
    first = len(node.get("prefixItems", ()))
    return not isinstance(value, list) or all(
        check.fits(told, each, level) for each in value[first:]
    )


def _fits_prefix(check: _Check, node: Any, told: Any, value: Any, level: int) -> bool:
    return not isinstance(value, list) or all(
        check.fits(child, each, level) for child, each in zip(told, value, strict=False)
    )


def _is_unique(value: list[Any]) -> bool:
    if len(value) > 1000:
        return False
    return not any(
        _same(one, other) for at, one in enumerate(value) for other in value[:at]
    )


def _of(kind: type | tuple[type, ...], holds: Callable[[Any, Any], bool]) -> Any:
    """
    Make the check of a keyword that concerns values of one kind alone.
    """

    def check(_: _Check, node: Any, told: Any, value: Any, level: int) -> bool:
        concerns = isinstance(value, kind) and not (
            isinstance(value, bool) and kind is not bool
        )
        return not concerns or holds(told, value)

    return check


_NUMBER: Final = (int, float)
_KEYWORDS: Final[Mapping[str, Callable[[_Check, Any, Any, Any, int], bool]]] = {
    "$ref": lambda check, _n, told, value, level: check.fits(
        _resolved(check.root, told), value, level
    ),
    "type": lambda _c, _n, told, value, _l: any(
        _TYPES[one](value)
        for one in (told if isinstance(told, list | tuple) else [told])
    ),
    "enum": lambda _c, _n, told, value, _l: any(_same(one, value) for one in told),
    "const": lambda _c, _n, told, value, _l: _same(told, value),
    "properties": _fits_properties,
    "patternProperties": _fits_patterns,
    "additionalProperties": _fits_additional,
    "required": _of(dict, lambda told, value: all(name in value for name in told)),
    "minProperties": _of(dict, lambda told, value: len(value) >= told),
    "maxProperties": _of(dict, lambda told, value: len(value) <= told),
    "propertyNames": lambda check, _n, told, value, level: (
        not isinstance(value, dict)
        or all(check.fits(told, name, level) for name in value)
    ),
    "items": _fits_items,
    "prefixItems": _fits_prefix,
    "contains": lambda check, _n, told, value, level: (
        not isinstance(value, list)
        or any(check.fits(told, each, level) for each in value)
    ),
    "minItems": _of(list, lambda told, value: len(value) >= told),
    "maxItems": _of(list, lambda told, value: len(value) <= told),
    "uniqueItems": _of(list, lambda told, value: not told or _is_unique(value)),
    "minLength": _of(str, lambda told, value: len(value) >= told),
    "maxLength": _of(str, lambda told, value: len(value) <= told),
    "pattern": lambda check, _n, told, value, _l: (
        not isinstance(value, str) or check.patterns[told].search(value) is not None
    ),
    "minimum": _of(_NUMBER, lambda told, value: value >= told),
    "maximum": _of(_NUMBER, lambda told, value: value <= told),
    "exclusiveMinimum": _of(_NUMBER, lambda told, value: value > told),
    "exclusiveMaximum": _of(_NUMBER, lambda told, value: value < told),
    "multipleOf": _of(_NUMBER, lambda told, value: _is_multiple(value, told)),
    "anyOf": lambda check, _n, told, value, level: check.count(told, value, level) > 0,
    "allOf": lambda check, _n, told, value, level: (
        check.count(told, value, level) == len(told)
    ),
    "oneOf": lambda check, _n, told, value, level: check.count(told, value, level) == 1,
    "not": lambda check, _n, told, value, level: not check.fits(told, value, level),
}
