"""
All sinks, in a thread of the sequencer's process.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import structlog

from gateway.clock import Clock, SystemClock
from gateway.outbound import Outbound
from gateway.secrets import Secrets
from gateway.settings import EgressSettings, settings_from_dict
from gateway.tasks import Tasks
from gateway_audit.sequencing.companions import Saying
from gateway_audit.sequencing.log import Log
from gateway_audit.sinks.backoff import Backoff
from gateway_audit.sinks.cursor import Cursor
from gateway_audit.sinks.feed import Feed
from gateway_audit.sinks.outlets.making import make_outlet
from gateway_audit.sinks.outlets.outlet import Way
from gateway_audit.sinks.settings import SinkSettings, sinks_from_json
from gateway_audit.sinks.shipping import Shipping

log = structlog.get_logger("gateway.audit.sinks")

#: Seconds for what is under way when the process is to end.
LAST_S: Final = 1.5


def companion(
    folder: str, sinks: Mapping[str, Any], egress: Mapping[str, Any]
) -> Exports:
    """
    Make the exports of settings that another process wrote down.

    Args:
        egress: The settings' table of that name.
    """
    return Exports(
        Path(folder),
        sinks_from_json(sinks),
        egress=settings_from_dict({"egress": egress}).egress,
        environ=os.environ,
    )


class Exports:
    """
    Runs the sinks; a companion of the sequencer.

    Args:
        folder: Where the cursors are.
    """

    name: Final = "sinks"

    def __init__(
        self,
        folder: Path,
        sinks: Mapping[str, SinkSettings],
        *,
        egress: EgressSettings,
        environ: Mapping[str, str],
        clock: Clock | None = None,
        backoff: Callable[[], Backoff] | None = None,
    ) -> None:
        self._folder = folder
        self._sinks = dict(sinks)
        self._egress = egress
        self._environ = environ
        self._clock = clock or SystemClock()
        self._backoff = backoff or (lambda: Backoff(rng=random.SystemRandom()))
        self._feed: Feed | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._ships: dict[str, Shipping] = {}
        self._fault: str | None = None

    def turn(self, source: Log, now: float) -> tuple[Saying, ...]:
        """
        Take notice of what was signed.
        """
        if not self._sinks:
            return ()
        if self._feed is None:
            self._feed = Feed(source.history)
        has_more = self._feed.look(source)
        source.needs[self.name] = self.needed_from()
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="audit-sinks", daemon=True
            )
            self._thread.start()
        elif has_more and self._loop is not None and self._ready.is_set():
            self._call(self._wake)
        return ()

    def document(self) -> dict[str, Any]:
        """
        Tell how each sink is.
        """
        if self._fault is not None:
            return {name: {"problem": self._fault} for name in self._sinks}
        return {name: ship.document() for name, ship in self._ships.items()}

    def needed_from(self) -> int:
        """
        Return the first entry that some sink has not delivered.
        """
        if len(self._ships) < len(self._sinks):
            return 0
        return min(ship.needed_from for ship in self._ships.values())

    def close(self) -> None:
        """
        Give what is under way a moment, and stop.
        """
        if self._thread is None:
            return
        self._ready.wait(LAST_S)
        if self._stop is not None:
            self._call(self._stop.set)
        self._thread.join(2 * LAST_S)

    def _call(self, function: Callable[[], None]) -> None:
        loop = self._loop
        try:
            if loop is not None:
                loop.call_soon_threadsafe(function)
        except RuntimeError:
            log.debug("the sinks have ended")

    def _wake(self) -> None:
        for ship in self._ships.values():
            ship.wake()

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except Exception as exc:
            self._fault = f"the exports ended with {type(exc).__name__}"
            log.exception("the exports ended")
        finally:
            self._ready.set()

    async def _work(self) -> None:
        assert self._feed is not None  # noqa: S101 - turn made it
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        secrets = Secrets(self._environ)
        tasks = Tasks()
        async with Outbound.open(self._egress, secrets) as outbound:
            way = Way(
                outbound=outbound,
                secrets=secrets,
                egress=self._egress,
                clock=self._clock,
            )
            for name, settings in self._sinks.items():
                ship = self._ship(name, settings, way, self._feed)
                self._ships[name] = ship
                tasks.spawn(ship.run(), name=f"sink {name}")
            self._ready.set()
            await self._stop.wait()
            await self._last()
            await tasks.join(0)
            for ship in self._ships.values():
                await ship.close()

    def _ship(
        self, name: str, settings: SinkSettings, way: Way, feed: Feed
    ) -> Shipping:
        return Shipping(
            name,
            make_outlet(settings, way),
            feed,
            Cursor.of(self._folder, name),
            clock=self._clock,
            backoff=self._backoff(),
            backfill=settings.backfill,
        )

    async def _last(self) -> None:
        """
        Wait for those that are nearly done.
        """
        self._wake()
        for _ in range(int(LAST_S / 0.05)):
            if all(ship.is_level or ship.problem for ship in self._ships.values()):
                return
            await asyncio.sleep(0.05)
