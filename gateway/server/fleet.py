"""
What management asks of those who serve, whether one process or several.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from gateway.app import Gateway, changed_paths
from gateway.errors import ConfigError, Problem, Refused
from gateway.events import SettingsRefused
from gateway.server.explaining import Ask, explain
from gateway.server.launch import check_serving, needs_restart, problems_of
from gateway.server.management import SettingsRejected
from gateway.server.routes import inference_routes
from gateway.server.sockets import url_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aiohttp import web

    from gateway.events import Event
    from gateway.registrations import Route
    from gateway.server.launch import Launch
    from gateway.server.station import Station
    from gateway.settings import Address, Settings

log = structlog.get_logger("gateway.server")

_EMPTY: Final = (
    'is empty, and so was not put in force; who means it writes "version: 1"'
)


class Fleet(Protocol):
    """
    Everybody who serves callers for one management API.
    """

    @property
    def gateway(self) -> Gateway:
        """
        Whose settings, secrets and routes management goes by.
        """

    async def status(self) -> dict[str, Any]:
        """
        Tell who serves, since when, by which settings, and how busy they are.
        """

    async def plugins(self) -> list[dict[str, Any]]:
        """
        List the plugins, outermost first, with what they cost.
        """

    async def trace(self, request_id: str, actor: str) -> dict[str, Any] | None:
        """
        Return for *actor* what is remembered of an exchange, whoever served it.
        """

    async def explain(self, ask: Ask) -> dict[str, Any]:
        """
        Run dry.
        """

    async def health(self) -> list[dict[str, Any]]:
        """
        List the places at providers that are not well.
        """

    async def metrics(self) -> bytes:
        """
        Render everybody's metrics as one.
        """

    async def reload(self, actor: str) -> dict[str, Any]:
        """
        Read the settings again and put them in force, everywhere or nowhere.

        Raises:
            SettingsRejected: They cannot be; nothing changed.
        """

    async def publish(self, event: Event) -> None:
        """
        Tell the plugins of *event*.
        """

    async def tell(self, event: Event) -> None:
        """
        Tell the plugins of *event*, and wait until they are done with it.

        Raises:
            Refused: One is not, or nobody was there to be told.
        """

    async def run(self, route: Route, request: web.Request) -> web.StreamResponse:
        """
        Let a plugin's route answer *request*.
        """


class Solo:
    """
    A fleet of one: this process.

    Args:
        listen: Where callers come in, which no reload changes.
    """

    def __init__(
        self,
        station: Station,
        launch: Launch,
        listen: Address,
        environ: Mapping[str, str],
    ) -> None:
        self._station = station
        self._launch = launch
        self._listen = listen
        self._environ = environ
        self._reloading = asyncio.Lock()
        self._settled = settled_at_start(station.gateway)

    @property
    def gateway(self) -> Gateway:
        """
        The one gateway.
        """
        return self._station.gateway

    async def status(self) -> dict[str, Any]:
        """
        Tell what this process does.
        """
        workers = [worker_status(self._station, 0)]
        return fleet_status(self.gateway, workers, self._listen)

    async def plugins(self) -> list[dict[str, Any]]:
        """
        List the plugins.
        """
        return self.gateway.plugin_report()

    async def trace(self, request_id: str, actor: str) -> dict[str, Any] | None:
        """
        Return what is remembered of an exchange, or kept by a plugin.
        """
        found = await self.gateway.recall(request_id, actor)
        return None if found is None else dict(found)

    async def explain(self, ask: Ask) -> dict[str, Any]:
        """
        Run dry.
        """
        return await explain(self.gateway, ask)

    async def health(self) -> list[dict[str, Any]]:
        """
        List the places at providers that are not well.
        """
        return health_of(self.gateway)

    async def metrics(self) -> bytes:
        """
        Render what this process counted.
        """
        return self._station.metrics.render()

    async def publish(self, event: Event) -> None:
        """
        Tell the plugins of *event*.
        """
        self.gateway.publish(event)

    async def tell(self, event: Event) -> None:
        """
        See `gateway.app.Gateway.tell`.
        """
        await self.gateway.tell(event)

    async def run(self, route: Route, request: web.Request) -> web.StreamResponse:
        """
        Call the route as the settings in force have it: a reload makes new plugins.
        """
        return await run_route(self.gateway, route, request)

    async def reload(self, actor: str) -> dict[str, Any]:
        """
        Read the settings again and put them in force.
        """
        async with self._reloading:
            gateway = self.gateway
            before = gateway.settings
            try:
                settings = await asyncio.to_thread(
                    read_again, self._launch, self._environ
                )
                tried = await asyncio.to_thread(
                    try_settings, settings, self._launch, self._listen, self._environ
                )
                await try_start(tried)
            except SettingsRejected as rejected:
                gateway.publish(refused_event(gateway, rejected, actor))
                raise
            try:
                await put_in_force(gateway, settings, actor)
            except SettingsRejected as rejected:
                # The plugins have heard of it by `Gateway.reload`.
                log_refused(rejected, actor)
                raise
            new = settled_at_start(gateway) - self._settled
            return reload_report(before, settings, new)


# --- what every process tells of itself -----------------------------------------------------


def worker_status(station: Station, index: int) -> dict[str, Any]:
    """
    Tell what the process of *station* does.
    """
    gateway = station.gateway
    return {
        "index": index,
        "pid": os.getpid(),
        "state": station.health.why_not or "ready",
        "settings": gateway.settings.digest,
        "in_flight": station.in_flight,
        "started_at": station.started_at,
        "uptime_s": round(gateway.clock.now() - station.started_at, 3),
        "warnings": gateway.warnings(),
    }


def fleet_status(
    gateway: Gateway, workers: list[dict[str, Any]], listen: Address
) -> dict[str, Any]:
    """
    Tell what all *workers* do together.

    Args:
        listen: Where callers come in.
    """
    settings = gateway.settings
    states = {worker["state"] for worker in workers}
    return {
        "version": gateway.version,
        "state": states.pop() if len(states) == 1 else "mixed",
        "calls": url_of(listen, is_tls=settings.server.tls is not None),
        "settings": settings.digest,
        "source": str(settings.source) if settings.source else None,
        "authenticates_callers": gateway.authenticates_callers,
        "uptime_s": max((worker["uptime_s"] for worker in workers), default=0.0),
        "in_flight": sum(worker["in_flight"] for worker in workers),
        "warnings": _all_warnings(workers),
        "workers": workers,
    }


def _all_warnings(workers: Iterable[Mapping[str, Any]]) -> list[str]:
    """
    List what any of *workers* warns of; what several do is one.
    """
    return list(
        dict.fromkeys(each for worker in workers for each in worker.get("warnings", ()))
    )


def health_of(gateway: Gateway) -> list[dict[str, Any]]:
    """
    List the places at providers that are not well, as JSON values.
    """
    listing = []
    for cooling in gateway.runtime.router.health.listing():
        provider, key, model = (*cooling.place, None, None)[:3]
        listing.append(
            {
                "provider": provider,
                "key": key,
                "model": model,
                "state": cooling.state,
                "left_s": round(cooling.left_s, 3),
                "why": cooling.why,
                "party": cooling.party or None,
            }
        )
    return listing


async def run_route(
    gateway: Gateway, route: Route, request: web.Request
) -> web.StreamResponse:
    """
    Call *route* of the plugin that is active now.

    Raises:
        Refused: 404; no active plugin has it any more.
    """
    for current, _ in gateway.routes:
        if current.name == route.name and current.permission == route.permission:
            return await current.handler(request)
    msg = "The plugin that had this route is not active."
    raise Refused(msg, status=404, code="route_not_found")


# --- reload ---------------------------------------------------------------------------------


def read_again(launch: Launch, environ: Mapping[str, str]) -> Settings:
    """
    Read the settings that *launch* names, now.

    Raises:
        SettingsRejected: They cannot be read.
    """
    try:
        settings = launch.settings(environ)
    except Exception as exc:  # noqa: BLE001 - told, and nothing changes
        raise SettingsRejected(problems_of(exc)) from None
    if settings.source is not None and not settings.document.entries:
        raise SettingsRejected([Problem(_EMPTY, where=str(settings.source))])
    return settings


def try_settings(
    settings: Settings, launch: Launch, listen: Address, environ: Mapping[str, str]
) -> Gateway:
    """
    Make a gateway of *settings* that is never started.

    Raises:
        SettingsRejected: It cannot be made, or must not serve on *listen*.
    """
    try:
        gateway = Gateway(settings, environ=environ)
        check_serving(gateway, launch, listen)
    except Exception as exc:  # noqa: BLE001 - told, and nothing changes
        raise SettingsRejected(problems_of(exc, settings)) from None
    return gateway


async def try_start(gateway: Gateway) -> None:
    """
    Ask the plugins of *gateway*, which is never started, whether they could start.

    Whoever found out by starting them would have stored by then what the first ones declare.

    Raises:
        SettingsRejected: They could not.
    """
    settings = gateway.settings
    try:
        problems = await gateway.start_problems(gateway.secrets)
    except Exception as exc:  # noqa: BLE001 - told, and nothing changes
        raise SettingsRejected(problems_of(exc, settings)) from None
    if problems:
        raise SettingsRejected(settings.located(ConfigError(problems)).problems)


async def put_in_force(
    gateway: Gateway, settings: Settings, actor: str, *, is_echo: bool = False
) -> None:
    """
    Let *gateway* go by *settings*.

    Args:
        is_echo: Another worker told of the same change already.

    Raises:
        SettingsRejected: It cannot; `Gateway.reload` has published why.
    """
    try:
        await gateway.reload(settings, actor, is_echo=is_echo)
    except Exception as exc:  # noqa: BLE001 - a plugin's lifespan may raise anything
        raise SettingsRejected(problems_of(exc, settings)) from None


def refused_event(
    gateway: Gateway, rejected: SettingsRejected, actor: str
) -> SettingsRefused:
    """
    Tell that a reload was refused.
    """
    problems = log_refused(rejected, actor)
    return SettingsRefused(at=gateway.clock.now(), actor=actor, problems=problems)


def log_refused(rejected: SettingsRejected, actor: str) -> tuple[str, ...]:
    """
    Log why a reload was refused; returns it.
    """
    problems = tuple(str(problem) for problem in rejected.problems)
    log.error("settings not reloaded", problems=problems, actor=actor)
    return problems


def settled_at_start(gateway: Gateway) -> frozenset[str]:
    """
    Name what plugins of *gateway* register that is settled when a process starts.

    Those are the callers' paths of dialects, and the processes that run once.
    """
    paths = (route.path for route in inference_routes(gateway.dialects))
    processes = (f"process {spec.name}" for spec in gateway.runtime.processes)
    return frozenset((*paths, *processes))


def reload_report(
    before: Settings, after: Settings, unsettled: Iterable[str] = ()
) -> dict[str, Any]:
    """
    Tell what a reload changed.

    Args:
        unsettled: What plugins register that is not there before the next start: see
            `settled_at_start`.
    """
    changed = changed_paths(before, after)
    late = [*needs_restart(changed), *sorted(unsettled)]
    log.info(
        "settings reloaded",
        before=before.short,
        after=after.short,
        changed=changed,
        needs_restart=late,
    )
    return {
        "before": before.digest,
        "after": after.digest,
        "changed": list(changed),
        "needs_restart": late,
    }
