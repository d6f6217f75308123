"""
Lines of JSON in a file.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs

from gateway.clock import Clock
from gateway_audit.sinks import ocsf
from gateway_audit.sinks.feed import MAX_BYTES, MAX_RECORDS
from gateway_audit.sinks.outlets.outlet import Delivery, NotTaken
from gateway_audit.sinks.records import Record
from gateway_audit.sinks.settings import FileSink

_TAIL: Final = 1024 * 1024


@attrs.define(kw_only=True)
class FileOutlet:
    """
    Appends to a file, and begins another when it is full.

    What is there when it begins may be a line without its end, from a process that was killed: it
    is cut, as its record is written again.
    """

    settings: FileSink
    clock: Clock
    window: int = 1
    max_records: int = MAX_RECORDS
    max_bytes: int = MAX_BYTES
    stale_after_s: float | None = None

    async def send(self, records: Sequence[Record]) -> Delivery:
        """
        Append *records*, and wait for the disk.
        """
        try:
            await asyncio.to_thread(self._append, records)
        except OSError as exc:
            why = f"the file cannot be written: {exc.strerror or exc}"
            raise NotTaken(why) from None
        return Delivery()

    async def close(self) -> None:
        """
        Nothing is open between two batches, so that others may move the file away.
        """

    def _append(self, records: Sequence[Record]) -> None:
        path = self.settings.path
        content = b"".join([ocsf.encode(record) + b"\n" for record in records])
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            begin = at = whole_lines(descriptor)
            os.ftruncate(descriptor, begin)
            try:
                while at < begin + len(content):
                    at += os.pwrite(descriptor, content[at - begin :], at)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, begin)
                raise
        finally:
            os.close(descriptor)
        if at >= self.settings.rotate_bytes:
            self._rotate(path)

    def _rotate(self, path: Path) -> None:
        at_ms = int(self.clock.now() * 1000)
        while (older := _older(path, at_ms)).exists():
            at_ms += 1
        path.rename(older)
        kept = sorted(path.parent.glob(f"{path.stem}-{'[0-9]' * 15}{path.suffix}"))
        if self.settings.keep_files:
            for one in kept[: -self.settings.keep_files]:
                one.unlink(missing_ok=True)


def whole_lines(descriptor: int) -> int:
    """
    Return where the last whole line of a file ends.
    """
    size = os.fstat(descriptor).st_size
    at = max(0, size - _TAIL)
    tail = os.pread(descriptor, size - at, at)
    end = tail.rfind(b"\n")
    return at + end + 1 if end >= 0 or at == 0 else size


def _older(path: Path, at_ms: int) -> Path:
    return path.with_name(f"{path.stem}-{at_ms:015d}{path.suffix}")
