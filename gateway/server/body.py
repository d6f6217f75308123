"""
Reading a request's body: typed, bounded in size and in time, decompressed by us.

aiohttp would decompress while it receives, before anybody has looked at the request, and knows
no deadline for a body.  So its own decompression is off (see `gateway.server.connection`) and
this module is the only reader of callers' bodies.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Final

import attrs
from aiohttp import hdrs, web

from gateway.errors import BodyTimeout, BodyTooLarge, InvalidRequest, NotJson

if TYPE_CHECKING:
    from aiohttp import StreamReader
    from multidict import CIMultiDictProxy

    from gateway.settings import ServerSettings

#: Bytes a second that a body must bring on average, once `GRACE_S` have passed.
MIN_RATE: Final = 1024
GRACE_S: Final = 5.0
#: Decompressed bytes after which other requests get their turn.
_STEP_BYTES: Final = 256 * 1024

_JSON: Final = "application/json"
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_INVITED: Final = web.RequestKey("invited", bool)
_PLAIN: Final = frozenset({"", "identity"})
_CODINGS: Final = frozenset({"gzip", "x-gzip", "deflate"})


@attrs.define(eq=False)
class _Arrival:
    """
    One body under way.

    Attributes:
        is_over: It gave way to others.
    """

    deadline: asyncio.Timeout
    size: int = 0
    is_over: bool = False


class Intake:
    """
    All the bodies that one worker reads at a time, within one bound.

    Nobody knows yet whose they are.  A stranger who sent most of many long ones, and sends the
    rest byte by byte, would fill the memory; so would one who sends many small ones that
    decompress to long ones.  So of those that arrive the oldest gives way, for an honest one
    has arrived before, and one is decompressed at a time.
    """

    def __init__(self) -> None:
        self.unpacking = asyncio.Lock()
        #: The oldest first.
        self._arrivals: dict[_Arrival, None] = {}
        self._bytes = 0

    def begin(self, deadline: asyncio.Timeout) -> _Arrival:
        """
        Take in one more body, which is over when *deadline* is.
        """
        arrival = _Arrival(deadline)
        self._arrivals[arrival] = None
        return arrival

    def add(self, arrival: _Arrival, size: int, most_bytes: int) -> None:
        """
        Count *size* bytes more of *arrival*; end the oldest ones if all have too many.

        Raises:
            TimeoutError: *arrival* had to give way.
        """
        if arrival.is_over:
            raise TimeoutError
        arrival.size += size
        self._bytes += size
        while self._bytes > most_bytes and len(self._arrivals) > 1:
            oldest = next(iter(self._arrivals))
            self.end(oldest)
            if oldest is arrival:
                raise TimeoutError
            oldest.is_over = True
            if not oldest.deadline.expired():
                oldest.deadline.reschedule(0)

    def end(self, arrival: _Arrival) -> None:
        """
        Count *arrival* no more; once more is no more.
        """
        if arrival in self._arrivals:
            del self._arrivals[arrival]
            self._bytes -= arrival.size


async def read_body(
    request: web.BaseRequest, limits: ServerSettings, intake: Intake | None = None
) -> bytes:
    """
    Read the body of *request*, which must say that it is JSON.

    Args:
        intake: Of all bodies that strangers send; None for one of somebody who is known.

    Returns:
        The bytes, decompressed, at most ``limits.max_body_bytes`` of them.

    Raises:
        NotJson: 415; another content type, or a content coding that is not read here.
        BodyTooLarge: 413; as soon as it is known.
        BodyTimeout: 408; silent for ``limits.body_timeout_s``, slower than `MIN_RATE`, or the
            oldest where ``limits.max_arriving_bytes`` are under way.
        InvalidRequest: 400; broken framing or compression.
    """
    headers = request.headers
    if headers.get(hdrs.CONTENT_TYPE) != _JSON:
        _check_type(headers)
    coding = headers.get(hdrs.CONTENT_ENCODING, "")
    if coding:
        coding = coding.strip().lower()
        _check_coding(coding)
    content = request.content
    limit = limits.max_body_bytes
    intake = intake or Intake()
    if content.is_eof():  # it came with the headers, as most do
        body = content.read_nowait()
        if len(body) > limit:
            raise BodyTooLarge(limit_bytes=limit)
    else:
        body = await _read_slowly(request, limits, intake)
    return body if coding in _PLAIN else await _unpack(body, coding, limits, intake)


def _check_type(headers: CIMultiDictProxy[str]) -> None:
    # A missing type is refused as well: a page of another origin may send that without asking
    # first, JSON it may not (Fetch standard, CORS-safelisted request headers).
    kind, _, rest = headers.get(hdrs.CONTENT_TYPE, "").lower().partition(";")
    kind = kind.strip()
    if kind != _JSON and not (kind.startswith("application/") and kind[-5:] == "+json"):
        raise NotJson
    for parameter in rest.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in {"utf-8", "utf8"}:
            msg = "JSON is UTF-8 (RFC 8259 section 8.1); no other charset is read."
            raise NotJson(msg, code="charset_not_supported")


def _check_coding(coding: str) -> None:
    if coding not in _PLAIN and coding not in _CODINGS:
        msg = "The content encoding must be gzip, deflate or identity."
        # RFC 9110 section 15.5.16: a 415 says which codings are read.
        read = {"Accept-Encoding": "gzip, deflate"}
        raise NotJson(msg, code="encoding_not_supported", headers=read)


# --- arriving -------------------------------------------------------------------------------


async def _read_slowly(
    request: web.BaseRequest, limits: ServerSettings, intake: Intake
) -> bytes:
    """
    Read a body that is not all here yet.
    """
    limit = limits.max_body_bytes
    told = request.content_length
    if told is not None and told > limit:
        raise BodyTooLarge(limit_bytes=limit)
    await invite(request)
    try:
        return await _collect(request.content, limits, intake)
    except TimeoutError:
        raise BodyTimeout from None
    except web.RequestPayloadError:
        msg = "The request's body is not framed as its headers say."
        raise InvalidRequest(msg, code="bad_body") from None


async def invite(request: web.BaseRequest) -> None:
    """
    Ask for the body, once, where the caller waits to be asked (``Expect: 100-continue``).
    """
    if request.headers.get(hdrs.EXPECT, "").lower() != "100-continue":
        return
    if request.content.is_eof() or _INVITED in request:
        return
    request[_INVITED] = True
    await request.writer.write(_CONTINUE)
    request.writer.output_size = 0  # the answer's head is still to come


async def _collect(
    content: StreamReader, limits: ServerSettings, intake: Intake
) -> bytes:
    clock = asyncio.get_running_loop().time
    started = clock()
    parts: list[bytes] = []
    size = 0
    async with asyncio.timeout(None) as deadline:
        arrival = intake.begin(deadline)
        try:
            while True:
                # The moment at which the average falls below the rate, if nothing more comes.
                too_slow = started + GRACE_S + size / MIN_RATE
                deadline.reschedule(min(clock() + limits.body_timeout_s, too_slow))
                part = await content.readany()
                if not part:
                    return b"".join(parts)
                size += len(part)
                if size > limits.max_body_bytes:
                    raise BodyTooLarge(limit_bytes=limits.max_body_bytes)
                intake.add(arrival, len(part), limits.max_arriving_bytes)
                parts.append(part)
        finally:
            intake.end(arrival)


# --- decompressing --------------------------------------------------------------------------


async def _unpack(
    body: bytes, coding: str, limits: ServerSettings, intake: Intake
) -> bytes:
    """
    Decompress *body* when it is its turn.
    """
    try:
        async with asyncio.timeout(None) as deadline:
            arrival = intake.begin(deadline)
            try:
                intake.add(arrival, len(body), limits.max_arriving_bytes)
                await intake.unpacking.acquire()
            finally:
                intake.end(arrival)
    except TimeoutError:
        raise BodyTimeout from None
    try:
        return await decompress(body, coding, limits.max_body_bytes)
    finally:
        intake.unpacking.release()


async def decompress(body: bytes, coding: str, limit: int) -> bytes:
    """
    Decompress *body*, at most *limit* bytes of it, without keeping the loop busy for long.

    Raises:
        BodyTooLarge: 413; at the first byte beyond *limit*.
        InvalidRequest: 400; broken, cut short, or with something behind its end.
    """
    stream = zlib.decompressobj(_window_bits(body, coding))
    parts: list[bytes] = []
    size = 0
    left = body
    try:
        while not stream.eof:
            part = stream.decompress(left, _STEP_BYTES)
            if not part and not stream.unconsumed_tail and not stream.eof:
                raise _broken(coding)
            left = stream.unconsumed_tail
            size += len(part)
            if size > limit:
                raise BodyTooLarge(limit_bytes=limit)
            parts.append(part)
            if len(part) == _STEP_BYTES:
                await asyncio.sleep(0)
    except zlib.error:
        raise _broken(coding) from None
    if stream.unused_data:
        raise _broken(coding)
    return b"".join(parts)


def _window_bits(body: bytes, coding: str) -> int:
    """
    Choose zlib's format for *coding*; ``deflate`` is zlib's, or bare as some clients send it.
    """
    if coding != "deflate":
        return 16 + zlib.MAX_WBITS
    is_zlib = len(body) > 1 and body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0
    return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS


def _broken(coding: str) -> InvalidRequest:
    msg = f"The request's body is not whole {coding} data."
    return InvalidRequest(msg, code="bad_body")
