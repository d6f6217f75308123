"""
Every route of the management API, each with the permission that it needs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Final, Literal, Protocol

from aiohttp import web

from gateway import Route
from gateway_governance.api.office import Office
from gateway_governance.api.owners import CustomerRoutes, TeamRoutes
from gateway_governance.api.virtual_keys import VirtualKeyRoutes

if TYPE_CHECKING:
    from gateway_governance.governor import Governor

ROOT: Final = "/api/governance"
READ: Final = "governance:read"
WRITE: Final = "governance:write"
PUBLIC: Final = "public"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Entities(Protocol):
    """
    Answers for one kind of entity.
    """

    async def list(self, request: web.Request) -> web.Response:
        """
        List them.
        """

    async def create(self, request: web.Request) -> web.Response:
        """
        Create one.
        """

    async def get(self, request: web.Request) -> web.Response:
        """
        Show one.
        """

    async def update(self, request: web.Request) -> web.Response:
        """
        Change one.
        """

    async def delete(self, request: web.Request) -> web.Response:
        """
        Remove one.
        """


def routes(governor: Callable[[], Governor]) -> Iterator[Route]:
    """
    Yield every route.

    Args:
        governor: Returns what governance works with, once its life began.
    """
    office = Office(governor)
    keys = VirtualKeyRoutes(office)
    # Before the routes of one key: aiohttp takes the first that fits.
    yield _route(
        "GET", "/virtual-keys/quota", PUBLIC, keys.quota, "What is left of it."
    )
    yield from _entities("/virtual-keys", keys)
    yield _route("POST", "/virtual-keys/{id}/rotate", WRITE, keys.rotate, "New value.")
    yield from _entities("/teams", TeamRoutes(office))
    yield from _entities("/customers", CustomerRoutes(office))


def _entities(path: str, handlers: Entities) -> Iterator[Route]:
    """
    Yield the five routes of one kind of entity.
    """
    one = f"{path}/{{id}}"
    yield _route("GET", path, READ, handlers.list, "Lists them.")
    yield _route("POST", path, WRITE, handlers.create, "Creates one.")
    yield _route("GET", one, READ, handlers.get, "Shows one.")
    yield _route("PUT", one, WRITE, handlers.update, "Changes one.")
    yield _route("DELETE", one, WRITE, handlers.delete, "Removes one.")


def _route(
    method: Method, path: str, permission: str, handler: Handler, summary: str
) -> Route:
    return Route(
        method=method,
        path=ROOT + path,
        permission=permission,
        handler=handler,
        summary=summary,
    )
