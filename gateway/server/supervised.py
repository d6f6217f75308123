"""
Serving with a supervisor, from the sockets to the last worker's end.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from gateway.errors import ConfigError, Problem
from gateway.server.application import admin_app, make_runner
from gateway.server.banner import Started
from gateway.server.health import Health
from gateway.server.launch import problems_of
from gateway.server.logs import configure_logging
from gateway.server.management_routes import management_routes
from gateway.server.serve import Signals, announce, reload_quietly, run
from gateway.server.sockets import (
    BACKLOG,
    address_of,
    bind,
    reserve,
    tls_context,
    url_of,
)
from gateway.server.supervisor import Supervisor
from gateway.server.worker import admin_socket

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from gateway.app import Gateway
    from gateway.server.connection import GatewayRunner
    from gateway.server.launch import Launch


def supervise(gateway: Gateway, launch: Launch, environ: Mapping[str, str]) -> int:
    """
    Serve with workers until a signal ends it; as `gateway.server.serve.serve`.

    Raises:
        ConfigError: What processes keep cannot be kept.
    """
    if gateway.runtime.processes:
        _make_folder(gateway)
    server = gateway.settings.server
    tls = tls_context(server.tls)
    # Bound and never listened on: it keeps the port while the workers come and go.
    reserved = reserve(server.listen)
    admin = bind(server.admin_listen) if server.admin_listen else None
    folder = Path(tempfile.mkdtemp(prefix="gatewright-"))  # mode 0700
    try:
        return run(_supervise(gateway, launch, environ, reserved, admin, tls, folder))
    finally:
        reserved.close()
        shutil.rmtree(folder, ignore_errors=True)


def _make_folder(gateway: Gateway) -> None:
    """
    Make the folder for data, before processes are started that would fail over it.
    """
    folder = gateway.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        msg = f"{folder} cannot be made: {exc.strerror}"
        error = ConfigError(Problem(msg, path="server.data_dir"))
        raise gateway.settings.located(error) from None


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

    def hurry() -> None:
        supervisor.kill()
        shutil.rmtree(folder, ignore_errors=True)

    signals.on_hurry = hurry
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
        signals.reload_by(lambda: reload_quietly(supervisor))
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
