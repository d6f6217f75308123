"""
How far one sink is, in a file that is replaced whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Self

import attrs
import structlog

from gateway import codec
from gateway_audit.sequencing.files import Files
from gateway_audit.sequencing.state import read_count

log = structlog.get_logger("gateway.audit.sinks")

_VERSION: Final = 1


@attrs.frozen(kw_only=True)
class Position:
    """
    What a sink has: the entries below *index*, the checkpoints up to the one of size *checkpoint*.
    """

    origin: str
    index: int = 0
    checkpoint: int = 0


@attrs.frozen(kw_only=True)
class Progress:
    """
    What is kept of a sink.

    Attributes:
        delivered: Records that it took, again counted again.
        refused: Entries that it will never take.
        last_refused: The newest of these.
        stale: Entries that came to it later than it accepts under their own time.
    """

    position: Position
    delivered: int = 0
    refused: int = 0
    last_refused: int | None = None
    stale: int = 0


@attrs.define(kw_only=True)
class Cursor:
    """
    One sink's file.
    """

    files: Files
    name: str

    @classmethod
    def of(cls, folder: Path, name: str) -> Self:
        """
        Return that of sink *name* in *folder*.
        """
        return cls(files=Files(folder), name=name)

    def load(self) -> Progress | None:
        """
        Read it; None if there is none that can be read.
        """
        raw = self.files.find(f"{self.name}.json")
        if raw is None:
            return None
        try:
            return _progress(codec.loads(raw))
        except (codec.JsonError, KeyError, TypeError, ValueError):
            # From the first on again: at least once.
            log.warning("a cursor cannot be read; all is exported again", to=self.name)
            return None

    def save(self, progress: Progress) -> None:
        """
        Replace it; when this returns it outlives a power cut.

        Raises:
            OSError: The disk did not take it.
        """
        told = {"v": _VERSION, **attrs.asdict(progress)}
        self.files.write([(f"{self.name}.json", codec.dumps(told) + b"\n")])


def _progress(told: dict[str, Any]) -> Progress:
    if told.pop("v") != _VERSION:
        raise ValueError("another version")
    place = told.pop("position")
    position = Position(
        origin=str(place["origin"]),
        index=read_count(place["index"]),
        checkpoint=read_count(place["checkpoint"]),
    )
    last = told["last_refused"]
    return Progress(
        position=position,
        delivered=read_count(told["delivered"]),
        refused=read_count(told["refused"]),
        last_refused=None if last is None else read_count(last),
        stale=read_count(told["stale"]),
    )
