"""
What commands did while no gateway ran, told to plugins at the next start.

A command that works on the data directory itself leaves a file there.  The first process that
starts tells every plugin of it, as of what a management route did, and removes the file once they
are done with it: whoever is killed between tells of it again.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING, Final

import structlog

from gateway import codec
from gateway.durable import sync_folder, write_new
from gateway.errors import ExchangeError
from gateway.events import Event, event_as_dict, event_from_dict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from pathlib import Path

log = structlog.get_logger("gateway.notices")

#: Below the data directory.
FOLDER: Final = "notices"
_LOCK_FILE: Final = ".lock"


def leave(data_dir: Path, events: Sequence[Event]) -> None:
    """
    Leave word of *events*, one at least; when this returns it outlives a power cut.

    Raises:
        OSError: The disk does not take it.
    """
    folder = data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    at_ms = int(max(event.at for event in events) * 1000)
    path = folder / f"{at_ms:015d}-{token_hex(4)}.json"
    draft = path.with_suffix(".new")
    write_new(draft, codec.dumps([event_as_dict(event) for event in events]))
    draft.rename(path)
    for each in (folder, data_dir):
        sync_folder(each)


async def deliver(data_dir: Path, tell: Callable[[Event], Awaitable[None]]) -> None:
    """
    Tell of what was left, the oldest first; nothing where another process is at it.

    Args:
        tell: Returns once plugins are done with an event.
    """
    folder = data_dir / FOLDER
    try:
        lock = os.open(
            folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    except OSError:  # nothing was ever left
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for path in sorted(folder.glob("*.json")):
            for event in _events(path):
                await tell(event)
            path.unlink()
    except BlockingIOError:
        log.debug("another process tells of what was left")
    except (OSError, ExchangeError) as exc:
        log.warning("what was left is told at the next start", why=str(exc))
    finally:
        os.close(lock)


def _events(path: Path) -> Iterator[Event]:
    """
    Read a file; what is no event, or one of a plugin that is gone, is passed over.
    """
    found = []
    with suppress(codec.JsonError, KeyError, TypeError, AttributeError):
        found = [event_from_dict(told) for told in codec.loads(path.read_bytes())]
    if not found or None in found:
        log.warning("what was left cannot be told", file=str(path))
    yield from (event for event in found if event is not None)
