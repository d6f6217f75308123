"""
Messages over UDP, a datagram each (RFC 5426): nobody knows what arrives.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Final

#: Messages after which the network gets a moment.
_IN_A_ROW: Final = 50
_MOMENT_S: Final = 0.005


class Datagrams:
    """
    A socket that leads to one receiver.
    """

    def __init__(self, bound: socket.socket) -> None:
        self._socket = bound

    @classmethod
    async def open(cls, host: str, port: int) -> Datagrams:
        """
        Find the receiver.

        Raises:
            OSError: There is none of that name.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
        bound.setblocking(False)
        bound.connect(address)
        return cls(bound)

    async def send(self, messages: Sequence[bytes]) -> None:
        """
        Send each of *messages*.

        Raises:
            OSError: The network is down, or the receiver's machine said that nobody listens.
        """
        loop = asyncio.get_running_loop()
        for at, each in enumerate(messages):
            await loop.sock_sendall(self._socket, each)
            if at % _IN_A_ROW == _IN_A_ROW - 1:
                await asyncio.sleep(_MOMENT_S)

    def close(self) -> None:
        """
        Let go of the socket.
        """
        self._socket.close()
