"""
Counts a log again: every entry, every tile, every root.
"""

from __future__ import annotations

import attrs

from gateway_audit.tlog.checkpoints import Checkpoint, Signed
from gateway_audit.tlog.errors import Malformed, TlogError, Unproven
from gateway_audit.tlog.keylists import KeyList
from gateway_audit.tlog.merkle import (
    Frontier,
    check_consistency,
    leaf_hash,
    prove_consistency,
)
from gateway_audit.tlog.proofs import Proof
from gateway_audit.tlog.tiles import WIDTH, Read, Tile, Tree, folded
from gateway_audit.verifying.trust import Progress, Trust


@attrs.frozen(kw_only=True)
class Report:
    """
    What was found to be so.

    Attributes:
        first: The first entry that was looked at.
        since: The size of the remembered checkpoint that the log grew from.
    """

    signed: Signed
    first: int
    since: int | None = None
    witnesses: int = 0

    @property
    def checkpoint(self) -> Checkpoint:
        """
        What the log says of itself, and is true.
        """
        return self.signed.checkpoint


def verify(
    read: Read,
    trust: Trust,
    *,
    first: int = 0,
    remembered: bytes | None = None,
    progress: Progress | None = None,
) -> Report:
    """
    Verify a log from entry *first* on.

    Args:
        first: The log's minimum index; what is before is known by the tiles above it.
        remembered: A checkpoint of an earlier visit: without one nobody can tell that a log
            was set back to an earlier state of its own.

    Raises:
        TlogError: It is not what it should be; says what, and where.
    """
    signed = trust.checkpoint(read)
    point = signed.checkpoint
    if first > point.size:
        raise Unproven(f"there is no entry {first} in a log of {point.size}")
    tree = Tree(point.size, read)
    begin = first - first % WIDTH
    if tree.root() != point.root:
        raise Unproven(f"the tiles have another root than was signed at {point.size}")
    _count_again(tree, begin, point, progress)
    since = None
    if remembered is not None:
        old = trust.believed(remembered, trust.key_list(read)).checkpoint
        check_growth(old, point, tree)
        since = old.size
    return Report(
        signed=signed,
        first=begin,
        since=since,
        witnesses=len(signed.note.signers(trust.witnesses)),
    )


def check_growth(old: Checkpoint, new: Checkpoint, tree: Tree) -> list[bytes]:
    """
    Check that the log of *new* began with that of *old*; return the proof.

    Args:
        tree: The tiles of *new*.

    Raises:
        TlogError: It did not.
    """
    if old.size > new.size:
        raise Unproven(
            f"the log was set back: {old.size} entries were signed, {new.size} are there"
        )
    proof = prove_consistency(old.size, new.size, tree.subtree)
    check_consistency(old.size, old.root, new.size, new.root, proof)
    return proof


def _count_again(
    tree: Tree, begin: int, point: Checkpoint, progress: Progress | None
) -> None:
    """
    Hash every entry, compare with its leaf, full tiles with those above, the whole with the root.
    """
    frontier = Frontier.of(begin, tree.subtree)
    for index in range(begin // WIDTH, -(-tree.size // WIDTH)):
        leaves = [leaf_hash(entry) for entry in tree.bundle(index)]
        for at, told in enumerate(tree.hashes(0, index)):
            if leaves[at] != told:
                raise Unproven(f"entry {index * WIDTH + at} is not the one in the tree")
        if len(leaves) == WIDTH:
            _check_above(tree, Tile(0, index))
        frontier.extend(leaves)
        if progress is not None:
            progress(frontier.size)
    if frontier.root() != point.root:
        raise Unproven(f"the entries have another root than was signed at {point.size}")


def _check_above(tree: Tree, tile: Tile) -> None:
    """
    Compare the root of a full tile with what stands of it above, and so on if that is full now.
    """
    index, at = divmod(tile.index, WIDTH)
    above = Tile(tile.level + 1, index)
    root = folded(tree.hashes(tile.level, tile.index))
    if tree.hashes(above.level, index)[at] != root:
        raise Unproven(f"{above.path} does not fit {tile.path}")
    if at == WIDTH - 1:
        _check_above(tree, above)


def check_proof(content: bytes, trust: Trust, entry: bytes | None = None) -> Proof:
    """
    Verify a ``.tlog-proof`` file.

    Args:
        entry: The entry; without it the file's extra data is taken for it.

    Raises:
        TlogError: It proves nothing.
    """
    proof = Proof.parse(content)
    entry = proof.extra if entry is None else entry
    if entry is None:
        raise Malformed("the file does not hold the entry; say which it is")
    if not trust.keys:
        raise TlogError("a proof is verified with the verifier key that signed it")
    keys = KeyList.only(trust.origin, trust.keys)
    signed = trust.believed(bytes(proof.signed), keys)
    if len(signed.note.signers(trust.witnesses)) < trust.quorum:
        raise Unproven(f"not {trust.quorum} witnesses cosigned")
    proof.check(entry)
    return proof
