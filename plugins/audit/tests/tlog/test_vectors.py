"""
What others published verifies here (vectors/README.md says what, and whose).
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from gateway_audit.tlog.checkpoints import Signed
from gateway_audit.tlog.errors import Malformed, Unproven
from gateway_audit.tlog.merkle import check_consistency, check_inclusion, leaf_hash
from gateway_audit.tlog.notes import Note, SigningKey, VerifierKey
from gateway_audit.tlog.tiles import Tree

VECTORS = Path(__file__).with_name("vectors")
TESSERA = json.loads((VECTORS / "tessera.json").read_text())
ARGON = json.loads((VECTORS / "argon2020.json").read_text())
# golang.org/x/mod v0.43.0, sumdb/note/note_test.go; BSD-3-Clause, The Go Authors.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETER_NOTE = """\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6\
KE6RyyBwJnAM=
"""


def tessera(path):
    try:
        return base64.b64decode(TESSERA["files"][path])
    except KeyError:
        raise FileNotFoundError(path) from None


@pytest.mark.parametrize("size", range(16))
def test_tesseras_log_verifies_at_every_checkpoint(size):
    """
    The signature, the tiles and the entries of another implementation's log agree here.
    """
    key = VerifierKey.parse(TESSERA["vkey"])

    signed = Signed.verified(tessera(f"checkpoint.{size}"), origin=key.name, keys=[key])

    tree = Tree(size, tessera)
    assert signed.checkpoint.size == size
    assert tree.root() == signed.checkpoint.root
    entries = tree.bundle(0) if size else []
    assert [leaf_hash(entry) for entry in entries] == [*map(tree.leaf, range(size))]


def test_a_log_of_a_billion_entries_verifies():
    """
    Proofs that a Certificate Transparency log gave hold here.
    """
    size, root = ARGON["sth"]["tree_size"], b64(ARGON["sth"]["sha256_root_hash"])
    entry = b64(ARGON["entries"]["entries"][0]["leaf_input"])
    path = [*map(b64, ARGON["proof"]["audit_path"])]
    old_root = b64("AuIZ5V6sDUj1vn3Y1K85oOaQ7y+FJJKtyRTl1edIKBQ=")

    check_inclusion(leaf_hash(entry), 10_000, size, path, root)
    check_consistency(
        3_654_490,
        old_root,
        size,
        root,
        [*map(b64, ARGON["consistency"]["consistency"])],
    )
    with pytest.raises(Unproven):
        check_inclusion(leaf_hash(entry), 10_001, size, path, root)


def test_the_note_of_the_go_checksum_database_verifies():
    """
    Go's own test note is read, verified, and signed again to the same bytes.
    """
    key = VerifierKey.parse(PETER)
    note = Note.parse(PETER_NOTE.encode())
    signer = SigningKey.of_seed("PeterNeumann", PETER_SEED)

    assert note.signers([key]) == [key]
    assert signer.verifier == key
    assert str(key) == PETER
    assert bytes(Note(note.text).signed(signer.sign(note.text))) == PETER_NOTE.encode()


@pytest.mark.parametrize(
    "vkey",
    [
        # The wrong keys of the same file.
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        f"{PETER}\n",
        "",
    ],
)
def test_a_key_that_is_not_well_written_is_none(vkey):
    """
    A wrong length, type, id or name is refused.
    """
    with pytest.raises(Malformed):
        VerifierKey.parse(vkey)


def b64(text):
    return base64.b64decode(text)
