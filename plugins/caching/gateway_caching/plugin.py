"""
The caching plugin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

from gateway import Answer, Exchange, Phase, Plugin, hookimpl
from gateway_caching.opening import open_shelf
from gateway_caching.settings import CachingSettings
from gateway_caching.shelf import Shelf

if TYPE_CHECKING:
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
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        async with open_shelf(gateway, self.settings) as self._shelf:
            yield

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Answer | None:
        return await self.shelf.answer(exchange)
