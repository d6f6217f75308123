"""
What a provider wrote, taken as it is: a value of another type than expected counts as absent.
"""

from __future__ import annotations

from typing import Any


def string_at(doc: dict[str, Any], key: str) -> str:
    """
    Return the string at *key*; "" where there is none.
    """
    value = doc.get(key)
    return value if isinstance(value, str) else ""


def object_at(doc: Any, key: str) -> dict[str, Any]:
    """
    Return the object at *key*; an empty one where there is none.
    """
    value = doc.get(key) if isinstance(doc, dict) else None
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """
    Return the objects in *value*, which should be a list of them.
    """
    members = value if isinstance(value, list) else []
    return [member for member in members if isinstance(member, dict)]


def count_at(doc: dict[str, Any], key: str) -> int:
    """
    Return the count at *key*; 0 where there is none.
    """
    value = doc.get(key)
    return value if isinstance(value, int) and is_count(value) else 0


def is_count(value: Any) -> bool:
    """
    Tell whether *value* is a whole number, and not below zero.
    """
    return value.__class__ is int and bool(value >= 0)
