"""
Strict reading of what a management request brings: nothing unknown, nothing of another type.

Everything that is wrong with a body is told at once, each with its place; nothing is changed then.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeVar, overload

import attrs
from aiohttp import web

from gateway.management import ApiError, read_json
from gateway_governance.owners import nano_of

T = TypeVar("T")

#: More digits, or a greater exponent, no amount of money has.
_MAX_DIGITS: Final = 40
_MAX_ITEMS: Final = 1_000
_LATEST: Final = 253_402_300_799.0  # the end of the year 9999


@attrs.frozen
class Fault:
    """
    One thing that is wrong with a request.

    Attributes:
        path: Where: ``provider_configs[0].budgets[1].max_limit``.
    """

    path: str
    message: str


def refuse(
    faults: Sequence[Fault], *, outcome: str = "Nothing was changed"
) -> ApiError:
    """
    Make the answer to a request with *faults*.
    """
    told = "; ".join(f"{one.path}: {one.message}" for one in faults[:3])
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return ApiError(
        400,
        "invalid_request",
        f"{outcome}: {told}{more}",
        problems=[attrs.asdict(one) for one in faults],
    )


async def read_body(request: web.Request) -> Body:
    """
    Read the JSON object that *request* brings; none is an empty one.

    Raises:
        ApiError: 400; it is something else.
    """
    document = await read_json(request, default={}, exact=True)
    if not isinstance(document, dict):
        raise ApiError(400, "invalid_request", "The body must be a JSON object.")
    return Body(document)


class Body:
    """
    One JSON object, read key by key; `close` finds what nobody asked for.

    A method for a key returns *default* where the key is absent or its value is wrong; the fault
    is kept for `close`.
    """

    def __init__(
        self,
        members: Mapping[str, Any],
        path: str = "",
        faults: list[Fault] | None = None,
    ) -> None:
        self.path = path
        self.faults: list[Fault] = [] if faults is None else faults
        self._members = members
        self._known: dict[str, None] = {}

    def has(self, key: str) -> bool:
        """
        Tell whether *key* stands in it, be it null.
        """
        self._known[key] = None
        return key in self._members

    def is_null(self, key: str) -> bool:
        """
        Tell whether *key* is null.
        """
        return self.has(key) and self._members[key] is None

    def blame(self, key: str | int, message: str) -> None:
        """
        Note that *key* is wrong.
        """
        self.faults.append(Fault(self.place(key), message))

    def place(self, key: str | int) -> str:
        """
        Return the path of *key*.
        """
        if isinstance(key, int):
            return f"{self.path}[{key}]"
        return f"{self.path}.{key}" if self.path else key

    def close(self) -> None:
        """
        Note every key that nobody asked for.
        """
        for key in self._members:
            if key not in self._known:
                near = difflib.get_close_matches(key[:64], list(self._known), n=1)
                said = f", did you mean {near[0]}?" if near else ""
                self.blame(key[:64], f"unknown key{said}")

    def check(self) -> None:
        """
        End the reading of a whole body.

        Raises:
            ApiError: 400, if anything is wrong with it.
        """
        self.close()
        if self.faults:
            raise refuse(self.faults)

    # --- values -----------------------------------------------------------------------------

    @overload
    def text(self, key: str, default: str) -> str: ...
    @overload
    def text(self, key: str, default: None = None) -> str | None: ...
    def text(self, key: str, default: str | None = None) -> str | None:
        """
        Read text; null is the default.
        """
        found: str | None = self._of(key, str, "text", default)
        return found

    def name(self, key: str, default: str | None) -> str | None:
        """
        Read a reference: null or empty is none, absent is *default*.
        """
        if not self.has(key):
            return default
        return self._of(key, str, "text", None) or None

    def required(self, key: str, default: str | None = None) -> str:
        """
        Read text that must be there, unless there is a *default*.
        """
        if default is None and (not self.has(key) or self.is_null(key)):
            self.blame(key, "is required")
            return ""
        return self.text(key, default or "")

    @overload
    def flag(self, key: str, default: bool) -> bool: ...
    @overload
    def flag(self, key: str, default: None = None) -> bool | None: ...
    def flag(self, key: str, default: bool | None = None) -> bool | None:
        """
        Read true or false; null is the default.
        """
        found: bool | None = self._of(key, bool, "true or false", default)
        return found

    def whole(self, key: str, default: int | None = None) -> int | None:
        """
        Read a whole number; null is none, absent is *default*.
        """
        if not self.has(key):
            return default
        found: int | None = self._of(key, int, "a whole number", None)
        return found

    def number(self, key: str, default: float | None = None) -> float | None:
        """
        Read a number; null is none, absent is *default*.
        """
        if not self.has(key):
            return default
        found = self._of(key, (int, Decimal), "a number", None)
        return None if found is None else _as_float(found)

    def nano(self, key: str, default: int | None = None) -> int | None:
        """
        Read an amount of USD as nano-USD, digit by digit; null is the default.
        """
        found = self._of(key, (int, Decimal), "a number of USD", None)
        if found is None:
            return default
        try:
            return nano_of_number(found)
        except ValueError as exc:
            self.blame(key, str(exc))
            return default

    def moment(self, key: str, default: float | None = None) -> float | None:
        """
        Read a time in RFC 3339 as Unix seconds; null is none, absent is *default*.
        """
        if not self.has(key):
            return default
        found = self._of(key, str, "a time such as 2027-12-31T23:59:59Z", None)
        if found is None:
            return None
        try:
            return read_moment(found)
        except ValueError as exc:
            self.blame(key, str(exc))
            return default

    def choice(self, key: str, options: Mapping[str, T], default: T) -> T:
        """
        Read one of the words of *options*; null is the default.
        """
        found = self._of(key, str, "text", None)
        if found is None:
            return default
        if found not in options:
            self.blame(key, f"must be one of {' '.join(options)}")
            return default
        return options[found]

    def texts(
        self, key: str, default: tuple[str, ...] | None
    ) -> tuple[str, ...] | None:
        """
        Read a list of texts; null is none, absent is *default*.
        """
        if not self.has(key):
            return default
        items = self._items(key)
        if items is None:
            return None
        if not all(isinstance(item, str) for item in items):
            self.blame(key, "must be a list of texts")
            return default
        return tuple(items)

    def words(self, key: str, default: Mapping[str, str]) -> Mapping[str, str]:
        """
        Read an object of texts; null is empty, absent is *default*.
        """
        if not self.has(key):
            return default
        found = self._of(key, dict, "an object of texts", {})
        if not all(isinstance(value, str) for value in found.values()):
            self.blame(key, "must be an object of texts")
            return default
        return dict(found)

    def mapping(self, key: str) -> Mapping[str, Any] | None:
        """
        Read an object whose keys are anything.
        """
        found: Mapping[str, Any] | None = self._of(key, dict, "an object", None)
        return found

    def table(self, key: str) -> Body | None:
        """
        Read an object, to be read in turn.
        """
        found = self._of(key, dict, "an object", None)
        return None if found is None else Body(found, self.place(key), self.faults)

    def tables(self, key: str) -> list[Body] | None:
        """
        Read a list of objects, each to be read in turn; None where there is none.
        """
        items = self._items(key)
        if items is None:
            return None
        bodies = []
        for index, item in enumerate(items):
            place = f"{self.place(key)}[{index}]"
            if not isinstance(item, dict):
                self.faults.append(Fault(place, "must be an object"))
                continue
            bodies.append(Body(item, place, self.faults))
        return bodies

    def _items(self, key: str) -> list[Any] | None:
        items: list[Any] | None = self._of(key, list, "a list", None)
        if items is not None and len(items) > _MAX_ITEMS:
            self.blame(key, f"at most {_MAX_ITEMS} entries")
            return []
        return items

    def _of(self, key: str, kind: Any, noun: str, default: Any) -> Any:
        if not self.has(key):
            return default
        value = self._members[key]
        if value is None:
            return default
        if not isinstance(value, kind) or (
            isinstance(value, bool) and kind is not bool
        ):
            self.blame(key, f"must be {noun}")
            return default
        return value


def nano_of_number(usd: int | Decimal) -> int:
    """
    Turn an amount of USD into nano-USD, exactly.

    Raises:
        ValueError: it is finer than a nano-USD, or absurd.
    """
    exact = Decimal(usd)
    _, digits, exponent = exact.as_tuple()
    if (
        not isinstance(exponent, int)
        or len(digits) > _MAX_DIGITS
        or abs(exponent) > _MAX_DIGITS
    ):
        msg = "is no amount of USD"
        raise ValueError(msg)
    return nano_of(exact)


def read_moment(text: str) -> float:
    """
    Read a time in RFC 3339.

    Raises:
        ValueError: it is none, or has no zone.
    """
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return min(found.timestamp(), _LATEST)
    except (ValueError, OverflowError):
        pass
    msg = "must be a time with its zone, such as 2027-12-31T23:59:59Z"
    raise ValueError(msg)


def _as_float(number: int | Decimal) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf
