"""
The supervisor: owns the workers, the processes that run once, and the management listener.

It serves no caller.  Its own gateway is never started: it is there for what the settings mean
(admin tokens, routes, models), and what a worker alone can know the workers are asked.
Plugins' management routes are answered by one worker, the first that is there.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import structlog
from aiohttp import web

from gateway.errors import ConfigError, ExchangeError, Problem, Unavailable
from gateway.metrics import merge
from gateway.server.application import admin_app, make_runner
from gateway.server.banner import Started
from gateway.server.children import Child, ChildFailed
from gateway.server.control import RELOAD_S, Link, write_event
from gateway.server.fleet import (
    fleet_status,
    read_again,
    refused_event,
    reload_report,
    try_settings,
)
from gateway.server.health import Health
from gateway.server.launch import problems_of
from gateway.server.logs import configure_logging
from gateway.server.management import ACTOR, SettingsRejected
from gateway.server.management_routes import management_routes
from gateway.server.once import order_line
from gateway.server.serve import Signals, announce, reload_quietly, run
from gateway.server.sockets import BACKLOG, address_of, bind, tls_context, url_of
from gateway.server.worker import Order, admin_socket, worker_socket
from gateway.settings import Address, Settings
from gateway.tasks import Tasks

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping, Sequence

    from gateway.app import Gateway
    from gateway.events import Event
    from gateway.registrations import Route
    from gateway.server.connection import GatewayRunner
    from gateway.server.explaining import Ask
    from gateway.server.launch import Launch

log = structlog.get_logger("gateway.supervisor")

#: Seconds that a worker may take to end, beyond its drain.
_END_S: Final = 15.0
_ONCE_END_S: Final = 10.0


def supervise(gateway: Gateway, launch: Launch, environ: Mapping[str, str]) -> int:
    """
    Serve with workers until a signal ends it; as `gateway.server.serve.serve`.
    """
    server = gateway.settings.server
    tls = tls_context(server.tls)
    # Bound and never listened on: it keeps the port while the workers come and go.
    reserved = bind(server.listen, is_shared=True)
    admin = bind(server.admin_listen) if server.admin_listen else None
    folder = Path(tempfile.mkdtemp(prefix="gatewright-"))  # mode 0700
    try:
        return run(_supervise(gateway, launch, environ, reserved, admin, tls, folder))
    finally:
        reserved.close()
        shutil.rmtree(folder, ignore_errors=True)


async def _supervise(
    gateway: Gateway,
    launch: Launch,
    environ: Mapping[str, str],
    reserved: socket.socket,
    admin: socket.socket | None,
    tls: Any,
    folder: Path,
) -> int:
    signals = Signals()
    configure_logging(gateway.settings.server.log)
    listen = address_of(reserved)
    supervisor = Supervisor(
        gateway,
        launch,
        environ,
        listen=listen,
        folder=folder,
        is_shared=admin is None,
    )
    signals.on_hurry = supervisor.kill
    management = Management(supervisor)
    try:
        await management.start(admin, tls, admin_socket(folder))
        await supervisor.start()
        management.health.ready()
        at = listen if admin is None else address_of(admin)
        announce(
            Started(
                calls=url_of(listen, is_tls=tls is not None),
                admin=url_of(at, is_tls=tls is not None),
                pid=os.getpid(),
                workers=gateway.settings.server.workers,
            ),
            gateway,
        )
        signals.on_reload = lambda: reload_quietly(supervisor)
        await signals.ended()
        management.health.drain()
    finally:
        await supervisor.stop()
        await management.stop()
        signals.close()
    return 0


class Management:
    """
    The listener on which the whole fleet is managed.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self.health = Health()
        self._supervisor = supervisor
        self._runner: GatewayRunner | None = None

    async def start(self, admin: socket.socket | None, tls: Any, path: Path) -> None:
        """
        Listen on *admin*, or at *path* for what workers hand over.

        Raises:
            ConfigError: A plugin's route cannot be registered.
        """
        supervisor = self._supervisor
        try:
            routes = management_routes(supervisor, is_shared=admin is None)
        except Exception as exc:
            raise ConfigError(problems_of(exc, supervisor.gateway.settings)) from exc
        app = admin_app(self.health, routes)
        self._runner = make_runner(app, supervisor.gateway)
        await self._runner.setup()
        site: web.BaseSite = web.UnixSite(self._runner, path)
        if admin is not None:
            site = web.SockSite(self._runner, admin, ssl_context=tls, backlog=BACKLOG)
        await site.start()

    async def stop(self) -> None:
        """
        Close the listener.
        """
        if self._runner is not None:
            await self._runner.cleanup()


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
        self._reloading = asyncio.Lock()
        self._tasks = Tasks()
        self._links: list[Link] = []
        self._workers = [
            self._worker(index, is_shared=is_shared)
            for index in range(gateway.settings.server.workers)
        ]
        self._once = [
            Child(
                spec.name,
                "gateway.server.once",
                lambda spec=spec: order_line(spec, self.settings.server.log),
                environ,
                reports=False,
                restarts=spec.restarts,
            )
            for spec in gateway.runtime.processes
        ]

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
                await self._apply(index, "system")

        return Child(
            f"worker {index}",
            "gateway.server.worker",
            order,
            self._environ,
            on_ready=ready,
        )

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
        self._links = [Link(worker_socket(self._folder, index)) for index in indexes]
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
        for link in self._links:
            await link.close()

    def kill(self) -> None:
        """
        End everybody at once.
        """
        for child in (*self._workers, *self._once):
            child.kill()

    # --- asking -----------------------------------------------------------------------------

    async def _ask_all(self, path: str) -> list[tuple[int, Any]]:
        """
        Ask every worker; those that do not answer are left out.
        """
        answers = await asyncio.gather(
            *(link.ask("GET", path) for link in self._links), return_exceptions=True
        )
        return [
            (index, answer)
            for index, answer in enumerate(answers)
            if not isinstance(answer, BaseException)
        ]

    async def _ask_one(self, method: str, path: str, document: Any) -> Any:
        """
        Ask the first worker that answers.
        """
        for link in self._links:
            try:
                return await link.ask(method, path, document)
            except Unavailable:
                continue
        msg = "No worker answers at the moment; try again."
        raise Unavailable(msg, code="worker_unavailable", retry_after_s=1.0)

    async def status(self) -> dict[str, Any]:
        """
        Tell what every worker does; one that does not answer is named all the same.
        """
        known = dict(await self._ask_all("/control/status"))
        workers = [
            {
                **known.get(index, _silent(index, child)),
                "restarted": child.restarted,
            }
            for index, child in enumerate(self._workers)
        ]
        return {
            **fleet_status(self._gateway, workers),
            "supervisor": os.getpid(),
            "processes": [
                {"name": child.name, "pid": child.pid, "restarted": child.restarted}
                for child in self._once
            ],
        }

    async def plugins(self) -> list[dict[str, Any]]:
        """
        List the plugins: counts are summed, times are those of the slowest worker.
        """
        return merge_plugins(
            [said for _, said in await self._ask_all("/control/plugins")]
        )

    async def trace(self, request_id: str) -> dict[str, Any] | None:
        """
        Find the worker that served it.
        """
        for _, trace in await self._ask_all(f"/control/traces/{_quoted(request_id)}"):
            if trace is not None:
                found: dict[str, Any] = trace
                return found
        return None

    async def explain(self, ask: Ask) -> dict[str, Any]:
        """
        Let one worker run dry.
        """
        verdict: dict[str, Any] = await self._ask_one(
            "POST", "/control/explain", ask.as_dict()
        )
        return verdict

    async def health(self) -> list[dict[str, Any]]:
        """
        List what each worker found out about providers.
        """
        return [
            {**place, "worker": index}
            for index, places in await self._ask_all("/control/health")
            for place in places
        ]

    async def metrics(self) -> bytes:
        """
        Sum what every worker counted.
        """
        found = await asyncio.gather(
            *(link.fetch("/control/metrics") for link in self._links),
            return_exceptions=True,
        )
        return merge([text for text in found if isinstance(text, bytes)])

    async def publish(self, event: Event) -> None:
        """
        Tell the plugins of one worker.
        """
        try:
            await self._ask_one("POST", "/control/events", write_event(event))
        except ExchangeError as error:
            log.error(
                "event not published", event_type=type(event).__name__, why=str(error)
            )

    async def run(self, route: Route, request: web.Request) -> web.StreamResponse:
        """
        Hand *request* to the first worker that is there.
        """
        alive = [
            link
            for link, child in zip(self._links, self._workers, strict=True)
            if child.pid is not None
        ]
        if not alive:
            msg = "No worker is there at the moment; try again."
            raise Unavailable(msg, code="worker_unavailable", retry_after_s=1.0)
        return await alive[0].forward(request, request[ACTOR])

    # --- reload -----------------------------------------------------------------------------

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
            # From here on a worker that is started again goes by the new ones.
            self._gateway, self._copied = gateway, copied
            differing = []
            for index in range(len(self._workers)):
                why = await self._apply(index, actor)
                if why:
                    differing.append({"worker": index, "why": why})
            report = reload_report(before, gateway.settings)
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
        document = {"launch": copied.as_dict()}
        answers = await asyncio.gather(
            *(
                link.ask("POST", "/control/settings/try", document, timeout_s=RELOAD_S)
                for link in self._links
            ),
            return_exceptions=True,
        )
        problems = [
            problem
            for index, answer in enumerate(answers)
            for problem in _objections(index, answer, settings)
        ]
        if problems:
            raise SettingsRejected(dict.fromkeys(problems))
        return gateway, copied

    async def _apply(self, index: int, actor: str) -> str:
        """
        Let one worker go by the settings in force; returns why it does not.
        """
        document = {"launch": self._copied.as_dict(), "actor": actor}
        try:
            await self._links[index].ask(
                "POST", "/control/settings/apply", document, timeout_s=RELOAD_S
            )
        except ExchangeError as error:
            log.error("worker differs", worker=index, why=str(error))
            return str(error)
        return ""


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


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


def _objections(index: int, answer: Any, settings: Settings) -> Sequence[Problem]:
    """
    List why a worker would not go by *settings*.
    """
    if isinstance(answer, ExchangeError):
        told = answer.details.get("problems")
        if told:
            return [Problem(**problem) for problem in told]
        return [Problem(f"worker {index}: {answer}")]
    if isinstance(answer, BaseException):
        return [Problem(f"worker {index}: {type(answer).__name__}")]
    if answer.get("digest") != settings.digest:
        return [Problem(f"worker {index} read other settings")]
    return []


def _copy(launch: Launch, folder: Path, settings: Settings) -> Launch:
    """
    Keep a copy of the file that *settings* were read from.

    Raises:
        ConfigError: The file was changed meanwhile.
    """
    if launch.file is None:
        return launch
    copy = folder / f"settings-{settings.digest[:16]}.yaml"
    try:
        copy.write_bytes(launch.file.read_bytes())
    except OSError as exc:
        problem = Problem(f"cannot be copied: {exc.strerror}", where=str(launch.file))
        raise ConfigError(problem) from None
    copied = attrs.evolve(launch, file=copy, shown=launch.file)
    if copied.settings({}).digest != settings.digest:
        problem = Problem("was changed while it was read", where=str(launch.file))
        raise ConfigError(problem)
    return copied


def merge_plugins(listings: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """
    Put together what several workers say of the same plugins.
    """
    merged: dict[str, dict[str, Any]] = {}
    for plugin in (plugin for listing in listings for plugin in listing):
        known = merged.get(plugin["name"])
        if known is None:
            merged[plugin["name"]] = dict(plugin)
            continue
        for count in ("calls", "total_us", "errors", "failed_open", "refused"):
            known[count] += plugin[count]
        for time in ("p50_us", "p99_us"):
            known[time] = max(known[time], plugin[time])
        known["last_error"] = known["last_error"] or plugin["last_error"]
    return list(merged.values())
