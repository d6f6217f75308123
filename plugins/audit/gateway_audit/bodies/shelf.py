"""
Where bodies stand: a file each, in a folder for each person's pseudonym.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from gateway_audit.sequencing.files import Files
from gateway_audit.spool.disk import Disk

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_SUFFIX: Final = ".body"


class Shelf:
    """
    The bodies of one data directory; every method may wait for the disk.
    """

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._files = Files(folder, disk)

    def put(
        self, pseudonym: str, name: str, content: bytes, *, is_durable: bool
    ) -> None:
        """
        Store *content*; nobody finds half of it.

        Args:
            is_durable: Wait until it is on the disk.

        Raises:
            OSError: It cannot be stored.
        """
        path = self._path(pseudonym, name).relative_to(self._files.root)
        self._files.write([(str(path), content)], is_durable=is_durable)

    def have_room(self, size: int) -> None:
        """
        Make sure that *size* bytes can be stored; nothing is left of them.

        Raises:
            OSError: They cannot.
        """
        name = f"room-{os.getpid()}-{threading.get_ident()}"
        try:
            self._files.write([(name, bytes(size))], is_durable=False)
        finally:
            with suppress(OSError):
                (self._files.root / name).unlink()

    def get(self, pseudonym: str, name: str) -> bytes | None:
        """
        Return what was stored, or None if it is not there any more.
        """
        try:
            return self._path(pseudonym, name).read_bytes()
        except FileNotFoundError:
            return None

    def count_since(self, pseudonym: str, since_ms: int) -> int:
        """
        Count the bodies of one person that are named by a time from *since_ms* on.

        A body has its entry's name, which begins with Unix milliseconds: see `Journal.head`.
        """
        since = f"{since_ms:012x}"
        names = self._path(pseudonym, "x").parent.glob(f"*{_SUFFIX}")
        return sum(path.stem >= since for path in names)

    def drop(self, pseudonym: str) -> int:
        """
        Remove everything of one person; returns how many bodies there were.
        """
        folder = self._path(pseudonym, "x").parent
        count = sum(1 for _ in folder.glob(f"*{_SUFFIX}"))
        if folder.exists():
            shutil.rmtree(folder)
        return count

    def remove(self, pseudonym: str, name: str) -> None:
        """
        Remove one body; what is not there is no error.
        """
        self._path(pseudonym, name).unlink(missing_ok=True)

    @staticmethod
    def is_name(pseudonym: object, name: object) -> bool:
        """
        Tell whether a body can be called so.
        """
        return all(
            isinstance(part, str) and _NAME.fullmatch(part)
            for part in (pseudonym, name)
        )

    def _path(self, pseudonym: str, name: str) -> Path:
        if not self.is_name(pseudonym, name):
            raise ValueError("no name of a body")
        return self._files.root / pseudonym[-2:] / pseudonym / f"{name}{_SUFFIX}"
