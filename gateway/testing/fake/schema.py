"""
Make a JSON value that satisfies a simple JSON schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["make_sample"]

_DEEPEST = 12  # a schema that refers to itself ends here
_FORMATS = {
    "date": "2026-01-02",
    "date-time": "2026-01-02T03:04:05Z",
    "email": "someone@example.com",
    "ipv4": "192.0.2.1",
    "time": "03:04:05Z",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def make_sample(schema: Any) -> Any:
    """
    Make the same value for the same *schema*, every time.

    Knows types, properties, items, const, enum, default, any/one/all of, local
    references, and the bounds of lengths and numbers; not patterns.
    """
    root = schema if isinstance(schema, Mapping) else {}
    return _sample(schema, root, "value", 0)


def _sample(schema: Any, root: Mapping[str, Any], name: str, depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return None
    schema = _resolve(schema, root, depth)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return _sample(_pick(schema[key]), root, name, depth + 1)
    return _of_type(schema, root, name, depth)


def _resolve(
    schema: Mapping[str, Any], root: Mapping[str, Any], depth: int
) -> Mapping[str, Any]:
    """
    Follow a local reference and melt ``allOf`` into one schema.
    """
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        found: Any = root
        for step in reference.lstrip("#/").split("/"):
            if step and isinstance(found, Mapping):
                found = found.get(step, {})
        rest = {k: v for k, v in schema.items() if k != "$ref"}
        schema = {**(found if isinstance(found, Mapping) else {}), **rest}
        if "$ref" in schema and depth <= _DEEPEST:
            return _resolve(schema, root, depth + 1)
    if not isinstance(schema.get("allOf"), list):
        return schema
    return _melt(schema, root, depth)


def _melt(
    schema: Mapping[str, Any], root: Mapping[str, Any], depth: int
) -> Mapping[str, Any]:
    whole = {k: v for k, v in schema.items() if k != "allOf"}
    properties = dict(whole.get("properties", {}))
    if depth > _DEEPEST:
        return whole
    for part in schema["allOf"]:
        if isinstance(part, Mapping):
            resolved = _resolve(part, root, depth + 1)
            properties.update(resolved.get("properties", {}))
            whole = {**resolved, **whole}
    return {**whole, "properties": properties} if properties else whole


def _pick(choices: list[Any]) -> Any:
    """
    Take the first choice that is not null: an optional value is there.
    """
    for choice in choices:
        if not (isinstance(choice, Mapping) and choice.get("type") == "null"):
            return choice
    return choices[0]


def _of_type(
    schema: Mapping[str, Any], root: Mapping[str, Any], name: str, depth: int
) -> Any:
    match _type_of(schema):
        case "object":
            properties = schema.get("properties", {})
            return {
                key: _sample(value, root, key, depth + 1)
                for key, value in properties.items()
                if depth < _DEEPEST or key in schema.get("required", ())
            }
        case "array":
            count = max(schema.get("minItems", 1), 1) if depth < _DEEPEST else 0
            item = _sample(schema.get("items", {}), root, name, depth + 1)
            return [item] * min(count, schema.get("maxItems", count))
        case "string":
            return _string(schema, name)
        case "integer" | "number" as kind:
            return _number(schema, is_whole=kind == "integer")
        case "boolean":
            return True
        case _:
            return None


def _type_of(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "string"


def _string(schema: Mapping[str, Any], name: str) -> str:
    text = _FORMATS.get(schema.get("format", ""), name)
    text = text.ljust(schema.get("minLength", 0), "x")
    return text[: schema.get("maxLength", len(text))]


def _number(schema: Mapping[str, Any], *, is_whole: bool) -> float:
    low = schema.get("minimum", 0)
    if "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + 1
    value = min(max(1, low), schema.get("maximum", max(1, low)))
    if "exclusiveMaximum" in schema:
        value = min(value, schema["exclusiveMaximum"] - 1)
    step = schema.get("multipleOf")
    if step:
        value = -(-value // step) * step
    return int(value) if is_whole else value
