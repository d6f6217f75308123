"""
Two verifiers that share no code, and a third Merkle tree, say the same of a log.
"""

from __future__ import annotations

import random
import shutil

import pytest
from pymerkle import InmemoryTree


def random_entries(rng, count):
    return [
        b'{"n":%d,"x":"%s"}' % (at, rng.randbytes(rng.randrange(40)).hex().encode())
        for at in range(count)
    ]


def agree(make, seeds):
    """
    Let all judge a log of each seed, grown in random steps.
    """
    for seed in seeds:
        rng = random.Random(seed)
        log = make()
        tree = InmemoryTree(algorithm="sha256")
        size = rng.choice((rng.randrange(1, 20), rng.randrange(1, 700), 256, 512))
        left = random_entries(rng, size)
        while left:
            step = rng.randrange(1, len(left) + 1)
            log.grow(left[:step])
            left = left[step:]
        for entry in log.entries:
            tree.append_entry(entry)

        assert log.tree.root() == tree.get_root()
        assert log.ours() is None
        assert log.theirs() is None
        shutil.rmtree(log.folder)


def test_all_agree_on_random_logs(new_log):
    """
    Sixty logs of up to 700 entries: roots are equal, and both verifiers accept them.
    """
    agree(new_log, range(60))


@pytest.mark.deep
def test_all_agree_on_a_thousand_random_logs(new_log):
    """
    The same for a thousand.
    """
    agree(new_log, range(1000, 2000))


def test_all_agree_on_a_log_of_three_levels(written):
    """
    70,000 entries have tiles at levels 0, 1 and 2.
    """
    written.grow([b"%d" % at for at in range(66_000)])
    written.grow([b"%d" % at for at in range(66_000, 70_000)])
    tree = InmemoryTree(algorithm="sha256")
    for entry in written.entries:
        tree.append_entry(entry)

    assert written.tree.root() == tree.get_root()
    assert written.ours() is None
    assert written.theirs() is None


def test_an_empty_log_verifies(written):
    """
    No entries, one root.
    """
    assert written.ours() is None
    assert written.theirs() is None


def prune(log, minimum):
    """
    Remove what tlog-tiles lets a log remove: full tiles and bundles that end at *minimum*.
    """
    for index in range(minimum // 256):
        (log.folder / f"tile/entries/{index:03d}").unlink()
        (log.folder / f"tile/0/{index:03d}").unlink()
    for index in range(minimum // 65536):
        (log.folder / f"tile/1/{index:03d}").unlink()


@pytest.mark.parametrize("minimum", [256, 512, 1024, 1792])
def test_a_pruned_log_verifies_from_its_minimum_index(written, minimum):
    """
    What is left is verified, and only what is left.
    """
    old = written.grow([b"%d" % at for at in range(1900)])
    written.grow([b"more"] * 100)
    prune(written, minimum)
    remembered = written.folder.parent / "remembered"
    remembered.write_bytes(old)

    assert "missing" in written.ours()
    assert written.theirs()
    assert written.ours(first=minimum, remembered=old) is None
    assert written.theirs("--from", minimum, "--since", remembered) is None


def test_a_log_that_was_pruned_past_a_whole_level_verifies(written):
    """
    After 65,536 entries a tile of level 1 may be gone too.
    """
    written.grow([b"%d" % at for at in range(66_100)])
    prune(written, 65_536)

    assert written.ours(first=65_536) is None
    assert written.theirs("--from", 65_536) is None
