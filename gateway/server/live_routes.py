"""
Routes that follow the settings: those of the plugins that are active at this moment.

aiohttp's table is closed once an application runs.  One entry of it looks the plugins' routes up
in a table of its own, which is made anew when a reload has changed them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gateway.registrations import Route

#: Below this every route of a plugin stands.
ROOT: Final = "/api"


class LiveRoutes(web.AbstractRouteDef):
    """
    An entry of aiohttp's table that stands for the routes of the plugins that are active.

    Args:
        routes: Asked for them, each with its plugin's name; the same sequence while nothing
            has changed.
        define: Makes aiohttp's route of one.
    """

    def __init__(
        self,
        routes: Callable[[], Sequence[tuple[Route, str]]],
        define: Callable[[Route, str], web.AbstractRouteDef],
    ) -> None:
        self._routes = routes
        self._define = define

    def register(self, router: web.UrlDispatcher) -> list[web.AbstractRoute]:
        """
        Take the place in *router*.
        """
        router.register_resource(_LiveResource(self._routes, self._define))
        return []


class _LiveResource(web.AbstractResource):
    def __init__(
        self,
        routes: Callable[[], Sequence[tuple[Route, str]]],
        define: Callable[[Route, str], web.AbstractRouteDef],
    ) -> None:
        super().__init__()
        self._routes = routes
        self._define = define
        self._known: Sequence[tuple[Route, str]] = ()
        self._table = web.UrlDispatcher()

    @property
    def canonical(self) -> str:
        """
        Where aiohttp asks: at everything below `ROOT`, after the paths that it knows itself.
        """
        return f"{ROOT}/{{plugins}}"

    async def resolve(
        self, request: web.Request
    ) -> tuple[web.UrlMappingMatchInfo | None, set[str]]:
        """
        Find the route for *request* among those in force.
        """
        found = await self._current().resolve(request)
        return (found if found.http_exception is None else None), set()

    def _current(self) -> web.UrlDispatcher:
        routes = self._routes()
        if routes is not self._known:
            table = web.UrlDispatcher()
            for route, plugin in routes:
                self._define(route, plugin).register(table)
            self._table, self._known = table, routes
        return self._table

    def url_for(self, **kwargs: str) -> URL:
        """
        Give none: nobody builds links to it.
        """
        raise NotImplementedError

    def add_prefix(self, prefix: str) -> None:
        """
        Have none: it is part of no sub-application.
        """
        raise NotImplementedError

    def raw_match(self, path: str) -> bool:
        """
        Tell that nobody names it.
        """
        return False

    def get_info(self) -> Any:
        """
        Tell where it stands.
        """
        return {"path": self.canonical}

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return iter(())

    def __len__(self) -> int:
        return 0
