"""
Whether a JSON Schema is one that OpenAI enforces.

Source: OpenAI's guide to structured outputs, "Supported schemas": with ``strict`` a schema that is
otherwise is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gateway.outcomes import Losses

#: What holds values, or names, rather than schemas.
_WORDS: Final = frozenset(
    ("properties", "required", "enum", "const", "default", "examples")
)
#: Ways of putting schemas together that are not enforced; ``anyOf`` is.
_NOT_ENFORCED: Final = frozenset(
    "allOf oneOf not if then else dependentRequired dependentSchemas".split()
)


def enforced(
    schema: dict[str, Any] | None, losses: Losses, *, wanted: bool, is_own: bool
) -> bool:
    """
    Return whether OpenAI is to enforce *schema*, as is *wanted*.

    Args:
        is_own: It was written for the dialect that it is sent in: OpenAI says what it thinks.
    """
    if wanted and not is_own and not is_enforceable(schema or {}):
        losses.change("strict", "OpenAI does not enforce such a schema")
        return False
    return wanted


def is_enforceable(schema: dict[str, Any]) -> bool:
    """
    Tell whether *schema* is that of an object, and strict all the way down.
    """
    return schema.get("type") == "object" and is_strict_schema(schema)


def is_strict_schema(schema: Any) -> bool:
    """
    Tell whether every object in *schema* is closed and requires all of its properties.
    """
    if isinstance(schema, list):
        return all(is_strict_schema(member) for member in schema)
    if not isinstance(schema, dict):
        return True
    if not _NOT_ENFORCED.isdisjoint(schema) or not _is_closed(schema):
        return False
    properties = schema.get("properties")
    below = [value for key, value in schema.items() if key not in _WORDS]
    below += list(properties.values()) if isinstance(properties, dict) else []
    return all(is_strict_schema(value) for value in below)


def _is_closed(schema: dict[str, Any]) -> bool:
    kind, properties = schema.get("type"), schema.get("properties")
    is_object = kind == "object" or (isinstance(kind, list) and "object" in kind)
    if not is_object and properties is None:
        return True
    required = schema.get("required")
    names = properties if isinstance(properties, dict) else {}
    return schema.get("additionalProperties") is False and all(
        name in (required if isinstance(required, list) else ()) for name in names
    )
