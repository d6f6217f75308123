"""
Tests of `gateway.server.body`, over the wire.
"""

from __future__ import annotations

import asyncio
import gzip
import random
import tracemalloc
import zlib

import pytest

from gateway.errors import BodyTimeout, BodyTooLarge, InvalidRequest
from gateway.server import body as body_module
from gateway.server.body import Intake, _unpack, decompress
from gateway.settings import ServerSettings

from .conftest import BODY, JSON, Serve, until

PATH = "/v1/chat/completions"


def raw_deflate(data: bytes) -> bytes:
    """
    Compress without zlib's frame, as some clients understand "deflate".
    """
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    "kind",
    [
        b"application/json; charset=utf-8",
        b"Application/JSON",
        b'application/json;charset="UTF-8"',
        b"application/vnd.vendor+json",
    ],
)
async def test_reads_json_however_it_is_named(serve: Serve, kind: bytes) -> None:
    """
    Parameters, case and suffix types of JSON are understood.
    """
    wire = await (await serve()).wire()

    await wire.post(headers=b"Content-Type: " + kind + b"\r\n")

    assert (await wire.read()).status == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (b"", "not_json"),
        (b"Content-Type: text/plain\r\n", "not_json"),
        (b"Content-Type: application/x-www-form-urlencoded\r\n", "not_json"),
        (b"Content-Type: multipart/form-data; boundary=x\r\n", "not_json"),
        (
            b"Content-Type: application/json; charset=utf-16\r\n",
            "charset_not_supported",
        ),
        (JSON + b"Content-Encoding: br\r\n", "encoding_not_supported"),
        (JSON + b"Content-Encoding: gzip, gzip\r\n", "encoding_not_supported"),
        (JSON + b"Content-Encoding: zstd\r\n", "encoding_not_supported"),
    ],
)
async def test_refuses_other_types(serve: Serve, headers: bytes, code: str) -> None:
    """
    Anything but JSON in a known coding is 415, a missing type included.
    """
    wire = await (await serve()).wire()

    await wire.post(headers=headers)
    reply = await wire.read()

    assert (reply.status, reply.code) == (415, code)
    known = "gzip, deflate" if code == "encoding_not_supported" else None
    assert reply.headers.get("accept-encoding") == known


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        (b"gzip", gzip.compress(BODY)),
        (b"X-GZIP", gzip.compress(BODY)),
        (b"deflate", zlib.compress(BODY)),
        (b"deflate", raw_deflate(BODY)),
        (b"identity", BODY),
    ],
)
async def test_decompresses(serve: Serve, coding: bytes, packed: bytes) -> None:
    """
    The exchange sees what was compressed.
    """
    wire = await (await serve()).wire()

    await wire.post(
        body=packed, headers=JSON + b"Content-Encoding: " + coding + b"\r\n"
    )
    reply = await wire.read()

    assert (reply.status, reply.body) == (200, BODY)


@pytest.mark.parametrize(
    "packed",
    [b"", b"no gzip", gzip.compress(BODY)[:-9], gzip.compress(BODY) * 2],
    ids=["empty", "other", "cut", "two members"],
)
async def test_refuses_broken_compression(serve: Serve, packed: bytes) -> None:
    """
    What is not exactly one compressed document is 400.
    """
    wire = await (await serve()).wire()

    await wire.post(body=packed, headers=JSON + b"Content-Encoding: gzip\r\n")
    reply = await wire.read()

    assert (reply.status, reply.code) == (400, "bad_body")


async def test_a_bomb_does_not_go_off(serve: Serve) -> None:
    """
    200 MB of spaces in 200 kB are refused at the cap, and never stand in memory.
    """
    bomb = gzip.compress(b" " * 200_000_000, compresslevel=9)
    wire = await (await serve(max_body_bytes=1_000_000)).wire()
    tracemalloc.start()

    await wire.post(body=bomb, headers=JSON + b"Content-Encoding: gzip\r\n")
    reply = await wire.read()

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (reply.status, reply.code) == (413, "body_too_large")
    assert peak < 5_000_000


async def test_others_get_their_turn_while_a_body_is_decompressed() -> None:
    """
    A long body is decompressed in steps, between which the loop runs.
    """
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.get_running_loop().create_task(count())
    packed = gzip.compress(b"0" * 2_000_000)

    whole = await decompress(packed, "gzip", 2_000_000)

    counting.cancel()
    assert len(whole) == 2_000_000
    assert turns >= 7


@pytest.mark.parametrize("over", [0, 1])
async def test_the_cap_is_exact(over: int) -> None:
    """
    As many bytes as the cap says are taken, one more is not.
    """
    packed = gzip.compress(b"0" * (300_000 + over))

    try:
        result: object = len(await decompress(packed, "gzip", 300_000))
    except BodyTooLarge as error:
        result = error.limit_bytes if over else error

    assert result == 300_000


async def test_too_much_is_refused_before_it_is_sent(serve: Serve) -> None:
    """
    A body whose announced length is above the cap is refused unread.
    """
    wire = await (await serve(max_body_bytes=1000)).wire()

    await wire.head("POST", PATH, JSON + b"Content-Length: 1001\r\n")
    reply = await wire.read()

    assert (reply.status, reply.code) == (413, "body_too_large")


async def test_too_much_is_refused_while_it_comes(serve: Serve) -> None:
    """
    A body without an announced length is refused as soon as it is too long.
    """
    wire = await (await serve(max_body_bytes=1000)).wire()
    await wire.head("POST", PATH, JSON + b"Transfer-Encoding: chunked\r\n")

    for _ in range(3):
        await wire.send(b"190\r\n" + b"0" * 400 + b"\r\n")
    reply = await wire.read()

    assert (reply.status, reply.code) == (413, "body_too_large")


async def test_reads_a_body_in_pieces(serve: Serve) -> None:
    """
    A chunked body is put together, wherever its pieces are cut.
    """
    wire = await (await serve()).wire()
    await wire.head("POST", PATH, JSON + b"Transfer-Encoding: chunked\r\n")

    for byte in BODY:
        await wire.send(b"1\r\n%c\r\n" % byte)
    await wire.send(b"0\r\n\r\n")

    assert (await wire.read()).body == BODY


async def test_a_silent_body_times_out(serve: Serve) -> None:
    """
    A caller who stops within the body is told 408, and the connection ends.
    """
    wire = await (await serve(body_timeout_s=0.05)).wire()

    await wire.head("POST", PATH, JSON + b"Content-Length: 100\r\n")
    await wire.send(b"{")
    reply = await asyncio.wait_for(wire.read(), 2)

    assert (reply.status, reply.code) == (408, "body_timeout")
    assert await asyncio.wait_for(wire.at_end(), 1)


async def test_a_dribbled_body_times_out(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A caller who is never silent, but far too slow, is told 408 as well.
    """
    monkeypatch.setattr(body_module, "GRACE_S", 0.1)
    wire = await (await serve(body_timeout_s=10)).wire()
    await wire.head("POST", PATH, JSON + b"Content-Length: 100000\r\n")

    async def dribble() -> None:
        while True:
            await wire.send(b" ")
            await asyncio.sleep(0.01)

    dribbling = asyncio.get_running_loop().create_task(dribble())
    reply = await asyncio.wait_for(wire.read(), 2)

    dribbling.cancel()
    assert (reply.status, reply.code) == (408, "body_timeout")


async def test_the_oldest_gives_way_where_too_much_is_under_way(serve: Serve) -> None:
    """
    Who sends most of a long body and then dawdles takes nobody else's place.
    """
    served = await serve(max_arriving_bytes=1024 * 1024)
    slow, other = [await served.wire() for _ in range(2)]
    size = 700_000
    head = JSON + b"Content-Length: %d\r\n" % size
    await slow.head("POST", PATH, head)
    await slow.send(b" " * (size - 1))
    await until(lambda: served.in_flight == 1)

    await other.head("POST", PATH, head)
    await other.send(BODY.ljust(size))
    reply, answer = await slow.read(), await other.read()

    assert (reply.status, reply.code) == (408, "body_timeout")
    assert answer.status == 200


async def test_one_body_may_be_longer_than_all_should_be(serve: Serve) -> None:
    """
    If nobody else sends one.
    """
    wire = await (await serve(max_arriving_bytes=1024 * 1024)).wire()

    await wire.post(body=BODY.ljust(3 * 1024 * 1024))

    assert (await wire.read()).status == 200


async def test_bodies_are_decompressed_one_after_the_other() -> None:
    """
    So many small ones that become long ones do not stand in memory together.
    """
    intake = Intake()
    packed = gzip.compress(b"0" * 8_000_000)
    limits = ServerSettings()

    async def read() -> int:
        return len(await _unpack(packed, "gzip", limits, intake))

    tracemalloc.start()
    sizes = await asyncio.gather(*(read() for _ in range(10)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert sizes == [8_000_000] * 10
    assert peak < 30_000_000


async def test_those_that_wait_to_be_decompressed_are_counted() -> None:
    """
    The oldest of them gives way as well.
    """
    intake = Intake()
    limits = ServerSettings(max_arriving_bytes=1024 * 1024)
    packed = gzip.compress(random.Random(1).randbytes(400_000))

    async def read() -> bytes:
        return await _unpack(packed, "gzip", limits, intake)

    async with intake.unpacking:
        reading = [asyncio.ensure_future(read()) for _ in range(3)]
        with pytest.raises(BodyTimeout):
            await asyncio.wait_for(reading[0], 2)

    assert [len(await one) for one in reading[1:]] == [400_000] * 2


async def test_broken_framing_is_told_once(serve: Serve) -> None:
    """
    A chunk size that is none ends body and connection, with one answer.
    """
    served = await serve()
    wire = await served.wire()
    await wire.head("POST", PATH, JSON + b"Transfer-Encoding: chunked\r\n")
    await wire.send(b"1\r\n{\r\n")
    await until(lambda: served.in_flight)

    await wire.send(b"zz\r\nPOST /v1/messages HTTP/1.1\r\n\r\n")
    reply = await asyncio.wait_for(wire.read(), 1)

    assert (reply.status, reply.code) == (400, "bad_body")
    assert await asyncio.wait_for(wire.at_end(), 1)


async def test_broken_framing_before_the_body_is_read(serve: Serve) -> None:
    """
    The same, if all of it comes at once: one answer, and nothing of the rest is a request.
    """
    served = await serve()
    wire = await served.wire()

    await wire.head(
        "POST",
        PATH,
        JSON
        + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\nzz\r\nPOST / HTTP/1.1\r\n\r\n",
    )
    reply = await asyncio.wait_for(wire.read(), 1)

    assert reply.status == 400
    assert await asyncio.wait_for(wire.at_end(), 1)
    assert served.gateway.exchanges == []


async def test_goes_on_only_when_the_body_is_wanted(serve: Serve) -> None:
    """
    ``Expect: 100-continue`` is answered once everything before the body is in order.
    """
    wire = await (await serve()).wire()
    length = b"Content-Length: %d\r\n" % len(BODY)

    await wire.head("POST", PATH, JSON + length + b"Expect: 100-continue\r\n")
    go_on = await wire.reader.readuntil(b"\r\n\r\n")
    await wire.send(BODY)

    assert go_on == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (await wire.read()).body == BODY


async def test_does_not_go_on_when_the_body_is_not_wanted(serve: Serve) -> None:
    """
    A caller who expects to be told whether to go on is told at once that it is not.
    """
    wire = await (await serve()).wire()

    await wire.head(
        "POST",
        PATH,
        b"Content-Type: x/y\r\nContent-Length: 9\r\nExpect: 100-continue\r\n",
    )

    assert (await wire.read()).status == 415


async def test_an_error_of_the_body_names_no_content(serve: Serve) -> None:
    """
    What is wrong with a body is said without quoting it.
    """
    wire = await (await serve()).wire()

    await wire.post(body=b'{"model":"canary-secret",,}')
    reply = await wire.read()

    assert (reply.status, reply.code) == (400, InvalidRequest.code)
    assert b"canary" not in reply.body
