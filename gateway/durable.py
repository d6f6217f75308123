"""
Files that outlive a power cut, and that nobody else on the machine may read.
"""

from __future__ import annotations

import os
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
