"""
Whether a JSON Schema is one that OpenAI enforces.
"""

from __future__ import annotations

from typing import Any


def is_strict_schema(schema: Any) -> bool:
    """
    Tell whether every object in *schema* is closed and requires all of its properties.

    Source: OpenAI's guide to structured outputs, "Supported schemas": with ``strict`` a schema
    that is otherwise is refused.
    """
    if isinstance(schema, list):
        return all(is_strict_schema(member) for member in schema)
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or properties is not None:
        names = set(properties) if isinstance(properties, dict) else set()
        required = schema.get("required") or []
        if schema.get("additionalProperties") is not False or len(required) < len(
            names
        ):
            return False
        if not all(name in required for name in names):
            return False
    below = [value for key, value in schema.items() if key not in _WORDS]
    below += list(properties.values()) if isinstance(properties, dict) else []
    return all(is_strict_schema(value) for value in below)


#: What holds values, or names, rather than schemas.
_WORDS = frozenset(("properties", "required", "enum", "const", "default", "examples"))
