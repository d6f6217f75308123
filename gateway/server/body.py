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


async def read_body(request: web.BaseRequest, limits: ServerSettings) -> bytes:
    """
    Read the body of *request*, which must say that it is JSON.

    Returns:
        The bytes, decompressed, at most ``limits.max_body_bytes`` of them.

    Raises:
        NotJson: 415; another content type, or a content coding that is not read here.
        BodyTooLarge: 413; as soon as it is known.
        BodyTimeout: 408; silent for ``limits.body_timeout_s``, or slower than `MIN_RATE`.
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
    if content.is_eof():  # it came with the headers, as most do
        body = content.read_nowait()
        if len(body) > limit:
            raise BodyTooLarge(limit_bytes=limit)
    else:
        body = await _read_slowly(request, limits)
    return body if coding in _PLAIN else await decompress(body, coding, limit)


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


async def _read_slowly(request: web.BaseRequest, limits: ServerSettings) -> bytes:
    """
    Read a body that is not all here yet.
    """
    limit = limits.max_body_bytes
    told = request.content_length
    if told is not None and told > limit:
        raise BodyTooLarge(limit_bytes=limit)
    await invite(request)
    try:
        return await _collect(request.content, limit, limits.body_timeout_s)
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


async def _collect(content: StreamReader, limit: int, silence_s: float) -> bytes:
    clock = asyncio.get_running_loop().time
    started = clock()
    parts: list[bytes] = []
    size = 0
    async with asyncio.timeout(None) as deadline:
        while True:
            # The moment at which the average falls below the rate, if nothing more comes.
            too_slow = started + GRACE_S + size / MIN_RATE
            deadline.reschedule(min(clock() + silence_s, too_slow))
            part = await content.readany()
            if not part:
                return b"".join(parts)
            size += len(part)
            if size > limit:
                raise BodyTooLarge(limit_bytes=limit)
            parts.append(part)


# --- decompressing --------------------------------------------------------------------------


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
