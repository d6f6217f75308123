"""
Has the garbage collector come early after long exchanges.

`gateway.server.station.freeze` has it come late, by the number of objects, of which a body of
megabytes is one.  What plugins remember of an exchange may be a cycle with it, so that such bodies
would pile up by the hundred before anybody frees them.
"""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.exchange import Exchange

#: Bytes of long exchanges that may wait for the collector.
SWEPT_BYTES: Final = 32 * 1024 * 1024
#: The generation to look through, with the younger ones: who lived longer has waited anyway.
_GENERATION: Final = 1


class Sweeper:
    """
    Counts what long exchanges may have left behind.
    """

    def __init__(self) -> None:
        self._left_bytes = 0

    def observe(self, exchange: Exchange) -> None:
        """
        Count *exchange*, which has ended; goes on the gateway's ``observers``.
        """
        if not exchange.is_large:
            return
        self._left_bytes += exchange.size_bytes
        if self._left_bytes >= SWEPT_BYTES:
            self._left_bytes = 0
            # When whoever told of it has returned: their frames hold it still.
            asyncio.get_running_loop().call_soon(gc.collect, _GENERATION)
