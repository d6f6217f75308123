"""
Files that outlive a power cut, and that nobody else on the machine may read.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_new(path: Path, content: bytes) -> None:
    """
    Write a file that must not exist; its name is durable after `sync_folder` only.

    Raises:
        FileExistsError: It exists.
        OSError: The disk does not take it.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def make_file(path: Path) -> None:
    """
    Make an empty file, unless there is one; what is there is not opened.

    For files that SQLite opens next: it makes them for everybody to read.  Whoever closes such
    a file, though, ends all locks that this process has on it, those of SQLite's connections
    too; whichever other process closes it then takes itself for the last one, and deletes the
    journal that this one still writes to.
    Source: SQLite documentation, "How To Corrupt An SQLite Database File", 2.2.

    Raises:
        OSError: The disk does not take it.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with suppress(FileExistsError):
        os.close(os.open(path, flags, 0o600))


def sync_folder(folder: Path) -> None:
    """
    Make durable which names stand in *folder*.

    Raises:
        OSError: The disk does not take it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
