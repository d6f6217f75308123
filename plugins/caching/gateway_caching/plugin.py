"""
The caching plugin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

from gateway import Answer, Exchange, Phase, Plugin, Route, hookimpl
from gateway.events import Event
from gateway.tasks import Tasks
from gateway_caching.events import CachePurged
from gateway_caching.opening import open_shelf
from gateway_caching.settings import CachingSettings
from gateway_caching.shelf import Shelf
from gateway_caching.stores import Wanted

if TYPE_CHECKING:
    import click

    from gateway import Gateway


class CachingPlugin(Plugin):
    """
    Gives answers again.
    """

    phase: ClassVar[Phase] = Phase.ANSWER
    Settings: ClassVar[type] = CachingSettings

    settings: CachingSettings

    def __init__(self, settings: CachingSettings) -> None:
        super().__init__(settings)
        self._shelf: Shelf | None = None
        self._tasks: Tasks | None = None

    @property
    def shelf(self) -> Shelf:
        """
        What the hooks work with, while the plugin's lifespan lasts.
        """
        if self._shelf is None:
            msg = "caching was not started: its lifespan was not entered"
            raise RuntimeError(msg)
        return self._shelf

    @hookimpl
    def register_routes(self) -> Iterable[Route]:
        from gateway_caching.api import routes  # serving alone needs it

        return routes(lambda: self.shelf)

    @hookimpl
    def register_commands(self) -> Iterable[click.Command]:
        from gateway_caching.cli import cache  # and this the command line

        return (cache,)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        async with open_shelf(gateway, self.settings) as self._shelf:
            self._tasks = gateway.tasks
            yield

    @hookimpl
    def on_event(self, event: Event) -> None:
        if self._shelf is None or self._tasks is None:
            return
        if isinstance(event, CachePurged) and event.is_echo:
            self._tasks.spawn(self._shelf.hear(event), name="purge")

    @hookimpl
    async def erase_subject(self, subject: str) -> str | None:
        # Entries are compressed, and may be encrypted: whose names stand in them nobody knows.
        count = await self.shelf.purge(Wanted(), actor="erasure")
        return f"{count} answers let go of, whoever they name" if count else None

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Answer | None:
        return await self.shelf.answer(exchange)
