from __future__ import annotations

import pytest

from gateway.dialects.strictness import enforced, is_strict_schema
from gateway.neutral import Losses

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
        {"type": ["object", "null"]},
        {**CLOSED, "required": 3},
        {"oneOf": [CLOSED, {"type": "null"}]},
        {**CLOSED, "not": {"required": ["a"]}},
    ],
    ids=(
        "bare optional another open inside below any-of no-type nullable malformed one-of not"
    ).split(),
)
def test_not_strict(schema):
    """
    One open object anywhere is enough for OpenAI to refuse it, and so is a word it lacks.
    """
    assert not is_strict_schema(schema)


@pytest.mark.parametrize(
    ("schema", "wanted", "is_own", "sent"),
    [
        (CLOSED, True, False, True),
        ({"type": "object"}, True, True, True),
        ({"type": "object"}, False, False, False),
    ],
)
def test_what_is_wanted_is_sent(schema, wanted, is_own, sent):
    """
    What OpenAI enforces is asked for; and what the caller asks of it in its own dialect.
    """
    losses = Losses(is_strict=True)

    assert enforced(schema, losses, wanted=wanted, is_own=is_own) is sent


@pytest.mark.parametrize(
    "schema",
    [{"type": "object"}, {"type": "array", "items": CLOSED}, {"anyOf": [CLOSED]}, None],
    ids=["open", "list", "any of", "none"],
)
def test_what_cannot_be_enforced_is_not_asked_for(schema):
    """
    Another vendor's schema that OpenAI would refuse is described to the model, which is told.
    """
    losses = Losses()

    assert enforced(schema, losses, wanted=True, is_own=False) is False
    assert losses.header() == "strict=changed"
