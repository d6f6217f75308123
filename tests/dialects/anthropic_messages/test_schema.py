"""
JSON Schemas as Anthropic's structured outputs accept them.
"""

from __future__ import annotations

import pytest
from anthropic import transform_schema

from gateway.dialects.anthropic_messages.schema import closed_schema
from gateway.neutral import Losses

RICH = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": "Person",
    "$defs": {"Age": {"type": "integer", "minimum": 0, "maximum": 150}},
    "properties": {
        "name": {"type": "string", "minLength": 1, "description": "Full name"},
        "age": {"$ref": "#/$defs/Age"},
        "mail": {"type": "string", "format": "email"},
        "kind": {"oneOf": [{"const": "a"}, {"const": "b"}]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 3},
        "pets": {"type": "array", "items": {"type": "object", "properties": {}}},
    },
    "required": ["name"],
}


def objects_of(schema):
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from objects_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects_of(value)


def test_schema_that_is_accepted_stays():
    """
    What Anthropic can follow is sent as it is, with nothing on the record.
    """
    schema = {
        "type": "object",
        "properties": {
            "day": {"type": "string", "format": "date"},
            "few": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
            "code": {"type": "string", "pattern": "^[A-Z]{2}$"},
        },
        "required": ["day"],
        "additionalProperties": False,
    }
    losses = Losses()

    assert closed_schema(schema, losses, "x") == schema
    assert losses.found == []


def test_every_object_is_closed():
    """
    Anthropic wants additionalProperties to be false on each object, however deep.
    """
    closed = closed_schema(RICH, Losses(), "x")

    found = list(objects_of(closed))

    assert len(found) == 2
    assert all(one["additionalProperties"] is False for one in found)


def test_constraints_move_into_descriptions():
    """
    The model is told what is not enforced any more, and so is the caller.
    """
    losses = Losses()

    closed = closed_schema(RICH, losses, "response_format.schema")

    name = closed["properties"]["name"]
    assert name["description"].startswith("Full name\n\n")
    assert '{"minLength":1}' in name["description"]
    assert '"maximum":150' in closed["$defs"]["Age"]["description"]
    (loss,) = losses.found
    assert loss.action == "changed"
    assert loss.why.endswith("maximum, minItems, minLength, minimum")


@pytest.mark.parametrize(
    ("schema", "key"),
    [
        ({"type": "string", "format": "phone"}, "format"),
        ({"type": "string", "pattern": "(?=a)b"}, "pattern"),
        ({"type": "array", "minItems": 2}, "minItems"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"not": {"type": "string"}}, "not"),
        ({"if": {}, "then": {}}, "if"),
        ({"type": "object", "patternProperties": {}}, "patternProperties"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_refused_is_not_sent(schema, key):
    """
    A keyword that Anthropic answers with 400 stands in the description only.
    """
    closed = closed_schema(schema, Losses(), "x")

    assert key not in closed
    assert f'"{key}"' in closed["description"]


def test_open_objects_are_closed_on_the_record():
    """
    Allowing any member is a meaning that gets lost.
    """
    losses = Losses()
    schema = {"type": ["object", "null"], "additionalProperties": {"type": "string"}}

    closed = closed_schema(schema, losses, "x")

    assert closed["additionalProperties"] is False
    assert "additionalProperties" in losses.found[0].why


def test_schema_of_the_caller_is_not_changed():
    """
    The caller's document stays as it came.
    """
    before = repr(RICH)

    closed_schema(RICH, Losses(), "x")

    assert repr(RICH) == before


def test_same_keywords_are_kept_as_by_the_vendor():
    """
    The vendor's SDK moves the same constraints out of the way.
    """
    schema = {k: v for k, v in RICH.items() if k != "$schema"}
    theirs, ours = transform_schema(schema), closed_schema(schema, Losses(), "x")

    assert skeleton(ours) == skeleton(theirs)


def skeleton(schema):
    """
    Return *schema* without words for people, which nobody compares.
    """
    if isinstance(schema, dict):
        return {k: skeleton(v) for k, v in schema.items() if k != "description"}
    return [skeleton(v) for v in schema] if isinstance(schema, list) else schema


def test_schemas_that_are_no_objects_stay():
    """
    True and false are schemas too.
    """
    schema = {"type": "array", "items": True, "anyOf": [False, {"type": "object"}]}

    closed = closed_schema(schema, Losses(), "x")

    assert closed["items"] is True
    assert closed["anyOf"][0] is False
