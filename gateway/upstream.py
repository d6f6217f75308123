"""
The way out: one pool of connections per worker, timeouts, cancellation, bounded reads.

No redirects, no cookies, no environment proxies: a provider's answer decides nothing about where
the next request goes.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import aiohttp
import attrs
from aiohttp import hdrs
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError
from aiohttp.streams import EofStream
from multidict import CIMultiDict

from gateway.errors import ConfigError, Problem, UpstreamError, UpstreamTimeout
from gateway.wire import (
    MAX_FIELD_BYTES,
    READ_BYTES,
    Addresses,
    Call,
    Wire,
    WireConnector,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from multidict import MultiMapping

    from gateway.settings import ProxySettings, SecretRef, Timeouts

T = TypeVar("T")
#: Bytes that a whole answer may have, decompressed.
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
#: Seconds that an idle connection is kept; below what vendors keep theirs.
KEEP_ALIVE_S: Final = 15.0
#: A proxy that was sent no credentials, or wrong ones, answers so by itself.
_PROXY_ASKS: Final = 407
_BROKEN: Final = (
    aiohttp.ClientError,
    HttpProcessingError,
    EofStream,
    TimeoutError,
    OSError,
)
# aiohttp's readers raise a RuntimeError once their connection was closed.
_UNREADABLE: Final = (*_BROKEN, RuntimeError)


class Reply(Protocol):
    """
    A provider's answer: status and headers are here, the body comes.
    """

    @property
    def status(self) -> int: ...  # noqa: D102 - HTTP's

    @property
    def headers(self) -> MultiMapping[str]: ...  # noqa: D102 - HTTP's

    def reads(self) -> AsyncIterator[bytes]:
        """
        Yield the body as it arrives.

        Raises:
            UpstreamError: if it breaks off.
            UpstreamTimeout: if it stalls.
        """

    @property
    def pushes(self) -> bool: ...  # noqa: D102 - whether `push` may be called

    def push(self, take: Callable[[bytes], T | None]) -> Awaitable[T | None]:
        """
        Hand the body to *take* as it arrives, between two pieces that `reads` yields.

        *take* is called outside of any task, and may not wait.

        Returns:
            What *take* returned, once that is not None; None at the body's end, of which
            `reads` is to hear as well.

        Raises:
            UpstreamError: if it breaks off.
            UpstreamTimeout: if it stalls.
        """

    def close(self) -> None:
        """
        Let go: the connection goes back if the body was read whole, and is closed if not.
        """


def read_at_once(reply: Reply) -> bytes | None:
    """
    Return the whole body of *reply* if it is here already, as small ones are.
    """
    return reply.read_at_once() if isinstance(reply, HttpReply) else None


def read_whole(reply: Reply, limit: int = MAX_ANSWER_BYTES) -> Awaitable[bytes]:
    """
    Read the whole body of *reply*.

    Raises:
        UpstreamError: if it breaks off, or is larger than *limit*.
    """
    if isinstance(reply, HttpReply):
        return reply.read(limit)
    return _read_parts(reply, limit)


async def _read_parts(reply: Reply, limit: int) -> bytes:
    parts = []
    size = 0
    async for part in reply.reads():
        size += len(part)
        if size > limit:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


class _Lease(Protocol):
    """
    What holds the connection that an answer comes on.
    """

    def release(self) -> object: ...

    def close(self) -> object: ...


class HttpReply:
    """
    A `Reply` over HTTP.
    """

    __slots__ = ("_content", "_lease", "headers", "status")

    def __init__(
        self,
        status: int,
        headers: MultiMapping[str],
        content: aiohttp.StreamReader,
        lease: _Lease,
    ) -> None:
        self.status = status
        self.headers = headers
        self._content = content
        self._lease = lease

    def read_at_once(self) -> bytes | None:
        """
        Return the whole body if it is here already.
        """
        content = self._content
        if not content.is_eof() or content.exception() is not None:
            return None
        body = content.read_nowait()
        if not content.at_eof():  # more was let in by the reading
            body += content.read_nowait()
        self._lease.release()
        return body

    async def read(self, limit: int) -> bytes:
        """
        Read the whole body, at most *limit* bytes.
        """
        content = self._content
        try:
            body = await content.readany()
            if not content.at_eof():
                body = await self._rest(body, limit)
            elif len(body) > limit:
                raise _too_large()
        except _UNREADABLE as exc:
            self._lease.close()
            raise _failure(exc, is_connected=True) from exc
        self._lease.release()
        return body

    async def _rest(self, body: bytes, limit: int) -> bytes:
        parts = [body]
        size = len(body)
        while part := await self._content.readany():
            size += len(part)
            if size > limit:
                self._lease.close()
                raise _too_large()
            parts.append(part)
        return b"".join(parts)

    async def reads(self) -> AsyncIterator[bytes]:
        """
        Yield the body as it arrives, one piece a read of the socket.
        """
        content = self._content
        try:
            while data := await content.readany():
                yield data
        except _UNREADABLE as exc:
            self._lease.close()
            raise _failure(exc, is_connected=True) from exc
        self._lease.release()

    @property
    def pushes(self) -> bool:
        """
        Whether the connection is one of ours.
        """
        return isinstance(self._lease, Call)

    async def push(self, take: Callable[[bytes], T | None]) -> T | None:
        """
        Hand the body to *take* as it arrives.
        """
        call = self._lease
        if not isinstance(call, Call):
            raise TypeError("only a connection of ours can push")
        try:
            return await call.push(self._content, take)
        except _UNREADABLE as exc:
            call.close()
            raise _failure(exc, is_connected=True) from exc

    def close(self) -> None:
        """
        Give the connection back, or close it if the body was not read whole.
        """
        if self._content.at_eof():
            self._lease.release()
        else:
            self._lease.close()


class LocalReply:
    """
    A `Reply` of a provider that answers in this process.
    """

    __slots__ = ("_parts", "headers", "status")

    def __init__(
        self, status: int, headers: Mapping[str, str], parts: AsyncIterator[bytes]
    ) -> None:
        self.status = status
        self.headers: MultiMapping[str] = CIMultiDict(headers)
        self._parts = parts

    def reads(self) -> AsyncIterator[bytes]:
        """
        Yield the parts of the answer.
        """
        return self._parts

    @property
    def pushes(self) -> bool:
        """
        Whether anything can be pushed: its parts must be asked for.
        """
        return False

    async def push(self, take: Callable[[bytes], T | None]) -> T | None:
        """
        Refuse: see `pushes`.
        """
        raise TypeError("an answer of this process cannot push")

    def close(self) -> None:
        """
        Let go; the parts are dropped with the last reference.
        """


@attrs.frozen
class Proxy:
    """
    An HTTP proxy on the way to a provider.

    Args:
        authorization: The value of ``Proxy-Authorization``, or None.
    """

    url: str
    authorization: str | None = attrs.field(default=None, repr=False)

    @classmethod
    def of(
        cls, told: ProxySettings | None, get: Callable[[SecretRef], str]
    ) -> Proxy | None:
        """
        Return the proxy that settings tell of, with its credentials as they are now.

        Args:
            get: Resolves references, as `gateway.secrets.Secrets.get` does.

        Raises:
            SecretMissing: if their reference leads nowhere.
        """
        if told is None:
            return None
        if told.secret is None:
            return cls(told.url)
        secret = get(told.secret)
        pair = secret if told.user is None else f"{told.user}:{secret}"
        # RFC 7617 section 2.1: UTF-8, for which a proxy may ask and none refuses.
        return cls(told.url, f"Basic {b64encode(pair.encode()).decode()}")

    def arguments(self, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """
        Return what aiohttp needs to be told to ask for *url* this way.

        The credentials go to the proxy alone: with the request for a tunnel, within which the
        provider is asked, or with a request that the proxy itself reads, whose it is to take
        them out (RFC 9110 section 11.7.2).
        """
        if self.authorization is None:
            return {"proxy": self.url}
        told = {hdrs.PROXY_AUTHORIZATION: self.authorization}
        if url.startswith("https:"):
            return {"proxy": self.url, "proxy_headers": told}
        return {"proxy": self.url, "headers": {**headers, **told}}


@attrs.define(eq=False)
class Upstream:
    """
    The connections to all providers of one worker.

    Args:
        ca_file: Certificate authorities instead of the system's.
    """

    ca_file: Path | None = None
    _connector: WireConnector | None = attrs.field(default=None, init=False)
    # Through proxies go few requests, and aiohttp knows how.
    _proxied: WireConnector | None = attrs.field(default=None, init=False)
    _session: aiohttp.ClientSession | None = attrs.field(default=None, init=False)
    _addresses: Addresses = attrs.field(factory=Addresses, init=False)
    _timeouts: dict[Timeouts, aiohttp.ClientTimeout] = attrs.field(
        factory=dict, init=False
    )
    #: Those used last.
    _latest: tuple[Timeouts | None, aiohttp.ClientTimeout] = attrs.field(
        default=(None, aiohttp.ClientTimeout()), init=False
    )

    async def open(self) -> None:
        """
        Make the session; needs a running loop.
        """
        trust = _trust(self.ca_file)
        self._connector = _connector(Wire, trust)
        self._proxied = _connector(ResponseHandler, trust)
        self._session = aiohttp.ClientSession(
            connector=self._proxied,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept"),
            trust_env=False,
            raise_for_status=False,
            read_bufsize=READ_BYTES,
            max_field_size=MAX_FIELD_BYTES,
        )

    async def close(self) -> None:
        """
        Close every connection.
        """
        session, self._session = self._session, None
        connector, self._connector = self._connector, None
        self._proxied = None
        if session is not None:
            await session.close()
        if connector is not None:
            await connector.close()

    def break_off(self) -> None:
        """
        Break every connection, so that whoever reads from one fails.

        Closing would not do: aiohttp then lets go of a connection without telling the
        reader, who waits on.
        """
        for connector in (self._connector, self._proxied):
            if connector is not None:
                connector.break_off()

    def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeouts: Timeouts,
        proxy: Proxy | None = None,
        total_s: float | None = None,
    ) -> Awaitable[HttpReply]:
        """
        Send *body* and wait for status and headers.

        Args:
            total_s: The most that everything may take, where that is less than the timeouts say.

        Raises:
            UpstreamError: if there is no connection, or it breaks.
            UpstreamTimeout: if nothing comes in time.
            ValueError: if a header cannot be sent.
        """
        return self.request("POST", url, headers, body, timeouts, proxy, total_s)

    async def get(
        self,
        url: str,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        proxy: Proxy | None = None,
    ) -> HttpReply:
        """
        Ask for *url*; as `post`.
        """
        return await self.request("GET", url, headers, None, timeouts, proxy)

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeouts: Timeouts,
        proxy: Proxy | None,
        total_s: float | None = None,
    ) -> HttpReply:
        """
        Send a request of any method; as `post`.
        """
        connector, session = self._connector, self._session
        if connector is None or session is None:
            msg = "the upstream session is not open"
            raise RuntimeError(msg)
        limits = self._timeout(timeouts, total_s)
        address = self._addresses.find(url) if proxy is None else None
        try:
            if address is None:
                way = {} if proxy is None else proxy.arguments(url, headers)
                response = await session.request(
                    method,
                    url,
                    data=body,
                    timeout=limits,
                    allow_redirects=False,
                    **{"headers": headers, **way},
                )
                if proxy is not None and response.status == _PROXY_ASKS:
                    response.close()
                    raise _unreachable()
                return _of_session(response, timeouts.idle_s)
            head = address.head(method, headers, None if body is None else len(body))
            loop = asyncio.get_running_loop()
            deadline = loop.time() + (limits.total or timeouts.total_s)
            call = Call(await connector.connect(address.key, [], limits))
            left_s = deadline - loop.time()
            bare = method == "HEAD"
            answer = await call.run(head, body or b"", timeouts, left_s, bare=bare)
        except _BROKEN as exc:
            raise _failure(exc, is_connected=False) from exc
        return HttpReply(*answer, call)

    def _timeout(
        self, timeouts: Timeouts, total_s: float | None
    ) -> aiohttp.ClientTimeout:
        if total_s is not None and total_s < timeouts.total_s:
            return _client_timeout(timeouts, max(total_s, 0.001))
        if timeouts is self._latest[0]:  # hashing them takes longer than all the rest
            return self._latest[1]
        found = self._timeouts.get(timeouts)
        if found is None:
            found = _client_timeout(timeouts, timeouts.total_s)
            self._timeouts[timeouts] = found
        self._latest = timeouts, found
        return found


def _trust(ca_file: Path | None) -> ssl.SSLContext | bool:
    """
    Return whose certificates are accepted, as aiohttp takes it.

    True is the system's authorities, by the context that aiohttp has of them: another one would
    be a megabyte.

    Raises:
        ConfigError: *ca_file* cannot be read.
    """
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError as exc:  # ssl's own errors among them
        msg = f"{ca_file} holds no certificates that can be read: {exc.strerror or exc}"
        raise ConfigError(Problem(msg, path="egress.ca_file")) from None


def _connector(
    make: Callable[[asyncio.AbstractEventLoop], ResponseHandler],
    trust: ssl.SSLContext | bool,
) -> WireConnector:
    return WireConnector(
        make,
        limit=0,  # providers have limits of their own
        keepalive_timeout=KEEP_ALIVE_S,
        ssl=trust,
        ttl_dns_cache=60,
    )


def _of_session(response: aiohttp.ClientResponse, idle_s: float) -> HttpReply:
    connection = response.connection
    if connection is not None and connection.protocol is not None:
        # From the first byte on it is the pause between bytes that counts.
        connection.protocol.read_timeout = idle_s
    return HttpReply(response.status, response.headers, response.content, response)


def _client_timeout(timeouts: Timeouts, total_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=total_s,
        connect=total_s,  # finding the address included
        sock_connect=timeouts.connect_s,
        sock_read=timeouts.first_byte_s,
    )


def _too_large() -> UpstreamError:
    return UpstreamError("The provider's answer is too large.")


def _failure(exc: BaseException, *, is_connected: bool) -> UpstreamError:
    """
    Say what happened in words that hold no address and no credential.
    """
    if isinstance(exc, TimeoutError | asyncio.TimeoutError):
        return UpstreamTimeout("The provider did not answer in time.")
    if isinstance(exc, aiohttp.ClientSSLError):
        return UpstreamError(
            "The provider's certificate was not accepted.",
            details={"failure": "connect"},
        )
    # A proxy that refuses the tunnel has let nothing through to the provider.
    unsent = aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError
    if is_connected or not isinstance(exc, unsent):
        return UpstreamError(
            "The provider broke off its answer.", details={"failure": "broken"}
        )
    return _unreachable()


def _unreachable() -> UpstreamError:
    return UpstreamError(
        "The provider could not be reached.", details={"failure": "connect"}
    )
