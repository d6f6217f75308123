"""
Where older entries go: the protocol, and a folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from gateway_audit.sequencing.files import Files


class ArchiveProblem(Exception):
    """
    The archive cannot be asked, for now; says why without a secret.
    """


class Archive(Protocol):
    """
    Holds files by their paths.
    """

    def put(self, path: str, content: bytes) -> None:
        """
        Store *content*; when this returns it lasts.

        Raises:
            ArchiveProblem: It may not be there.
        """

    def get(self, path: str) -> bytes | None:
        """
        Return what stands at *path*, if anything does.

        Raises:
            ArchiveProblem: It cannot be asked.
        """

    def remove(self, path: str) -> None:
        """
        Remove what stands at *path*, and all below it; what is not there is no error.

        Raises:
            ArchiveProblem: Something may be there.
        """


class FolderArchive:
    """
    An archive in a folder.
    """

    def __init__(self, root: Path) -> None:
        self._files = Files(root)

    def put(self, path: str, content: bytes) -> None:
        """
        Write a file.
        """
        try:
            self._files.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._files.write([(path, content)])
        except OSError as exc:
            raise _problem(exc) from None

    def get(self, path: str) -> bytes | None:
        """
        Read a file.
        """
        try:
            return self._files.find(path)
        except OSError as exc:
            raise _problem(exc) from None

    def remove(self, path: str) -> None:
        """
        Remove a file, or a folder of files.
        """
        place = self._files.root / path
        try:
            if place.is_dir():
                self._files.remove_folder(path)
            else:
                place.unlink(missing_ok=True)
        except OSError as exc:
            raise _problem(exc) from None


def folder_of(origin: str) -> str:
    """
    Say below which name the log *origin* has its part of an archive.
    """
    name = origin.replace("/", "_").replace(":", "_")
    return name if name.strip(".") else f"_{name}"


def put_checked(archive: Archive, files: Iterable[tuple[str, bytes]]) -> None:
    """
    Store *files*, and read each back: what returns is what was given.

    Raises:
        ArchiveProblem: Something is not there as it was given.
    """
    for path, content in files:
        if archive.get(path) == content:
            continue  # an earlier try came so far
        archive.put(path, content)
        if archive.get(path) != content:
            raise ArchiveProblem(f"{path} does not come back as it was stored")


def _problem(exc: OSError) -> ArchiveProblem:
    return ArchiveProblem(f"the archive's folder: {exc.strerror or exc}")
