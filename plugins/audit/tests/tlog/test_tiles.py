"""
A tree is written to tiles and read from them, whatever its size.
"""

from __future__ import annotations

import random

import pytest

from gateway_audit.tlog.errors import Malformed, TlogError
from gateway_audit.tlog.merkle import Frontier, leaf_hash
from gateway_audit.tlog.tiles import (
    Tile,
    Tree,
    decode_bundle,
    decode_tile,
    encode_bundle,
    entries_path,
    tiles_between,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(1, 0, 1), "tile/1/000.p/1"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(5, 1_234_067), "tile/5/x001/x234/067"),
    ],
)
def test_paths_are_those_of_the_specification(tile, path):
    """
    Three digits a step, an x before all but the last.
    """
    assert tile.path == path
    assert entries_path(1_234_067, 3) == "tile/entries/x001/x234/067.p/3"


def test_a_tree_of_seventy_thousand_has_the_tiles_that_the_specification_counts():
    """
    273 full tiles and a part of 112 at level 0, 1 and a part of 17 above, a part of 1 on top.
    """
    tiles = list(tiles_between(0, 70_000))

    assert [sum(tile.level == level for tile in tiles) for level in range(3)] == [
        274,
        2,
        1,
    ]
    assert {tile.width for tile in tiles} == {256, 112, 17, 1}


def test_a_tree_of_one_tile_has_one_hash_above():
    """
    256 leaves are a full tile and a part of one hash at level 1.
    """
    assert list(tiles_between(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_between(256, 256)) == []


def write(leaves, step, files):
    """
    Grow a tree by *step* leaves at a time, writing what the tiles between two sizes are.
    """
    for old in range(0, len(leaves), step):
        new = min(old + step, len(leaves))
        for tile in tiles_between(old, new):
            begin = tile.index * 256
            span = 256**tile.level
            files[tile.path] = b"".join(
                root(leaves[at * span : (at + 1) * span])
                for at in range(begin, begin + tile.width)
            )


def root(leaves):
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


def reader(files):
    def read(path):
        try:
            return files[path]
        except KeyError:
            raise FileNotFoundError(path) from None

    return read


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 70_000])
def test_a_tree_is_read_back_from_its_tiles(size):
    """
    The root from the tiles is the root over the leaves.
    """
    leaves = [leaf_hash(b"%d" % at) for at in range(size)]
    files = {}
    write(leaves, 70_000, files)

    assert Tree(size, reader(files)).root() == root(leaves)


def test_subtrees_of_any_place_are_read():
    """
    Full and ragged ones, as proofs ask for them.
    """
    leaves = [leaf_hash(b"%d" % at) for at in range(1_500)]
    files = {}
    write(leaves, 700, files)
    tree = Tree(1_500, reader(files))
    rng = random.Random(3)
    for _ in range(200):
        height = rng.randrange(11)
        begin = rng.randrange(1_500 >> height) << height
        end = min(begin + rng.randrange(1, (1 << height) + 1), 1_500)
        assert tree.subtree(begin, end) == root(leaves[begin:end])


def test_a_full_tile_serves_for_a_part_that_is_gone():
    """
    A log may remove parts once the full tile is there.
    """
    leaves = [leaf_hash(b"%d" % at) for at in range(300)]
    files = {}
    write(leaves, 100, files)
    del files["tile/0/000.p/200"]

    assert Tree(200, reader(files)).root() == root(leaves[:200])


def test_a_tile_that_is_missing_is_named():
    """
    What cannot be read is an error of the log.
    """
    with pytest.raises(TlogError, match=r"tile/0/000\.p/3 is missing"):
        Tree(3, reader({})).root()


def test_a_tile_has_its_size_exactly():
    """
    Not one byte more or less.
    """
    assert decode_tile(bytes(64), 2) == [bytes(32)] * 2
    for size in (63, 65, 32, 96, 0):
        with pytest.raises(Malformed):
            decode_tile(bytes(size), 2)


def test_bundles_are_read_as_they_were_written():
    """
    Whatever bytes the entries are, up to the longest.
    """
    entries = [b"", b"x", b"\x00" * 300, b"y" * 65_535]

    assert decode_bundle(encode_bundle(entries), 4) == entries


@pytest.mark.parametrize("width", [1, 3])
def test_a_bundle_has_its_entries_exactly(width):
    """
    An entry more or less than the tree has is not passed over.
    """
    with pytest.raises(Malformed):
        decode_bundle(encode_bundle([b"one", b"two"]), width)


def test_no_bundle_that_was_cut_is_read():
    """
    Cut anywhere, a bundle is malformed.
    """
    content = encode_bundle([b"one", b"", b"three"])
    for end in range(len(content)):
        with pytest.raises(Malformed):
            decode_bundle(content[:end], 3)
