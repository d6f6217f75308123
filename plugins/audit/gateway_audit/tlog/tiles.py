"""
How a tree and its entries stand in files (C2SP tlog-tiles).

A tile holds up to 256 hashes side by side.  At level 0 these are the leaves', above that the
roots of the full tiles below.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs

from gateway_audit.tlog.errors import Malformed, TlogError, Unproven
from gateway_audit.tlog.merkle import HASH_BYTES, Frontier, node_hash, split

WIDTH: Final = 256
#: Full levels that a tree of 2**63 leaves has.
MAX_LEVEL: Final = 7
_KEPT_TILES: Final = 64

#: Returns what stands at a path of the log; FileNotFoundError if nothing does.
Read = Callable[[str], bytes]


@attrs.frozen
class Tile:
    """
    A tile by its place, and how many hashes it has.
    """

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """
        Where its hashes are.
        """
        return f"tile/{self.level}/{_index_path(self.index)}{_suffix(self.width)}"

    @property
    def end(self) -> int:
        """
        The first leaf behind those that the full tile covers.
        """
        return (self.index + 1) * int(WIDTH ** (self.level + 1))


def entries_path(index: int, width: int = WIDTH) -> str:
    """
    Say where the *index*-th bundle of entries is.
    """
    return f"tile/entries/{_index_path(index)}{_suffix(width)}"


def _index_path(index: int) -> str:
    """
    Write 1234067 as ``x001/x234/067``.
    """
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))


def _suffix(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"


def tiles_between(old: int, new: int) -> Iterator[Tile]:
    """
    Yield the tiles that a tree of *new* leaves has and one of *old* had not, lower levels first.
    """
    for level in range(MAX_LEVEL + 1):
        before, hashes = old >> 8 * level, new >> 8 * level
        if not hashes:
            return
        if before == hashes:
            continue
        for index in range(before // WIDTH, hashes // WIDTH):
            yield Tile(level, index)
        if hashes % WIDTH:
            yield Tile(level, hashes // WIDTH, hashes % WIDTH)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """
    Write entries one behind the other, each behind its length.
    """
    pack = struct.Struct(">H").pack
    return b"".join([part for entry in entries for part in (pack(len(entry)), entry)])


def decode_bundle(content: bytes, width: int) -> list[bytes]:
    """
    Read the *width* entries of a bundle.

    Raises:
        Malformed: There are fewer, or something is behind them.
    """
    entries = []
    at = 0
    for _ in range(width):
        begin = at + 2
        at = begin + int.from_bytes(content[at:begin], "big")
        if begin > len(content) or at > len(content):
            raise Malformed(f"a bundle of {width} entries ends too early")
        entries.append(content[begin:at])
    if at != len(content):
        raise Malformed(f"a bundle of {width} entries has bytes behind them")
    return entries


def decode_tile(content: bytes, width: int) -> list[bytes]:
    """
    Read the *width* hashes of a tile.

    Raises:
        Malformed: It has another size.
    """
    if len(content) != width * HASH_BYTES:
        raise Malformed(f"a tile of {width} hashes has {len(content)} bytes")
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


class Tree:
    """
    A tree of *size* leaves in tiles; what it answers is as true as its tiles.

    Args:
        read: Finds a tile by its path.
    """

    def __init__(self, size: int, read: Read) -> None:
        self.size = size
        self._read = read
        self._kept: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()

    def root(self) -> bytes:
        """
        Return the root of the tree.
        """
        return Frontier.of(self.size, self.subtree).root()

    def leaf(self, index: int) -> bytes:
        """
        Return a leaf's hash.
        """
        return self.hashes(0, index // WIDTH)[index % WIDTH]

    def hashes(self, level: int, index: int) -> list[bytes]:
        """
        Return what stands in a tile, as far as this tree goes.

        Raises:
            TlogError: It is missing or malformed.
        """
        place = (level, index)
        hashes = self._kept.get(place)
        if hashes is None:
            hashes = self._kept[place] = self._load(level, index)
            if len(self._kept) > _KEPT_TILES:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(place)
        return hashes

    def subtree(self, begin: int, end: int) -> bytes:
        """
        Return the root over leaves; *begin* is a multiple of the subtree's size, rounded up.

        Raises:
            TlogError: A tile is missing or malformed.
        """
        size = end - begin
        if size & (size - 1):
            middle = split(begin, end)
            return node_hash(self.subtree(begin, middle), self.subtree(middle, end))
        level, height = divmod(size.bit_length() - 1, 8)
        first = begin >> 8 * level
        hashes = self.hashes(level, first // WIDTH)
        within = first % WIDTH
        return folded(hashes[within : within + (1 << height)])

    def bundle(self, index: int) -> list[bytes]:
        """
        Return the entries of a bundle.

        Raises:
            TlogError: It is missing or malformed.
        """
        width = min(WIDTH, self.size - index * WIDTH)
        path = entries_path(index, width)
        content, found = self._find(path, entries_path(index))
        if found == path:
            return decode_bundle(content, width)
        return decode_bundle(content, WIDTH)[:width]

    def _load(self, level: int, index: int) -> list[bytes]:
        width = min(WIDTH, (self.size >> 8 * level) - index * WIDTH)
        if width < 1:
            raise Unproven(f"a tree of {self.size} has no tile {index} at {level}")
        tile = Tile(level, index, width)
        content, found = self._find(tile.path, Tile(level, index).path)
        if found == tile.path:
            return decode_tile(content, width)
        return decode_tile(content, WIDTH)[:width]

    def _find(self, path: str, full: str) -> tuple[bytes, str]:
        """
        Read a tile, or the full one that took its place (tlog-tiles, "Partial Tiles").
        """
        for one in dict.fromkeys((path, full)):
            try:
                return self._read(one), one
            except FileNotFoundError:
                continue
        raise TlogError(f"{path} is missing")


def folded(hashes: Sequence[bytes]) -> bytes:
    """
    Return the root over a power of two of hashes.
    """
    while len(hashes) > 1:
        hashes = [
            node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)
        ]
    return hashes[0]
