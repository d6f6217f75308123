"""
One process that serves callers: the gateway, its listeners, what it counts and logs.
"""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Final

import structlog
from aiohttp import web

from gateway.events import GatewayDraining
from gateway.metrics import Metrics
from gateway.server.access_log import AccessLog
from gateway.server.application import CALLERS, callers_app, make_runner
from gateway.server.ended import Ended
from gateway.server.health import Health
from gateway.server.public_routes import PublicRoutes
from gateway.server.sockets import BACKLOG
from gateway.server.sweeping import Sweeper

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from gateway.app import Gateway
    from gateway.server.connection import GatewayRunner
    from gateway.server.logs import LogOutput

log = structlog.get_logger("gateway.server")

#: Seconds between looks whether what is in flight has ended.
_LOOK_S: Final = 0.01
#: Seconds that streams whose provider was cut off have for their last event.
_LAST_EVENT_S: Final = 1.0
# Collections of the youngest generation cost most where nothing is garbage: most of what a
# request makes is freed by its reference count.
_THRESHOLDS: Final = (50_000, 20, 50)


class Station:
    """
    Serves one gateway.

    Attributes:
        health: What ``/readyz`` says.
        metrics: What this process counted.
        started_at: Unix seconds.
    """

    def __init__(self, gateway: Gateway, output: LogOutput) -> None:
        self.gateway = gateway
        self.health = Health(ask=gateway.not_ready)
        self.started_at = gateway.clock.now()
        self._access = AccessLog(output, clock=gateway.clock)
        self._ended = Ended()
        self.metrics = Metrics(
            gateway,
            lines_lost=lambda: self._access.lost,
            of_plugins=lambda: gateway.runtime.metrics,
            catch_up=self._ended.show,
        )
        self._calls: GatewayRunner | None = None
        self._runners: list[GatewayRunner] = []
        self._in_flight: Callable[[], int] = int

    @property
    def in_flight(self) -> int:
        """
        Requests for a model under way, those whose body is still read included.
        """
        return max(self._in_flight(), self.gateway.in_flight)

    # --- starting ---------------------------------------------------------------------------

    async def start(
        self,
        sock: socket.socket,
        tls: ssl.SSLContext | None = None,
        routes: Iterable[web.AbstractRouteDef] = (),
    ) -> None:
        """
        Start the gateway and take callers on *sock*.

        That it is ready whoever starts it says, by `health`.

        Args:
            routes: Management routes, where they share the callers' listener.
        """
        watchers = [self.metrics.turned_away]
        self.gateway.observers.append(self._ended.add)
        self._ended.observers += (self.metrics.observe, Sweeper().observe)
        if self.gateway.settings.server.log.access:
            self._access.start()
            self._ended.observers.append(self._access.observe)
            watchers.append(self._access.turned_away)
        await self.gateway.start()
        app = callers_app(
            self.gateway,
            self.health,
            clock=self.gateway.clock,
            watchers=watchers,
            routes=[PublicRoutes(self.gateway).table(), *routes],
        )
        callers = app[CALLERS]
        self._in_flight = lambda: callers.in_flight
        self._calls = await self.listen(app, sock, tls)

    async def listen(
        self, app: web.Application, sock: socket.socket, tls: ssl.SSLContext | None
    ) -> GatewayRunner:
        """
        Serve *app* on *sock*.
        """
        runner = await self._run(app)
        site = web.SockSite(runner, sock, ssl_context=tls, backlog=BACKLOG)
        await site.start()
        return runner

    async def listen_unix(self, app: web.Application, path: Path) -> None:
        """
        Serve *app* on a Unix socket at *path*, whose folder keeps others out.
        """
        runner = await self._run(app)
        await web.UnixSite(runner, path).start()

    async def _run(self, app: web.Application) -> GatewayRunner:
        runner = make_runner(app, self.gateway)
        await runner.setup()
        self._runners.append(runner)
        return runner

    # --- ending -----------------------------------------------------------------------------

    async def drain(self, timeout_s: float) -> int:
        """
        Take no new requests; finish those in flight, or end them after *timeout_s*.

        A stream that is ended gets its dialect's error event, for its provider is cut off.

        Returns:
            How many were ended.
        """
        gateway = self.gateway
        self.health.drain()
        gateway.publish(GatewayDraining(at=gateway.clock.now()))
        if self._calls is not None:
            for site in list(self._calls.sites):
                await site.stop()
        if await self._emptied(timeout_s):
            return 0
        late = self.in_flight
        log.warning("drain took too long", ended=late, timeout_s=timeout_s)
        gateway.runtime.upstream.break_off()
        await self._emptied(_LAST_EVENT_S)
        return late

    async def _emptied(self, timeout_s: float) -> bool:
        """
        Wait until nothing is in flight; False if that takes longer than *timeout_s*.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while self.in_flight:
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(_LOOK_S)
        return True

    async def stop(self) -> None:
        """
        Close the listeners, which cancels what is left, and stop the gateway.
        """
        self.health.drain("stopped")
        for runner in reversed(self._runners):
            await runner.cleanup()
        self._runners.clear()
        await self.gateway.stop()
        self._ended.show()
        await self._access.stop()


def freeze() -> None:
    """
    Keep what was loaded at the start out of every garbage collection to come.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
