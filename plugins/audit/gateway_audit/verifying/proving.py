"""
Takes proofs out of a log.
"""

from __future__ import annotations

import re
from typing import Final

from gateway import codec
from gateway_audit.tlog.checkpoints import Signed
from gateway_audit.tlog.errors import NotReached, Unproven
from gateway_audit.tlog.merkle import prove_inclusion
from gateway_audit.tlog.proofs import Proof
from gateway_audit.tlog.tiles import WIDTH, Read, Tree
from gateway_audit.verifying.trust import CHECKPOINT, WITNESSED, no_log

_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,15}")


def prove(read: Read, which: str) -> Proof:
    """
    Make the proof of one entry, with the entry in it.

    Args:
        which: Its index, its id, or the id of the request that it is of (the first such).

    Raises:
        TlogError: There is none, or the log is not what its checkpoint says.
    """
    signed = _newest(read)
    tree = Tree(signed.checkpoint.size, read)
    index, entry = _find(tree, which)
    hashes = prove_inclusion(index, tree.size, tree.subtree)
    proof = Proof(index=index, hashes=tuple(hashes), signed=signed, extra=entry)
    proof.check(entry)
    return proof


def _newest(read: Read) -> Signed:
    """
    Return the newest checkpoint; with cosignatures, where it is the one that has them.
    """
    try:
        newest = Signed.parse(read(CHECKPOINT))
    except FileNotFoundError:
        raise NotReached(no_log(CHECKPOINT)) from None
    try:
        witnessed = Signed.parse(read(WITNESSED))
    except FileNotFoundError:
        return newest
    is_same = witnessed.checkpoint == newest.checkpoint
    return witnessed if is_same else newest


def _find(tree: Tree, which: str) -> tuple[int, bytes]:
    if _INDEX.fullmatch(which):
        index = int(which)
        if index >= tree.size:
            raise Unproven(f"there is no entry {index} in a log of {tree.size}")
        return index, tree.bundle(index // WIDTH)[index % WIDTH]
    word = which.encode()
    for number in range(-(-tree.size // WIDTH)):
        for at, entry in enumerate(tree.bundle(number)):
            if word in entry and _is_of(entry, which):
                return number * WIDTH + at, entry
    raise Unproven(f"no entry of {tree.size} is {which!r}, or of that request")


def _is_of(entry: bytes, which: str) -> bool:
    try:
        told = codec.loads(entry)
    except codec.JsonError:
        return False
    return isinstance(told, dict) and which in (told.get("id"), told.get("request"))
