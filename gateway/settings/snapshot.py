"""
The snapshot as a document again, for the management API and for ``diff``.

Secrets are shown as the references that they are in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Any

import attrs

from gateway.settings.model import Settings
from gateway.settings.nodes import PluginTable, Unread
from gateway.settings.problems import join, may_be_secret
from gateway.settings.tables import file_attributes, key_of
from gateway.settings.values import SecretRef

#: Stands for a text that looks like a credential, in a field that is no reference.
HIDDEN = "(hidden)"


def settings_as_dict(settings: Settings) -> dict[str, Any]:
    """
    Render *settings* as it would stand in the file, defaults written out.

    Plugins' tables are shown as they were written.  What looks like a credential
    although it is no reference is not shown.
    """
    return {
        key_of(attribute): _rendered(getattr(settings, attribute.name))
        for attribute in file_attributes(Settings)
    }


def find_secrets(value: Any) -> Iterator[tuple[tuple[str | int, ...], SecretRef]]:
    """
    Yield each reference within *value*, settings of any class, and the way to it.
    """
    if isinstance(value, SecretRef):
        yield (), value
        return
    for step, below in _below(value):
        for steps, reference in find_secrets(below):
            yield (step, *steps), reference


def changed_paths(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """
    Yield each path at which two rendered documents differ, with both values.

    What is missing on one side is None there; a table or list that is missing as a
    whole is one change.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from changed_paths(old.get(key), new.get(key), join(path, key))
    elif (
        isinstance(old, list)
        and isinstance(new, list)
        and len(old) == len(new)
        and any(isinstance(item, (dict, list)) for item in old)
    ):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from changed_paths(before, after, join(path, index))
    elif old != new:
        yield path, old, new


def _below(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, type | Unread):
        return
    if attrs.has(type(value)):
        for attribute in file_attributes(type(value)):
            yield key_of(attribute), getattr(value, attribute.name)
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)


def _rendered(value: Any) -> Any:
    if isinstance(value, PluginTable | Unread):
        return _rendered(value.plain())
    if isinstance(value, Mapping):
        return {str(key): _rendered(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, AbstractSet)):
        return [_rendered(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Enum):
        return _rendered(value.value)
    if attrs.has(type(value)) and not hasattr(value, "parse"):
        return {step: _rendered(item) for step, item in _below(value)}
    text = str(value)
    return HIDDEN if may_be_secret(text) else text
