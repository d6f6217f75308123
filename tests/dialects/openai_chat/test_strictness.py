from __future__ import annotations

import pytest

from gateway.dialects.openai_chat.strictness import is_strict_schema

CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "schema",
    [
        CLOSED,
        {"type": "string"},
        {"type": "array", "items": CLOSED},
        {"anyOf": [CLOSED, {"type": "null"}]},
        {"$defs": {"x": CLOSED}, "$ref": "#/$defs/x"},
        {"enum": [{"type": "object"}]},
    ],
    ids=["closed", "string", "array", "any of", "definitions", "values"],
)
def test_strict(schema):
    """
    A schema whose objects are closed, and require all they have, is enforced.
    """
    assert is_strict_schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {**CLOSED, "required": []},
        {**CLOSED, "required": ["b"]},
        {**CLOSED, "additionalProperties": True},
        {"type": "array", "items": {"type": "object"}},
        {**CLOSED, "properties": {"a": {"type": "object"}}},
        {"anyOf": [CLOSED, {"type": "object"}]},
        {"properties": {"a": {}}},
    ],
    ids=["bare", "optional", "another", "open", "inside", "below", "one of", "no type"],
)
def test_not_strict(schema):
    """
    One open object anywhere is enough for OpenAI to refuse it.
    """
    assert not is_strict_schema(schema)
