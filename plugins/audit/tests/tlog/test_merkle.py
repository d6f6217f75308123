"""
Trees are those of RFC 6962, and a proof that is not quite right proves nothing.
"""

from __future__ import annotations

import random
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from gateway_audit.tlog.errors import Unproven
from gateway_audit.tlog.merkle import (
    EMPTY_ROOT,
    Frontier,
    check_consistency,
    check_inclusion,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
)

# The leaves and roots that Certificate Transparency's implementations test with
# (transparency-dev/merkle, rfc6962 and proof tests, Apache-2.0).
CT_LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


class Leaves:
    """
    A tree in memory, as the RFC defines it: by recursion.
    """

    def __init__(self, leaves):
        self.leaves = leaves

    @classmethod
    def some(cls, count):
        return cls([leaf_hash(b"%d" % at) for at in range(count)])

    def subtree(self, begin, end):
        if end - begin == 1:
            return self.leaves[begin]
        middle = begin + 1
        while (middle - begin) * 2 < end - begin:
            middle = begin + (middle - begin) * 2
        return node_hash(self.subtree(begin, middle), self.subtree(middle, end))

    def root(self, size):
        return self.subtree(0, size) if size else EMPTY_ROOT


def test_roots_are_those_that_others_publish():
    """
    The eight trees of Certificate Transparency's tests have the roots that stand there.
    """
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in CT_LEAVES]

    roots = [root_of(leaves[: size + 1]).hex() for size in range(8)]

    assert roots == CT_ROOTS
    assert root_of([]) == EMPTY_ROOT == sha256(b"").digest()


def test_roots_are_those_of_another_implementation():
    """
    At every size up to 300 the frontier's root is pymerkle's.
    """
    other = InmemoryTree(algorithm="sha256")
    ours = Frontier()
    for at in range(300):
        entry = b"entry %d" % at
        other.append_entry(entry)
        ours.append(leaf_hash(entry))

        assert ours.root() == other.get_root()


def test_a_frontier_is_read_back_from_any_tree():
    """
    What was kept of a tree is found again in it, and grows as the first would have.
    """
    tree = Leaves.some(200)
    for size in range(200):
        frontier = Frontier.of(size, tree.subtree)
        frontier.extend(tree.leaves[size:])

        assert frontier.root() == tree.root(200)


def test_peaks_that_do_not_fit_are_refused():
    """
    A frontier has as many peaks as its size has ones.
    """
    with pytest.raises(Unproven, match="peaks"):
        Frontier(3, [bytes(32)])


@given(
    st.integers(1, 600).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1)))
)
def test_every_leaf_is_proven(case):
    """
    The proof of a leaf holds, and is no longer than the tree is high.
    """
    size, index = case
    tree = Leaves.some(size)

    proof = prove_inclusion(index, size, tree.subtree)

    check_inclusion(tree.leaves[index], index, size, proof, tree.root(size))
    assert len(proof) <= (size - 1).bit_length()


@given(st.integers(0, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_growth_is_proven(case):
    """
    The proof from any size to any later one holds.
    """
    new, old = case
    tree = Leaves.some(new)

    proof = prove_consistency(old, new, tree.subtree)

    check_consistency(old, tree.root(old), new, tree.root(new), proof)


def test_no_changed_proof_of_inclusion_holds():
    """
    Whatever is changed in a proof, in its numbers or its root, it does not hold any more.
    """
    rng = random.Random(1)
    for _ in range(300):
        size = rng.randrange(2, 300)
        index = rng.randrange(size)
        tree = Leaves.some(size)
        right = (
            tree.leaves[index],
            index,
            size,
            prove_inclusion(index, size, tree.subtree),
            tree.root(size),
        )
        for wrong in changed_inclusions(right, rng):
            with pytest.raises(Unproven):
                check_inclusion(*wrong)


def changed_inclusions(right, rng):
    leaf, index, size, proof, root = right
    yield flipped(leaf, rng), index, size, proof, root
    yield leaf, index, size, proof, flipped(root, rng)
    for other in {rng.randrange(size), index ^ 1, index + 1, size, -1} - {index}:
        yield leaf, other, size, proof, root
    yield leaf, index, index, proof, root
    yield leaf, index, size * 2 + 2, proof, root
    yield from ((leaf, index, size, each, root) for each in changed_hashes(proof, rng))


def test_no_changed_proof_of_consistency_holds():
    """
    The same for proofs of growth.
    """
    rng = random.Random(2)
    for _ in range(300):
        new = rng.randrange(2, 300)
        old = rng.randrange(1, new)
        tree = Leaves.some(new)
        proof = prove_consistency(old, new, tree.subtree)
        roots = tree.root(old), tree.root(new)
        wrongs = [
            (old, flipped(roots[0], rng), new, roots[1], proof),
            (old, roots[0], new, flipped(roots[1], rng), proof),
            (new + 1, roots[0], new, roots[1], proof),
            (old, roots[0], old, roots[1], proof),
            (old, roots[0], new * 2 + 2, roots[1], proof),
            *(
                (old, roots[0], new, roots[1], each)
                for each in changed_hashes(proof, rng)
            ),
        ]
        for wrong in wrongs:
            with pytest.raises(Unproven):
                check_consistency(*wrong)


def changed_hashes(proof, rng):
    yield [*proof, bytes(32)]
    yield [bytes(32), *proof]
    if proof:
        at = rng.randrange(len(proof))
        yield proof[:at] + proof[at + 1 :]
        yield [*proof[:at], flipped(proof[at], rng), *proof[at + 1 :]]
    if len(proof) > 1 and proof[0] != proof[-1]:
        yield [proof[-1], *proof[1:-1], proof[0]]


def flipped(content, rng):
    at = rng.randrange(len(content) * 8)
    return bytes(
        byte ^ (1 << at % 8 if place == at // 8 else 0)
        for place, byte in enumerate(content)
    )


@pytest.mark.parametrize("size", [1, 5])
def test_the_empty_tree_grows_to_anything_from_its_root_alone(size):
    """
    From nothing needs no proof, but nothing has one root.
    """
    tree = Leaves.some(size)

    check_consistency(0, EMPTY_ROOT, size, tree.root(size), [])
    with pytest.raises(Unproven, match="empty"):
        check_consistency(0, bytes(32), size, tree.root(size), [])


def test_there_is_no_proof_of_what_is_not_there():
    """
    A leaf past the end, and a tree that shrank, are errors of the caller.
    """
    with pytest.raises(ValueError, match="no leaf"):
        prove_inclusion(3, 3, Leaves.some(3).subtree)
    with pytest.raises(ValueError, match="cannot grow"):
        prove_consistency(4, 3, Leaves.some(4).subtree)
