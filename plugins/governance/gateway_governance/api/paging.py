"""
Which part of a list is asked for, and in which order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from operator import attrgetter
from typing import Any, Final

import attrs
from aiohttp import web

from gateway_governance.api.bodies import Body, Fault, read_moment, refuse

MAX_LIMIT: Final = 1_000
_MAX_OFFSET: Final = 10**9
_TRUE: Final = {"true": True, "1": True, "false": False, "0": False}
_ORDERS: Final = {
    "name": attrgetter("name"),
    "created_at": attrgetter("created_at", "name"),
    "updated_at": attrgetter("updated_at", "name"),
}

Filter = Callable[[Any], bool]


class Query:
    """
    The parameters of a request, read one by one; one that nobody asked for is refused.
    """

    def __init__(self, request: web.Request) -> None:
        members: dict[str, Any] = dict(request.query)
        self._body = Body(members)
        self.flag("from_memory")
        for name in members:
            if len(request.query.getall(name)) > 1:
                self._body.blame(name, "stands twice")

    def text(self, name: str) -> str | None:
        """
        Read a text; empty is none.
        """
        return self._body.text(name) or None

    def flag(self, name: str) -> bool | None:
        """
        Read true or false.
        """
        told = self.text(name)
        if told is not None and told.lower() not in _TRUE:
            self._body.blame(name, "must be true or false")
            return None
        return None if told is None else _TRUE[told.lower()]

    def whole(self, name: str, default: int, *, least: int, most: int) -> int:
        """
        Read a whole number from *least* to *most*.
        """
        told = self.text(name)
        if told is None:
            return default
        if not (told.isascii() and told.isdigit() and len(told) < 12):
            self._body.blame(name, "must be a whole number")
            return default
        if not least <= int(told) <= most:
            self._body.blame(name, f"must be from {least} to {most}")
            return default
        return int(told)

    def moment(self, name: str) -> float | None:
        """
        Read a time.
        """
        told = self.text(name)
        if told is None:
            return None
        try:
            # A + in a query that nobody escaped arrives as a blank.
            return read_moment(told.replace(" ", "+"))
        except ValueError as exc:
            self._body.blame(name, str(exc))
            return None

    def choice(self, name: str, options: Collection[str], default: str) -> str:
        """
        Read one of the words of *options*.
        """
        return self._body.choice(name, {each: each for each in options}, default)

    def page(self, default: int = MAX_LIMIT) -> tuple[int, int]:
        """
        Read limit and offset.
        """
        limit = self.whole("limit", default, least=1, most=MAX_LIMIT)
        return limit, self.whole("offset", 0, least=0, most=_MAX_OFFSET)

    def blame(self, name: str, message: str) -> None:
        """
        Note that parameter *name* is wrong.
        """
        self._body.blame(name, message)

    def check(self) -> None:
        """
        End the reading.

        Raises:
            ApiError: 400, if anything is wrong.
        """
        self._body.close()
        if self._body.faults:
            faults = [Fault(f"?{one.path}", one.message) for one in self._body.faults]
            raise refuse(faults, outcome="Nothing was looked up")


@attrs.frozen(kw_only=True)
class Selection:
    """
    Which entities are asked for.

    Attributes:
        search: In names and descriptions, whatever the capitals.
        equal: Attributes and what they must be.
        sort_by: The attribute to sort by.
    """

    limit: int = MAX_LIMIT
    offset: int = 0
    search: str = ""
    equal: Mapping[str, Any] = attrs.field(factory=dict)
    sort_by: str = "created_at"
    is_descending: bool = False

    @property
    def page(self) -> tuple[int, int]:
        """
        Limit and offset.
        """
        return self.limit, self.offset

    def of(self, entities: Iterable[Any]) -> tuple[list[Any], int]:
        """
        Return the page, and how many there are in all.
        """
        found = [one for one in entities if self._takes(one)]
        found.sort(key=_ORDERS[self.sort_by], reverse=self.is_descending)
        return found[self.offset : self.offset + self.limit], len(found)

    def _takes(self, entity: Any) -> bool:
        if any(getattr(entity, name) != value for name, value in self.equal.items()):
            return False
        if not self.search:
            return True
        told = f"{entity.name}\n{getattr(entity, 'description', '')}"
        return self.search in told.casefold()


def read_selection(
    request: web.Request,
    texts: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
) -> Selection:
    """
    Read what a list is asked for.

    Args:
        texts: Parameters that an attribute must equal: parameter -> attribute.
        flags: Likewise, of true and false.
    """
    query = Query(request)
    limit, offset = query.page()
    equal: dict[str, Any] = {
        attribute: told
        for name, attribute in (texts or {}).items()
        if (told := query.text(name)) is not None
    }
    for name, attribute in (flags or {}).items():
        flag = query.flag(name)
        if flag is not None:
            equal[attribute] = flag
    selection = Selection(
        limit=limit,
        offset=offset,
        search=(query.text("search") or "").casefold(),
        equal=equal,
        sort_by=query.choice("sort_by", _ORDERS, "created_at"),
        is_descending=query.choice("order", ("asc", "desc"), "asc") == "desc",
    )
    query.check()
    return selection
