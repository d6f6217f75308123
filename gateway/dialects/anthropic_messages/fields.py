"""
Reads one object of a request member by member, so that what nobody took can be told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from gateway.errors import InvalidRequest

if TYPE_CHECKING:
    from gateway.neutral import Losses

_T = TypeVar("_T")

_NAMES: Final[dict[type, str]] = {
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "an object",
}


class Fields:
    """
    The members of one object that have not been taken yet.

    Args:
        doc: The object.
        path: Where it stands in the request, for errors and losses: ``messages[3]``.
    """

    __slots__ = ("_left", "path")

    def __init__(self, doc: Any, path: str) -> None:
        if not isinstance(doc, dict):
            raise InvalidRequest(f"{path}: must be an object")
        self._left: dict[str, Any] = dict(doc)
        self.path = path

    def take(self, key: str, kind: type[_T]) -> _T | None:
        """
        Take the member at *key*; None if it is absent or null.

        Raises:
            InvalidRequest: if it is of another type; quotes nothing.
        """
        value = self._left.pop(key, None)
        if value is None:
            return None
        if kind is float and value.__class__ is int:
            kind = cast("type[_T]", int)
        if not isinstance(value, kind) or (
            value.__class__ is bool and kind is not bool
        ):
            raise InvalidRequest(f"{self.at(key)}: must be {_NAMES[kind]}")
        return value

    def take_any(self, key: str) -> Any:
        """
        Take the member at *key*, whatever it is.
        """
        return self._left.pop(key, None)

    def at(self, key: str) -> str:
        """
        Name the place of the member at *key*.
        """
        return f"{self.path}.{key}" if self.path else key

    def rest(self) -> dict[str, Any]:
        """
        Return the members that nobody took; nulls say nothing.
        """
        return {key: value for key, value in self._left.items() if value is not None}

    def drop_rest(self, losses: Losses, name: str) -> None:
        """
        Record what nobody took as dropped, each as a field of *name*.
        """
        for key in self.rest():
            losses.drop(f"{name}.{key}", "only Anthropic knows it")
