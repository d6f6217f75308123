"""
HTTP/1.1 to a provider, written straight onto one of aiohttp's connections.

aiohttp keeps the connections (pool, names, TLS) and parses answers; what its ClientSession
does besides costs more than everything else here together.

Against answers that somebody smuggled in: a connection serves again only if nothing but one
answer came on it, and that one was read to its end.
"""

from __future__ import annotations

import asyncio
import functools
import re
import sys
import weakref
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from multidict import MultiMapping

    from gateway.settings import Timeouts

#: Bytes read ahead of who reads an answer; twice as many pause the connection.
READ_BYTES: Final = 64 * 1024
#: Bytes that one header of an answer may have.
MAX_FIELD_BYTES: Final = 16 * 1024
#: Interim answers (100, 102, 103) that are skipped before an answer.
_MOST_INTERIM: Final = 16
# Up to here copying the body behind the head is cheaper than a second buffer.
_JOINED_BYTES: Final = 64 * 1024
# Of these versions asyncio's own loop tells nobody of a buffer that `writelines` filled
# (CVE-2024-12254); there all is joined.
_FILLS_UNSEEN: Final = any(
    first <= sys.version_info < mended
    for first, mended in (((3, 12), (3, 12, 9)), ((3, 13), (3, 13, 2)))
)
_MOST_ADDRESSES: Final = 1024
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# What says where a request ends is ours to say, and nobody here waits for a 100.
_FRAMING: Final = frozenset({"content-length", "transfer-encoding", "expect"})

T = TypeVar("T")
#: Status, headers, and the body as it comes.
Answer: TypeAlias = "tuple[int, MultiMapping[str], aiohttp.StreamReader]"


class Wire(ResponseHandler):
    """
    One connection, that knows when it may be spoken to.

    Attributes:
        is_idle: Nobody asked, so that no byte may come.
        waits_since: When the provider's last byte came, or all of the request was sent;
            None while it is for us to go on.  By the loop's clock.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.is_idle = True
        self.waits_since: float | None = None
        self._now = loop.time
        #: Called whenever something came, or the connection failed.
        self.taker: Callable[[], None] | None = None
        self._answer: aiohttp.StreamReader | None = None

    @property
    def owes(self) -> bool:
        """
        Whether more of an answer is to come.
        """
        return self._answer is None or not self._answer.is_eof()

    def ask(self, head: bytes, body: bytes, *, bare: bool) -> None:
        """
        Write a request whole.

        Args:
            bare: The answer has no body whatever it says: that to a HEAD.

        Raises:
            aiohttp.ServerDisconnectedError: if the connection has gone.
        """
        transport = self.transport
        if transport is None or transport.is_closing():
            raise aiohttp.ServerDisconnectedError
        self.is_idle = False
        self.set_response_params(
            skip_payload=bare,
            read_until_eof=True,
            read_bufsize=READ_BYTES,
            max_field_size=MAX_FIELD_BYTES,
        )
        if len(body) <= _JOINED_BYTES or _FILLS_UNSEEN:
            transport.write(head + body)
        else:
            transport.writelines((head, body))
        self.waits_since = None if self.writing_paused else self._now()

    async def answered(self) -> Answer:
        """
        Wait for status, headers and body of the answer, which may be under way still.

        Raises:
            aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError: if none comes.
        """
        for _ in range(_MOST_INTERIM):
            message, body = await self.read()
            if message.code >= 200:
                self._answer = body
                return message.code, message.headers, body
            if message.code < 100 or message.code == 101:
                raise aiohttp.ClientConnectionError("an answer nobody asked for")
        raise aiohttp.ClientConnectionError("interim answers without end")

    def rest(self) -> None:
        """
        Expect nothing any more; let the connection be closed unless it is clean.
        """
        self._answer = None
        self.is_idle = True
        transport = self.transport
        if self.should_close or transport is None:
            return
        if transport.get_write_buffer_size() or self._has_begun_another():
            self.force_close()

    def _has_begun_another(self) -> bool:
        # The parser alone knows whether the bytes behind an answer began another one.
        # Private, for ResponseHandler makes it itself: its end of input tells, and is
        # nothing to a parser between two messages.
        try:
            return self._parser is None or self._parser.feed_eof() is not None
        except Exception:  # noqa: BLE001 - what is there is no answer
            return True

    # --- asyncio's and aiohttp's -------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """
        Take what came; hang up if nobody asked for it.
        """
        if not self.is_idle:
            if data:
                self.waits_since = self._now()
            super().data_received(data)
            if self.taker is not None:
                self.taker()
        elif data and self.transport is not None:  # aiohttp resumes with nothing
            self.force_close()
            self.transport.abort()

    def resume_writing(self) -> None:
        """
        Wait for the answer from here on, for all but the last bytes are sent.
        """
        super().resume_writing()
        if not self.is_idle and self._answer is None:
            self.waits_since = self._now()

    def pause_reading(self) -> None:
        """
        Have more than whoever reads can take: it is not the provider who is slow.
        """
        self.waits_since = None
        super().pause_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """
        Wait for the provider again.

        aiohttp's readers ask for it after every read, and its protocol then parses nothing
        and resumes what was not paused.
        """
        if self._reading_paused:  # private, and what aiohttp itself goes by
            self.waits_since = self._now()
            super().resume_reading(resume_parser)  # which may pause again

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """
        Fail who waits for an answer, and who reads one.

        aiohttp leaves a reader waiting where the parser gave up within a body.
        """
        super().set_exception(exc, *cause)
        if self._answer is not None and not self._answer.is_eof():
            self._answer.set_exception(exc)
        if self.taker is not None:
            self.taker()

    def connection_lost(self, exc: BaseException | None) -> None:
        """
        Tell whoever reads.
        """
        super().connection_lost(exc)
        if self.taker is not None:
            self.taker()


class WireConnector(aiohttp.TCPConnector):
    """
    aiohttp's connector, that can break every connection it made.

    Args:
        make: Makes what a connection speaks.
    """

    def __init__(
        self, make: Callable[[asyncio.AbstractEventLoop], ResponseHandler], **how: Any
    ) -> None:
        super().__init__(**how)
        self._made: weakref.WeakSet[ResponseHandler] = weakref.WeakSet()
        # Private, for aiohttp has no other place to say what a connection speaks.
        self._factory = functools.partial(self._make, make)

    def _make(
        self, make: Callable[[asyncio.AbstractEventLoop], ResponseHandler]
    ) -> ResponseHandler:
        made = make(asyncio.get_running_loop())
        self._made.add(made)
        return made

    def break_off(self) -> None:
        """
        Break every connection, so that whoever reads from one fails.
        """
        for made in tuple(self._made):
            if made.transport is not None:
                made.transport.abort()


class _Key(aiohttp.ClientRequest):
    """
    What aiohttp's connector looks a connection up by; nothing in it ever changes.
    """

    @functools.cached_property
    def connection_key(self) -> ConnectionKey:
        """
        Everything that must be the same for a connection to serve.
        """
        return super().connection_key


class Address:
    """
    Where requests of one URL go, and how they begin.

    Args:
        loop: aiohttp wants it, and does nothing with it.
    """

    __slots__ = ("_host", "_target", "key")

    def __init__(self, url: URL, loop: asyncio.AbstractEventLoop) -> None:
        #: What aiohttp's connector takes; it is a key there, and never sent.
        self.key = _Key("GET", url, loop=loop)
        self._target = url.raw_path_qs
        self._host = url.host_port_subcomponent

    def head(
        self, method: str, headers: Mapping[str, str], length: int | None
    ) -> bytes:
        """
        Write the head of a request.

        Raises:
            ValueError: if a header cannot be sent; names it, and not what it holds.
        """
        lines = [f"{method} {self._target} HTTP/1.1"]
        has_host = False
        for name, value in headers.items():
            if not _TOKEN.fullmatch(name):
                msg = f"a header to a provider has a name that is none: {name[:64]!r}"
                raise ValueError(msg)
            if _CONTROL.search(value):
                msg = f"the header {name} to a provider holds a control character"
                raise ValueError(msg)
            low = name.lower()
            if low in _FRAMING:
                if low == "content-length":
                    continue
                msg = f"the header {name} to a provider is the gateway's own to set"
                raise ValueError(msg)
            if low == "host":
                if has_host:
                    raise ValueError("a request to a provider has two Host headers")
                has_host = True
            lines.append(f"{name}: {value}")
        if not has_host:
            lines.insert(1, f"Host: {self._host}")
        if length is not None:
            lines.append(f"Content-Length: {length}")
        lines.append("\r\n")
        return "\r\n".join(lines).encode()


class Addresses:
    """
    The addresses in use; bounded, for a URL may hold the name of a model.
    """

    def __init__(self) -> None:
        self._known: dict[str, Address | None] = {}

    def find(self, url: str) -> Address | None:
        """
        Return the address of *url*; None if only aiohttp's session knows what to do.

        That is for URLs with credentials, without a host, of other schemes.
        """
        try:
            return self._known[url]
        except KeyError:
            pass
        if len(self._known) >= _MOST_ADDRESSES:
            self._known.clear()
        found = self._known[url] = _address(url)
        return found


def _address(url: str) -> Address | None:
    try:
        parsed = URL(url)
    except ValueError:
        return None
    if parsed.scheme not in {"http", "https"} or not parsed.raw_host:
        return None
    if parsed.raw_user is not None or parsed.raw_password is not None:
        return None
    return Address(parsed, asyncio.get_running_loop())


class Call:
    """
    One request and its answer, on a connection that is its own until the end.

    One timer watches over everything, and looks when it is due whether it still is: aiohttp's
    own would be set anew with every read.  With `Wire.resume_reading` that spares 2.5 of 19.5
    microseconds of Python an event of a stream.
    """

    __slots__ = (
        "_connection",
        "_deadline",
        "_is_answered",
        "_is_late",
        "_loop",
        "_patience_s",
        "_timer",
        "_wire",
    )

    def __init__(self, connection: Connection) -> None:
        wire = connection.protocol
        if not isinstance(wire, Wire):  # pragma: no cover - pinned by a test
            connection.close()
            raise TypeError("aiohttp's connector makes connections of its own kind")
        self._connection: Connection | None = connection
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._patience_s = 0.0
        self._is_late = False
        self._is_answered = False

    async def run(
        self, head: bytes, body: bytes, timeouts: Timeouts, left_s: float, *, bare: bool
    ) -> Answer:
        """
        Send and wait for the head of the answer.

        Args:
            left_s: The most that everything may take, the body of the answer included.

        Raises:
            aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError: if none comes;
                the connection is closed then, as it is when this is cancelled.
        """
        wire = self._wire
        try:
            self._deadline = self._loop.time() + max(left_s, 0.001)
            self._patience_s = timeouts.first_byte_s
            wire.ask(head, body, bare=bare)
            self._watch()
            answer = await wire.answered()
            if self._is_late:
                raise aiohttp.SocketTimeoutError
        except BaseException:
            self.close()
            raise
        # From the first byte on it is the pause between bytes that counts.
        self._patience_s = timeouts.idle_s
        self._is_answered = True
        if timeouts.idle_s < timeouts.first_byte_s and wire.owes:
            self._watch()
        return answer

    async def push(
        self, content: aiohttp.StreamReader, take: Callable[[bytes], T | None]
    ) -> T | None:
        """
        Hand what comes of the answer's *content* to *take*, within the connection's callback.

        So a read wakes no task: with what waits for that a third of an event's cost.

        Returns:
            What *take* returned that was not None, after which nothing is read; None at the
            end of the answer.

        Raises:
            aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError: if it breaks off.
        """
        over: asyncio.Future[T | None] = self._loop.create_future()

        is_looking = has_more = False

        def look() -> None:
            nonlocal is_looking, has_more
            has_more = True
            if is_looking or over.done():  # reading may let more in, which calls this
                return
            is_looking = True
            try:
                while has_more:
                    has_more = False
                    data = content.read_nowait()
                    found = take(data) if data else None
                    if found is not None:
                        over.set_result(found)
                        return
                if content.is_eof():
                    over.set_result(None)
            except Exception as exc:  # noqa: BLE001 - raised where the stream is read
                over.set_exception(exc)
            finally:
                is_looking = False

        self._wire.taker = look
        try:
            look()  # at what came meanwhile
            return await over
        finally:
            self._wire.taker = None

    def _due(self) -> float:
        """
        Return when it will have taken too long, as far as is known by now.
        """
        wire = self._wire
        if not wire.owes:
            return self._deadline
        since = wire.waits_since
        if since is None:
            since = self._loop.time()
        return min(self._deadline, since + self._patience_s)

    def _watch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due(), self._look)

    def _look(self) -> None:
        # Loops count in milliseconds: a timer may be that early.
        if self._due() <= self._loop.time() + 0.001:
            self._expire()
        else:
            self._watch()

    def _expire(self) -> None:
        self._is_late = True
        self._wire.set_exception(aiohttp.SocketTimeoutError("it took too long"))
        if self._is_answered:
            self.close()

    def release(self) -> None:
        """
        Give the connection back after the last byte of the answer was read.
        """
        connection = self._detach()
        if connection is not None:
            self._wire.rest()
            connection.release()

    def close(self) -> None:
        """
        Close the connection, for there is more to come on it, or may be.
        """
        connection = self._detach()
        if connection is None:
            return
        self._wire.force_close()
        self._wire.rest()
        transport = connection.transport
        if transport is not None and transport.get_write_buffer_size():
            transport.abort()  # closing would first send what nobody may ever read
        connection.close()

    def _detach(self) -> Connection | None:
        connection, self._connection = self._connection, None
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        return connection
