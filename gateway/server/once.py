"""
A process that runs once per data directory, whatever the number of workers.

The supervisor writes one line of JSON to its standard input: the function, and its arguments.
When the standard input ends, the supervisor is gone, and the process gets SIGTERM.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from gateway import codec
from gateway.server.logs import configure_logging
from gateway.settings import LogSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.registrations import ProcessSpec
    from gateway.settings import Settings

MAX_ORDER_BYTES: Final = 1024 * 1024


def order_line(spec: ProcessSpec, settings: Settings, data_dir: Path) -> bytes:
    """
    Write down what the process is to do.
    """
    log = settings.server.log
    told = {
        "target": spec.target,
        "arguments": spec.arguments_for(data_dir, settings),
        "log": {"format": log.format, "level": log.level},
    }
    return codec.dumps(told) + b"\n"


def find_target(target: str) -> Callable[..., Any]:
    """
    Import the function that *target*, ``package.module:function``, names.

    Raises:
        ImportError: There is none.
    """
    module, colon, name = target.partition(":")
    found = getattr(import_module(module), name, None) if colon else None
    if found is None:
        msg = f"{target} names no function"
        raise ImportError(msg)
    function: Callable[..., Any] = found
    return function


def main() -> None:
    """
    Do what the line on the standard input says.
    """
    told = codec.loads(sys.stdin.buffer.readline(MAX_ORDER_BYTES))
    configure_logging(LogSettings(**told["log"]))
    threading.Thread(target=_watch_input, name="supervisor", daemon=True).start()
    result = find_target(told["target"])(**told["arguments"])
    if inspect.isawaitable(result):

        async def wait() -> None:
            await result

        asyncio.run(wait())


def _watch_input() -> None:
    # Past sys.stdin, whose lock a daemon thread must not hold when the interpreter ends.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
