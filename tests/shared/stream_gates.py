"""
A plugin that holds a stream up until a test lets it go on.
"""

from __future__ import annotations

import asyncio

from gateway import Phase, Plugin, hookimpl


class Gate(Plugin):
    """
    Lets what follows the first event of a stream go on when the test says so.
    """

    phase = Phase.OBSERVE

    def __init__(self, settings):
        super().__init__(settings)
        self.is_open = asyncio.Event()
        self.is_open.set()

    @hookimpl
    async def on_stream_chunk(self, exchange, chunk):
        if exchange.is_committed:
            await self.is_open.wait()
        return chunk
