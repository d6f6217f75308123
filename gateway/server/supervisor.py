"""
The supervisor: owns the workers, the processes that run once, and the management listener.

It serves no caller.  Its own gateway is never started: it is there for what the settings mean
(admin tokens, routes, models), and what a worker alone can know the workers are asked.
Plugins' management routes are answered by one worker, the first that is ready.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import structlog
from aiohttp import web

from gateway.errors import ConfigError, Problem
from gateway.server.children import Child, ChildFailed
from gateway.server.crew import Crew, nobody
from gateway.server.fleet import (
    fleet_status,
    read_again,
    refused_event,
    reload_report,
    settled_at_start,
    try_settings,
)
from gateway.server.management import SettingsRejected
from gateway.server.once import order_line
from gateway.server.worker import Order, worker_socket
from gateway.settings import Address, Settings
from gateway.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.app import Gateway
    from gateway.events import Event
    from gateway.registrations import ProcessSpec, Route
    from gateway.server.explaining import Ask
    from gateway.server.launch import Launch

log = structlog.get_logger("gateway.supervisor")

#: Seconds that a worker may take to end, beyond its drain.
_END_S: Final = 15.0
_ONCE_END_S: Final = 10.0


class Supervisor:
    """
    A fleet of workers.

    Args:
        listen: Where callers come in.
        folder: Holds the sockets, and a copy of the settings in force, so that a worker
            that is started again goes by them whatever the file says meanwhile.
        is_shared: Management comes in on the callers' port.
    """

    def __init__(
        self,
        gateway: Gateway,
        launch: Launch,
        environ: Mapping[str, str],
        *,
        listen: Address,
        folder: Path,
        is_shared: bool,
    ) -> None:
        self._gateway = gateway
        self._launch = launch
        self._environ = environ
        self._listen = listen
        self._folder = folder
        self._copied = _copy(launch, folder, gateway.settings)
        self._settled = settled_at_start(gateway)
        self._reloading = asyncio.Lock()
        self._tasks = Tasks()
        self._crew: Crew | None = None
        self._workers = [
            self._worker(index, is_shared=is_shared)
            for index in range(gateway.settings.server.workers)
        ]
        self._once = [self._one_process(spec) for spec in gateway.runtime.processes]

    def _worker(self, index: int, *, is_shared: bool) -> Child:
        def order() -> bytes:
            return Order(
                index=index,
                launch=self._copied,
                listen=self._listen,
                folder=self._folder,
                is_shared=is_shared,
            ).line()

        async def ready(told: dict[str, Any]) -> None:
            # A reload may have fallen into its start.
            if told.get("settings") != self.settings.digest:
                await self.crew.apply(index, self._copied, "system", is_echo=True)

        return Child(
            f"worker {index}",
            "gateway.server.worker",
            order,
            self._environ,
            on_ready=ready,
        )

    def _one_process(self, spec: ProcessSpec) -> Child:
        return Child(
            spec.name,
            "gateway.server.once",
            lambda: self._order_of(spec),
            self._environ,
            reports=False,
            restarts=spec.restarts,
        )

    def _order_of(self, spec: ProcessSpec) -> bytes:
        """
        Write down what a process that runs once is to do, by the settings in force.
        """
        runtime = self._gateway.runtime
        known = {each.name: each for each in runtime.processes}
        # A plugin that is not there any more has its process until the next start.
        now = known.get(spec.name, spec)
        return order_line(now, self.settings, self._gateway.data_dir)

    @property
    def crew(self) -> Crew:
        """
        The workers, to be asked.
        """
        if self._crew is None:
            raise nobody()
        return self._crew

    @property
    def gateway(self) -> Gateway:
        """
        What the settings in force mean; never started.
        """
        return self._gateway

    @property
    def settings(self) -> Settings:
        """
        The settings in force.
        """
        return self._gateway.settings

    # --- life -------------------------------------------------------------------------------

    async def start(self) -> None:
        """
        Start the processes that run once, then every worker, and keep them running.

        Raises:
            ConfigError: One of them cannot start.
        """
        indexes = range(len(self._workers))
        self._crew = Crew([worker_socket(self._folder, index) for index in indexes])
        try:
            for child in self._once:
                await child.start()
            await asyncio.gather(*(child.start() for child in self._workers))
        except ChildFailed as exc:
            problems = [Problem(**problem) for problem in exc.problems]
            raise ConfigError(problems or [Problem(f"{exc}; see the log")]) from None
        for child in (*self._once, *self._workers):
            self._tasks.spawn(child.keep(), name=child.name)

    async def stop(self) -> None:
        """
        Let every worker drain, then end the processes that run once.
        """
        timeout_s = self.settings.server.drain_timeout_s + _END_S
        await asyncio.gather(*(child.stop(timeout_s) for child in self._workers))
        await asyncio.gather(*(child.stop(_ONCE_END_S) for child in self._once))
        await self._tasks.join(1.0)
        if self._crew is not None:
            await self._crew.close()

    def kill(self) -> None:
        """
        End everybody at once.
        """
        for child in (*self._workers, *self._once):
            child.kill()

    # --- asking and telling -----------------------------------------------------------------

    async def status(self) -> dict[str, Any]:
        """
        Tell what every worker does; one that does not answer is named all the same.
        """
        known = await self.crew.statuses()
        workers = [
            {**known.get(index, _silent(index, child)), "restarted": child.restarted}
            for index, child in enumerate(self._workers)
        ]
        return {
            **fleet_status(self._gateway, workers, self._listen),
            "supervisor": os.getpid(),
            "processes": [
                {"name": child.name, "pid": child.pid, "restarted": child.restarted}
                for child in self._once
            ],
        }

    async def plugins(self) -> list[dict[str, Any]]:
        """
        List the plugins of all workers.
        """
        return await self.crew.plugins()

    async def trace(self, request_id: str, actor: str) -> dict[str, Any] | None:
        """
        Find the worker that served it.
        """
        return await self.crew.trace(request_id, actor)

    async def explain(self, ask: Ask) -> dict[str, Any]:
        """
        Let one worker run dry.
        """
        return await self.crew.explain(ask)

    async def health(self) -> list[dict[str, Any]]:
        """
        List what each worker found out about providers.
        """
        return await self.crew.health()

    async def metrics(self) -> bytes:
        """
        Sum what every worker counted.
        """
        return await self.crew.metrics()

    async def publish(self, event: Event) -> None:
        """
        Tell the plugins of one worker.
        """
        await self.crew.publish(event)

    async def tell(self, event: Event) -> None:
        """
        Tell the plugins of one worker, and wait until they are done with it.
        """
        await self.crew.tell(event)

    async def run(self, route: Route, request: web.Request) -> web.StreamResponse:
        """
        Hand *request* to the first worker that is ready: one that starts again cannot answer yet.
        """
        for index, child in enumerate(self._workers):
            if child.is_ready:
                return await self.crew.forward(index, request)
        raise nobody()

    async def reload(self, actor: str) -> dict[str, Any]:
        """
        Let every worker try the settings, then let every worker go by them.
        """
        async with self._reloading:
            before = self.settings
            try:
                gateway, copied = await self._try_everywhere()
            except SettingsRejected as rejected:
                await self.publish(refused_event(self._gateway, rejected, actor))
                raise
            orders = [child.order() for child in self._once]
            # From here on a worker that is started again goes by the new ones.
            self._gateway, self._copied = gateway, copied
            for child, order in zip(self._once, orders, strict=True):
                if child.order() != order:
                    child.renew()
            differing = []
            is_told = False
            for index in range(len(self._workers)):
                why = await self.crew.apply(index, copied, actor, is_echo=is_told)
                if why:
                    differing.append({"worker": index, "why": why})
                else:
                    is_told = True
            new = settled_at_start(gateway) - self._settled
            report = reload_report(before, gateway.settings, new)
            return {**report, "differing": differing}

    async def _try_everywhere(self) -> tuple[Gateway, Launch]:
        """
        Try the settings here and in every worker.

        Raises:
            SettingsRejected: Somebody cannot go by them.
        """
        launch, environ = self._launch, self._environ
        settings = await asyncio.to_thread(read_again, launch, environ)
        gateway = await asyncio.to_thread(
            try_settings, settings, launch, self._listen, environ
        )
        try:
            copied = await asyncio.to_thread(_copy, launch, self._folder, settings)
        except ConfigError as exc:
            raise SettingsRejected(exc.problems) from None
        problems = await self.crew.objections(copied, settings)
        if problems:
            raise SettingsRejected(dict.fromkeys(problems))
        return gateway, copied


def _silent(index: int, child: Child) -> dict[str, Any]:
    return {
        "index": index,
        "pid": child.pid,
        "state": "silent" if child.pid else "ended",
        "settings": None,
        "in_flight": 0,
        "started_at": None,
        "uptime_s": 0.0,
    }


def _copy(launch: Launch, folder: Path, settings: Settings) -> Launch:
    """
    Keep a copy of the file that *settings* were read from.

    Raises:
        ConfigError: The file was changed meanwhile.
    """
    if launch.file is None:
        return launch
    shown = launch.shown or launch.file
    copy = folder / f"settings-{settings.digest[:16]}.yaml"
    try:
        copy.write_bytes(launch.file.read_bytes())
    except OSError as exc:
        problem = Problem(f"cannot be copied: {exc.strerror}", where=str(shown))
        raise ConfigError(problem) from None
    copied = attrs.evolve(launch, file=copy, shown=shown)
    if copied.settings({}).digest != settings.digest:
        problem = Problem("was changed while it was read", where=str(shown))
        raise ConfigError(problem)
    return copied
