"""
Moves bundles, and bodies that their entries name, out of the log's folder and out of the archive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gateway import codec
from gateway_audit.bodies.shelf import Shelf
from gateway_audit.retention.archives import Archive, put_checked
from gateway_audit.retention.pruning import tiles_pruned
from gateway_audit.tlog.errors import TlogError, Unproven
from gateway_audit.tlog.merkle import leaf_hash
from gateway_audit.tlog.tiles import (
    WIDTH,
    Read,
    Tile,
    Tree,
    decode_bundle,
    entries_path,
)


class BodyName(NamedTuple):
    """
    Where a body stands on the shelf.
    """

    pseudonym: str
    name: str


class Moving:
    """
    What is done with one bundle, or one tile; each step may be repeated.

    Args:
        root: The log's folder.
        archive: None where nothing is archived.
    """

    def __init__(self, root: Path, shelf: Shelf, archive: Archive | None) -> None:
        self._root = root
        self._shelf = shelf
        self._archive = archive

    def archive(self, number: int, size: int, read: Read) -> None:
        """
        Copy a bundle and its bodies, and check that the copies are what they should be.

        Args:
            size: How many entries are signed.

        Raises:
            TlogError: The bundle is not the one that was signed: it stays where it is.
            ArchiveProblem: It is not known to be in the archive.
        """
        if self._archive is None:
            return
        path = entries_path(number)
        try:
            content = read(path)
        except FileNotFoundError:
            if self._archive.get(path) is not None:
                return  # what was known of that is lost
            raise TlogError(f"{path} is missing here and in the archive") from None
        entries = decode_bundle(content, WIDTH)
        if [leaf_hash(entry) for entry in entries] != Tree(size, read).hashes(
            0, number
        ):
            raise Unproven(f"{path} is not what was signed")
        put_checked(self._archive, [*self._bodies(number, entries), (path, content)])

    def clean(self, number: int) -> None:
        """
        Remove a bundle and its bodies from this machine, the bundle last.

        Raises:
            OSError: Something may be left.
        """
        path = self._root / entries_path(number)
        try:
            entries = decode_bundle(path.read_bytes(), WIDTH)
        except FileNotFoundError:
            return
        except TlogError:
            entries = []
        for each in bodies_named(entries):
            self._shelf.remove(each.pseudonym, each.name)
        path.unlink(missing_ok=True)

    def forget(self, number: int) -> None:
        """
        Remove a bundle and its bodies from the archive.

        Raises:
            ArchiveProblem: Something may be left.
        """
        if self._archive is not None:
            self._archive.remove(bodies_path(number))
            self._archive.remove(entries_path(number))

    def prune(self, before: int, min_index: int) -> None:
        """
        Remove the tiles that may vanish with *min_index*.

        Raises:
            OSError: Something may be left.
        """
        for tile in tiles_pruned(before, min_index):
            self._remove(tile)

    def _remove(self, tile: Tile) -> None:
        (self._root / tile.path).unlink(missing_ok=True)

    def _bodies(
        self, number: int, entries: Sequence[bytes]
    ) -> Iterator[tuple[str, bytes]]:
        for each in bodies_named(entries):
            content = self._shelf.get(each.pseudonym, each.name)
            if content is not None:  # the person may have been forgotten
                yield f"{bodies_path(number)}/{each.name}", content


def bodies_path(number: int) -> str:
    """
    Say where in an archive the bodies of a bundle's entries are.
    """
    return entries_path(number).replace("tile/entries", "bodies", 1)


def bodies_named(entries: Sequence[bytes]) -> Iterator[BodyName]:
    """
    Yield the bodies that *entries* name.
    """
    for entry in entries:
        if b'"body":{' not in entry:
            continue
        try:
            body = codec.loads(entry).get("body")
        except (codec.JsonError, AttributeError):
            continue
        if isinstance(body, dict):
            subject, name = body.get("subject"), body.get("name")
            if Shelf.is_name(subject, name):
                yield BodyName(str(subject), str(name))
