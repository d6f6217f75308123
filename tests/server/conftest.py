"""
A server with a small gateway behind it, and a client that writes raw bytes.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, ClassVar

import attrs
import orjson
import pytest
from aiohttp import web
from multidict import CIMultiDictProxy

from gateway import neutral
from gateway.clock import SystemClock
from gateway.dialects import Dialect
from gateway.errors import ExchangeError
from gateway.events import Event
from gateway.exchange import Exchange, Outcome
from gateway.request_ids import new_request_id
from gateway.server.application import CALLERS, callers_app, make_runner
from gateway.server.health import Health
from gateway.server.turned_away import TurnedAway
from gateway.settings import ServerSettings, Settings
from gateway.sinks import Sink
from gateway.views import Request, Response, Text

JSON = b"Content-Type: application/json\r\n"
BODY = b'{"model":"m","messages":[]}'


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories(config: Any, item: Any) -> Mapping[str, Any]:
    """
    Run everything that meets sockets on both loops: they buffer and close differently.
    """
    loops: dict[str, Any] = {"asyncio": asyncio.new_event_loop}
    if importlib.util.find_spec("uvloop") is not None:
        loops["uvloop"] = importlib.import_module("uvloop").new_event_loop
    return loops


class ToyDialect(Dialect):
    """
    A dialect whose views are of no matter here.
    """

    path: ClassVar[Mapping[str, str]] = {}
    operations: ClassVar[tuple[str, ...]] = ("generate",)

    def request_texts(self, request: Request) -> list[Text]:
        return []

    def response_texts(self, response: Response) -> list[Text]:
        return []

    def read_fault(self, status: int, body: bytes) -> neutral.Fault:
        raise NotImplementedError

    def write_fault(self, fault: neutral.Fault, request_id: str) -> Response:
        raise NotImplementedError

    def error_response(self, error: ExchangeError, request_id: str) -> Response:
        told = {"message": str(error), "type": "toy", "code": error.code}
        doc: dict[str, Any] = {"error": told}
        if self.vendor == "anthropic":
            doc = {"type": "error", "error": told, "request_id": request_id}
        return Response(self, doc=doc, status=error.status)


class ToyChat(ToyDialect):
    name = "openai_chat"
    vendor = "openai"


class ToyResponses(ToyDialect):
    name = "openai_responses"
    vendor = "openai"


class ToyMessages(ToyDialect):
    name = "anthropic_messages"
    vendor = "anthropic"


@attrs.frozen
class ToyListing:
    id: str
    provider: str
    created: int | None = None


Answering = Callable[[Exchange, Sink], Awaitable[None]]


async def echo(exchange: Exchange, sink: Sink) -> None:
    """
    Answer with what was asked, whole.
    """
    headers = {"Content-Type": "application/json", "x-gw-request-id": exchange.id}
    exchange.status = 200
    exchange.outcome = Outcome.FINISHED
    body = exchange.request.encode()
    exchange.bytes_sent = len(body)
    await sink.whole(200, headers, body)


@attrs.define(eq=False)
class ToyGateway:
    """
    Enough of a gateway for the server, with *answers* in the place of the relay.
    """

    answers: Answering = echo
    settings: Settings = attrs.field(factory=Settings)
    authenticates_callers: bool = False
    listed: list[ToyListing] = attrs.field(factory=list)
    exchanges: list[Exchange] = attrs.field(factory=list)
    cancelled: asyncio.Event = attrs.field(factory=asyncio.Event)
    observers: list[Callable[[Exchange], None]] = attrs.field(factory=list)
    clock: SystemClock = attrs.field(factory=SystemClock)
    events: list[Event] = attrs.field(factory=list)

    def publish(self, event: Event) -> None:
        self.events.append(event)

    async def tell(self, event: Event) -> None:
        self.publish(event)

    @property
    def dialects(self) -> Mapping[str, Dialect]:
        found = (ToyChat(), ToyResponses(), ToyMessages())
        return {dialect.name: dialect for dialect in found}

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
        exchange = Exchange(
            id=request_id or new_request_id(self.clock.now()),
            operation=operation,
            dialect=dialect,
            request=request,
            headers=headers,
            settings=self.settings,
            clock=self.clock,
            peer=peer,
            path=path,
            query=query,
            started_at=self.clock.monotonic(),
        )
        self.exchanges.append(exchange)
        return exchange

    async def relay(self, exchange: Exchange, sink: Sink) -> None:
        try:
            await self.answers(exchange, sink)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        except ConnectionError:
            self.cancelled.set()
            return
        for observe in self.observers:
            observe(exchange)

    async def refuse(
        self, dialect: Dialect, error: ExchangeError, sink: Sink, request_id: str
    ) -> None:
        response = dialect.error_response(error, request_id)
        headers = {"x-gw-request-id": request_id, "x-gw-code": error.code}
        if error.retry_after_s is not None:
            headers["Retry-After"] = str(round(error.retry_after_s))
        headers["Content-Type"] = "application/json"
        headers.update(error.headers)
        await sink.whole(error.status, headers, response.encode())

    async def list_models(self, exchange: Exchange) -> list[ToyListing]:
        return self.listed


@attrs.frozen
class Reply:
    """
    One answer as it came over the wire.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def code(self) -> str:
        return self.headers["x-gw-code"]


@attrs.define(eq=False)
class Wire:
    """
    A connection, byte by byte.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def post(
        self,
        path: str = "/v1/chat/completions",
        body: bytes = BODY,
        headers: bytes = JSON,
        host: bytes = b"127.0.0.1",
    ) -> None:
        length = b"Content-Length: %d\r\n" % len(body)
        await self.head("POST", path, length + headers, host)
        await self.send(body)

    async def head(
        self, method: str, path: str, headers: bytes = b"", host: bytes = b"127.0.0.1"
    ) -> None:
        line = f"{method} {path} HTTP/1.1\r\n".encode()
        await self.send(line + b"Host: " + host + b"\r\n" + headers + b"\r\n")

    async def read_head(self) -> tuple[int, dict[str, str]]:
        head = await self.reader.readuntil(b"\r\n\r\n")
        line, *fields = head.decode().strip().split("\r\n")
        pairs = (field.split(": ", 1) for field in fields)
        return int(line.split()[1]), {name.lower(): value for name, value in pairs}

    async def read_chunk(self) -> bytes:
        size = int(await self.reader.readline(), 16)
        data = await self.reader.readexactly(size)
        await self.reader.readexactly(2)
        return data

    async def read(self, *, has_body: bool = True) -> Reply:
        status, headers = await self.read_head()
        body = b""
        if has_body and headers.get("transfer-encoding") == "chunked":
            while chunk := await self.read_chunk():
                body += chunk
        elif has_body and "content-length" in headers:
            body = await self.reader.readexactly(int(headers["content-length"]))
        return Reply(status, headers, body)

    async def at_end(self) -> bool:
        """
        Wait until the server has closed, and tell whether it did so without another byte.
        """
        try:
            return await self.reader.read() == b""
        except ConnectionResetError:
            return True

    def leave(self) -> None:
        self.writer.transport.abort()


@attrs.define(eq=False)
class Served:
    """
    A running server.
    """

    gateway: ToyGateway
    health: Health
    runner: web.AppRunner
    turned_away: list[TurnedAway]
    wires: list[Wire] = attrs.field(factory=list)

    @property
    def port(self) -> int:
        port: int = self.runner.addresses[0][1]
        return port

    @property
    def in_flight(self) -> int:
        return self.runner.app[CALLERS].in_flight

    async def wire(self) -> Wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        wire = Wire(reader, writer)
        self.wires.append(wire)
        return wire


async def until(comes_true: Callable[[], object]) -> None:
    """
    Let others run until *comes_true*, for two seconds at most.
    """
    async with asyncio.timeout(2):
        while not comes_true():  # noqa: ASYNC110 - what is watched has no event
            await asyncio.sleep(0)


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """
    Start servers that end with the test; keywords beside *answers* are server settings.
    """
    running: list[Served] = []

    async def start(
        answers: Answering = echo,
        *,
        authenticates: bool = False,
        routes: Any = (),
        listed: Any = (),
        **server: Any,
    ) -> Served:
        gateway = ToyGateway(
            answers,
            settings=Settings(server=ServerSettings(**server)),
            authenticates_callers=authenticates,
            listed=list(listed),
        )
        health = Health(reason="")
        away: list[TurnedAway] = []
        app = callers_app(gateway, health, watchers=[away.append], routes=routes)
        runner = make_runner(app, gateway)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        served = Served(gateway, health, runner, away)
        running.append(served)
        return served

    yield start
    for served in running:
        for wire in served.wires:
            wire.leave()
        await served.runner.cleanup()
