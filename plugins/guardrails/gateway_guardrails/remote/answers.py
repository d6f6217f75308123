"""
Reading what a service answered: a field that is missing or of another type is no answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway import codec
from gateway_guardrails.remote.failures import garbage, word_of

__all__ = [
    "document",
    "flag",
    "name",
    "number",
    "row",
    "rows",
    "score",
    "table",
    "word",
]


def document(raw: bytes) -> Mapping[str, Any]:
    """
    Read an answer that is one JSON object.

    Raises:
        DetectorFailed: It is none.
    """
    try:
        found = codec.read(raw)
    except codec.JsonError:
        raise garbage("the answer is not JSON") from None
    return row(found, "the answer")


def row(value: Any, name: str) -> Mapping[str, Any]:
    """
    Return *value*, an object.
    """
    if not isinstance(value, Mapping):
        raise garbage(f"{name} is no object")
    return value


def table(owner: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """
    Return the object at *name*.
    """
    return row(owner.get(name), name)


def rows(owner: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """
    Return the objects in the list at *name*.
    """
    return [row(one, name) for one in _list(owner, name)]


def word(owner: Mapping[str, Any], name: str) -> str:
    """
    Return the text at *name*.
    """
    value = owner.get(name)
    if not isinstance(value, str):
        raise garbage(f"{name} is no text")
    return value


def name(owner: Mapping[str, Any], key: str) -> str:
    """
    Return the one short word at *key*: it is recorded, and must not be what was found.
    """
    value = owner.get(key)
    if not word_of(value):
        raise garbage(f"{key} is no word")
    return str(value)


def flag(owner: Mapping[str, Any], name: str) -> bool:
    """
    Return the truth at *name*.
    """
    value = owner.get(name)
    if not isinstance(value, bool):
        raise garbage(f"{name} is neither true nor false")
    return value


def number(owner: Mapping[str, Any], name: str) -> int:
    """
    Return the whole number, 0 or more, at *name*.
    """
    value = owner.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise garbage(f"{name} is no whole number")
    return value


def score(owner: Mapping[str, Any], name: str) -> float:
    """
    Return the number from 0 to 1 at *name*.
    """
    value = owner.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise garbage(f"{name} is no number")
    if not 0 <= value <= 1:
        raise garbage(f"{name} is no number from 0 to 1")
    return float(value)


def _list(owner: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = owner.get(name)
    if not isinstance(value, list):
        raise garbage(f"{name} is no list")
    return value
