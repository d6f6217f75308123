"""
How an event in one process reaches every other process of the same data directory.

A file of fixed size is the board: a number of how many events were ever put up, and the latest
`SLOTS` of them, each in the slot that its number chooses.  Who has an event takes the file's
lock, fills the slot, then raises the number; everybody looks at the number a few times a second
and reads what is new.  Nobody waits for anybody, nothing is lost in silence: who comes too late
for a slot is told so (`EventsMissed`), and a slot that is being written fails its checksum and is
read again at the next look.

A file, and no socket: it needs no one to know who else there is, it holds for a second gateway
on the same data directory as for a second worker, and a process that was killed leaves nothing
behind.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import zlib
from typing import TYPE_CHECKING, Final

import attrs
import structlog

from gateway import codec
from gateway.events import EventsMissed, event_as_dict, event_from_dict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.clock import Clock
    from gateway.events import Event

log = structlog.get_logger("gateway.bulletin")

FILE: Final = "events"
#: Seconds between two looks.
LOOK_S: Final = 0.2
#: How many events wait for who is slow: a minute of four a second.
SLOTS: Final = 256
SLOT_BYTES: Final = 2048

_COUNT: Final = struct.Struct("<Q")
#: Number, origin, length and checksum of what follows.
_HEAD: Final = struct.Struct("<Q8sLL")
#: Bytes that one event may have, as JSON.
MAX_EVENT_BYTES: Final = SLOT_BYTES - _HEAD.size
_START: Final = 64
#: Looks after which a slot that cannot be read is given up.
_PATIENCE: Final = 5


class Bulletin:
    """
    One process's view of the board.

    Args:
        path: The file; it is made with the first event that is put up.
        publish: Told of what other processes put up.
    """

    def __init__(
        self, path: Path, publish: Callable[[Event], None], clock: Clock
    ) -> None:
        self._path = path
        self._publish = publish
        self._clock = clock
        self._origin = os.urandom(8)
        self._seen = 0
        self._tries = 0
        self._timer: asyncio.TimerHandle | None = None

    # --- life -------------------------------------------------------------------------------

    def start(self) -> None:
        """
        Look from now on, for what is put up from now on; needs a running loop.
        """
        self._seen = self._count()
        self._arm()

    def stop(self) -> None:
        """
        Look no more.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(LOOK_S, self._due)

    def _due(self) -> None:
        self._arm()
        try:
            self.look()
        except OSError as exc:
            log.error("events of other processes cannot be read", why=exc.strerror)  # noqa: TRY400

    # --- putting up -------------------------------------------------------------------------

    def put_up(self, event: Event) -> None:
        """
        Let every other process hear of *event*.

        Raises:
            ValueError: It is longer than `MAX_EVENT_BYTES`, or no JSON can be made of it.
            OSError: The file cannot be written.
        """
        payload = _payload(event)
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            # Held for three system calls, by whoever holds it.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            number = _count_in(descriptor) + 1
            head = _HEAD.pack(number, self._origin, len(payload), zlib.crc32(payload))
            os.pwrite(descriptor, head + payload, _place(number))
            os.pwrite(descriptor, _COUNT.pack(number), 0)
        finally:
            os.close(descriptor)  # which unlocks

    # --- looking ----------------------------------------------------------------------------

    def look(self) -> None:
        """
        Publish what other processes put up since the last look.
        """
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            self._read(descriptor)
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int) -> None:
        latest = _count_in(descriptor)
        if not 0 <= latest - self._seen <= SLOTS:
            # Too many since the last look, or somebody put another file in this one's place.
            self._missed(latest)
        while self._seen < latest:
            slot = os.pread(descriptor, SLOT_BYTES, _place(self._seen + 1))
            event = _Slot.read(slot)
            if event is None or event.number < self._seen + 1:
                self._wait(latest)
                return
            if event.number > self._seen + 1:
                self._missed(latest)
                return
            self._tries = 0
            self._seen += 1
            if event.origin != self._origin:
                self._tell(event)

    def _tell(self, slot: _Slot) -> None:
        try:
            event = event_from_dict(codec.loads(slot.payload))
        except (KeyError, TypeError, ValueError):
            # Another release's event of the same name: what happened is not known here.
            self._missed(self._seen)
            return
        if event is not None:
            self._publish(attrs.evolve(event, is_echo=True))

    def _wait(self, latest: int) -> None:
        """
        Leave a slot that is being written for the next look, a few times.
        """
        self._tries += 1
        if self._tries >= _PATIENCE:
            self._missed(latest)

    def _missed(self, latest: int) -> None:
        self._seen = latest
        self._tries = 0
        log.warning("events of other processes were missed")
        self._publish(EventsMissed(at=self._clock.now()))

    def _count(self) -> int:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return 0
        try:
            return _count_in(descriptor)
        finally:
            os.close(descriptor)


@attrs.frozen(kw_only=True)
class _Slot:
    """
    One event as it hangs on the board.
    """

    number: int
    origin: bytes
    payload: bytes

    @classmethod
    def read(cls, raw: bytes) -> _Slot | None:
        """
        Read a slot; None if it is empty, or half written.
        """
        if len(raw) < _HEAD.size:
            return None
        number, origin, length, checksum = _HEAD.unpack_from(raw)
        payload = raw[_HEAD.size : _HEAD.size + length]
        if len(payload) != length or zlib.crc32(payload) != checksum or not length:
            return None
        return cls(number=number, origin=origin, payload=payload)


def _payload(event: Event) -> bytes:
    try:
        payload = codec.dumps(event_as_dict(event))
    except TypeError:
        msg = f"{type(event).__name__} holds what no JSON can be made of"
        raise ValueError(msg) from None
    if len(payload) > MAX_EVENT_BYTES:
        msg = f"{type(event).__name__} is longer than {MAX_EVENT_BYTES} bytes"
        raise ValueError(msg)
    return payload


def _place(number: int) -> int:
    return _START + (number - 1) % SLOTS * SLOT_BYTES


def _count_in(descriptor: int) -> int:
    raw = os.pread(descriptor, _COUNT.size, 0)
    return _COUNT.unpack(raw)[0] if len(raw) == _COUNT.size else 0
