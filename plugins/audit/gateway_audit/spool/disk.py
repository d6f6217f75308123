"""
What the spool and the log ask of a disk; tests give them one that fails.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Disk:
    """
    Files and folders of the operating system, by descriptor.

    Every method raises `OSError`, and none tries again: whether what failed may be repeated is
    the caller's question.
    """

    def create(self, path: Path, size: int) -> int:
        """
        Make a file that did not exist, of *size* zero bytes that are already set aside.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            self.reserve(descriptor, size)
        except BaseException:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return descriptor

    def lock(self, path: Path, *, waits: bool = False) -> int:
        """
        Make a file, if it is not there, and hold it for as long as this process lives.

        Raises:
            BlockingIOError: Another one holds it, and this one does not wait.
        """
        how = fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, how)
                if _is_at(descriptor, path):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            # Removed by who held it: what is locked has no name any more.
            os.close(descriptor)

    def reserve(self, descriptor: int, size: int) -> None:
        """
        Set *size* bytes aside.
        """
        if not size:
            return
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:  # macOS: the size alone
            os.ftruncate(descriptor, size)

    def write(self, descriptor: int, content: bytes, at: int) -> int:
        """
        Write *content* at offset *at*; return how much of it was.
        """
        return os.pwrite(descriptor, content, at)

    def sync(self, descriptor: int) -> None:
        """
        Wait until what was written is on the disk.
        """
        if hasattr(os, "fdatasync"):
            os.fdatasync(descriptor)
        else:
            os.fsync(descriptor)

    def sync_folder(self, folder: Path) -> None:
        """
        Wait until the names in *folder* are on the disk.
        """
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """
        Cut a file off at *size*.
        """
        os.ftruncate(descriptor, size)

    def rename(self, old: Path, new: Path) -> None:
        """
        Give a file another name, in place of whatever had it.
        """
        old.replace(new)

    def remove(self, path: Path) -> None:
        """
        Remove a file that may be gone.
        """
        path.unlink(missing_ok=True)

    def close(self, descriptor: int) -> None:
        """
        Let go of a descriptor.
        """
        os.close(descriptor)

    def used_share(self, folder: Path) -> float:
        """
        Return which part of the disk below *folder* is in use, between 0 and 1.
        """
        told = os.statvfs(folder)
        usable = told.f_blocks - told.f_bfree + told.f_bavail
        return 1 - told.f_bavail / usable if usable else 1.0


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
