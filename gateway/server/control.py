"""
Between the supervisor and its workers: HTTP over Unix sockets in a folder of their own.

Each worker listens on a socket of its own and answers what the supervisor asks; the supervisor
listens on one more, to which workers hand management requests that came to the callers' port.
The folder's mode, 0700, is the credential: nobody else on the machine can reach them.
Questions have deadlines, answers a size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

import aiohttp
import attrs
from aiohttp import hdrs, web

from gateway import codec
from gateway.errors import ExchangeError, NotAllowed, Refused, Unavailable
from gateway.events import event_from_dict
from gateway.management import (
    Actor,
    Change,
    change_of,
    error_response,
    introduce,
    json_response,
    take_change,
)
from gateway.server import guards
from gateway.server.explaining import explain, read_ask
from gateway.server.fleet import (
    health_of,
    put_in_force,
    read_again,
    run_route,
    try_settings,
    try_start,
    worker_status,
)
from gateway.server.launch import Launch
from gateway.server.live_routes import LiveRoutes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateway.registrations import Route
    from gateway.server.station import Station
    from gateway.settings import Address

#: Carries who asks to a worker, as JSON; only the supervisor can send it.
ACTOR_HEADER: Final = "x-gw-actor"
#: Carries what a worker's handler changed back, as JSON; nobody else is shown it.
CHANGE_HEADER: Final = "x-gw-change"
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
ASK_S: Final = 5.0
#: Making a gateway of large settings takes its time.
RELOAD_S: Final = 60.0

_NOT_PASSED_ON: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        ACTOR_HEADER,
        CHANGE_HEADER,
    }
)


# --- the worker's side ----------------------------------------------------------------------


class Control:
    """
    What a worker answers its supervisor.

    Args:
        listen: Where callers come in, which no reload changes.
    """

    def __init__(
        self,
        station: Station,
        listen: Address,
        environ: Mapping[str, str],
        *,
        index: int,
    ) -> None:
        self._station = station
        self._listen = listen
        self._environ = environ
        self._index = index

    def app(self) -> web.Application:
        """
        Build the application for the worker's own socket.
        """
        app = web.Application(client_max_size=MAX_ANSWER_BYTES)
        routes: list[tuple[str, str, Any]] = [
            ("GET", "/control/status", self._status),
            ("GET", "/control/plugins", self._plugins),
            ("GET", "/control/health", self._health),
            ("GET", "/control/metrics", self._metrics),
            ("GET", "/control/traces/{request_id}", self._trace),
            ("GET", "/control/recall/{request_id}", self._recall),
            ("POST", "/control/explain", self._explain),
            ("POST", "/control/settings/try", self._try),
            ("POST", "/control/settings/apply", self._apply),
            ("POST", "/control/events", self._event),
            ("POST", "/control/events/settled", self._settled_event),
        ]
        for method, path, answer in routes:
            app.router.add_route(method, path, _telling_errors(answer))
        gateway = self._station.gateway
        app.add_routes([LiveRoutes(lambda: gateway.routes, self._define)])
        return app

    async def _status(self, request: web.Request) -> web.Response:
        return json_response(worker_status(self._station, self._index))

    async def _plugins(self, request: web.Request) -> web.Response:
        return json_response(self._station.gateway.plugin_report())

    async def _health(self, request: web.Request) -> web.Response:
        return json_response(health_of(self._station.gateway))

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=self._station.metrics.render())

    async def _trace(self, request: web.Request) -> web.Response:
        request_id = request.match_info["request_id"]
        return json_response(self._station.gateway.traces.get(request_id))

    async def _recall(self, request: web.Request) -> web.Response:
        request_id = request.match_info["request_id"]
        actor = request.query["actor"]
        return json_response(await self._station.gateway.recall(request_id, actor))

    async def _explain(self, request: web.Request) -> web.Response:
        ask = read_ask(codec.loads(await request.read()))
        return json_response(await explain(self._station.gateway, ask))

    async def _try(self, request: web.Request) -> web.Response:
        launch = Launch.from_dict(codec.loads(await request.read())["launch"])
        settings = read_again(launch, self._environ)
        tried = try_settings(settings, launch, self._listen, self._environ)
        await try_start(tried)
        return json_response({"digest": settings.digest})

    async def _apply(self, request: web.Request) -> web.Response:
        told = codec.loads(await request.read())
        launch = Launch.from_dict(told["launch"])
        settings = read_again(launch, self._environ)
        await put_in_force(
            self._station.gateway, settings, told["actor"], is_echo=told["is_echo"]
        )
        return json_response({"digest": settings.digest})

    async def _event(self, request: web.Request) -> web.Response:
        event = event_from_dict(codec.loads(await request.read()))
        if event is not None:
            self._station.gateway.publish(event)
        return json_response({})

    async def _settled_event(self, request: web.Request) -> web.Response:
        event = event_from_dict(codec.loads(await request.read()))
        if event is not None:
            await self._station.gateway.tell(event)
        return json_response({})

    def _define(self, route: Route, _: str) -> web.RouteDef:
        return web.route(route.method, route.path, _telling_errors(self._runs(route)))

    def _runs(self, route: Route) -> Any:
        async def run(request: web.Request) -> web.StreamResponse:
            gateway = self._station.gateway
            actor = Actor(**codec.loads(request.headers[ACTOR_HEADER].encode()))
            introduce(request, actor, gateway.settings.server)
            response = await run_route(gateway, route, request)
            change = change_of(request)
            if change is not None and not response.prepared:
                told = codec.dumps(attrs.asdict(change))
                response.headers[CHANGE_HEADER] = quote(told)
            return response

        return run


def _telling_errors(answer: Any) -> Any:
    async def told(request: web.Request) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await answer(request)
        except ExchangeError as error:
            return error_response(error)
        return response

    return told


# --- asking ---------------------------------------------------------------------------------


class Link:
    """
    The way to whoever listens on the Unix socket at *path*.
    """

    def __init__(self, path: Path) -> None:
        # Not the upstream's session: nothing of providers' limits, proxies and certificates
        # holds here, and a drain that cuts providers off must not cut this.
        self._session = aiohttp.ClientSession(  # noqa: TID251
            "http://gatewright",
            connector=aiohttp.UnixConnector(str(path)),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def close(self) -> None:
        """
        Close the connections.
        """
        await self._session.close()

    async def ask(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        timeout_s: float = ASK_S,
    ) -> Any:
        """
        Ask for *path*, and read the JSON that is answered.

        Raises:
            Unavailable: Nobody answers in time.
            Refused: The answer is an error.
        """
        body = None if document is None else codec.dumps(document)
        status, raw, _ = await self._fetch(method, path, {}, body, timeout_s)
        if status >= 400:
            raise _refusal(status, raw)
        return codec.loads(raw)

    async def fetch(self, path: str) -> bytes:
        """
        Get the bytes at *path*; as `ask`.
        """
        status, raw, _ = await self._fetch("GET", path, {}, None, ASK_S)
        if status >= 400:
            raise _refusal(status, raw)
        return raw

    async def forward(
        self, request: web.Request, actor: Actor | None = None
    ) -> web.Response:
        """
        Hand *request* on as it is, and its answer back.

        Args:
            actor: Who was let in; None where that is for the other side to find out.

        Raises:
            Unavailable: Nobody answers in time.
        """
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in _NOT_PASSED_ON
        }
        if actor is not None:
            headers[ACTOR_HEADER] = codec.dumps(attrs.asdict(actor)).decode()
        body = request.content.iter_any() if request.can_read_body else None
        status, raw, answered = await self._fetch(
            request.method, request.raw_path, headers, body, RELOAD_S
        )
        if actor is not None and CHANGE_HEADER in answered:
            take_change(request, _read_change(answered[CHANGE_HEADER]))
        kept = {
            name: value
            for name, value in answered.items()
            if name.lower() not in _NOT_PASSED_ON
        }
        return web.Response(status=status, body=raw, headers=kept)

    async def _fetch(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Any,
        timeout_s: float,
    ) -> tuple[int, bytes, Mapping[str, str]]:
        try:
            async with self._session.request(
                method,
                path,
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
            ) as response:
                raw = await _read(response)
                return response.status, raw, response.headers
        except (aiohttp.ClientError, OSError, TimeoutError) as exc:
            msg = "A process of this gateway did not answer; try again."
            raise Unavailable(
                msg, code="worker_unavailable", retry_after_s=1.0
            ) from exc


def _read_change(told: str) -> Change:
    document = codec.loads(unquote(told).encode())
    digests = tuple(document.pop("digests"))
    return Change(digests=digests, **document)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            msg = "A process of this gateway answered too much."
            raise Unavailable(msg, code="worker_unavailable")
        parts.append(part)
    return b"".join(parts)


def _refusal(status: int, raw: bytes) -> Refused:
    try:
        error = codec.loads(raw)["error"]
        return Refused(
            error["message"],
            status=status,
            code=error["code"],
            details={"problems": error["problems"]} if "problems" in error else None,
        )
    except (codec.JsonError, KeyError, TypeError):
        msg = "A process of this gateway failed; its log says where."
        return Refused(msg, status=500, code="internal_error")


# --- management requests that came to the callers' port -------------------------------------


def proxied_routes(link: Link) -> list[web.RouteDef]:
    """
    Make a worker's routes that hand management over to the supervisor.
    """

    async def hand_over(request: web.Request) -> web.StreamResponse:
        try:
            guards.check_target(request.raw_path)
            if not guards.is_loopback(guards.peer_of(request)):
                raise NotAllowed(guards.THIS_MACHINE, code="loopback_only")
            return await link.forward(request)
        except ExchangeError as error:
            return error_response(error)

    return [
        web.route(hdrs.METH_ANY, path, hand_over)
        for path in ("/metrics", "/api/{rest:.*}")
    ]
