"""
Entities as JSON documents, the form in which they are stored.

What has its default is left out.  A key that is not known, or a value of another type, is an
error: it may be a limit that a later version wrote, and a limit that is not read does not hold.

A hundred thousand are read when a worker starts.  So there is one reader for each class, put
together once from its annotations, and strict by nature; cattrs, which reads documents elsewhere,
takes half as long again without being strict, and for this the difference is seconds.
"""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Literal, Union

import attrs

from gateway import codec
from gateway_governance.checks import Entity
from gateway_governance.entities import (
    Customer,
    ModelConfig,
    PricingOverride,
    RoutingRule,
    Team,
    VirtualKey,
)

#: Kinds of entities, as rows and events call them, in the order in which one may refer to
#: another.
KINDS: Final[Mapping[str, type[Entity]]] = {
    "customer": Customer,
    "team": Team,
    "virtual_key": VirtualKey,
    "model_config": ModelConfig,
    "routing_rule": RoutingRule,
    "pricing_override": PricingOverride,
}
_KIND_OF: Final = {cls: kind for kind, cls in KINDS.items()}

_Reader = Callable[[Any], Any]


class UnreadableEntity(Exception):
    """
    What is stored is not what this version writes.
    """

    def __init__(self, kind: str, entity_id: str) -> None:
        super().__init__(kind, entity_id)
        self.kind = kind
        self.entity_id = entity_id

    def __str__(self) -> str:
        return (
            f"the stored {self.kind} {self.entity_id} cannot be read: it was written by a "
            "later version, or by hand"
        )


def kind_of(entity: Entity) -> str:
    """
    Return what kind of entity it is.
    """
    return _KIND_OF[type(entity)]


def written(entity: Entity) -> str:
    """
    Write *entity* as a document.
    """
    return codec.dumps(_plain(entity)).decode()


def read(kind: str, entity_id: str, document: str) -> Entity:
    """
    Read what `written` wrote.

    Raises:
        UnreadableEntity: it is something else.
    """
    try:
        entity: Entity = _READERS[kind](codec.loads(document.encode()))
    except (ValueError, LookupError, TypeError, AttributeError) as exc:
        raise UnreadableEntity(kind, entity_id) from exc
    return entity


# --- writing --------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    if attrs.has(type(value)):
        return {
            attribute.name: _plain(held)
            for attribute in attrs.fields(type(value))
            if (held := getattr(value, attribute.name)) != _default_of(attribute)
        }
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    return value.hex() if isinstance(value, bytes) else value


def _default_of(attribute: attrs.Attribute[Any]) -> Any:
    default: Any = attribute.default
    make = getattr(default, "factory", None)
    return default if make is None else make()


# --- reading --------------------------------------------------------------------------------


@cache
def _reader_of(kind: Any) -> _Reader:
    """
    Make the reader of one type.
    """
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        (some,) = (arg for arg in args if arg is not type(None))
        return _optional(_reader_of(some))
    if origin is Literal:
        return _one_of({getattr(arg, "value", arg): arg for arg in args})
    if origin is tuple:
        return _list_of(_reader_of(args[0]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping_of(_reader_of(args[1]))
    if attrs.has(kind):
        return _table_of(kind)
    if issubclass(kind, enum.Enum):
        return _one_of({member.value: member for member in kind})
    return bytes.fromhex if kind is bytes else _exactly(kind)


def _table_of(kind: type[Any]) -> _Reader:
    hints = typing.get_type_hints(kind)
    readers = {
        attribute.name: _reader_of(hints[attribute.name])
        for attribute in attrs.fields(kind)
    }

    def read_table(document: dict[str, Any]) -> Any:
        return kind(**{key: readers[key](value) for key, value in document.items()})

    return read_table


def _list_of(reader: _Reader) -> _Reader:
    def read_list(items: list[Any]) -> Any:
        if type(items) is not list:
            raise TypeError(type(items))
        return tuple([reader(item) for item in items])

    return read_list


def _mapping_of(reader: _Reader) -> _Reader:
    def read_mapping(items: dict[str, Any]) -> Any:
        return {key: reader(value) for key, value in items.items()}

    return read_mapping


def _optional(reader: _Reader) -> _Reader:
    def read_optional(value: Any) -> Any:
        return None if value is None else reader(value)

    return read_optional


def _one_of(members: Mapping[Any, Any]) -> _Reader:
    return members.__getitem__


def _exactly(kind: type[Any]) -> _Reader:
    def read_exactly(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(type(value))
        return value

    return read_exactly


_READERS: Final = {kind: _table_of(cls) for kind, cls in KINDS.items()}
