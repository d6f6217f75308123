"""
Reading a field that may be one of several types.

What stands there chooses: nothing, a single value, a list, a table.  Several single
values are tried in their order, text last.  Several tables are told apart by a key
whose Literal values differ, such as ``type``.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Sequence as AbstractSequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, Literal

import attrs

from gateway.settings.nodes import Node, PluginTable, Scalar, Sequence, Table, Unread
from gateway.settings.problems import Problems, shown
from gateway.settings.tables import annotations_of, file_attributes, key_of
from gateway.settings.words import At, Reader, kind_of, refuse, spelt

ReaderFor = Callable[[Any], Reader]

_LISTS: Final = (list, tuple, set, frozenset, AbstractSequence, AbstractSet)
_SHAPES: Final[dict[type[Node], str]] = {
    Scalar: "a single value",
    Sequence: "a list",
    Table: "a table",
}


def optional_reader(read_value: Reader) -> Reader:
    """
    Make a reader that reads nothing as None and the rest as *read_value* does.
    """

    def read_optional(node: Node, at: At, problems: Problems) -> Any:
        if isinstance(node, Scalar) and node.is_null:
            return None
        return read_value(node, at, problems)

    return read_optional


def union_reader(members: Iterable[Any], reader_for: ReaderFor) -> Reader:
    """
    Make a reader of one of *members*.

    Raises:
        TypeError: two of them could be meant and nothing tells them apart.
    """
    able = {
        shape: [member for member in members if shape in shapes_of(member)]
        for shape in _SHAPES
    }
    readers = {
        shape: _reader_of_shape(shape, kinds, reader_for)
        for shape, kinds in able.items()
        if kinds
    }
    wanted = " or ".join(_SHAPES[shape] for shape in readers)

    def read_union(node: Node, at: At, problems: Problems) -> Any:
        reader = readers.get(type(node))
        if reader is None:
            return refuse(node, at, problems, f"must be {wanted}, not {kind_of(node)}")
        return reader(node, at, problems)

    return read_union


def shapes_of(kind: Any) -> frozenset[type[Node]]:
    """
    Tell as what *kind* may be written.
    """
    origin = typing.get_origin(kind)
    if kind in (Any, object, Unread):
        return frozenset(_SHAPES)
    if origin in _LISTS:
        return frozenset({Sequence})
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return frozenset({Table})
    if kind is PluginTable or (attrs.has(kind) and not hasattr(kind, "parse")):
        return frozenset({Table, Scalar} if hasattr(kind, "short_form") else {Table})
    return frozenset({Scalar})


def _reader_of_shape(
    shape: type[Node], kinds: list[Any], reader_for: ReaderFor
) -> Reader:
    if len(kinds) == 1:
        return reader_for(kinds[0])
    if shape is Table:
        return _tagged_reader(kinds, reader_for)
    if shape is Sequence:
        raise TypeError(f"one union holds two lists: {kinds}")
    in_order = sorted(kinds, key=lambda kind: kind is str)
    return _first_that_reads([reader_for(kind) for kind in in_order])


def _first_that_reads(readers: list[Reader]) -> Reader:
    def read_first(node: Node, at: At, problems: Problems) -> Any:
        messages: list[str] = []
        for reader in readers:
            attempt = Problems()
            value = reader(node, at, attempt)
            if not attempt:
                return value
            messages += [problem.message for problem in attempt.error().problems]
        return refuse(node, at, problems, "; or ".join(messages))

    return read_first


# -- tables that a key tells apart ---------------------------------------------


def _tagged_reader(kinds: list[Any], reader_for: ReaderFor) -> Reader:
    key, tags = tags_of(kinds)
    readers = {tag: reader_for(kind) for tag, kind in tags.items()}
    wanted = f"must be one of {' '.join(tags)}"

    def read_tagged(node: Node, at: At, problems: Problems) -> Any:
        tag = node.entries.get(key) if isinstance(node, Table) else None
        if not isinstance(tag, Scalar):
            return refuse(tag or node, (at, key), problems, wanted)
        if tag.text not in readers:
            message = f"{wanted}, not {shown(tag.text)}"
            return refuse(tag, (at, key), problems, message)
        return readers[tag.text](node, at, problems)

    return read_tagged


def tags_of(kinds: list[Any]) -> tuple[str, dict[str, Any]]:
    """
    Find the key that tells tables apart, and which of *kinds* each value means.

    Raises:
        TypeError: there is none.
    """
    choices = [_literals_of(kind) for kind in kinds]
    for key in choices[0]:
        tags = {
            tag: kind
            for kind, each in zip(kinds, choices, strict=True)
            for tag in each.get(key, ())
        }
        # Fewer when two kinds have a value in common.
        if len(tags) == sum(len(each.get(key, ())) for each in choices) and all(
            key in each for each in choices
        ):
            return key, tags
    raise TypeError(f"nothing tells {kinds} apart: give each a Literal of its own")


def _literals_of(kind: Any) -> dict[str, tuple[str, ...]]:
    if not attrs.has(kind):
        return {}
    hints = annotations_of(kind)
    return {
        key_of(attribute): tuple(map(spelt, typing.get_args(hints[attribute.name])))
        for attribute in file_attributes(kind)
        if typing.get_origin(hints[attribute.name]) is Literal
    }
