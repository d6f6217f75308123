"""
From nodes to attrs classes: the type of each field says how its text is read.

What an annotation may be: an attrs class; ``Mapping[str, X]`` or ``dict``;
``tuple[X, ...]``, ``list``, ``frozenset``; ``X | None`` and other unions; ``Literal``;
an Enum; ``str``, ``bool``, ``int``, ``float``, ``Decimal``, ``Path``, ``date``;
``Any``; `Unread`, which is left for later; and every class with a classmethod
``parse(text)``, which is written as one word.  A table's class with a classmethod
``short_form(text)`` may be a word as well.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Sequence as AbstractSequence
from collections.abc import Set as AbstractSet
from enum import Enum
from functools import cache
from typing import Any, Final, Literal, TypeVar, Union

import attrs

from gateway.settings.nodes import Node, PluginTable, Scalar, Sequence, Unread
from gateway.settings.problems import Problems
from gateway.settings.tables import TableReader, table_of
from gateway.settings.unions import optional_reader, union_reader
from gateway.settings.words import (
    INVALID,
    SIMPLE,
    At,
    Reader,
    enum_reader,
    kind_of,
    literal_reader,
    refuse,
    word_reader,
    written,
)

T = TypeVar("T")

_NONE: Final = type(None)


def structure(node: Node, kind: type[T], *, path: str = "", origin: str = "") -> T:
    """
    Read *node* as *kind*, an attrs class.

    Args:
        path: where *node* stands in the settings, for messages.

        origin: the file's name, for messages.

    Raises:
        ConfigError: with every problem, each with file, line, column and path.

        TypeError: an annotation in *kind* is none that can be read.
    """
    problems = Problems(origin)
    value = read(node, kind, path, problems)
    if problems:
        raise problems.error()
    return typing.cast("T", value)


def read(node: Node, kind: Any, at: At, problems: Problems) -> Any:
    """
    Read *node* as *kind*, or note in *problems* what is wrong and return `INVALID`.
    """
    return reader_for(kind)(node, at, problems)


@cache
def reader_for(kind: Any) -> Reader:
    """
    Make the reader of one type.

    Raises:
        TypeError: there is none for it.
    """
    kind = bare(kind)
    if kind in SIMPLE:
        return SIMPLE[kind]
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return _union_of(args)
    if origin is Literal:
        return literal_reader(args)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping_reader(*args)
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return _list_reader(args[0], tuple)
    if origin in (list, AbstractSequence):
        return _list_reader(args[0], list if origin is list else tuple)
    if origin in (set, frozenset, AbstractSet):
        return _list_reader(args[0], frozenset)
    if isinstance(kind, type):
        reader = _class_reader(kind)
        if reader is not None:
            return reader
    msg = f"a settings field cannot be of type {kind!r}"
    raise TypeError(msg)


def _union_of(args: tuple[Any, ...]) -> Reader:
    members = [bare(member) for member in args if member is not _NONE]
    is_one = len(members) == 1
    reader = reader_for(members[0]) if is_one else union_reader(members, reader_for)
    return optional_reader(reader) if _NONE in args else reader


def bare(kind: Any) -> Any:
    """
    Take off what does not change how a text is read: Annotated, NewType, Final.
    """
    while True:
        if typing.get_origin(kind) in (typing.Annotated, Final):
            kind = typing.get_args(kind)[0]
        elif isinstance(kind, typing.NewType):
            kind = kind.__supertype__
        else:
            return kind


def _class_reader(kind: type) -> Reader | None:
    if kind is PluginTable:
        return _read_plugin_table
    if kind is Unread:
        return _leave_unread
    if hasattr(kind, "parse"):
        return word_reader(kind.parse)
    if attrs.has(kind):
        short = getattr(kind, "short_form", None)
        return TableReader(kind, reader_for, word_reader(short) if short else None)
    return enum_reader(kind) if issubclass(kind, Enum) else None


# -- many values ---------------------------------------------------------------


def _list_reader(item: Any, build: Callable[[list[Any]], Any]) -> Reader:
    read_item = reader_for(item)

    def read_list(node: Node, at: At, problems: Problems) -> Any:
        if isinstance(node, Scalar) and node.is_null:
            return build([])
        if not isinstance(node, Sequence):
            message = f"must be a list, [a, b], not {kind_of(node)}"
            return refuse(node, at, problems, message)
        values = [
            read_item(below, (at, index), problems)
            for index, below in enumerate(node.items)
        ]
        return INVALID if _any_invalid(values) else build(values)

    return read_list


def _mapping_reader(key: Any, item: Any) -> Reader:
    read_key = None if key is str else reader_for(key)
    read_item = reader_for(item)

    def read_mapping(node: Node, at: At, problems: Problems) -> Any:
        table = table_of(node, at, problems)
        if table is None:
            return INVALID
        values = {}
        for name, below in table.entries.items():
            here = (at, name)
            if read_key is not None:
                mark = table.key_marks[name]
                name = read_key(Scalar(mark, name, plain=True), here, problems)
            values[name] = read_item(below, here, problems)
        return INVALID if _any_invalid((*values, *values.values())) else values

    return read_mapping


def _any_invalid(values: Iterable[Any]) -> bool:
    return any(value is INVALID for value in values)


def _read_plugin_table(node: Node, at: At, problems: Problems) -> Any:
    table = table_of(node, at, problems)
    if table is None:
        return INVALID
    name = at if isinstance(at, str) else str(at[1])
    return PluginTable(name=name, node=table, origin=problems.origin)


def _leave_unread(node: Node, at: At, problems: Problems) -> Any:
    return Unread(node=node, path=written(at), origin=problems.origin)
