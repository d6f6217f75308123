"""
What a provider may do to a connection, byte by byte; through `Upstream`, as it is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import random

import aiohttp
import attrs
import pytest
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.settings import Timeouts
from gateway.upstream import Upstream, read_whole
from gateway.wire import Address, Addresses, Call, Wire, WireConnector

QUICK = Timeouts(connect_s=1, first_byte_s=0.3, idle_s=0.3, total_s=3)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
BROKEN = {"failure": "broken"}


@attrs.define
class Peer:
    """
    A server that sends what it is told, write by write, and keeps what it was sent.

    Args:
        answers: The writes that follow each request; the last is for all further ones.
            None closes the connection, and a number is a pause in seconds.
    """

    answers: list[tuple[bytes | float | None, ...]]
    port: int = 0
    connections: int = 0
    open_now: int = 0
    requests: list[bytes] = attrs.field(factory=list)
    readers: list[asyncio.StreamReader] = attrs.field(factory=list)
    writers: list[asyncio.StreamWriter] = attrs.field(factory=list)
    reads_body: bool = True
    nap_s: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/x?y=1"

    async def serve(self, reader, writer) -> None:
        self.connections += 1
        self.open_now += 1
        self.readers.append(reader)
        self.writers.append(writer)
        try:
            with contextlib.suppress(OSError, EOFError, RuntimeError):
                await self._talk(reader, writer)
        finally:
            self.open_now -= 1
            writer.close()

    async def _talk(self, reader, writer) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = b""
            await asyncio.sleep(self.nap_s)
            if self.reads_body and b"Content-Length: " in head:
                size = head.split(b"Content-Length: ")[1].split(b"\r\n")[0]
                body = await reader.readexactly(int(size))
            self.requests.append(head + body)
            nth = min(len(self.requests), len(self.answers)) - 1
            for write in self.answers[nth]:
                if write is None:
                    return
                if isinstance(write, float):
                    await asyncio.sleep(write)
                else:
                    writer.write(write)
                    await writer.drain()
            if not self.reads_body:
                await asyncio.Event().wait()

    async def until(self, is_so) -> None:
        async with asyncio.timeout(2):
            while not is_so():  # noqa: ASYNC110 - what it waits for is not ours
                await asyncio.sleep(0.002)


@pytest.fixture(name="peer")
async def _peer():
    peer = Peer([(OK,)])
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    yield peer
    server.close()
    for writer in peer.writers:
        writer.close()


@pytest.fixture(name="upstream")
async def _upstream():
    upstream = Upstream()
    await upstream.open()
    yield upstream
    await upstream.close()


async def ask(upstream, peer, body=b"{}", timeouts=QUICK) -> bytes:
    """
    Return the body of an answer read whole.
    """
    reply = await upstream.post(peer.url, {}, body, timeouts)
    with contextlib.closing(reply):
        return await read_whole(reply)


# --- what is sent ---------------------------------------------------------------------------


async def test_a_request_is_written_whole(peer, upstream):
    """
    Target, host, headers, length and body stand as HTTP wants them.
    """
    reply = await upstream.post(peer.url, {"X-A": "b é"}, b"hello", QUICK)
    await read_whole(reply)

    host = f"Host: 127.0.0.1:{peer.port}\r\n".encode()
    assert peer.requests == [
        b"POST /v1/x?y=1 HTTP/1.1\r\n"
        + host
        + "X-A: b é\r\nContent-Length: 5\r\n\r\nhello".encode()
    ]


async def test_get_has_no_body(peer, upstream):
    """
    A request without a body says nothing of a length.
    """
    reply = await upstream.get(peer.url, {}, QUICK)
    await read_whole(reply)

    assert peer.requests[0].startswith(b"GET /v1/x?y=1 HTTP/1.1\r\n")
    assert b"ength" not in peer.requests[0]


async def test_length_and_host(peer, upstream):
    """
    A length that somebody set is replaced; a host that somebody set is kept, alone.
    """
    reply = await upstream.post(
        peer.url, {"Content-Length": "9", "host": "other"}, b"ab", QUICK
    )
    await read_whole(reply)

    head = peer.requests[0].lower()
    assert head.count(b"content-length") == head.count(b"host:") == 1
    assert b"content-length: 2\r\n" in head
    assert b"host: other\r\n" in head


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "a\r\nX-B: secret"),
        ("X-A", "a\nsecret"),
        ("X-A", "secret\r"),
        ("X-A", "secret\0"),
        ("X-A", "secret\x7f"),
        ("X-A", "secret\ud800"),
        ("X A", "secret"),
        ("X-A:", "secret"),
        ("X-A\r\nX-B", "secret"),
        ("", "secret"),
        ("X-É", "secret"),
        ("X-A\n", "secret"),
        ("Transfer-Encoding", "chunked"),
        ("Expect", "100-continue"),
    ],
)
async def test_a_header_that_cannot_be_sent_is_refused(peer, upstream, name, value):
    """
    Nothing is sent, and the message holds no value.
    """
    with pytest.raises(ValueError, match=r"header|surrogates") as caught:
        await upstream.post(peer.url, {name: value}, b"", QUICK)

    assert peer.connections == 0
    if not isinstance(caught.value, UnicodeError):
        assert "secret" not in str(caught.value)


async def test_a_large_body_arrives_whole(peer, upstream):
    """
    More than fits into the socket's buffer is sent as the peer takes it.
    """
    body = random.Random(1).randbytes(8_000_000)

    assert await ask(upstream, peer, body) == b"ok"
    assert await ask(upstream, peer, b"x") == b"ok"
    assert peer.requests[0].endswith(body)
    assert peer.connections == 1


# --- answers as they may be -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("writes", "body", "connections"),
    [
        ((OK,), b"ok", 1),
        ((OK[:20], OK[20:-1], OK[-1:]), b"ok", 1),
        (tuple(OK[i : i + 1] for i in range(len(OK))), b"ok", 1),
        ((b"HTTP/1.1 100 Continue\r\n\r\n", OK), b"ok", 1),
        ((b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,), b"ok", 1),
        ((b"HTTP/1.1 102 P\r\n\r\n", 0.02, OK), b"ok", 1),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), b"", 1),
        ((b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",), b"", 1),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",), b"", 1),
        (
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
                b"0\r\n\r\n",
            ),
            b"ok",
            1,
        ),
        ((b"HTTP/1.1 200 OK\r\n\r\nok", None), b"ok", 2),
        ((b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",), b"ok", 2),
        ((OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),), b"ok", 2),
    ],
    ids=(
        "length split bytes continue hints processing 204 304 empty chunked "
        "until-close http-1.0 close"
    ).split(),
)
async def test_an_answer_ends_where_it_says(peer, upstream, writes, body, connections):
    """
    The body is read to its end, and the connection serves again where it may.
    """
    peer.answers = [writes]

    assert await ask(upstream, peer) == body
    assert await ask(upstream, peer) == body
    assert peer.connections == connections


async def test_head_has_no_body(peer):
    """
    The answer to a HEAD ends with its head, and its connection serves again.
    """
    peer.answers = [(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",)]
    loop = asyncio.get_running_loop()
    address = Address(URL(peer.url), loop)
    async with WireConnector(Wire, limit=0) as connector:
        for _ in range(2):
            limits = aiohttp.ClientTimeout()
            call = Call(await connector.connect(address.key, [], limits))
            head = address.head("HEAD", {}, None)
            _, _, body = await call.run(head, b"", QUICK, 2, bare=True)
            assert await body.read() == b""
            call.release()

    assert peer.connections == 1


@pytest.mark.parametrize(
    "writes",
    [
        (b"nonsense\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nok",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",),
        (
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0.02, b"zz\r\nok"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
            0.02,
            b"-1\r\n",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokXX",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", None),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 50,),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",),
        (OK + b"garbage\r\n\r\n",),
        (None,),
        (b"HTTP/1.1 200", None),
    ],
    ids=(
        "nonsense short length-x two-lengths length-and-chunked chunk-at-once "
        "chunk-later chunk-after-one chunk-end chunk-cut upgrade interim-flood "
        "long-header many-headers garbage-behind hangs-up head-cut"
    ).split(),
)
async def test_an_answer_that_is_none_is_an_error(peer, upstream, writes):
    """
    It fails at once, as broken, and its connection is closed.
    """
    peer.answers = [writes, (OK,)]
    loop = asyncio.get_running_loop()
    began = loop.time()

    with pytest.raises(UpstreamError) as caught:
        await ask(upstream, peer)

    assert caught.value.details == BROKEN
    assert loop.time() - began < 0.25
    await peer.until(lambda: not peer.open_now)
    assert await ask(upstream, peer) == b"ok"
    assert peer.connections == 2


# --- what must never be the next one's answer -----------------------------------------------


@pytest.mark.parametrize(
    "writes",
    [
        (OK + EVIL,),
        (OK + EVIL[:-1],),
        (OK + EVIL[:30],),
        (OK + b"H",),
        (OK, 0.02, EVIL),
        (OK, 0.02, EVIL[:20]),
        (OK, 0.02, b"\r\n"),
        (OK, 0.02, b"x"),
        (b"HTTP/1.1 204 No Content\r\n\r\n" + EVIL,),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + EVIL,),
        (OK, 0.02, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"),
    ],
    ids=(
        "two two-cut head-cut one-byte later later-cut later-crlf later-byte "
        "behind-204 behind-chunked later-408"
    ).split(),
)
async def test_what_nobody_asked_for_is_nobodys_answer(peer, upstream, writes):
    """
    A connection on which more came than its answer serves nobody else.
    """
    peer.answers = [writes, (OK,)]

    with contextlib.suppress(UpstreamError):
        assert await ask(upstream, peer) in {b"ok", b""}
    await peer.until(lambda: not peer.open_now)

    assert await ask(upstream, peer) == b"ok"
    assert peer.connections == 2


async def test_who_speaks_first_is_hung_up_on():
    """
    An answer that came before the request is nobody's answer.
    """

    async def serve(reader, writer):
        writer.write(EVIL)
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    address = Address(URL(f"http://127.0.0.1:{port}/"), asyncio.get_running_loop())
    async with server, WireConnector(Wire, limit=0) as connector:
        limits = aiohttp.ClientTimeout()
        connection = await connector.connect(address.key, [], limits)
        async with asyncio.timeout(1):
            while connection.transport is not None:  # noqa: ASYNC110 - aiohttp's
                await asyncio.sleep(0.002)
        call = Call(connection)

        with pytest.raises(aiohttp.ServerDisconnectedError):
            await call.run(b"GET / HTTP/1.1\r\n\r\n", b"", QUICK, 1, bare=False)


async def test_an_answer_before_the_body_was_sent(peer, upstream):
    """
    It is read, and the rest of the body is not sent: the connection ends.
    """
    peer.reads_body = False
    body = b"x" * 30_000_000

    reply = await upstream.post(peer.url, {}, body, QUICK)
    assert await read_whole(reply) == b"ok"
    reply.close()

    peer.reads_body = True
    assert await ask(upstream, peer) == b"ok"
    assert peer.connections == 2


async def test_an_answer_not_read_to_its_end_ends_its_connection(peer, upstream):
    """
    Leaving in the middle, or before the first byte, never gives a connection back.
    """
    reply = await upstream.post(peer.url, {}, b"{}", QUICK)
    reply.close()
    reply.close()

    await peer.until(lambda: not peer.open_now)
    assert await ask(upstream, peer) == b"ok"
    assert peer.connections == 2


async def test_a_half_closed_connection_is_not_used_again(peer, upstream):
    """
    A peer that will not write any more is not asked any more.
    """
    assert await ask(upstream, peer) == b"ok"
    peer.writers[0].write_eof()
    await peer.until(lambda: not peer.open_now)

    assert await ask(upstream, peer) == b"ok"
    assert peer.connections == 2


async def test_a_stale_connection_is_told_as_broken(peer, upstream):
    """
    A connection that ends instead of an answer may have delivered the request.
    """
    peer.answers = [(OK,), (None,), (OK,)]
    assert await ask(upstream, peer) == b"ok"

    with pytest.raises(UpstreamError) as caught:
        await ask(upstream, peer)

    assert caught.value.details == BROKEN
    assert peer.connections == 1
    assert await ask(upstream, peer) == b"ok"


async def test_connections_are_used_again(peer, upstream):
    """
    A hundred requests one after another need one connection; ten at a time, ten.
    """
    for _ in range(100):
        await ask(upstream, peer)
    assert peer.connections == 1

    for _ in range(5):
        await asyncio.gather(*(ask(upstream, peer) for _ in range(10)))
    assert peer.connections <= 10


# --- time -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("writes", "at_least", "at_most"),
    [
        ((5.0,), 0.3, 0.6),
        ((b"HTTP/1.1 100 Continue\r\n\r\n", 5.0), 0.3, 0.6),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 5.0), 0.3, 0.6),
        ((b"HTTP/1.1 200 OK\r\n\r\na", 0.1, b"b", 5.0), 0.4, 0.7),
        ((b"HTTP/1.1 200 OK\r\n\r\n", *[0.1, b"x"] * 99), 0.9, 1.3),
        ((*[0.1, b"HTTP/1.1 100 Continue\r\n\r\n"] * 15, 5.0), 0.9, 1.3),
        ((b"HTTP/1.1 200 OK\r\n", *[0.1, b"X: y\r\n"] * 99), 0.9, 1.3),
    ],
    ids="silent interim no-body stalls drips interim-drip head-drip".split(),
)
async def test_time_runs_out(peer, upstream, writes, at_least, at_most):
    """
    Each wait has its own limit, and all together have one.
    """
    peer.answers = [writes]
    timeouts = attrs.evolve(QUICK, total_s=1)
    loop = asyncio.get_running_loop()
    began = loop.time()

    with pytest.raises(UpstreamTimeout):
        await ask(upstream, peer, timeouts=timeouts)

    assert at_least <= loop.time() - began < at_most
    await peer.until(lambda: peer.readers[0].at_eof() or peer.readers[0].exception())


@pytest.mark.parametrize(("first_byte_s", "idle_s"), [(9, 0.2), (0.2, 9)])
async def test_each_wait_has_its_own_limit(peer, upstream, first_byte_s, idle_s):
    """
    Before the first byte one counts and behind it the other, whichever is longer.
    """
    silent, stalled = (5.0,), (b"HTTP/1.1 200 OK\r\n\r\na", 5.0)
    peer.answers = [silent if first_byte_s < idle_s else stalled]
    timeouts = attrs.evolve(QUICK, first_byte_s=first_byte_s, idle_s=idle_s)
    loop = asyncio.get_running_loop()
    began = loop.time()

    with pytest.raises(UpstreamTimeout):
        await ask(upstream, peer, timeouts=timeouts)

    assert 0.2 <= loop.time() - began < 0.5


async def test_a_slow_reader_is_not_the_providers_fault(peer, upstream):
    """
    While more waits here than is read ahead, no limit but that for everything counts.
    """
    body = b"x" * 30_000_000
    peer.answers = [(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n" + body,)]
    timeouts = attrs.evolve(QUICK, first_byte_s=0.2, idle_s=0.2, total_s=60)
    reply = await upstream.post(peer.url, {}, b"", timeouts)
    reads = reply.reads()

    got = len(await anext(reads))
    await asyncio.sleep(3 * timeouts.idle_s)
    async for read in reads:
        got += len(read)

    assert got == len(body)


async def test_less_time_than_the_timeouts_say(peer, upstream):
    """
    What is left for all attempts is the most that one may take.
    """
    peer.answers = [(5.0,)]
    loop = asyncio.get_running_loop()
    began = loop.time()

    with pytest.raises(UpstreamTimeout):
        await upstream.post(peer.url, {}, b"", QUICK, total_s=0.1)

    assert loop.time() - began < 0.25


async def test_the_first_byte_is_waited_for_once_the_body_is_sent(peer, upstream):
    """
    A peer slow to take a large body has not begun to be late; one silent after it is.
    """
    body = b"x" * 30_000_000
    peer.answers = [(OK,), (5.0,)]
    peer.nap_s = 2 * QUICK.first_byte_s
    timeouts = attrs.evolve(QUICK, total_s=60)

    assert await ask(upstream, peer, body, timeouts) == b"ok"
    async with asyncio.timeout(5):
        with pytest.raises(UpstreamTimeout):
            await ask(upstream, peer, body, timeouts)


async def test_a_reader_is_told_when_connections_are_broken_off(peer, upstream):
    """
    Whoever waits for an answer, and whoever reads one, fails at once.
    """
    peer.answers = [(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", 5.0), (5.0,)]
    reply = await upstream.post(peer.url, {}, b"", QUICK)
    reading = asyncio.ensure_future(read_whole(reply))
    waiting = asyncio.ensure_future(upstream.post(peer.url, {}, b"", QUICK))
    await peer.until(lambda: len(peer.requests) == 2)

    upstream.break_off()
    results = await asyncio.gather(reading, waiting, return_exceptions=True)

    assert [type(each) for each in results] == [UpstreamError, UpstreamError]


# --- leaving --------------------------------------------------------------------------------


async def test_leaving_at_any_moment_leaks_nothing(peer, upstream):
    """
    Of 200 calls, most cancelled at random moments, none leaves a connection or an answer.
    """
    rng = random.Random(20)
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    peer.answers = [(answer, 0.001, b"1\r\na\r\n", 0.001, b"1\r\nb\r\n", b"0\r\n\r\n")]
    whole = left = 0

    async def visit(size):
        return await ask(upstream, peer, b"x" * size)

    for _ in range(200):
        size = rng.choice((0, 10, 300_000))
        task = asyncio.ensure_future(visit(size))
        for _ in range(rng.randrange(40)):
            await asyncio.sleep(0 if rng.random() < 0.7 else 0.0005)
        if rng.random() < 0.8:
            task.cancel()
        try:
            assert await task == b"ab"
            whole += 1
        except asyncio.CancelledError:
            left += 1

    assert left > 30
    assert whole > 5
    await peer.until(lambda: peer.open_now <= 1)
    assert await visit(10) == b"ab"
    upstream.break_off()
    await peer.until(lambda: not peer.open_now)


async def test_leaving_a_body_half_sent_sends_no_more_of_it(peer, upstream):
    """
    What was not sent when the caller left is dropped, and the connection with it.
    """
    peer.nap_s = 0.3
    asking = asyncio.ensure_future(ask(upstream, peer, b"x" * 30_000_000))
    await peer.until(lambda: peer.open_now)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    await peer.until(lambda: not peer.open_now)
    assert peer.requests == []


# --- what of aiohttp's this rests on --------------------------------------------------------


async def test_the_connector_makes_wires(peer):
    """
    Aiohttp's private place for what a connection speaks is where it was.
    """
    async with WireConnector(Wire, limit=0) as connector:
        address = Address(URL(peer.url), asyncio.get_running_loop())
        limits = aiohttp.ClientTimeout()
        connection = await connector.connect(address.key, [], limits)

        assert isinstance(connection.protocol, Wire)
        connection.close()


async def test_the_parser_tells_of_an_answer_begun():
    """
    Aiohttp's parser says at the end of its input whether something stood there unfinished.
    """
    told = []
    for behind in (b"", b"H", EVIL[:30]):
        wire = ResponseHandler(asyncio.get_running_loop())
        wire.set_response_params(read_until_eof=True)
        wire.data_received(OK + behind)
        message, _ = await wire.read()
        assert message.code == 200
        assert not wire.should_close
        told.append(wire._parser.feed_eof() is not None)

    assert told == [False, True, True]


async def test_addresses_are_bounded():
    """
    URLs without end do not fill memory; what aiohttp has to judge is left to it.
    """
    addresses = Addresses()

    for number in range(3000):
        assert addresses.find(f"http://a/{number}") is not None
    assert len(addresses._known) <= 1024
    for odd in ("http://u:p@a/", "ftp://a/", "/a", "http://[", "http:///x"):
        assert addresses.find(odd) is None


# --- pushing --------------------------------------------------------------------------------


async def test_what_comes_is_pushed_until_the_end(peer, upstream):
    """
    Every byte is handed over in order, and the end is told to who pushes and who reads.
    """
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
    peer.answers = [(head + b"ab", 0.01, b"cd", 0.01, b"ef")]
    reply = await upstream.post(peer.url, {}, b"", QUICK)
    got = []

    left = await reply.push(got.append)

    assert (left, b"".join(got)) == (None, b"abcdef")
    assert [read async for read in reply.reads()] == []


@pytest.mark.parametrize("size", [300, 5_000, 22_000, 150_000])
async def test_more_than_is_read_ahead_is_pushed_in_order(peer, upstream, size):
    """
    Reading lets the connection go on, which tells who pushes in the midst of its reading.
    """
    parts = [b"%08d" % number * (size // 8) for number in range(2_000_000 // size)]
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    sent = [b"%x\r\n%b\r\n" % (len(part), part) for part in parts]
    peer.answers = [(head + b"".join(sent) + b"0\r\n\r\n",)]
    reply = await upstream.post(peer.url, {}, b"", QUICK)
    got = []

    left = await reply.push(got.append)

    assert left is None
    assert b"".join(got) == b"".join(parts)
    assert [read async for read in reply.reads()] == []


async def test_pushing_ends_with_what_is_handed_back(peer, upstream):
    """
    Once something is returned nothing more is pushed: what follows can be read.
    """
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    peer.answers = [(head + b"ab", 0.05, b"cd")]
    reply = await upstream.post(peer.url, {}, b"", QUICK)

    left = await reply.push(lambda data: data)

    assert left == b"ab"
    assert b"".join([read async for read in reply.reads()]) == b"cd"


@pytest.mark.parametrize("pause_s", [0.0, 5.0], ids=["broken-off", "stalled"])
async def test_who_pushes_hears_of_trouble(peer, upstream, pause_s):
    """
    An answer that breaks off or stalls while it is pushed is the error that it is when read.
    """
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    peer.answers = [(head + b"ab", pause_s) if pause_s else (head + b"ab", None)]
    timeouts = attrs.evolve(QUICK, idle_s=0.2)
    reply = await upstream.post(peer.url, {}, b"", timeouts)
    got = []

    with pytest.raises(UpstreamTimeout if pause_s else UpstreamError):
        await reply.push(got.append)

    assert got == [b"ab"]


async def test_a_fault_of_who_is_pushed_to_is_told(peer, upstream):
    """
    What the taker raises reaches who pushes, not the connection.
    """
    peer.answers = [(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", 5.0)]
    reply = await upstream.post(peer.url, {}, b"", QUICK)

    def fail(data):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await reply.push(fail)

    reply.close()
