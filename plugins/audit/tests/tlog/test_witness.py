"""
A witness cosigns growth, and nothing else.
"""

from __future__ import annotations

import pytest

from gateway_audit.tlog.checkpoints import Checkpoint, Signed
from gateway_audit.tlog.errors import Malformed
from gateway_audit.tlog.merkle import Frontier, leaf_hash, prove_consistency, root_of
from gateway_audit.tlog.notes import COSIGNATURE, Note, SigningKey, parse_signatures
from gateway_audit.tlog.witness import AddCheckpoint, Witness

LOG = SigningKey.of_seed("gw.example/log", bytes(range(32)))
STRANGER = SigningKey.of_seed("gw.example/log", bytes(32))
WITNESS = SigningKey.of_seed("w.example/1", bytes(range(1, 33)), kind=COSIGNATURE)
LEAVES = [leaf_hash(b"%d" % at) for at in range(20)]


class Memory(dict):
    def last(self, origin):
        return self.get(origin)

    def keep(self, checkpoint):
        self[checkpoint.origin] = checkpoint


def subtree(begin, end):
    return root_of(LEAVES[begin:end])


def request(old, new, *, leaves=LEAVES, key=LOG, origin="gw.example/log", proof=None):
    tree = Frontier()
    tree.extend(leaves[:new])
    point = Checkpoint(origin=origin, size=new, root=tree.root())
    note = Note(point.text).signed(key.sign(point.text))
    if proof is None:
        proof = prove_consistency(old, new, subtree) if old <= new else ()
    return bytes(
        AddCheckpoint(old=old, hashes=tuple(proof), signed=Signed.parse(bytes(note)))
    )


@pytest.fixture
def witness():
    """
    One that knows a log.
    """
    logs = {"gw.example/log": (LOG.verifier,)}
    return Witness(key=WITNESS, logs=logs, memory=Memory())


def test_growth_is_cosigned(witness):
    """
    From nothing, further, and to the same size again.
    """
    replies = [
        witness.add_checkpoint(request(old, new), 1_700_000_000.9)
        for old, new in ((0, 5), (5, 13), (13, 13), (13, 20))
    ]

    assert [reply.status for reply in replies] == [200] * 4
    [signature] = parse_signatures(replies[-1].body)
    text = AddCheckpoint.parse(request(13, 20)).signed.note.text
    assert WITNESS.verifier.check(text, signature.content) == 1_700_000_000


def test_who_begins_elsewhere_is_told_the_size(witness):
    """
    409 with the size in decimal, as the protocol has it.
    """
    witness.add_checkpoint(request(0, 5), 1)

    reply = witness.add_checkpoint(request(0, 13), 2)

    assert (reply.status, reply.body) == (409, b"5\n")
    assert reply.content_type == "text/x.tlog.size"


def test_a_rollback_is_not_cosigned(witness):
    """
    A tree that is smaller than the witness saw: 409.
    """
    witness.add_checkpoint(request(0, 13), 1)

    assert witness.add_checkpoint(request(5, 5), 2).status == 409
    assert witness.memory["gw.example/log"].size == 13


def test_two_trees_of_one_size_are_a_conflict(witness):
    """
    409 for the second, whoever signed it.
    """
    witness.add_checkpoint(request(0, 5), 1)
    other = [leaf_hash(b"other"), *LEAVES[1:]]

    assert witness.add_checkpoint(request(5, 5, leaves=other), 2).status == 409


def test_another_history_is_not_cosigned(witness):
    """
    422 where the proof does not hold; what was remembered stays.
    """
    witness.add_checkpoint(request(0, 5), 1)
    other = [leaf_hash(b"other"), *LEAVES[1:]]

    assert witness.add_checkpoint(request(5, 13, leaves=other), 2).status == 422
    assert witness.add_checkpoint(request(5, 13, proof=()), 2).status == 422
    assert witness.memory["gw.example/log"].size == 5


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (request(0, 5, key=STRANGER), 403),
        (request(0, 5, origin="gw.example/unknown"), 404),
        (request(6, 5), 400),
        (b"", 400),
        (request(0, 5).replace(b"old 0", b"old 00"), 400),
        (request(0, 5).replace(b"old 0\n", b"old 0\nAAAA\n"), 400),
        (request(0, 5) + b"x", 400),
    ],
    ids=["stranger", "unknown", "shrinks", "empty", "zeros", "hash", "tail"],
)
def test_everything_else_is_refused(witness, content, status):
    """
    Unknown keys, unknown logs and malformed requests, with the status of each.
    """
    assert witness.add_checkpoint(content, 1).status == status
    assert not witness.memory


def test_a_request_is_read_as_it_was_written():
    """
    Old size, hashes and the note come back; too many hashes do not.
    """
    content = request(5, 13)

    assert bytes(AddCheckpoint.parse(content)) == content
    with pytest.raises(Malformed, match="63"):
        AddCheckpoint.parse(request(5, 13, proof=[bytes(32)] * 64))
