"""
A log that is signed, and sinks that are brought what stands in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest
from aiohttp import web

from gateway.clock import SystemClock
from gateway.outbound import Outbound
from gateway.secrets import Secrets
from gateway.settings import EgressSettings
from gateway_audit.sinks.backoff import Backoff
from gateway_audit.sinks.cursor import Cursor
from gateway_audit.sinks.feed import Feed
from gateway_audit.sinks.outlets.making import make_outlet
from gateway_audit.sinks.outlets.outlet import Way
from gateway_audit.sinks.settings import sinks_from_json
from gateway_audit.sinks.shipping import Shipping
from gateway_audit.testing import WrittenLog


@pytest.fixture
def signing(tmp_path):
    return WrittenLog(tmp_path / "audit")


class Shipyard:
    """
    Runs sinks in the test's own loop.
    """

    def __init__(self, signing, way, folder):
        self.signing = signing
        self.way = way
        self.folder = folder
        self.feed = None

    def ship(self, name="sink", outlet=None, **settings):
        """
        Make a sink; again under the same name, it goes on where it was.
        """
        if self.feed is None:
            self.feed = Feed(self.signing.log.history)
        self.feed.look(self.signing.log)
        backfill = settings.get("backfill", True)
        if outlet is None:
            outlet = make_outlet(sinks_from_json({name: settings})[name], self.way)
        return Shipping(
            name,
            outlet,
            self.feed,
            Cursor.of(self.folder, name),
            clock=self.way.clock,
            backoff=Backoff(rng=random.Random(1), first_s=0.01, most_s=0.05),
            backfill=backfill,
        )

    @contextlib.asynccontextmanager
    async def sailing(self, ship):
        """
        Let it run for a while.
        """
        task = asyncio.get_running_loop().create_task(ship.run())
        try:
            yield ship
        finally:
            task.cancel()
            await asyncio.wait([task])
            await ship.close()

    async def deliver(self, ship):
        """
        Run it until it has all.
        """
        async with self.sailing(ship):
            await self.until(lambda: ship.is_level)

    async def until(self, comes_true):
        """
        Ask again and again, for what tells nobody that it happened.
        """
        for _ in range(2000):
            if comes_true():
                return
            await asyncio.sleep(0.01)
        pytest.fail("it never came true")

    async def ailing(self, ship):
        """
        Run it until it says that something is wrong.
        """
        async with self.sailing(ship):
            await self.until(lambda: ship.problem is not None)

    def look(self):
        """
        Tell the sinks that there is more.
        """
        self.feed.look(self.signing.log)


@pytest.fixture
async def yard(signing, tmp_path):
    secrets = Secrets({"TOKEN": "tok-" + "123"})
    egress = EgressSettings()
    async with Outbound.open(egress, secrets) as outbound:
        way = Way(
            outbound=outbound, secrets=secrets, egress=egress, clock=SystemClock()
        )
        yield Shipyard(signing, way, tmp_path / "sinks")


class Listener:
    """
    A server on loopback; what it answers first stands in *script*, one each.
    """

    def __init__(self):
        self.url = ""
        self.requests = []
        self.script = []

    async def answer(self, request):
        body = await request.read()
        self.requests.append((request, body))
        if self.script:
            return self.script.pop(0)
        return self.usual(request, body)

    def usual(self, request, body):
        return web.Response(status=200)

    @contextlib.asynccontextmanager
    async def listening(self):
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()


@pytest.fixture
async def listener():
    async with Listener().listening() as found:
        yield found
