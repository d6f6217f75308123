"""
What every caller's route has in common: who is let in, and how others are turned away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from aiohttp import HttpVersion11, hdrs, web

from gateway.errors import BodyTimeout, InvalidRequest, Refused, UpgradeRefused
from gateway.request_ids import new_request_id
from gateway.server import guards
from gateway.server.body import Intake
from gateway.server.connection import Connection
from gateway.server.cors import Cors, CorsSink
from gateway.server.sink import DirectSink, HttpSink
from gateway.server.turned_away import TurnedAway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from multidict import CIMultiDictProxy

    from gateway.clock import Clock
    from gateway.dialects import Dialect
    from gateway.errors import ExchangeError
    from gateway.events import Event
    from gateway.exchange import Exchange
    from gateway.server.health import Health
    from gateway.server.models_route import Listing
    from gateway.server.routes import Route
    from gateway.settings import Settings
    from gateway.sinks import Sink
    from gateway.views import Request

_METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
)


class ServedGateway(Protocol):
    """
    The gateway, as far as the callers' routes need it.
    """

    @property
    def settings(self) -> Settings:
        """
        The snapshot in force.
        """

    @property
    def dialects(self) -> Mapping[str, Dialect]:
        """
        What is spoken here, by name.
        """

    @property
    def authenticates_callers(self) -> bool:
        """
        Whether some plugin refuses callers without a credential.
        """

    def exchange(
        self,
        *,
        dialect: Dialect,
        operation: str,
        request: Request,
        headers: CIMultiDictProxy[str],
        peer: str,
        path: str,
        query: str = "",
        request_id: str | None = None,
    ) -> Exchange:
        """
        Begin an exchange.
        """

    async def relay(self, exchange: Exchange, sink: Sink) -> None:
        """
        See *exchange* through; whatever fails is told to *sink*.
        """

    async def refuse(
        self, dialect: Dialect, error: ExchangeError, sink: Sink, request_id: str
    ) -> None:
        """
        Tell of an error before there was an exchange.
        """

    def publish(self, event: Event) -> None:
        """
        Tell the plugins of *event*.
        """

    async def list_models(self, exchange: Exchange) -> Sequence[Listing]:
        """
        List the models that the caller of *exchange* may know of.
        """


class Reception:
    """
    Lets requests in or turns them away, before their body is read.

    Args:
        watchers: Told of each request that never became an exchange.

    Attributes:
        intake: Of the bodies of those who were let in.
    """

    def __init__(
        self,
        gateway: ServedGateway,
        health: Health,
        *,
        clock: Clock,
        watchers: Iterable[Callable[[TurnedAway], None]] = (),
    ) -> None:
        self.gateway = gateway
        self.clock = clock
        self.intake = Intake()
        self._health = health
        self._watchers = tuple(watchers)
        self._go_by(gateway.settings)

    def admit(self, request: web.Request, path: str, methods: str) -> Settings:
        """
        Check everything about *request* that is known without its body.

        Returns:
            The settings by which it was let in.

        Raises:
            ExchangeError: what the caller is told.
        """
        target = request.raw_path
        if target != path:
            guards.check_target(target)
        headers = request.headers
        if hdrs.UPGRADE in headers and guards.wants_websocket(headers):
            # RFC 9110 section 15.5.22: a 426 says what to speak instead.
            speak = {"Upgrade": "HTTP/1.1", "Connection": "Upgrade"}
            raise UpgradeRefused(headers=speak)
        method = request.method
        if method != methods and method not in methods.split(", "):
            allow = {"Allow": methods}
            msg = f"This route answers {methods}."
            raise Refused(msg, status=405, code="method_not_allowed", headers=allow)
        guards.check_headers(headers)
        settings = self.gateway.settings
        if settings is not self._settings:
            self._go_by(settings)
        self._door.check(request)
        return settings

    def _go_by(self, settings: Settings) -> None:
        self._settings = settings
        self._door = guards.Door.of(settings, self.gateway)
        self._cors = Cors.of(settings)

    def sink(self, request: web.Request) -> HttpSink:
        """
        Make the place where the answer to *request* goes.
        """
        closes = self._health.is_draining
        told = self._cors.headers(request) if self._cors is not None else None
        if told:
            return CorsSink(request, told, closes=closes)
        return HttpSink(request, closes=closes)

    def exchange_sink(self, request: web.Request) -> HttpSink | DirectSink:
        """
        Make the place where the answer of an exchange goes, the shortest way there.
        """
        if self._cors is not None and hdrs.ORIGIN in request.headers:
            return self.sink(request)
        connection = request.protocol
        closes = self._health.is_draining
        if request.version == HttpVersion11 and isinstance(connection, Connection):
            return DirectSink(request, connection, self.clock, closes=closes)
        return HttpSink(request, closes=closes)

    async def turn_away(
        self,
        request: web.Request,
        error: ExchangeError,
        sink: HttpSink,
        route: Route,
        began: float,
        request_id: str = "",
    ) -> web.StreamResponse:
        """
        Tell the caller of *error*, and the watchers that there was no exchange.

        A wrong method may be a browser's question which ones a page may use.
        """
        request_id = request_id or new_request_id(self.clock.now())
        allow = error.headers.get(hdrs.ALLOW)
        if allow is not None and self._cors is not None:
            preflight = self._cors.preflight(request, allow)
            if preflight is not None:
                self.tell(request, route, began, preflight, request_id)
                return sink.take(preflight)
        await self.gateway.refuse(route.dialect, error, sink, request_id)
        response = sink.answer()
        if self._watchers:
            self.tell(request, route, began, response, request_id, error.code)
        if (
            isinstance(error, BodyTimeout | InvalidRequest)
            and not request.content.is_eof()
        ):
            # What is still to come cannot be told from a next request, or comes too slowly.
            await sink.finish_and_close()
        return response

    def tell(
        self,
        request: web.Request,
        route: Route,
        began: float,
        response: web.StreamResponse,
        request_id: str = "",
        code: str = "",
    ) -> None:
        """
        Tell the watchers of a request that never became an exchange.
        """
        body = response.body if isinstance(response, web.Response) else None
        away = TurnedAway(
            request_id=request_id or new_request_id(self.clock.now()),
            path=route.path,
            method=request.method if request.method in _METHODS else "OTHER",
            status=response.status,
            dialect=route.dialect.name,
            operation=route.operation,
            code=code,
            peer=guards.peer_of(request),
            client_request_id=request.headers.get("x-request-id", ""),
            duration_s=self.clock.monotonic() - began,
            bytes_out=len(body) if isinstance(body, bytes) else 0,
        )
        self.tell_of(away)

    def tell_of(self, away: TurnedAway) -> None:
        """
        Tell the watchers of *away*.
        """
        for watcher in self._watchers:
            watcher(away)

    def malformed(self) -> None:
        """
        Tell the watchers of a request that was no HTTP; it was answered.
        """
        request_id = new_request_id(self.clock.now())
        self.tell_of(
            TurnedAway(
                request_id=request_id,
                path="",
                method="OTHER",
                status=400,
                code="bad_http",
            )
        )
