"""
The settings file's JSON Schema, generated from the classes that read it.

Editors complete and check by it.  Draft 7, which they all know.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, Union

import attrs

from gateway.settings.model import Settings
from gateway.settings.nodes import PluginTable, Unread
from gateway.settings.structure import bare
from gateway.settings.tables import annotations_of, file_attributes, key_of
from gateway.settings.values import Address, Bounds, SecretRef

DRAFT: Final = "http://json-schema.org/draft-07/schema#"

Schema = dict[str, Any]

_SIMPLE: Final[dict[Any, Schema]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Decimal: {"type": "number"},
    Path: {"type": "string"},
    date: {"type": "string", "format": "date"},
    PluginTable: {"type": "object"},
    Unread: {},
    SecretRef: {
        "type": "string",
        "pattern": r"^[a-z][a-z_]{1,23}\..+$",
        "description": "A reference: env.NAME, file./path or <store>.<name>.",
    },
    Address: {
        "type": "string",
        "pattern": r"^.+:[0-9]{1,5}$",
        "description": "host:port, [::1]:8080.",
    },
}


def schema_of(plugin_settings: Mapping[str, type[Any]]) -> Schema:
    """
    Generate the schema of the whole file.

    Args:
        plugin_settings: the class of each installed plugin's table.  Tables of
            plugins that are not installed here are not judged.
    """
    definitions: dict[str, Schema] = {}
    writer = _Writer(definitions)
    top = writer.table(Settings)
    top["properties"]["plugins"] = {
        "description": "Each plugin's own settings, by its name.",
        "type": "object",
        "properties": {
            name: writer.of(kind) for name, kind in sorted(plugin_settings.items())
        },
        "additionalProperties": {"type": ["object", "null"]},
    }
    return {
        "$schema": DRAFT,
        "title": "Gatewright settings",
        **top,
        "definitions": dict(sorted(definitions.items())),
    }


def schema_of_class(kind: type[Any]) -> Schema:
    """
    Generate the schema of one table that is read as *kind*, an attrs class.
    """
    definitions: dict[str, Schema] = {}
    written = _Writer(definitions).table(kind)
    return {**written, "definitions": definitions} if definitions else written


@attrs.define
class _Writer:
    """
    Writes types; each table once, under ``definitions``.
    """

    definitions: dict[str, Schema]
    _names: dict[type[Any], str] = attrs.field(factory=dict, init=False)

    def of(self, kind: Any) -> Schema:
        """
        Write the schema of one type.
        """
        kind = bare(kind)
        origin, args = typing.get_origin(kind), typing.get_args(kind)
        if kind in _SIMPLE:
            return dict(_SIMPLE[kind])
        if kind in (Any, object):
            return {}
        if origin in (Union, types.UnionType):
            return _any_of(self.of(member) for member in args)
        if kind is type(None):
            return {"type": "null"}
        if origin is Literal:
            return {"enum": list(args)}
        if origin is not None and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(args[1])}
        if origin is not None:  # every other generic is a list
            return {"type": "array", "items": self.of(args[0])}
        return self._of_class(kind)

    def table(self, kind: type[Any]) -> Schema:
        """
        Write the schema of a table in place.
        """
        hints = annotations_of(kind)
        attributes = file_attributes(kind)
        written: Schema = {
            "type": "object",
            "properties": {
                key_of(attribute): self._field(attribute, hints[attribute.name])
                for attribute in attributes
            },
            "additionalProperties": False,
        }
        required = [key_of(a) for a in attributes if a.default is attrs.NOTHING]
        return {**written, "required": required} if required else written

    def _of_class(self, kind: type[Any]) -> Schema:
        if hasattr(kind, "parse"):
            return {"type": "string"}
        if issubclass(kind, Enum):
            return {"enum": [member.value for member in kind]}
        if kind not in self._names:
            name = self._names[kind] = self._free_name(kind)
            self.definitions[name] = {}  # so that a class may hold itself
            self.definitions[name].update(self.table(kind))
        reference = {"$ref": f"#/definitions/{self._names[kind]}"}
        if hasattr(kind, "short_form"):
            return _any_of([{"type": "string"}, reference])
        return reference

    def _free_name(self, kind: type[Any]) -> str:
        name = kind.__name__
        taken = self._names.values()
        return f"{kind.__module__}.{name}" if name in taken else name

    def _field(self, attribute: attrs.Attribute[Any], hint: Any) -> Schema:
        written = self.of(hint)
        if "$ref" in written:  # beside which draft 7 reads nothing
            written = {"allOf": [written]}
        if told := attribute.metadata.get("help"):
            written["description"] = told
        _add_bounds(written, attribute.validator)
        default = attribute.default
        if isinstance(default, (bool, int, float, str)):
            written["default"] = default
        elif isinstance(default, Address):
            written["default"] = str(default)
        return written


def _any_of(members: Iterable[Schema]) -> Schema:
    """
    Join alternatives; those that differ in their plain type become one.
    """
    members = list(members)
    if all(set(member) == {"type"} for member in members):
        return {"type": [member["type"] for member in members]}
    return {"anyOf": members}


def _add_bounds(schema: Schema, validator: Any) -> None:
    if not isinstance(validator, Bounds):
        return
    limits = {
        "minimum": validator.minimum,
        "maximum": validator.maximum,
        "exclusiveMinimum": validator.exclusive_minimum,
    }
    schema.update({name: limit for name, limit in limits.items() if limit is not None})
