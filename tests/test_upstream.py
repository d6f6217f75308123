from __future__ import annotations

import asyncio
import contextlib

import pytest

from gateway.errors import ConfigError, UpstreamError, UpstreamTimeout
from gateway.settings import Timeouts
from gateway.testing import FakeUpstream, Script
from gateway.upstream import LocalReply, Upstream, read_whole

QUICK = Timeouts(connect_s=1, first_byte_s=0.2, idle_s=0.2, total_s=5)
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
STREAM = BODY[:-1] + b',"stream":true}'
JSON = {"content-type": "application/json"}


@pytest.fixture(name="fake")
async def _fake():
    async with FakeUpstream() as fake:
        yield fake


@pytest.fixture(name="upstream")
async def _upstream():
    upstream = Upstream()
    await upstream.open()
    yield upstream
    await upstream.close()


def chat(fake) -> str:
    """
    Return where chat completions are.
    """
    return f"{fake.openai_url}/chat/completions"


async def test_an_answer_is_read_whole(fake, upstream):
    """
    Status, headers and body come as the provider sent them.
    """
    reply = await upstream.post(chat(fake), JSON, BODY, QUICK)
    body = await read_whole(reply)
    reply.close()

    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("application/json")
    assert b"echo: hi" in body


async def test_nothing_of_ours_is_added(fake, upstream):
    """
    No user agent, no cookie, no encoding that nobody asked for reaches a provider.
    """
    reply = await upstream.post(chat(fake), {**JSON, "x-own": "1"}, BODY, QUICK)
    reply.close()

    sent = {name.lower() for name in fake.requests[0].headers}
    assert sent == {"host", "content-type", "content-length", "x-own"}


async def test_a_connection_is_used_again(fake, upstream):
    """
    An answer that was read whole gives its connection back.
    """
    for _ in range(3):
        reply = await upstream.post(chat(fake), JSON, BODY, QUICK)
        await read_whole(reply)
        reply.close()

    assert fake.connections_made == 1


async def test_leaving_early_closes_the_connection(fake, upstream):
    """
    A stream that is let go is cancelled upstream at once.
    """
    fake.script("m", Script(pieces=("x",), never_end=True, event_latency_ms=1))
    reply = await upstream.post(chat(fake), JSON, STREAM, QUICK)
    async for _ in reply.reads():
        break
    reply.close()

    await fake.wait_for(lambda: fake.departures, timeout=1)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (Script(silent=True), UpstreamTimeout),
        (Script(hang_up=True), UpstreamError),
        (Script(stall_after=1), UpstreamTimeout),
        (Script(break_after=1), UpstreamError),
    ],
    ids=["silent", "hangs-up", "stalls", "breaks"],
)
async def test_trouble_has_a_name(fake, upstream, script, error):
    """
    What went wrong is one of ours, says no address, and comes in time.
    """
    fake.script("m", script)
    loop = asyncio.get_running_loop()
    began = loop.time()

    with pytest.raises(error) as caught:
        reply = await upstream.post(chat(fake), JSON, STREAM, QUICK)
        with contextlib.closing(reply):
            async for _ in reply.reads():
                pass

    assert loop.time() - began < 2
    assert str(fake.port) not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


async def test_nobody_listens(upstream, unused_port):
    """
    A refused connection is told apart, for nothing can have been sent.
    """
    with pytest.raises(UpstreamError) as caught:
        await upstream.post(f"http://127.0.0.1:{unused_port}/", JSON, BODY, QUICK)

    assert caught.value.details == {"failure": "connect"}


async def test_a_redirect_is_not_followed(fake, upstream):
    """
    A provider decides nothing about where the next request goes.
    """
    fake.script("m", Script(status=307, headers={"Location": f"{fake.url}/elsewhere"}))

    reply = await upstream.post(chat(fake), JSON, BODY, QUICK)
    reply.close()

    assert reply.status == 307
    assert len(fake.requests) == 1


async def test_an_answer_without_end_is_not_kept_in_memory(fake, upstream):
    """
    Reading whole is bounded.
    """
    fake.script("m", Script(raw_body="x" * 300_000))
    reply = await upstream.post(chat(fake), JSON, BODY, QUICK)

    with pytest.raises(UpstreamError, match="too large"):
        await read_whole(reply, limit=100_000)
    reply.close()


async def test_a_local_answer_is_bounded_too():
    """
    A provider in this process is read like any other.
    """

    async def parts():
        for _ in range(10):
            yield b"x" * 10

    assert await read_whole(LocalReply(200, {}, parts())) == b"x" * 100
    with pytest.raises(UpstreamError, match="too large"):
        await read_whole(LocalReply(200, {}, parts()), limit=50)


async def test_a_session_that_is_not_open_says_so(fake):
    """
    Using the way out before it is open is our own mistake, not the provider's.
    """
    with pytest.raises(RuntimeError, match="not open"):
        await Upstream().post(chat(fake), JSON, BODY, QUICK)


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["absent", "other"])
async def test_authorities_that_cannot_be_read_are_told(tmp_path, content):
    """
    By the key of the settings, with the file's name.
    """
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    upstream = Upstream(file)

    with pytest.raises(ConfigError, match=r"egress\.ca_file: .*authorities\.pem"):
        await upstream.open()
