"""
The aiohttp applications: one for callers, one for management, or both on one listener.

::

    health = Health()
    callers = callers_app(gateway, health, watchers=[metrics.turned_away], routes=management)
    runner = make_runner(callers, gateway)      # instead of web.AppRunner
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 8080)

Management routes are a list of aiohttp route definitions.  They go to `callers_app` where one
listener serves both, and to `admin_app` where ``server.admin_listen`` is set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

from gateway.clock import SystemClock
from gateway.server.callers import Callers
from gateway.server.connection import Deadlines, GatewayRunner
from gateway.server.heads import SERVER_NAME
from gateway.server.reception import Reception

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.clock import Clock
    from gateway.server.health import Health
    from gateway.server.reception import ServedGateway
    from gateway.server.turned_away import TurnedAway

#: The callers of an application, for who wants to know how many requests are under way.
CALLERS: Final = web.AppKey("callers", Callers)
RECEPTION: Final = web.AppKey("reception", Reception)


def callers_app(
    gateway: ServedGateway,
    health: Health,
    *,
    clock: Clock | None = None,
    watchers: Iterable[Callable[[TurnedAway], None]] = (),
    routes: Iterable[web.AbstractRouteDef] = (),
) -> web.Application:
    """
    Build what callers reach: the vendors' routes, health, and *routes* beside them.

    Args:
        watchers: Told of each request that never became an exchange.
        routes: Management routes, where they share the callers' listener.
    """
    clock = clock or SystemClock()

    def tell_plugins(away: TurnedAway) -> None:
        if away.code:
            gateway.publish(away.as_event(clock.now()))

    watchers = (*watchers, tell_plugins)
    reception = Reception(gateway, health, clock=clock, watchers=watchers)
    callers = Callers(reception)
    app = _application()
    app[CALLERS] = callers
    app[RECEPTION] = reception
    app.add_routes(callers.routes())
    app.add_routes(health.routes())
    app.add_routes(routes)
    app.add_routes([callers.last_route()])
    return app


def admin_app(
    health: Health, routes: Iterable[web.AbstractRouteDef]
) -> web.Application:
    """
    Build what operators reach on a listener of their own: *routes*, and health.
    """
    app = _application()
    app.add_routes(health.routes())
    app.add_routes(routes)
    return app


def make_runner(app: web.Application, gateway: ServedGateway) -> GatewayRunner:
    """
    Make the runner of *app*, to which ``web.TCPSite`` and its like are added.

    Shutting down waits for nobody: whoever serves drains first.
    """

    def deadlines() -> Deadlines:
        return Deadlines.of(gateway.settings.server)

    reception = app.get(RECEPTION)
    if reception is None:
        return GatewayRunner(app, deadlines, shutdown_timeout=1.0)
    callers = app[CALLERS]
    return GatewayRunner(
        app,
        deadlines,
        reception.malformed,
        callers.direct(),
        callers.pathless(),
        shutdown_timeout=1.0,
    )


def _application() -> web.Application:
    # client_max_size is for management: callers' bodies have a reader of their own.
    app = web.Application(client_max_size=1024 * 1024)
    app.on_response_prepare.append(_name_no_version)
    return app


async def _name_no_version(request: web.Request, response: web.StreamResponse) -> None:
    response.headers[hdrs.SERVER] = SERVER_NAME
