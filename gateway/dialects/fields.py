"""
Reads an object of a request one member at a time, and knows what nobody read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from gateway.errors import InvalidRequest

if TYPE_CHECKING:
    from gateway.outcomes import Losses

_T = TypeVar("_T")

_CALLED: Final[dict[type, str]] = {
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "an object",
}
_ACCEPTED: Final[dict[type, Any]] = {float: (int, float)}


class Fields:
    """
    The members of one object, each taken once.

    Args:
        raw: The object; anything else is the caller's fault.
        place: Where it stands in the request, ``messages[3].content[0]``; "" at the top.

    Raises:
        InvalidRequest: if *raw* is no object.
    """

    __slots__ = ("_left", "place", "raw")

    def __init__(self, raw: Any, place: str = "") -> None:
        if not isinstance(raw, dict):
            raise InvalidRequest(f"{place or 'the body'}: must be an object")
        self.raw: dict[str, Any] = raw
        self.place = place
        self._left = dict(raw)

    def at(self, key: str) -> str:
        """
        Say where *key* stands.
        """
        return f"{self.place}.{key}" if self.place else key

    def take(self, key: str, kind: type[_T]) -> _T | None:
        """
        Take what stands at *key*; None if nothing or null does.

        Raises:
            InvalidRequest: if it is of another type; quotes nothing.
        """
        value = self._left.pop(key, None)
        if value is None:
            return None
        is_other = isinstance(value, bool) and kind is not bool  # a bool is an int
        if is_other or not isinstance(value, _ACCEPTED.get(kind, kind)):
            raise InvalidRequest(f"{self.at(key)}: must be {_CALLED[kind]}")
        taken: _T = value
        return taken

    def take_any(self, key: str) -> Any:
        """
        Take what stands at *key*, whatever it is.
        """
        return self._left.pop(key, None)

    def needed(self, key: str) -> str:
        """
        Take a string that must be there.
        """
        value = self.take(key, str)
        if value is None:
            raise InvalidRequest(f"{self.at(key)}: a string is required")
        return value

    def members(self, key: str) -> list[Any]:
        """
        Take a list; an empty one if nothing stands there.
        """
        return self.take(key, list) or []

    def objects(self, key: str) -> list[Fields]:
        """
        Take a list of objects.
        """
        return [
            Fields(member, f"{self.at(key)}[{index}]")
            for index, member in enumerate(self.members(key))
        ]

    def inner(self, key: str) -> Fields:
        """
        Take an object; an empty one if nothing stands there.
        """
        return Fields(self.take(key, dict) or {}, self.at(key))

    def rest(self) -> dict[str, Any]:
        """
        Return what nobody took, nulls left out: they ask for nothing.
        """
        return {key: value for key, value in self._left.items() if value is not None}

    def drop_rest(self, losses: Losses, name: str) -> None:
        """
        Record what nobody took of an object that is called *name*.
        """
        for key in self.rest():
            losses.drop(f"{name}.{key}", "it has no counterpart in other dialects")
