"""
The way of a request for a model: from aiohttp to the relay and back.

Nothing that costs is done before what is cheap was found in order: target, upgrade, method,
who calls, load; only then is the body read and parsed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.errors import ExchangeError, Unavailable
from gateway.exchange import StashKey
from gateway.server import guards
from gateway.server.body import read_body
from gateway.server.models_route import ModelsRoute
from gateway.server.plain_routes import (
    Nowhere,
    Pathless,
    Probe,
    Unsupported,
    route_gone,
)
from gateway.server.routes import (
    ANYTHING,
    MODELS,
    OPENAI,
    PREFIXES,
    PROBES,
    UNSUPPORTED,
    all_prefixes,
    define,
    inference_routes,
)

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.exchange import Exchange
    from gateway.server.connection import Answering
    from gateway.server.reception import Reception
    from gateway.server.routes import Route
    from gateway.views import Request

#: Bytes of the request's body, decompressed; on the exchange for metrics and the log.
BYTES_IN: Final = StashKey[int]("bytes_in")
#: Seconds after which a request that was shed may be tried again.
_SHED_S: Final = 1.0


class Callers:
    """
    The callers' routes of one worker.

    Attributes:
        in_flight: Requests for a model under way, those whose body is still read included.
    """

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self.in_flight = 0
        self._inference = [
            (route, _Inference(self, reception, route).answer)
            for route in inference_routes(reception.gateway.dialects)
        ]

    def direct(self) -> dict[str, Answering]:
        """
        Map the targets of the routes that ask a model to what answers them.
        """
        return {route.path: answer for route, answer in self._inference}

    def routes(self) -> list[web.RouteDef]:
        """
        Make the route table; the last entry takes whatever no other route takes.
        """
        reception = self._reception
        table = [define(route.path, answer) for route, answer in self._inference]
        for prefix in PREFIXES[OPENAI]:
            for below, methods in UNSUPPORTED:
                path = prefix + below
                table.append(define(path, Unsupported(reception, path, methods).answer))
        for prefix in all_prefixes():
            for below in MODELS:
                path = prefix + below
                table.append(define(path, ModelsRoute(reception, path).answer))
        table += [define(path, Probe(reception, path).answer) for path in PROBES]
        return table

    def pathless(self) -> Answering:
        """
        Return what answers requests that name no path, and so reach no route.
        """
        return Pathless(self._reception).answer

    def last_route(self) -> web.RouteDef:
        """
        Make the route that takes whatever no other takes; it must be added last.
        """
        return define(ANYTHING, Nowhere(self._reception).answer)


class _Inference:
    """
    One route that asks a model.
    """

    __slots__ = ("_callers", "_has_values", "_reception", "_route")

    def __init__(self, callers: Callers, reception: Reception, route: Route) -> None:
        self._callers = callers
        self._reception = reception
        self._route = route
        self._has_values = "{" in route.path

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """
        Answer *request*; cancelled when the caller leaves.
        """
        reception = self._reception
        callers = self._callers
        began = reception.clock.monotonic()
        callers.in_flight += 1
        try:
            try:
                exchange = await self._begin(request)
            except ExchangeError as error:
                sink = reception.sink(request)
                return await reception.turn_away(
                    request, error, sink, self._route, began
                )
            way = reception.exchange_sink(request)
            await reception.gateway.relay(exchange, way)
        finally:
            callers.in_flight -= 1
        return way.answer()

    async def _begin(self, request: web.Request) -> Exchange:
        route = self._route
        gateway = self._reception.gateway
        admitted = self._reception.admit(request, route.path, route.methods)
        limits = admitted.server
        if self._callers.in_flight > limits.max_in_flight:
            msg = "The gateway has as many requests under way as it takes."
            raise Unavailable(msg, code="overloaded", retry_after_s=_SHED_S)
        if route.dialect.name not in gateway.dialects:
            raise route_gone()  # a reload has put the dialect's plugin out of force
        raw = await read_body(request, limits, self._reception.intake)
        exchange = gateway.exchange(
            dialect=route.dialect,
            operation=route.operation,
            request=self._read(raw, request),
            headers=request.headers,
            peer=guards.peer_of(request),
            path=route.path,
            query=request.query_string,
        )
        exchange.stash[BYTES_IN] = len(raw)
        return exchange

    def _read(self, raw: bytes, request: web.Request) -> Request:
        route = self._route
        if self._has_values:
            return route.dialect.read_call(raw, route.operation, request.match_info)
        return route.dialect.read_request(raw, route.operation)
