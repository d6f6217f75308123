"""
Serving: one process, from its first look at the settings to its last answer.

With more than one worker, or with processes that run once per data directory, a supervisor does
this (`gateway.server.supervised`); the rest is the same.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import structlog

from gateway.app import Gateway
from gateway.errors import ConfigError
from gateway.installation import Installation
from gateway.server.apart import apart
from gateway.server.application import admin_app
from gateway.server.banner import Started
from gateway.server.connection import require_c_parser
from gateway.server.fleet import Solo
from gateway.server.launch import Launch, check_serving, problems_of
from gateway.server.lean import forget_sources
from gateway.server.logs import configure_logging
from gateway.server.management import SettingsRejected
from gateway.server.management_routes import management_routes
from gateway.server.sockets import address_of, bind, tls_context, url_of
from gateway.server.station import Station, freeze

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Mapping

    from gateway.server.fleet import Fleet

log = structlog.get_logger("gateway.server")

_ENDING: Final = (signal.SIGTERM, signal.SIGINT)
#: What came before there was a loop that hears of it.
_hangups: Final[list[int]] = []


def serve(launch: Launch, environ: Mapping[str, str]) -> int:
    """
    Serve until a signal ends it.

    Returns:
        The exit code.

    Raises:
        ConfigError: With everything that keeps it from starting.
    """
    require_c_parser()
    note_hangups()
    # What is made from here on, by whatever process and library, is the operator's alone.
    os.umask(0o077)
    launch = launch.kept()
    gateway = prepare(launch, environ)
    server = gateway.settings.server
    if server.workers > 1 or gateway.runtime.processes:
        from gateway.server.supervised import supervise

        return supervise(gateway, launch, environ)
    tls = tls_context(server.tls)
    calls = bind(server.listen)
    admin = bind(server.admin_listen) if server.admin_listen else None
    return run(_serve_alone(gateway, launch, environ, calls, admin, tls))


def note_hangups() -> None:
    """
    Keep SIGHUP, which ends whoever does not know it, for when settings can be read again.
    """
    if threading.current_thread() is threading.main_thread():
        _hangups.clear()
        signal.signal(signal.SIGHUP, lambda number, _: _hangups.append(number))


def prepare(
    launch: Launch, environ: Mapping[str, str], *, serving: bool = True
) -> Gateway:
    """
    Read the settings and make the gateway that they mean; nothing is started.

    Args:
        serving: Whether it will listen, so that its listeners are checked as well.

    Raises:
        ConfigError: With everything that is wrong, located in the file.
    """
    forget_sources()
    settings, installation = apart(
        lambda: (launch.settings(environ), Installation.find())
    )
    # Before anybody logs: the standard output is for answers alone.
    configure_logging(settings.server.log)
    try:
        gateway = Gateway(settings, environ=environ, installation=installation)
        if serving:
            check_serving(gateway, launch, settings.server.listen)
    except Exception as exc:
        raise ConfigError(problems_of(exc, settings)) from exc
    return gateway


def run(main: Coroutine[Any, Any, int]) -> int:
    """
    Run *main* on uvloop, where it is installed.
    """
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    try:
        import uvloop
    except ImportError:
        pass
    else:
        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(main)


async def _serve_alone(
    gateway: Gateway,
    launch: Launch,
    environ: Mapping[str, str],
    calls: socket.socket,
    admin: socket.socket | None,
    tls: Any,
) -> int:
    settings = gateway.settings
    signals = Signals()
    output = configure_logging(settings.server.log)
    station = Station(gateway, output)
    listen = address_of(calls)
    fleet = Solo(station, launch, listen, environ)
    try:
        routes = management_routes(fleet, is_shared=admin is None)
        await start(station, calls, admin, tls, routes)
        at = listen if admin is None else address_of(admin)
        announce(
            Started(
                calls=url_of(listen, is_tls=tls is not None),
                admin=url_of(at, is_tls=tls is not None),
                pid=os.getpid(),
            ),
            gateway,
        )
        signals.reload_by(lambda: reload_quietly(fleet))
        await signals.ended()
        await station.drain(gateway.settings.server.drain_timeout_s)
    finally:
        await station.stop()
        signals.close()
    return 0


async def start(
    station: Station,
    calls: socket.socket,
    admin: socket.socket | None,
    tls: Any,
    routes: list[Any],
) -> None:
    """
    Start *station* with its management on *admin*, or beside the callers.

    Raises:
        ConfigError: A plugin cannot start.
    """
    try:
        if admin is None:
            await station.start(calls, tls, routes)
        else:
            await station.listen(admin_app(station.health, routes), admin, tls)
            await station.start(calls, tls)
        station.health.ready()
        freeze()
    except Exception as exc:
        raise ConfigError(problems_of(exc, station.gateway.settings)) from exc


def announce(started: Started, gateway: Gateway) -> None:
    """
    Say where it serves: in words on a terminal, else in one line of JSON.
    """
    out = sys.stdout
    try:
        if out.isatty():
            out.write(started.banner(gateway))
        else:
            out.buffer.write(started.line(gateway))
        out.flush()
    except (OSError, ValueError):
        log.info("started", calls=started.calls, admin=started.admin)


async def reload_quietly(fleet: Fleet) -> None:
    """
    Reload because a signal asked for it; what is wrong was logged where it was found.
    """
    with suppress(SettingsRejected):
        await fleet.reload("SIGHUP")


class Signals:
    """
    The signals of one process: the first to end it, the second to end it at once, and reload.

    Attributes:
        on_hurry: Called before the process dies of a second signal.
    """

    def __init__(self) -> None:
        self.on_hurry: Callable[[], None] = lambda: None
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._on_reload: Callable[[], Coroutine[Any, Any, None]] | None = None
        self._reloads: set[asyncio.Task[None]] = set()
        for number in _ENDING:
            self._loop.add_signal_handler(number, self._end, number)
        self._loop.add_signal_handler(signal.SIGHUP, self._reload)
        self._is_wanted = bool(_hangups)

    def _end(self, number: signal.Signals) -> None:
        if self._ended.is_set():
            # Somebody is in a hurry: die as that signal lets a process die.
            self.on_hurry()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        log.info("ending", signal=number.name)
        self._ended.set()

    def reload_by(self, on_reload: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """
        Call *on_reload* for each SIGHUP, and at once for one that came before.
        """
        self._on_reload = on_reload
        if self._is_wanted:
            self._reload()

    def _reload(self) -> None:
        if self._ended.is_set():
            return
        if self._on_reload is None:
            self._is_wanted = True
            return
        task = self._loop.create_task(self._on_reload(), name="reload")
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    def end(self) -> None:
        """
        End as the first signal would.
        """
        self._ended.set()

    async def ended(self) -> None:
        """
        Wait for the signal that ends the process.
        """
        await self._ended.wait()

    def close(self) -> None:
        """
        Let signals do again what they do by default.
        """
        for number in (*_ENDING, signal.SIGHUP):
            self._loop.remove_signal_handler(number)
