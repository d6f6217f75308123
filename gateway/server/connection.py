"""
One caller's connection: deadlines that aiohttp does not have, errors that give nothing away.

aiohttp bounds an idle connection, but neither how long headers may take once their first byte
came, nor how long a caller may leave an answer lying.  Both are watched here, at the
transport, so that every route has them and a request in order pays next to nothing.
"""

from __future__ import annotations

import asyncio
import fcntl
import sys
import termios
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
import structlog
from aiohttp import http, http_parser, web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from gateway import codec
from gateway.errors import ConfigError
from gateway.raised import place_of
from gateway.server.heads import SERVER_NAME

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aiohttp import StreamReader

    from gateway.settings import ServerSettings

    Answering = Callable[[Any], Awaitable[web.StreamResponse]]

log = structlog.get_logger("gateway.server")

#: Bytes waiting for a caller above which writers wait for the caller.
BUFFER_BYTES: Final = 64 * 1024
#: Bytes of one header field, and of the request line.
MAX_FIELD_BYTES: Final = 16 * 1024
_TOO_LONG: Final = (
    "The request's target, or one of its headers, is longer than "
    f"{MAX_FIELD_BYTES} bytes."
)
_NO_HTTP: Final = "The request is not valid HTTP."
MAX_HEADERS: Final = 128
#: Seconds that the rest of a body may take that nobody wants.
LINGERING_S: Final = 5.0

#: What is said to CONNECT and to ``OPTIONS *``, and the Allow header that goes with it.
NO_PATH: Final = "This is no proxy, and only paths are answered here."
NO_PATH_ALLOWS: Final = "GET, HEAD, POST"

_TOO_SLOW: Final = (
    b"HTTP/1.1 408 Request Timeout\r\nServer: gatewright\r\nConnection: close\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def require_c_parser() -> None:
    """
    Refuse to run on aiohttp's parser in Python, where most of its advisories lie.

    Raises:
        ConfigError: it is what aiohttp would use.
    """
    if http.HttpRequestParser is http_parser.HttpRequestParserPy:
        msg = (
            "aiohttp runs without its compiled HTTP parser: unset AIOHTTP_NO_EXTENSIONS, "
            "or install aiohttp from a wheel (pip install --only-binary aiohttp aiohttp)"
        )
        raise ConfigError(msg)


@attrs.frozen(kw_only=True)
class Deadlines:
    """
    How long a connection may keep the gateway waiting.

    Attributes:
        header_s: For the head of a request, from its first byte, or from the connection's
            first moment.
        keep_alive_s: Between two requests.
        write_stall_s: For taking anything of what waits to be sent.
    """

    header_s: float
    keep_alive_s: float
    write_stall_s: float

    @classmethod
    def of(cls, settings: ServerSettings) -> Deadlines:
        """
        Take them from *settings*.
        """
        return cls(
            header_s=settings.header_timeout_s,
            keep_alive_s=settings.keep_alive_s,
            write_stall_s=settings.write_stall_s,
        )


class Connection(web.RequestHandler):
    """
    aiohttp's protocol with the deadlines, and with errors of our own.
    """

    __slots__ = (
        "_body",
        "_deadlines",
        "_head_timer",
        "_left_bytes",
        "_on_malformed",
        "_stall_timer",
    )

    def __init__(
        self,
        server: web.Server,
        deadlines: Deadlines,
        on_malformed: Callable[[], None],
        **kwargs: Any,
    ) -> None:
        super().__init__(server, keepalive_timeout=deadlines.keep_alive_s, **kwargs)
        self._deadlines = deadlines
        self._on_malformed = on_malformed
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._left_bytes = 0
        #: Of the newest request: what arrives is its, until it is whole.
        self._body: StreamReader | None = None

    # --- heads ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        Expect the first head.
        """
        super().connection_made(transport)
        # Not asked by isinstance: uvloop's transports are of no class of asyncio's.
        cast("asyncio.WriteTransport", transport).set_write_buffer_limits(
            high=BUFFER_BYTES
        )
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """
        Pass *data* to the parser, and watch over a head that is not whole yet.
        """
        super().data_received(data)
        if self._messages:
            # At least one whole head was there.
            if self._head_timer is not None:
                self._stop_head_timer()
            self._watch_body(*self._messages[-1])
        elif self._waiter is not None and self._head_timer is None:
            self._expect_head()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """
        Read on, if reading was paused: readers ask for it after every read.
        """
        if self._reading_paused:  # private, and what aiohttp itself goes by
            super().resume_reading(resume_parser)

    def _expect_head(self) -> None:
        self._head_timer = self._loop.call_later(
            self._deadlines.header_s, self._head_too_slow
        )

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_too_slow(self) -> None:
        self._head_timer = None
        transport = self.transport
        if transport is None or self._messages or self._current_request is not None:
            return
        transport.write(_TOO_SLOW)
        self.force_close()

    def _watch_body(self, message: Any, body: StreamReader) -> None:
        """
        Tell the reader of a body when its framing breaks.

        aiohttp queues an answer to the parser's error behind the request, but leaves whoever
        reads the body waiting.
        """
        if isinstance(message, http.RawRequestMessage):
            self._body = body
        elif self._body is not None and not self._body.is_eof():
            self._body.set_exception(web.RequestPayloadError("broken framing"))

    # --- answers ----------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """
        Send *data*; whoever sends much waits while `writing_paused`.

        Raises:
            ConnectionError: the caller has left.
        """
        transport = self.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the caller has left")
        transport.write(data)

    def try_send(self, data: bytes) -> bool:
        """
        Send *data* unless there is somebody to wait for, or nobody there; tells whether it did.
        """
        transport = self.transport
        if transport is None or self._paused or transport.is_closing():
            return False
        transport.write(data)
        return True

    def pause_writing(self) -> None:
        """
        Watch a caller who takes too little: more than `BUFFER_BYTES` wait.
        """
        super().pause_writing()
        self._watch_stall()

    def resume_writing(self) -> None:
        """
        Stop watching.
        """
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _watch_stall(self) -> None:
        transport = self.transport
        if transport is None:
            return
        self._left_bytes = _unsent(transport)
        self._stall_timer = self._loop.call_later(
            self._deadlines.write_stall_s, self._check_stall
        )

    def _check_stall(self) -> None:
        self._stall_timer = None
        transport = self.transport
        if transport is None:
            return
        # Writers wait meanwhile, so what waits cannot have grown.
        if _unsent(transport) < self._left_bytes:
            self._watch_stall()
            return
        log.info("caller takes nothing, connection aborted", unsent=self._left_bytes)
        transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """
        Let go of the timers.
        """
        self._stop_head_timer()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        super().connection_lost(exc)

    # --- errors -----------------------------------------------------------------------------

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """
        Answer what the parser or a route failed over; *message* may quote the caller.
        """
        if request.writer.output_size > 0:
            msg = "the answer has begun, so it cannot become an error"
            raise ConnectionError(msg)
        if isinstance(exc, HttpProcessingError):
            log.debug("malformed request", error=type(exc).__name__)
            self._on_malformed()
            sentence = _TOO_LONG if isinstance(exc, LineTooLong) else _NO_HTTP
            return _plain_error(400, "bad_http", sentence)
        log.error("request failed", error=type(exc).__name__, at=_place(exc))
        sentence = "The gateway failed while it handled this request."
        return _plain_error(status, "internal_error", sentence)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """
        Log the type and place of what aiohttp would log with its text.
        """
        exc = kw.get("exc_info")
        if isinstance(exc, BaseException):
            log.error("connection failed", error=type(exc).__name__, at=_place(exc))
        else:
            log.error("connection failed")


def _unsent(transport: asyncio.WriteTransport) -> int:
    """
    Return the bytes that the peer has not taken, those in the kernel included.

    The kernel asks for more only when a third of its own buffer is free, so that a slow peer
    may seem to take nothing for minutes if only ours is looked at.
    """
    waiting = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    try:
        queued = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except (OSError, AttributeError):  # not Linux, or closed meanwhile
        return waiting
    return waiting + int.from_bytes(queued, sys.byteorder)


def _plain_error(status: int, code: str, sentence: str) -> web.Response:
    """
    Make an error for a request of no known dialect; OpenAI's shape is what most will read.
    """
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": sentence, "type": kind, "param": None, "code": code}
    headers = {
        "Content-Type": "application/json",
        "Server": SERVER_NAME,
        "x-gw-code": code,
    }
    body = codec.dumps({"error": error})
    response = web.Response(status=status, headers=headers, body=body)
    response.force_close()
    return response


def _place(exc: BaseException | None) -> str:
    return "?" if exc is None else place_of(exc)


# --- where connections come from ------------------------------------------------------------


class _Server(web.Server):
    """
    aiohttp's server, which makes connections of ours.
    """

    def __init__(
        self,
        served: web.Server,
        deadlines: Callable[[], Deadlines],
        on_malformed: Callable[[], None],
        direct: Mapping[str, Answering],
        pathless: Answering,
    ) -> None:
        super().__init__(
            _dispatcher(direct, served.request_handler, pathless),
            request_factory=served.request_factory,
            handler_cancellation=True,
            loop=asyncio.get_running_loop(),
        )
        self._deadlines = deadlines
        self._on_malformed = on_malformed

    def __call__(self) -> Connection:
        return Connection(
            self,
            self._deadlines(),
            self._on_malformed,
            loop=self._loop,
            access_log=None,
            auto_decompress=False,
            lingering_time=LINGERING_S,
            max_line_size=MAX_FIELD_BYTES,
            max_field_size=MAX_FIELD_BYTES,
            max_headers=MAX_HEADERS,
        )


class GatewayRunner(web.AppRunner):
    """
    Runs an application with our connections; used as ``web.AppRunner`` is.

    Args:
        app: From `gateway.server.application`.
        deadlines: Asked for every new connection, so that a reload changes them.
        on_malformed: Called for each request that is not HTTP.
        direct: What answers requests whose target is exactly a path, past aiohttp's router
            and signals; see `gateway.server.sink.DirectSink` for what that saves.
        pathless: What answers requests that name no path, which no route of aiohttp's takes.
    """

    def __init__(
        self,
        app: web.Application,
        deadlines: Callable[[], Deadlines],
        on_malformed: Callable[[], None] = lambda: None,
        direct: Mapping[str, Answering] | None = None,
        pathless: Answering | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(app, handle_signals=False, **kwargs)
        self._deadlines = deadlines
        self._on_malformed = on_malformed
        self._direct = direct or {}
        self._pathless = pathless or _no_path

    async def _make_server(self) -> web.Server:
        served = await super()._make_server()
        return _Server(
            served, self._deadlines, self._on_malformed, self._direct, self._pathless
        )


def _dispatcher(
    direct: Mapping[str, Answering], routed: Answering, pathless: Answering
) -> Answering:
    """
    Make what answers a request: one of *direct*, by its target as it came, or the others.
    """

    def rest(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        has_path = request.path.startswith("/")
        return (routed if has_path else pathless)(request)

    def answer(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        return direct.get(request.raw_path, rest)(request)

    return answer


async def _no_path(_: web.BaseRequest) -> web.Response:
    response = _plain_error(405, "method_not_allowed", NO_PATH)
    response.headers["Allow"] = NO_PATH_ALLOWS
    return response
