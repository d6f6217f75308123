from __future__ import annotations

import asyncio
import gc
import re

import aiohttp
import pytest

from gateway import Phase, Plugin, hookimpl
from gateway.app import Gateway
from gateway.events import GatewayDraining
from gateway.plugins import FoundPlugin
from gateway.server.logs import LogOutput
from gateway.server.sockets import address_of, bind
from gateway.server.station import Station, freeze
from gateway.settings import Address, settings_from_dict
from gateway.testing import FakeUpstream, Script

ASK = {"messages": [{"role": "user", "content": "hi"}]}


class ListenerPlugin(Plugin):
    phase = Phase.OBSERVE

    def __init__(self, settings):
        super().__init__(settings)
        self.heard = []

    @hookimpl
    def on_event(self, event):
        self.heard.append(event)


class Lines:
    """
    Keeps the log.
    """

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> int:
        self.written += data
        return len(data)

    def flush(self) -> None: ...


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
async def fake():
    async with FakeUpstream() as fake:
        yield fake


@pytest.fixture
async def station(fake, lines):
    """
    A process that serves, without the process.
    """
    provider = {
        "type": "openai-compatible",
        "base_url": fake.openai_url,
        "auth": "none",
    }
    settings = settings_from_dict({"version": 1, "providers": {"fake": provider}})
    plugin = FoundPlugin(name="listener", cls=ListenerPlugin)
    gateway = Gateway(settings, plugins=[plugin], installed=False, environ={})
    station = Station(gateway, LogOutput(lines, is_text=False))
    yield station
    await station.stop()


@pytest.fixture
async def url(station):
    sock = bind(Address("127.0.0.1", 0))
    await station.start(sock)
    return f"http://{address_of(sock)}"


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def test_counts_and_logs_what_it_served(station, url, session, lines):
    """
    A request stands in the metrics, and in the access log when the station stopped.
    """
    asked = {"model": "fake/any", **ASK}
    async with session.post(f"{url}/v1/chat/completions", json=asked) as answer:
        await answer.read()

    metrics = station.metrics.render()
    await station.stop()

    assert re.search(rb'requests_total{.*provider="fake".*} 1\b', metrics)
    assert answer.headers["x-gw-request-id"].encode() in lines.written


async def test_is_ready_only_while_it_serves(station, url, session):
    """
    /readyz says 200 as soon as who started it says so; a drain tells the plugins and takes no
    new callers.
    """
    async with session.get(f"{url}/readyz") as started:
        pass
    station.health.ready()
    async with session.get(f"{url}/readyz") as before:
        pass

    await station.drain(1)

    heard = station.gateway.hooks.plugins[0].plugin.heard
    assert (started.status, before.status) == (503, 200)
    assert station.health.is_draining
    assert any(isinstance(event, GatewayDraining) for event in heard)
    with pytest.raises(aiohttp.ClientConnectorError):
        async with aiohttp.ClientSession() as other:
            await other.get(f"{url}/readyz")


async def test_drain_waits_for_a_stream(station, url, session, fake):
    """
    What is in flight comes to its own end.
    """
    fake.enqueue(Script(text="one two", split=2, event_latency_ms=60))
    asked = {"model": "fake/any", "stream": True, **ASK}
    async with session.post(f"{url}/v1/chat/completions", json=asked) as answer:
        await answer.content.readline()

        ended = await station.drain(10)
        rest = await answer.content.read()

    assert ended == 0
    assert rest.rstrip().endswith(b"[DONE]")


async def test_drain_ends_a_stream_that_takes_too_long(station, url, session, fake):
    """
    A stream that stalls is cut with an error event, and counted.
    """
    fake.enqueue(Script(text="one two", split=2, stall_after=2))
    asked = {"model": "fake/any", "stream": True, **ASK}
    async with session.post(f"{url}/v1/chat/completions", json=asked) as answer:
        await answer.content.readline()

        ended = await station.drain(0.05)
        async with asyncio.timeout(5):
            rest = await answer.content.read()

    assert ended == 1
    assert b'"error"' in rest


def test_freeze_keeps_what_was_loaded_out_of_collections():
    """
    Young collections become rare, and what is there is not looked at again.
    """
    before = gc.get_threshold()
    try:
        freeze()

        assert gc.get_freeze_count() > 1000
        assert gc.get_threshold()[0] > before[0]
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
