"""
Plugins' routes that are there for callers: on their listener, by the rules of their listener.

A ``public`` route asks for no admin token, so whoever may call a model may ask for it, wherever
management answers: what is left of a virtual key's budget is its caller's to know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.management import PUBLIC, Actor, introduce
from gateway.server import guards
from gateway.server.live_routes import LiveRoutes
from gateway.server.management import attend, demand_json, expect_nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.app import Gateway
    from gateway.registrations import Route
    from gateway.settings import Settings


class PublicRoutes:
    """
    Answers the ``public`` routes of the plugins of *gateway* that are active.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._settings: Settings | None = None
        self._door = guards.Door.of(gateway.settings, gateway)
        self._all: Sequence[tuple[Route, str]] = ()
        self._public: Sequence[tuple[Route, str]] = ()

    def table(self) -> web.AbstractRouteDef:
        """
        Return the entry of aiohttp's table that stands for them; before management's own.
        """
        return LiveRoutes(self._routes, self._define)

    def _routes(self) -> Sequence[tuple[Route, str]]:
        routes = self._gateway.routes
        if routes is not self._all:
            self._public = tuple(one for one in routes if one[0].permission == PUBLIC)
            self._all = routes
        return self._public

    def _define(self, route: Route, plugin: str) -> web.RouteDef:
        async def admit(request: web.Request) -> None:
            self._admit(request)

        async def answer(request: web.Request) -> web.StreamResponse:
            return await attend(route, request, admit)

        return web.route(
            route.method, route.path, answer, expect_handler=expect_nothing
        )

    def _admit(self, request: web.Request) -> None:
        """
        Let *request* in as a caller's.

        Raises:
            ExchangeError: It is badly addressed, or comes from where nobody is answered.
        """
        guards.check_target(request.raw_path)
        guards.check_headers(request.headers)
        settings = self._gateway.settings
        if settings is not self._settings:
            self._door = guards.Door.of(settings, self._gateway)
            self._settings = settings
        self._door.check(request)
        demand_json(request)
        introduce(request, Actor(peer=guards.peer_of(request)), settings.server)
