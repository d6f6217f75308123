"""
The core's management routes: one table, each row with the permission that it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import hdrs, web

from gateway import codec
from gateway.errors import PluginError
from gateway.exposition import CONTENT_TYPE
from gateway.management import (
    ApiError,
    actor_of,
    error_response,
    json_response,
    read_json,
)
from gateway.registrations import Route
from gateway.server.explaining import Ask, read_ask
from gateway.server.live_routes import LiveRoutes
from gateway.server.management import Desk, check_route
from gateway.settings import settings_as_dict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.app import Gateway
    from gateway.providers.provider import Provider
    from gateway.server.fleet import Fleet

    _Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: A request to be explained is as long as requests may be.
_MAX_EXPLAINED_BYTES: Final = 1 << 30
#: For whoever wants to know which routes the core has, not to call them.
_NOBODY: Final[Any] = None
METRICS_PATH: Final = "/metrics"

# What an operator's own request carries, or the connection; never the explained request's.
_NOT_PASSED_ON: Final = frozenset(
    {"authorization", "connection", "content-length", "cookie", "host"}
)


class Offices:
    """
    Answers the core's management routes for one fleet.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def table(self) -> tuple[Route, ...]:
        """
        Return every route of the core.
        """
        return (
            _get("/api/status", "status:read", self._status, "Who serves, how busy."),
            _get("/api/plugins", "plugins:read", self._plugins, "Plugins and costs."),
            _get("/api/settings", "settings:read", self._settings, "What is in force."),
            _get("/api/models", "models:read", self._models, "What callers may name."),
            _get("/api/providers", "providers:read", self._providers, "And health."),
            _get(METRICS_PATH, "metrics:read", self._metrics, "In Prometheus's words."),
            _get(
                "/api/explain/{request_id}",
                "explain:read",
                self._trace,
                "What became of a recent request.",
            ),
            # Reads, although it is a POST: nothing is sent, nothing is counted.
            _post("/api/explain", "explain:read", self._explain, "A dry run."),
            _post(
                "/api/reload", "settings:write", self._reload, "Read settings again."
            ),
        )

    async def _status(self, request: web.Request) -> web.Response:
        status, health = await self._fleet.status(), await self._fleet.health()
        away = [one for one in health if one["state"] != "counting"]
        return json_response({**status, "cooling": away})

    async def _plugins(self, request: web.Request) -> web.Response:
        return json_response({"plugins": await self._fleet.plugins()})

    async def _settings(self, request: web.Request) -> web.Response:
        settings = self._fleet.gateway.settings
        return json_response(
            {"digest": settings.digest, "settings": settings_as_dict(settings)}
        )

    async def _models(self, request: web.Request) -> web.Response:
        models = self._fleet.gateway.models()
        return json_response(
            {
                "models": [
                    {"id": model.id, "provider": model.provider} for model in models
                ]
            }
        )

    async def _providers(self, request: web.Request) -> web.Response:
        health = await self._fleet.health()
        providers = self._fleet.gateway.runtime.providers
        return json_response(
            {
                "providers": [
                    {
                        **_provider(provider),
                        "health": [one for one in health if one["provider"] == name],
                    }
                    for name, provider in providers.items()
                ]
            }
        )

    async def _trace(self, request: web.Request) -> web.Response:
        request_id = request.match_info["request_id"]
        trace = await self._fleet.trace(request_id, actor_of(request).name)
        if trace is None:
            msg = _not_known(self._fleet.gateway)
            raise ApiError(404, "trace_not_found", msg)
        return json_response(trace)

    async def _explain(self, request: web.Request) -> web.Response:
        told = await read_json(request, max_bytes=_MAX_EXPLAINED_BYTES)
        path = request.query.get("path")
        if path is None:
            ask = read_ask(told)
        else:
            raw = codec.dumps(told)
            ask = Ask(request=raw, path=path, headers=_passed_on(request))
        return json_response(await self._fleet.explain(ask))

    async def _metrics(self, request: web.Request) -> web.Response:
        headers = {hdrs.CONTENT_TYPE: CONTENT_TYPE, hdrs.CACHE_CONTROL: "no-store"}
        return web.Response(body=await self._fleet.metrics(), headers=headers)

    async def _reload(self, request: web.Request) -> web.Response:
        if await read_json(request, default={}) != {}:
            msg = "A reload takes no arguments: send {} or nothing."
            raise ApiError(400, "unknown_key", msg)
        return json_response(await self._fleet.reload(actor_of(request).name))


def _not_known(gateway: Gateway) -> str:
    """
    Say where a request was looked for, and what it may be if it is nowhere.
    """
    keepers = [each.name for each in gateway.hooks.plugins if "recall" in each.hooks]
    if keepers:
        return (
            "No request of this id is known: it is neither among the latest thousand that "
            f"each worker remembers nor in what is kept by {', '.join(keepers)}. Another "
            "gateway may have answered it; or it is not finished, was turned away "
            "unread, or was pruned."
        )
    return (
        "No request has this id that is known here: the latest thousand of each "
        "worker are remembered, and none across a restart. For good they are "
        "kept by an audit plugin, and none is installed."
    )


def check_routes(gateway: Gateway) -> None:
    """
    Check that the plugins' routes of *gateway* may be registered.

    Raises:
        PluginError: One has no permission, stands where it must not, or is the core's.
    """
    taken = {route.name for route in Offices(_NOBODY).table()}
    for route, plugin in gateway.routes:
        check_route(route, plugin)
        if route.name in taken:
            msg = f"the route {route.name} is the core's"
            raise PluginError(msg, plugin=plugin, hook="register_routes")


def management_routes(fleet: Fleet, *, is_shared: bool) -> list[web.AbstractRouteDef]:
    """
    Make every management route, guarded; the last takes whatever no other takes.

    A plugin's route is there as long as the plugin is active, whatever a reload changes.

    Args:
        is_shared: They stand on the callers' listener, and so answer this machine only.

    Raises:
        PluginError: A plugin's route has no permission, or is the core's.
    """
    desk = Desk(lambda: fleet.gateway, fleet.publish, fleet.tell, is_shared=is_shared)

    def define(route: Route, plugin: str) -> web.RouteDef:
        return desk.define(_forwarded(route, fleet), plugin)

    check_routes(fleet.gateway)
    routes: list[web.AbstractRouteDef] = [
        desk.define(route) for route in Offices(fleet).table()
    ]
    routes.append(LiveRoutes(lambda: fleet.gateway.routes, define))
    path = "/api/{rest:.*}" if is_shared else "/{rest:.*}"
    routes.append(web.route(hdrs.METH_ANY, path, _nowhere))
    return routes


def _forwarded(route: Route, fleet: Fleet) -> Route:
    async def run(request: web.Request) -> web.StreamResponse:
        return await fleet.run(route, request)

    return Route(
        method=route.method,
        path=route.path,
        permission=route.permission,
        handler=run,
        summary=route.summary,
    )


async def _nowhere(request: web.Request) -> web.Response:
    # The path is not repeated, for it may hold anything.
    msg = "There is no such management route, or not with this method."
    return error_response(ApiError(404, "route_not_found", msg))


def _passed_on(request: web.Request) -> dict[str, str]:
    return {
        name: value
        for name, value in request.headers.items()
        if name.lower() not in _NOT_PASSED_ON
    }


def _provider(provider: Provider) -> dict[str, Any]:
    return {
        "name": provider.name,
        "type": provider.vendor.name,
        "base_url": provider.base_url,
        "auth": provider.auth,
        "dialects": list(provider.spoken),
        "keys": [key.name for key in provider.keys],
        "max_parallel": provider.max_parallel,
    }


def _get(path: str, permission: str, handler: _Handler, summary: str) -> Route:
    return Route(
        method="GET",
        path=path,
        permission=permission,
        handler=handler,
        summary=summary,
    )


def _post(path: str, permission: str, handler: _Handler, summary: str) -> Route:
    return Route(
        method="POST",
        path=path,
        permission=permission,
        handler=handler,
        summary=summary,
    )
