"""
Samples of schemas.
"""

from __future__ import annotations

import pytest

from gateway.testing.fake.schema import make_sample

NESTED = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "array", "items": {"$ref": "#/$defs/day"}, "minItems": 2},
    },
    "$defs": {"day": {"type": "object", "properties": {"low": {"type": "integer"}}}},
}
TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            },
        }
    },
    "$ref": "#/$defs/node",
}


@pytest.mark.parametrize(
    ("schema", "sample"),
    [
        ({"type": "string"}, "value"),
        ({"type": "string", "minLength": 7}, "valuexx"),
        ({"type": "string", "maxLength": 2}, "va"),
        ({"type": "string", "format": "date"}, "2026-01-02"),
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "exclusiveMinimum": 5}, 6),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "integer", "minimum": 4, "multipleOf": 3}, 6),
        ({"type": "number", "exclusiveMaximum": 0}, -1),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "integer"]}, 1),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 7}, 7),
        ({"default": "x", "type": "string"}, "x"),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, True),
        ({"oneOf": [{"type": "null"}]}, None),
        ({"type": "array", "items": {"type": "integer"}}, [1]),
        ({"type": "array", "maxItems": 0}, []),
        ({"properties": {"a": {"type": "integer"}}}, {"a": 1}),
        (NESTED, {"city": "city", "days": [{"low": 1}, {"low": 1}]}),
        ({}, "value"),
        (True, None),
    ],
    ids=repr,
)
def test_satisfies(schema, sample):
    """
    Each construct has a value that satisfies it.
    """
    assert make_sample(schema) == sample


def test_melts_all_of():
    """
    The parts of allOf are one schema.
    """
    parts = [
        {"type": "object", "properties": {"a": {"type": "integer"}}},
        {"properties": {"b": {"type": "boolean"}}},
    ]

    assert make_sample({"allOf": parts}) == {"a": 1, "b": True}


def test_a_schema_that_refers_to_itself_ends():
    """
    A tree is as deep as the sampler goes, and no deeper.
    """
    sample, depth = make_sample(TREE), 0
    while sample:
        sample, depth = sample.get("next"), depth + 1

    assert 2 < depth < 20


@pytest.mark.parametrize("at", ["#", "#/$defs/loop"], ids=str)
def test_a_reference_in_a_circle_ends(at):
    """
    A reference that only leads to itself is no endless walk.
    """
    schema = {"$ref": at, "$defs": {"loop": {"$ref": "#/$defs/loop"}}}

    assert make_sample(schema) in {None, "value"}
