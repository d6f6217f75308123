"""
Reading tables as attrs classes.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from gateway.near import nearest
from gateway.settings.nodes import Node, Scalar, Table
from gateway.settings.problems import Problems
from gateway.settings.words import INVALID, At, Reader, kind_of, refuse, written


def table_of(node: Node, at: At, problems: Problems) -> Table | None:
    """
    Return *node* if it is a table, else note a problem.  Nothing is an empty table.
    """
    if isinstance(node, Table):
        return node
    if isinstance(node, Scalar) and node.is_null:
        return Table(node.mark)
    refuse(node, at, problems, f"must be a table, key: value, not {kind_of(node)}")
    return None


@attrs.frozen
class _Field:
    """
    One key of a table.

    Attributes:
        argument: what the class's constructor calls it.

        is_required: it has no default.
    """

    attribute: attrs.Attribute[Any]
    read: Reader
    argument: str = attrs.field(init=False)
    is_required: bool = attrs.field(init=False)

    @argument.default
    def _alias(self) -> str:
        return self.attribute.alias or self.attribute.name

    @is_required.default
    def _without_default(self) -> bool:
        return self.attribute.default is attrs.NOTHING

    def value(self, arguments: Mapping[str, Any], instance: Any) -> Any:
        """
        Compute what the constructor would set: argument or default, converted.
        """
        attribute = self.attribute
        value = arguments.get(self.argument, attribute.default)
        if isinstance(value, attrs.Factory):  # type: ignore[arg-type]
            value = value.factory(instance) if value.takes_self else value.factory()
        convert: Any = attribute.converter
        if convert is None:
            return value
        if not isinstance(attribute.converter, attrs.Converter):
            return convert(value)
        more = [instance] if convert.takes_self else []
        more += [attribute] if convert.takes_field else []
        return convert.converter(value, *more)

    def validate(self, instance: Any) -> None:
        """
        Run the validator, if there is one, on the value that *instance* has.
        """
        if self.attribute.validator is not None:
            value = getattr(instance, self.attribute.name)
            self.attribute.validator(instance, self.attribute, value)


@attrs.define(eq=False)
class TableReader:
    """
    Reads a table as an attrs class, or its short form where there is one.

    The fields' readers are made at first use, so that a class may hold itself.
    """

    kind: type[Any]
    reader_for: Callable[[Any], Reader]
    read_short: Reader | None = None
    _fields: dict[str, _Field] | None = attrs.field(default=None, init=False)

    def __call__(self, node: Node, at: At, problems: Problems) -> Any:
        """
        Read *node*.
        """
        if self.read_short and isinstance(node, Scalar) and not node.is_null:
            return self.read_short(node, at, problems)
        table = table_of(node, at, problems)
        if table is None:
            return INVALID
        before = len(problems)
        arguments = self.arguments(table, at, problems)
        reason = ""
        if len(problems) == before:
            try:
                return self.kind(**arguments)
            except ValueError as exc:
                reason = str(exc)
        # A field that is broken has no value, so that nothing is compared with it.
        fields = {
            key: field
            for key, field in self.fields.items()
            if field.argument in arguments
            or not (field.is_required or key in table.entries)
        }
        faults = _faults(self.kind, fields, arguments)
        for key, message in faults.items():
            refuse(table.entries.get(key, table), (at, key), problems, message)
        if reason and not faults:
            refuse(table, at, problems, reason)
        return INVALID

    def arguments(self, table: Table, at: At, problems: Problems) -> dict[str, Any]:
        """
        Read what the constructor takes; what is wrong is left out, and noted.
        """
        arguments: dict[str, Any] = {}
        fields = self.fields
        for key, node in table.entries.items():
            field = fields.get(key)
            if field is None:
                message = _unknown_key(key, fields)
                problems.add(table.key_marks[key], written((at, key)), message)
                continue
            value = field.read(node, (at, key), problems)
            if value is not INVALID:
                arguments[field.argument] = value
        for key, field in fields.items():
            if field.is_required and key not in table.entries:
                problems.add(table.mark, written((at, key)), "required, but missing")
        return arguments

    @property
    def fields(self) -> Mapping[str, _Field]:
        """
        The keys of the table.

        Raises:
            TypeError: an annotation cannot be read.
        """
        if self._fields is None:
            self._fields = self._read_fields()
        return self._fields

    def _read_fields(self) -> dict[str, _Field]:
        hints = annotations_of(self.kind)
        fields = {}
        for attribute in file_attributes(self.kind):
            try:
                reader = self.reader_for(hints.get(attribute.name, Any))
            except TypeError as exc:
                msg = f"{self.kind.__qualname__}.{attribute.name}: {exc}"
                raise TypeError(msg) from exc
            fields[key_of(attribute)] = _Field(attribute, reader)
        return fields


def file_attributes(kind: type[Any]) -> list[attrs.Attribute[Any]]:
    """
    List the attributes of *kind* that are keys of its table.

    Not those that the constructor does not take, nor ``metadata={"in_file": False}``.
    """
    return [
        attribute
        for attribute in attrs.fields(kind)
        if attribute.init and attribute.metadata.get("in_file", True)
    ]


def key_of(attribute: attrs.Attribute[Any]) -> str:
    """
    Return how the file calls *attribute*: its name, or ``metadata={"key": …}``.
    """
    return str(attribute.metadata.get("key", attribute.name))


def annotations_of(kind: type[Any]) -> dict[str, Any]:
    """
    Resolve the annotations of *kind*.

    Raises:
        TypeError: one names what is not there at run time.
    """
    try:
        return typing.get_type_hints(kind, include_extras=True)
    except NameError as exc:
        # Imported for type checkers only, or made inside a function.
        msg = (
            f"{kind.__qualname__}: {exc}; import what its annotations name where "
            "it exists at run time"
        )
        raise TypeError(msg) from exc


def _unknown_key(key: str, known: Iterable[str]) -> str:
    known = list(known)
    near = nearest(key, known)
    if near:
        return f"unknown key, did you mean {near[0]}?"
    return f"unknown key; known are {' '.join(known)}" if known else "unknown key"


def _faults(
    kind: type[Any], fields: Mapping[str, _Field], arguments: Mapping[str, Any]
) -> dict[str, str]:
    """
    Say which fields' converters and validators raise, and what: all of them.

    They run again on an object that skipped ``__init__``, because the constructor
    stops at the first and does not say which it was.

    Args:
        fields: those that have a value, given or by default.
    """
    faults = {}
    bare = object.__new__(kind)
    for key, field in fields.items():
        try:
            value = field.value(arguments, bare)
            object.__setattr__(bare, field.attribute.name, value)
        except ValueError as exc:
            faults[key] = str(exc)
    for key, field in fields.items():
        if key not in faults and field.argument in arguments:
            try:
                field.validate(bare)
            except ValueError as exc:
                faults[key] = str(exc)
            except AttributeError:
                continue  # it compares with a field that is missing or broken
    return faults
