"""
Syslog: RFC 5424 messages over TLS (RFC 5425), or plainly over TCP (RFC 6587) or UDP (RFC 5426).

Over a stream each message stands behind its length in octets.  Syslog acknowledges nothing: what
was written counts as delivered when the connection has stood for a while after it, and what went
out on one that broke sooner goes out again.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Sequence
from typing import Final

import attrs

from gateway.clock import utc_text
from gateway.tasks import Tasks
from gateway_audit.sinks import cef
from gateway_audit.sinks.gravity import Severity, severity
from gateway_audit.sinks.outlets.datagrams import Datagrams
from gateway_audit.sinks.outlets.outlet import Delivery, NotTaken, Way
from gateway_audit.sinks.records import Record
from gateway_audit.sinks.settings import SyslogSink

#: Bytes that every receiver should take (RFC 5424 6.1, RFC 5425 4.3.1).
MAX_MESSAGE: Final = 8192
_LOG_AUDIT: Final = 13
_SEVERITIES: Final = {
    Severity.INFORMATIONAL: 6,
    Severity.LOW: 5,
    Severity.MEDIUM: 4,
    Severity.HIGH: 3,
    Severity.CRITICAL: 2,
}
_NOT_PRINTABLE: Final = re.compile(r"[^!-~]")


def message(record: Record, hostname: str) -> bytes:
    """
    Write *record* as a message of RFC 5424 section 6.
    """
    entry = record.entry()
    priority = _LOG_AUDIT * 8 + _SEVERITIES[severity(entry)]
    seconds, milliseconds = divmod(record.at_ms, 1000)
    at = f"{utc_text(seconds)[:-4]}{milliseconds:03d}Z"
    kind = _NOT_PRINTABLE.sub("?", str(entry["type"]))[:32] or "-"
    head = f"<{priority}>1 {at} {hostname} gatewright - {kind} - "
    whole = f"{head}{cef.encode(record, entry)}".encode(errors="replace")
    # Not in the middle of a character.
    return whole[:MAX_MESSAGE].decode(errors="ignore").encode()


@attrs.define(kw_only=True, eq=False)
class SyslogOutlet:
    """
    One connection, and what was written to it.
    """

    settings: SyslogSink
    way: Way
    window: int = 64
    max_records: int = 200
    max_bytes: int = 256 * 1024
    stale_after_s: float | None = None
    _lock: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    _stream: _Stream | None = None
    _datagrams: Datagrams | None = None

    async def send(self, records: Sequence[Record]) -> Delivery:
        """
        Write *records*, and see that the connection stands.
        """
        name = self.settings.hostname or _own_name()
        messages = [message(record, name) for record in records]
        try:
            if self.settings.place[0] == "udp":
                await self._send_datagrams(messages)
            else:
                await self._send_stream(messages)
        except TimeoutError:
            why = f"it took nothing within {self.settings.timeout_s:g} s"
            raise NotTaken(why) from None
        except ssl.SSLCertVerificationError as exc:
            why = f"its certificate is not believed: {exc.verify_message}"
            raise NotTaken(why) from None
        except OSError as exc:
            why = f"no connection: {exc.strerror or type(exc).__name__}"
            raise NotTaken(why) from None
        return Delivery()

    async def close(self) -> None:
        """
        Close the connection.
        """
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()
        if self._datagrams is not None:
            self._datagrams.close()

    async def _send_stream(self, messages: Sequence[bytes]) -> None:
        frames = b"".join([b"%d %s" % (len(each), each) for each in messages])
        async with asyncio.timeout(self.settings.timeout_s), self._lock:
            stream = await self._standing()
            await stream.write(frames)
        if await stream.breaks_within(self.settings.settle_s):
            raise NotTaken("the connection broke; what it may have lost is sent again")

    async def _standing(self) -> _Stream:
        stream = self._stream
        if stream is not None and not stream.is_broken:
            return stream
        if stream is not None:
            await stream.close()
        _, host, port = self.settings.place
        reader, writer = await asyncio.open_connection(
            host, port, ssl=self._trust(), limit=4096
        )
        self._stream = _Stream(reader, writer)
        return self._stream

    def _trust(self) -> ssl.SSLContext | None:
        settings = self.settings
        if settings.place[0] != "tls":
            return None
        context = ssl.create_default_context(
            cafile=settings.ca_file or self.way.egress.ca_file
        )
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
        return context

    async def _send_datagrams(self, messages: Sequence[bytes]) -> None:
        async with self._lock:
            if self._datagrams is None:
                _, host, port = self.settings.place
                self._datagrams = await Datagrams.open(host, port)
            await self._datagrams.send(messages)


class _Stream:
    """
    A connection that is watched: the other side has nothing to say but that it is gone.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._broken = asyncio.Event()
        self._tasks = Tasks()
        self._tasks.spawn(self._watch(), name="syslog")

    @property
    def is_broken(self) -> bool:
        return self._broken.is_set()

    async def write(self, frames: bytes) -> None:
        self._writer.write(frames)
        await self._writer.drain()

    async def breaks_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._broken.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        self._writer.close()
        await self._tasks.join(0)
        try:
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()
        except TimeoutError:
            self._writer.transport.abort()
        except OSError:
            pass  # the other side closed it first, and TLS has nothing left to abort

    async def _watch(self) -> None:
        try:
            while await self._reader.read(4096):
                pass
        except OSError:
            pass
        finally:
            self._broken.set()


def _own_name() -> str:
    return _NOT_PRINTABLE.sub("-", socket.gethostname())[:255] or "-"
