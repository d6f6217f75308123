"""
JSON Schema, the part that is checked.
"""

from __future__ import annotations

import time

import pytest

from gateway_guardrails.shape.schema import Schema, SchemaInvalid

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 20},
        "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 150},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True},
        "friend": {"$ref": "#"},
    },
    "required": ["name"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("document", "fits"),
    [
        ({"name": "Anna"}, True),
        ({"name": "Anna", "age": 7, "tags": ["a", "b"]}, True),
        ({"name": "Anna", "age": 7.0}, True),
        ({"name": "Anna", "friend": {"name": "Ben"}}, True),
        ({}, False),
        ({"name": ""}, False),
        ({"name": "Anna", "age": True}, False),
        ({"name": "Anna", "age": 1.5}, False),
        ({"name": "Anna", "age": 150}, False),
        ({"name": "Anna", "tags": ["a", "a"]}, False),
        ({"name": "Anna", "tags": ["c"]}, False),
        ({"name": "Anna", "more": 1}, False),
        ({"name": "Anna", "friend": {}}, False),
        ([], False),
    ],
)
def test_tells_what_fits(document, fits):
    """
    As the specification says, for what schemas of answers are made of.
    """
    assert Schema(PERSON).fits(document) is fits


@pytest.mark.parametrize(
    ("schema", "yes", "no"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, 1),
        ({"oneOf": [{"minimum": 1}, {"maximum": 5}]}, 9, 3),
        ({"allOf": [{"minimum": 1}, {"maximum": 5}]}, 3, 9),
        ({"not": {"type": "string"}}, 1, "x"),
        ({"const": 1}, 1, True),
        ({"enum": [False]}, False, 0),
        ({"pattern": "^a+$"}, "aa", "ab"),
        ({"multipleOf": 0.1}, 0.3, 0.35),
        ({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}, ["a", 1], ["a", "b"]),
        ({"contains": {"const": 1}}, [0, 1], [0]),
        ({"patternProperties": {"^x": {"type": "integer"}}}, {"x1": 1}, {"x1": "a"}),
        ({"propertyNames": {"maxLength": 1}}, {"a": 1}, {"ab": 1}),
        ({"type": ["integer", "null"], "minItems": 1}, None, "x"),
        ({"minProperties": 1}, {"a": 1}, {}),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "number"}}}, 1.5, "x"),
        (True, 1, None),
    ],
)  # fmt: skip
def test_knows_its_keywords(schema, yes, no):
    """
    Each takes what it is for and refuses what it is against.
    """
    told = {"allOf": [schema]} if isinstance(schema, bool) else schema

    assert Schema(told).fits(yes)
    assert not Schema(told).fits(no) or isinstance(schema, bool)


@pytest.mark.parametrize(
    "schema",
    [
        {"if": {}},
        {"type": "thing"},
        {"pattern": "("},
        {"$ref": "https://a.example/schema"},
        {"$ref": "#/$defs/gone"},
        {"properties": []},
        {"anyOf": []},
        {"multipleOf": 0},
        {"items": 3},
        {"minLength": "3"},
    ],
)
def test_refuses_what_it_does_not_check(schema):
    """
    A check that would not be made is told.
    """
    with pytest.raises(SchemaInvalid):
        Schema(schema)


def test_a_check_ends():
    """
    References in a circle and hostile documents do not fit, in little time; nor do they by "not".
    """
    circle = {"$ref": "#"}
    wide = {"anyOf": [{"anyOf": [{"$ref": "#"}] * 8}] * 8}
    begin = time.process_time()

    assert not Schema(circle).fits(1)
    assert not Schema({"not": circle}).fits(1)
    assert not Schema(wide).fits({"a": 1})
    assert not Schema({"pattern": "^(a+)+$"}).fits("a" * 5000 + "!")
    assert time.process_time() - begin < 2.0
