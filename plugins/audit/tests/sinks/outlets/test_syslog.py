"""
Messages of RFC 5424 over a stream, each behind its length.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket

import pytest

from gateway_audit.sinks.outlets.syslog import _Stream


class Receiver:
    """
    A syslog server over TCP that counts octets, and does with a connection what it is told to.
    """

    def __init__(self):
        self.messages = []
        self.connections = 0
        #: After so many messages of its first connections they are reset, one number each.
        self.resets = []
        self.port = 0

    async def serve(self, reader, writer):
        self.connections += 1
        limit = self.resets.pop(0) if self.resets else None
        count = 0
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while limit is None or count < limit:
                length = await reader.readuntil(b" ")
                message = await reader.readexactly(int(length))
                count += 1
                if limit is None:
                    self.messages.append(message.decode())
        writer.transport.abort() if limit is not None else writer.close()

    @contextlib.asynccontextmanager
    async def listening(self):
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    def places(self):
        return [place_of(each) for each in self.messages]


class ResetWriter:
    """
    The end of a TLS connection that was reset, as asyncio's is: there is no protocol any more.
    """

    transport = None

    def close(self):
        """
        Begin to.
        """

    async def wait_closed(self):
        raise ConnectionResetError


def place_of(message):
    found = re.search(r"cn1Label=(index|treeSize) cn1=(\d+)", message)
    return int(found[2]) if found[1] == "index" else f"#{found[2]}"


@pytest.fixture
async def receiver():
    async with Receiver().listening() as found:
        yield found


def settings_of(port, scheme="tcp", **more):
    table = {"type": "syslog", "url": f"{scheme}://127.0.0.1:{port}", "settle_s": 0.05}
    return {**table, "allow_plain": True, "hostname": "gw-1", **more}


async def test_each_record_is_a_message_behind_its_length(yard, signing, receiver):
    """
    In the order of the log.
    """
    signing.write(300)
    signing.write(2, target="openai/größe")

    await yard.deliver(yard.ship(**settings_of(receiver.port)))

    assert receiver.places() == [*range(300), "#300", 300, 301, "#302"]
    assert "cs4=openai/größe" in receiver.messages[-2]


async def test_what_went_out_on_a_connection_that_broke_goes_out_again(
    yard, signing, receiver
):
    """
    The receiver read some, lost it, and reset the connection: nothing of it counted as delivered.
    """
    receiver.resets = [3, 0, 7]
    signing.write(20)

    await yard.deliver(yard.ship(**settings_of(receiver.port)))

    assert receiver.connections == 4
    assert receiver.places() == [*range(20), "#20"]


async def test_a_receiver_that_ends_the_connection_is_found_again(
    yard, signing, receiver
):
    """
    It closed it while nothing was under way; the next entry goes out on another.
    """
    signing.write(1)
    ship = yard.ship(**settings_of(receiver.port))
    async with yard.sailing(ship):
        await yard.until(lambda: ship.is_level)
        ship._outlet._stream._writer.transport.abort()
        signing.write(1)
        yard.look()
        ship.wake()
        await yard.until(lambda: ship.is_level)

    assert receiver.places() == [0, "#1", 1, "#2"]


async def test_nobody_listens(yard, signing):
    """
    The sink says so, without an address.
    """
    signing.write(1)
    ship = yard.ship(**settings_of(9))

    await yard.ailing(ship)

    assert ship.problem.startswith("no connection: ")


async def test_datagrams_are_sent_where_that_is_allowed(yard, signing):
    """
    A message each, without a length.
    """
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(5)
    signing.write(2)

    with receiver:
        port = receiver.getsockname()[1]
        await yard.deliver(yard.ship(**settings_of(port, "udp")))
        found = [receiver.recv(65_536).decode() for _ in range(3)]

    assert [place_of(each) for each in found] == [0, 1, "#2"]
    assert all(each.startswith("<110>1 ") for each in found)


async def test_a_connection_that_was_reset_is_let_go():
    """
    To close what the other side closed first is no fault: over TLS nothing is left to abort.
    """
    reader = asyncio.StreamReader()
    reader.feed_eof()

    await _Stream(reader, ResetWriter()).close()
