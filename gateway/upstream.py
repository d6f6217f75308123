"""
The way out: one client session per worker, timeouts, cancellation, bounded reads.

No redirects, no cookies, no environment proxies: a provider's answer decides nothing about where
the next request goes.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Final, Protocol

import aiohttp
import attrs
from multidict import CIMultiDict

from gateway.errors import UpstreamError, UpstreamTimeout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from multidict import MultiMapping

    from gateway.settings import Timeouts

#: Bytes that a whole answer may have, decompressed.
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
#: Seconds that an idle connection is kept; below what vendors keep theirs.
KEEP_ALIVE_S: Final = 15.0
_READ_BYTES: Final = 64 * 1024
_OK: Final = 200


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

    def close(self) -> None:
        """
        Let go: the connection goes back if the body was read whole, and is closed if not.
        """


async def read_whole(reply: Reply, limit: int = MAX_ANSWER_BYTES) -> bytes:
    """
    Read the whole body of *reply*.

    Raises:
        UpstreamError: if it breaks off, or is larger than *limit*.
    """
    if isinstance(reply, HttpReply):
        return await reply.read(limit)
    parts = []
    size = 0
    async for part in reply.reads():
        size += len(part)
        if size > limit:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


class HttpReply:
    """
    A `Reply` over HTTP.
    """

    __slots__ = ("_idle_s", "_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse, idle_s: float) -> None:
        self._response = response
        self._idle_s = idle_s
        self.status = response.status
        self.headers: MultiMapping[str] = response.headers

    async def read(self, limit: int) -> bytes:
        """
        Read the whole body, at most *limit* bytes.
        """
        content = self._response.content
        try:
            body = await content.readany()
            if content.at_eof():
                return body
            parts = [body]
            size = len(body)
            while part := await content.readany():
                size += len(part)
                if size > limit:
                    self._response.close()
                    raise _too_large()
                parts.append(part)
            return b"".join(parts)
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise _failure(exc, is_connected=True) from exc

    async def reads(self) -> AsyncIterator[bytes]:
        """
        Yield the body as it arrives, one piece a read of the socket.
        """
        connection = self._response.connection
        if connection is not None and connection.protocol is not None:
            # From the first byte on it is the pause between bytes that counts.
            connection.protocol.read_timeout = self._idle_s
        content = self._response.content
        try:
            while data := await content.readany():
                yield data
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise _failure(exc, is_connected=True) from exc

    def close(self) -> None:
        """
        Give the connection back, or close it if the body was not read whole.
        """
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


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

    def close(self) -> None:
        """
        Let go; the parts are dropped with the last reference.
        """


@attrs.define(eq=False)
class Upstream:
    """
    The connections to all providers of one worker.

    Args:
        ca_file: Certificate authorities instead of the system's.
    """

    ca_file: Path | None = None
    _session: aiohttp.ClientSession | None = attrs.field(default=None, init=False)
    _timeouts: dict[Timeouts, aiohttp.ClientTimeout] = attrs.field(
        factory=dict, init=False
    )

    async def open(self) -> None:
        """
        Make the session; needs a running loop.
        """
        context = ssl.create_default_context(
            cafile=str(self.ca_file) if self.ca_file else None
        )
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # providers have limits of their own
                keepalive_timeout=KEEP_ALIVE_S,
                ssl=context,
                ttl_dns_cache=60,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept"),
            trust_env=False,
            raise_for_status=False,
            read_bufsize=_READ_BYTES,
            max_field_size=16 * 1024,
        )

    async def close(self) -> None:
        """
        Close every connection.
        """
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeouts: Timeouts,
        proxy: str | None = None,
        total_s: float | None = None,
    ) -> HttpReply:
        """
        Send *body* and wait for status and headers.

        Args:
            total_s: The most that everything may take, where that is less than the timeouts say.

        Raises:
            UpstreamError: if there is no connection, or it breaks.
            UpstreamTimeout: if nothing comes in time.
        """
        return await self._request("POST", url, headers, body, timeouts, proxy, total_s)

    async def get(
        self,
        url: str,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        proxy: str | None = None,
    ) -> HttpReply:
        """
        Ask for *url*; as `post`.
        """
        return await self._request("GET", url, headers, None, timeouts, proxy)

    async def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeouts: Timeouts,
        proxy: str | None,
        total_s: float | None = None,
    ) -> HttpReply:
        session = self._session
        if session is None:
            msg = "the upstream session is not open"
            raise RuntimeError(msg)
        try:
            response = await session.request(
                method,
                url,
                headers=headers,
                data=body,
                timeout=self._timeout(timeouts, total_s),
                allow_redirects=False,
                proxy=proxy,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise _failure(exc, is_connected=False) from exc
        return HttpReply(response, timeouts.idle_s)

    def _timeout(
        self, timeouts: Timeouts, total_s: float | None
    ) -> aiohttp.ClientTimeout:
        if total_s is not None and total_s < timeouts.total_s:
            return _client_timeout(timeouts, max(total_s, 0.001))
        found = self._timeouts.get(timeouts)
        if found is None:
            found = _client_timeout(timeouts, timeouts.total_s)
            self._timeouts[timeouts] = found
        return found


def _client_timeout(timeouts: Timeouts, total_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=total_s,
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
    if is_connected or not isinstance(exc, aiohttp.ClientConnectorError):
        return UpstreamError(
            "The provider broke off its answer.", details={"failure": "broken"}
        )
    return UpstreamError(
        "The provider could not be reached.", details={"failure": "connect"}
    )
