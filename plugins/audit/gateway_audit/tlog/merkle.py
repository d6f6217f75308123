"""
Merkle trees as RFC 6962 section 2.1 has them, over SHA-256.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final, Self

from gateway_audit.tlog.errors import Unproven

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256().digest()

#: Returns the root over the leaves from the first number to before the second.
Subtree = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """
    Hash an entry.
    """
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """
    Hash two subtrees into one.
    """
    return sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """
    Return the root over leaf *hashes*.
    """
    frontier = Frontier()
    frontier.extend(hashes)
    return frontier.root()


class Frontier:
    """
    A growing tree of which only the roots of its full subtrees are kept, the largest first.

    Their number is that of the ones in the binary form of *size*.
    """

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count() or any(
            len(peak) != HASH_BYTES for peak in self.peaks
        ):
            raise Unproven(f"a tree of {size} leaves has {size.bit_count()} peaks")

    @classmethod
    def of(cls, size: int, subtree: Subtree) -> Self:
        """
        Read the peaks of a tree of *size* leaves.
        """
        return cls(size, [subtree(*span) for span in peak_spans(size)])

    def copy(self) -> Frontier:
        """
        Return one that grows by itself.
        """
        return Frontier(self.size, self.peaks)

    def append(self, leaf: bytes) -> None:
        """
        Add one leaf's hash.
        """
        # Each one at the low end of the size is a peak that this leaf completes.
        filled = self.size
        while filled & 1:
            leaf = node_hash(self.peaks.pop(), leaf)
            filled >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """
        Add leaves' hashes.
        """
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """
        Return the root of the tree as it is now.
        """
        if not self.peaks:
            return EMPTY_ROOT
        *rest, root = self.peaks
        for peak in reversed(rest):
            root = node_hash(peak, root)
        return root


def peak_spans(size: int) -> list[tuple[int, int]]:
    """
    Tell which leaves each peak of a tree of *size* leaves covers.
    """
    spans = []
    begin = 0
    for bit in reversed(range(size.bit_length())):
        if size >> bit & 1:
            spans.append((begin, begin + (1 << bit)))
            begin += 1 << bit
    return spans


def split(begin: int, end: int) -> int:
    """
    Return where the tree over these leaves is parted: the largest power of two below its size.
    """
    return begin + (1 << (end - begin - 1).bit_length() - 1)


def prove_inclusion(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """
    Prove that leaf *index* is in the tree of *size* leaves (RFC 6962 section 2.1.1).

    Raises:
        ValueError: There is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    proof = []
    begin, end = 0, size
    while end - begin > 1:
        middle = split(begin, end)
        if index < middle:
            proof.append(subtree(middle, end))
            end = middle
        else:
            proof.append(subtree(begin, middle))
            begin = middle
    proof.reverse()
    return proof


def check_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """
    Check a proof by `prove_inclusion` (RFC 9162 section 2.1.3.2).

    Raises:
        Unproven: It does not show that *leaf* is there.
    """
    if not 0 <= index < size:
        raise Unproven(f"no leaf {index} in a tree of {size}")
    at, last = index, size - 1
    for sibling in proof:
        if not last:
            raise Unproven("the proof of inclusion is too long")
        if at & 1 or at == last:
            leaf = node_hash(sibling, leaf)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            leaf = node_hash(leaf, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise Unproven("the proof of inclusion is too short")
    if leaf != root:
        raise Unproven(f"entry {index} is not in the tree of {size}")


def prove_consistency(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """
    Prove that the tree of *old* leaves is the beginning of that of *new* (RFC 6962 section 2.1.2).

    The proof is empty if there is nothing to prove: the sizes are equal, or *old* is 0.

    Raises:
        ValueError: *new* is smaller than *old*.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} leaves cannot grow to {new}")
    proof: list[bytes] = []
    if old in (0, new):
        return proof
    begin, end = 0, new
    while old != end:
        middle = split(begin, end)
        if old <= middle:
            proof.append(subtree(middle, end))
            end = middle
        else:
            proof.append(subtree(begin, middle))
            begin = middle
    if begin:
        proof.append(subtree(begin, end))
    proof.reverse()
    return proof


def check_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """
    Check a proof by `prove_consistency` (RFC 9162 section 2.1.4.2).

    Raises:
        Unproven: It does not show that the one grew to the other.
    """
    if not 0 <= old <= new:
        raise Unproven(f"a tree of {old} leaves cannot grow to {new}")
    if old in (0, new):
        _check_no_growth(old, old_root, new, new_root, proof)
        return
    nodes = list(proof)
    if not old & (old - 1):  # a power of two: its root is a node of the new tree
        nodes.insert(0, old_root)
    if not nodes:
        raise Unproven("the proof of consistency is too short")
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_found = new_found = nodes[0]
    for node in nodes[1:]:
        if not last:
            raise Unproven("the proof of consistency is too long")
        if at & 1 or at == last:
            old_found = node_hash(node, old_found)
            new_found = node_hash(node, new_found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new_found = node_hash(new_found, node)
        at, last = at >> 1, last >> 1
    if last:
        raise Unproven("the proof of consistency is too short")
    if (old_found, new_found) != (old_root, new_root):
        raise Unproven(f"the tree of {new} did not grow from that of {old}")


def _check_no_growth(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    if proof:
        raise Unproven("the proof of consistency is too long")
    if old == 0 and old_root != EMPTY_ROOT:
        raise Unproven("the root of the empty tree is another")
    if old == new and old_root != new_root:
        raise Unproven(f"two trees of {old} leaves differ")
