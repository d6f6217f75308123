"""
A tree that grows: what of it is not in a full tile yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from gateway_audit.tlog.merkle import Frontier, leaf_hash, peak_spans
from gateway_audit.tlog.tiles import (
    MAX_LEVEL,
    WIDTH,
    Tile,
    Tree,
    encode_bundle,
    entries_path,
    folded,
    tiles_between,
)


class GrowingTree:
    """
    The rightmost tile of each level, and the entries of the rightmost bundle.
    """

    def __init__(self) -> None:
        self.size = 0
        self._levels: list[list[bytes]] = [[] for _ in range(MAX_LEVEL + 1)]
        self._bundle: list[bytes] = []

    @classmethod
    def load(cls, tree: Tree) -> Self:
        """
        Go on where *tree* ends.

        Raises:
            TlogError: What stands at its end is missing or malformed.
        """
        growing = cls()
        growing.size = tree.size
        for level, hashes in enumerate(growing._levels):
            count = tree.size >> 8 * level
            if count % WIDTH:
                hashes.extend(tree.hashes(level, count // WIDTH))
        if tree.size % WIDTH:
            growing._bundle = tree.bundle(tree.size // WIDTH)
        return growing

    def copy(self) -> GrowingTree:
        """
        Return one that grows by itself.
        """
        other = GrowingTree()
        other.size = self.size
        other._levels = [list(hashes) for hashes in self._levels]
        other._bundle = list(self._bundle)
        return other

    def is_whole(self) -> bool:
        """
        Tell whether the rightmost bundle is what the leaves are made of.
        """
        return [leaf_hash(entry) for entry in self._bundle] == self._levels[0]

    def root(self) -> bytes:
        """
        Return the root of the tree as it is now.
        """
        peaks = [
            folded(hashes[begin:end])
            for hashes in reversed(self._levels)
            for begin, end in peak_spans(len(hashes))
        ]
        return Frontier(self.size, peaks).root()

    def extend(self, entries: Sequence[bytes]) -> list[tuple[str, bytes]]:
        """
        Add *entries*.

        Returns:
            Path and content of every tile and bundle that the tree has now and had not before.
        """
        before, files = self.size, []
        at = 0
        while at < len(entries):
            group = entries[at : at + WIDTH - len(self._bundle)]
            at += len(group)
            self.size += len(group)
            self._bundle.extend(group)
            self._levels[0].extend([leaf_hash(entry) for entry in group])
            if len(self._bundle) == WIDTH:
                index = self.size // WIDTH - 1
                files.append((entries_path(index), encode_bundle(self._bundle)))
                self._bundle.clear()
                files.extend(self._completed(0))
        if self._bundle and entries:
            path = entries_path(self.size // WIDTH, len(self._bundle))
            files.append((path, encode_bundle(self._bundle)))
        files.extend(
            (tile.path, b"".join(self._levels[tile.level]))
            for tile in tiles_between(before, self.size)
            if tile.width < WIDTH
        )
        return files

    def _completed(self, level: int) -> list[tuple[str, bytes]]:
        """
        Put a full tile's root into the level above.
        """
        hashes = self._levels[level]
        if len(hashes) < WIDTH:
            return []
        tile = Tile(level, (self.size >> 8 * (level + 1)) - 1)
        content = b"".join(hashes)
        self._levels[level + 1].append(folded(hashes))
        hashes.clear()
        return [(tile.path, content), *self._completed(level + 1)]
