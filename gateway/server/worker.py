"""
One worker: a process that serves callers, beside others on one port, under a supervisor.

The supervisor writes one line of JSON to its standard input: what to serve, where, and which
folder the sockets stand in.  The worker answers with one line on its standard output: that it
serves, or why it cannot.  When the standard input ends, the supervisor is gone, and so goes the
worker.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from gateway import codec
from gateway.errors import ConfigError
from gateway.server.control import Control, Link, proxied_routes
from gateway.server.launch import Launch, problems_of
from gateway.server.logs import configure_logging
from gateway.server.serve import Signals, prepare, run
from gateway.server.sockets import bind, tls_context
from gateway.server.station import Station, freeze
from gateway.settings import Address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.app import Gateway

MAX_ORDER_BYTES: Final = 64 * 1024


@attrs.frozen(kw_only=True)
class Order:
    """
    What a supervisor tells a worker to do.

    Attributes:
        listen: Where callers come in; the supervisor holds the port.
        folder: Where the sockets stand.
        is_shared: Management comes in on the callers' port.
    """

    index: int
    launch: Launch
    listen: Address
    folder: Path
    is_shared: bool

    @property
    def socket(self) -> Path:
        """
        Where this worker answers its supervisor.
        """
        return worker_socket(self.folder, self.index)

    def line(self) -> bytes:
        """
        Write it as one line.
        """
        told = {
            "index": self.index,
            "launch": self.launch.as_dict(),
            "listen": str(self.listen),
            "folder": str(self.folder),
            "is_shared": self.is_shared,
        }
        return codec.dumps(told) + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Order:
        """
        Read what `line` wrote.
        """
        told = codec.loads(line)
        return cls(
            index=told["index"],
            launch=Launch.from_dict(told["launch"]),
            listen=Address.parse(told["listen"]),
            folder=Path(told["folder"]),
            is_shared=told["is_shared"],
        )


def worker_socket(folder: Path, index: int) -> Path:
    """
    Name the socket of the worker *index*.
    """
    return folder / f"worker-{index}.sock"


def admin_socket(folder: Path) -> Path:
    """
    Name the socket on which the supervisor manages.
    """
    return folder / "admin.sock"


def main() -> None:
    """
    Work as the line on the standard input says.
    """
    order = Order.read(sys.stdin.buffer.readline(MAX_ORDER_BYTES))
    environ = os.environ
    try:
        gateway = prepare(order.launch, environ, serving=False)
        code = run(_work(gateway, order, environ))
    except ConfigError as exc:
        _say({"event": "failed", "problems": [attrs.asdict(p) for p in exc.problems]})
        raise SystemExit(1) from None
    raise SystemExit(code)


async def _work(gateway: Gateway, order: Order, environ: Mapping[str, str]) -> int:
    signals = Signals()
    settings = gateway.settings
    station = Station(gateway, configure_logging(settings.server.log))
    admin = Link(admin_socket(order.folder))
    try:
        await _start(station, order, environ, admin)
        freeze()
        await _watch_input(signals)
        _say({"event": "started", "pid": os.getpid(), "settings": settings.digest})
        # Only now: whoever finds it ready may manage, which the supervisor has it answer.
        station.health.ready()
        # Nobody reads what else might be printed.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        await signals.ended()
        await station.drain(gateway.settings.server.drain_timeout_s)
    finally:
        await station.stop()
        await admin.close()
        signals.close()
    return 0


async def _start(
    station: Station, order: Order, environ: Mapping[str, str], admin: Link
) -> None:
    """
    Start to serve.

    Raises:
        ConfigError: A plugin cannot start.
    """
    settings = station.gateway.settings
    try:
        tls = tls_context(settings.server.tls)
        control = Control(station, order.listen, environ, index=order.index)
        order.socket.unlink(missing_ok=True)
        await station.listen_unix(control.app(), order.socket)
        routes = proxied_routes(admin) if order.is_shared else []
        await station.start(bind(order.listen, is_shared=True), tls, routes)
    except Exception as exc:
        raise ConfigError(problems_of(exc, settings)) from exc


class _Input(asyncio.Protocol):
    """
    Ends the worker when the supervisor's end of the pipe is gone.
    """

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def connection_lost(self, exc: Exception | None) -> None:
        self._signals.end()


async def _watch_input(signals: Signals) -> None:
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: _Input(signals), sys.stdin)


def _say(told: dict[str, Any]) -> None:
    sys.stdout.buffer.write(codec.dumps(told) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
