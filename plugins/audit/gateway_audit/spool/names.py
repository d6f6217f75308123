"""
What a spool's files are called: ``<worker>-<number>.spool``.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

_NAME: Final = re.compile(r"([a-z0-9]{1,64})-(\d{8,})\.spool")


class Segment(NamedTuple):
    """
    One file of a spool.
    """

    worker: str
    number: int
    path: Path


def new_worker(now: float) -> str:
    """
    Name a worker that starts at Unix second *now*; no two are named alike.

    Names sort by the time of the start.
    """
    return f"w{int(now * 1000):012x}{secrets.token_hex(5)}"


def segment_path(folder: Path, worker: str, number: int) -> Path:
    """
    Say where the *number*-th file of *worker* is.
    """
    return folder / f"{worker}-{number:08d}.spool"


def lock_path(folder: Path, worker: str) -> Path:
    """
    Say which file *worker* holds locked while it lives, and removes when it ends well.
    """
    return folder / f"{worker}.lock"


def spare_path(folder: Path, worker: str) -> Path:
    """
    Say which file has the room for the next segment of *worker*.
    """
    return folder / f"{worker}.next"


def lock_paths(folder: Path) -> list[Path]:
    """
    Find the locks of all workers that live or were killed.
    """
    return sorted(folder.glob("*.lock"))


def segments(folder: Path) -> list[Segment]:
    """
    Find every file that is or was written to, each worker's in their order.
    """
    return sorted(_named(folder.glob("*.spool")))


def _named(paths: Iterable[Path]) -> Iterable[Segment]:
    for path in paths:
        found = _NAME.fullmatch(path.name)
        if found is not None:
            yield Segment(found[1], int(found[2]), path)
