"""
Members of a request's objects, checked for their types, and what is left when all were read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.errors import InvalidRequest

if TYPE_CHECKING:
    from gateway.neutral import Losses

_NAMES = {
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "an object",
}


class Fields:
    """
    One object of a request; every member is asked for once.

    Args:
        doc: The object.
        path: Where it stands in the request: ``input[3].content``; "" for the request.

    Raises:
        InvalidRequest: if *doc* is no object.
    """

    __slots__ = ("_left", "path")

    def __init__(self, doc: Any, path: str = "") -> None:
        if doc.__class__ is not dict:
            raise InvalidRequest(f"{path or 'the body'}: must be an object")
        self._left: dict[str, Any] = dict(doc)
        self.path = path

    def at(self, key: str) -> str:
        """
        Name the member at *key* as the caller knows it.
        """
        return f"{self.path}.{key}" if self.path else key

    def any(self, key: str) -> Any:
        """
        Take the member at *key*, whatever it is.
        """
        return self._left.pop(key, None)

    def string(self, key: str) -> str | None:
        """
        Take a string; None where there is none.
        """
        value: str | None = self._take(key, str)
        return value

    def needed(self, key: str) -> str:
        """
        Take a string that must be there.
        """
        value = self.string(key)
        if value is None:
            raise InvalidRequest(f"{self.at(key)}: a string is required")
        return value

    def flag(self, key: str) -> bool | None:
        """
        Take true or false.
        """
        value: bool | None = self._take(key, bool)
        return value

    def integer(self, key: str) -> int | None:
        """
        Take an integer.
        """
        value: int | None = self._take(key, int)
        return value

    def number(self, key: str) -> float | None:
        """
        Take a number.
        """
        if self._left.get(key).__class__ is int:
            return self.integer(key)
        value: float | None = self._take(key, float)
        return value

    def items(self, key: str) -> list[Any]:
        """
        Take a list; an empty one where there is none.
        """
        value: list[Any] | None = self._take(key, list)
        return value or []

    def object(self, key: str) -> dict[str, Any] | None:
        """
        Take an object.
        """
        value: dict[str, Any] | None = self._take(key, dict)
        return value

    def below(self, key: str) -> Fields:
        """
        Take an object as `Fields`; without members where there is none.
        """
        return Fields(self.object(key) or {}, self.at(key))

    def rest(self) -> dict[str, Any]:
        """
        Return the members that nobody took and that say something.
        """
        return {key: value for key, value in self._left.items() if value is not None}

    def drop_rest(self, losses: Losses, name: str) -> None:
        """
        Record the members that nobody took, each as a field of *name*.
        """
        for key in self.rest():
            losses.drop(f"{name}.{key}", "only OpenAI's Responses know it")

    def _take(self, key: str, kind: type) -> Any:
        value = self._left.pop(key, None)
        if value is None or value.__class__ is kind:
            return value
        if kind is float and isinstance(
            value, float
        ):  # a number too large for a double
            return value
        raise InvalidRequest(f"{self.at(key)}: must be {_NAMES[kind]}")
