"""
Files that are there whole or not at all, and stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from gateway_audit.spool.disk import Disk


class Files:
    """
    Writes below one folder: to a file of another name first, then under its own.
    """

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self.root = root
        self._disk = disk or Disk()

    def read(self, path: str) -> bytes:
        """
        Return what stands at *path*.

        Raises:
            FileNotFoundError: Nothing does.
        """
        return (self.root / path).read_bytes()

    def find(self, path: str) -> bytes | None:
        """
        Return what stands at *path*, if anything does.
        """
        try:
            return self.read(path)
        except FileNotFoundError:
            return None

    def write(
        self, files: Iterable[tuple[str, bytes]], *, is_durable: bool = True
    ) -> None:
        """
        Write *files*; when this returns, all of them outlive a power cut.

        Args:
            is_durable: Wait for the disk; otherwise they outlive this process alone.

        Raises:
            OSError: Some may not; none is there in part.
        """
        folders: dict[Path, None] = {}
        for path, content in files:
            target = self.root / path
            self._make_folder(target.parent, folders)
            self._write_one(target, content, is_durable=is_durable)
            folders[target.parent] = None
        if not is_durable:
            return
        # The deepest first: a folder's name is in the one above.
        for folder in sorted(folders, key=lambda one: -len(one.parts)):
            self._disk.sync_folder(folder)

    def remove_folder(self, path: str) -> None:
        """
        Remove the files in a folder, and the folder; what is not there is no error.
        """
        folder = self.root / path
        try:
            found = list(folder.iterdir())
        except FileNotFoundError:
            return
        for each in found:
            self._disk.remove(each)
        folder.rmdir()

    def _make_folder(self, folder: Path, made: dict[Path, None]) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent, made)
        folder.mkdir(exist_ok=True, mode=0o700)
        made[folder.parent] = None

    def _write_one(self, target: Path, content: bytes, *, is_durable: bool) -> None:
        # Not below the name itself: whoever serves the folder serves no half file.
        draft = target.with_name(f".{target.name}.new")
        self._disk.remove(draft)
        try:
            self._fill(draft, content, is_durable=is_durable)
            self._disk.rename(draft, target)
        except BaseException:
            with suppress(OSError):
                self._disk.remove(draft)
            raise

    def _fill(self, draft: Path, content: bytes, *, is_durable: bool) -> None:
        descriptor = self._disk.create(draft, 0)
        try:
            at = 0
            while at < len(content):
                at += self._disk.write(descriptor, content[at:], at)
            if is_durable:
                self._disk.sync(descriptor)
        finally:
            self._disk.close(descriptor)
