"""
Notes, checkpoints and proof files are read in one spelling, and believed when signed.
"""

from __future__ import annotations

import pytest

from gateway_audit.tlog.checkpoints import Checkpoint, Signed
from gateway_audit.tlog.errors import Malformed, TlogError, Unproven
from gateway_audit.tlog.merkle import Frontier, leaf_hash
from gateway_audit.tlog.notes import (
    COSIGNATURE,
    MAX_NOTE_BYTES,
    Note,
    SigningKey,
    VerifierKey,
    parse_signatures,
)
from gateway_audit.tlog.proofs import Proof

KEY = SigningKey.of_seed("gw.example/log", bytes(range(32)))
OTHER = SigningKey.of_seed("gw.example/log", bytes(32))
WITNESS = SigningKey.of_seed("w.example/1", bytes(range(1, 33)), kind=COSIGNATURE)
ROOT = leaf_hash(b"entry")
POINT = Checkpoint(origin="gw.example/log", size=1, root=ROOT)


def signed(point=POINT, *keys):
    note = Note(point.text)
    return bytes(note.signed(*(key.sign(note.text, 1_700_000_000) for key in keys)))


def read(content, *keys):
    keys = keys or (KEY.verifier,)
    return Signed.verified(content, origin=POINT.origin, keys=keys)


def test_a_signed_checkpoint_is_read_as_it_was_written():
    """
    What is signed comes back, byte by byte.
    """
    content = signed(POINT, KEY, WITNESS)

    found = read(content)

    assert found.checkpoint == POINT
    assert bytes(found) == content
    assert found.note.signers([WITNESS.verifier]) == [WITNESS.verifier]


def test_a_cosignature_states_its_time():
    """
    A witness signs when it saw the checkpoint, too.
    """
    signature = WITNESS.sign(POINT.text, 1_700_000_000)

    assert WITNESS.verifier.check(POINT.text, signature.content) == 1_700_000_000
    assert VerifierKey.parse(str(WITNESS.verifier)) == WITNESS.verifier


def test_a_cosignature_with_another_time_does_not_hold():
    """
    The time is signed.
    """
    signature = WITNESS.sign(POINT.text, 1_700_000_000).content

    with pytest.raises(Unproven):
        WITNESS.verifier.check(POINT.text, (1).to_bytes(8, "big") + signature[8:])


def test_who_is_not_known_does_not_count():
    """
    A signature by another key of the same name is none.
    """
    with pytest.raises(Unproven, match="no known key"):
        read(signed(POINT, OTHER))


def test_unknown_signatures_beside_a_known_one_are_passed_over():
    """
    Witnesses that a reader does not know do not disturb it.
    """
    assert read(signed(POINT, OTHER, WITNESS, KEY)).checkpoint == POINT


def test_a_false_signature_of_a_known_key_condemns_the_note():
    """
    Even where another known key signed well.
    """
    forged = KEY.sign("something else\n")
    note = Note(POINT.text).signed(OTHER.sign(POINT.text), forged)

    with pytest.raises(Unproven, match="does not hold"):
        read(bytes(note), KEY.verifier, OTHER.verifier)


def test_another_log_is_told_by_its_origin():
    """
    The same key does not make another log this one.
    """
    point = Checkpoint(origin="gw.example/other", size=1, root=ROOT)

    with pytest.raises(Unproven, match="gw.example/other"):
        read(signed(point, KEY))


def test_no_bit_of_a_checkpoint_can_be_turned():
    """
    Each bit of text and signature, turned, makes a note that is not believed.
    """
    content = signed(POINT, KEY)
    for at in range(len(content) * 8):
        turned = bytearray(content)
        turned[at // 8] ^= 1 << at % 8

        with pytest.raises(TlogError):
            read(bytes(turned))


@pytest.mark.parametrize(
    "text",
    [
        "gw.example/log\n1\n",
        "gw.example/log\n01\nROOT\n",
        "gw.example/log\n+1\nROOT\n",
        "gw.example/log\n-1\nROOT\n",
        "gw.example/log\n1 \nROOT\n",
        "gw.example/log\n١\nROOT\n",
        "gw.example/log\n9223372036854775808\nROOT\n",
        "gw.example/log\n1\nROOT",
        "gw.example/log\n1\n ROOT\n",
        "gw.example/log\n1\nAAAA\n",
        "gw.example/log\n1\nROOT\n\n",
        "\n1\nROOT\n",
    ],
)
def test_a_checkpoint_has_one_spelling(text):
    """
    Leading zeros, signs, spaces, other digits, missing and empty lines are refused.
    """
    root = POINT.text.split("\n")[2]
    assert Checkpoint.parse(POINT.text) == POINT

    with pytest.raises(Malformed):
        Checkpoint.parse(text.replace("ROOT", root))


def test_base64_has_one_spelling():
    """
    Bits that nobody reads must be zero: 32 bytes leave four of them.
    """
    text = POINT.text
    assert text.endswith("=\n")
    last = text[-3]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = alphabet[alphabet.index(last) + 1]

    with pytest.raises(Malformed, match="as it is written"):
        Checkpoint.parse(f"{text[:-3]}{other}=\n")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"\n\n\xe2\x80\x94 a AAAAAAA=\n",
        b"text\n\n- a AAAAAAA=\n",
        b"text\n\n\xe2\x80\x94 a AAAAAAA=",
        b"text\n\n\xe2\x80\x94  AAAAAAA=\n",
        b"text\n\n\xe2\x80\x94 a+b AAAAAAA=\n",
        b"text\n\n\xe2\x80\x94 a AAAA\n",
        b"text\n\n\xe2\x80\x94 a b AAAAAAA=\n",
        b"te\x00xt\n\n\xe2\x80\x94 a AAAAAAA=\n",
        b"te\rxt\n\n\xe2\x80\x94 a AAAAAAA=\n",
        b"te\xffxt\n\n\xe2\x80\x94 a AAAAAAA=\n",
        b"text\n\n" + b"\xe2\x80\x94 a AAAAAAA=\n" * 101,
        b"x" * MAX_NOTE_BYTES + b"\n\n\xe2\x80\x94 a AAAAAAA=\n",
    ],
)
def test_what_is_no_note_is_refused(content):
    """
    A note has a text, one empty line, and signature lines, in UTF-8, of a bounded size.
    """
    with pytest.raises(Malformed):
        Note.parse(content)


def test_signatures_of_a_witness_are_lines():
    """
    What a witness answers is read as a note's signatures are.
    """
    line = str(WITNESS.sign(POINT.text, 5))

    assert [*map(str, parse_signatures(f"{line}\n".encode()))] == [line]
    with pytest.raises(Malformed):
        parse_signatures(line.encode())


def a_proof(extra=None):
    leaves = [leaf_hash(b"a"), leaf_hash(b"b")]
    tree = Frontier()
    tree.extend(leaves)
    point = Checkpoint(origin=POINT.origin, size=2, root=tree.root())
    return Proof(
        index=1,
        hashes=(leaves[0],),
        signed=Signed.parse(signed(point, KEY)),
        extra=extra,
    )


@pytest.mark.parametrize("extra", [None, b"", b"who asked"])
def test_a_proof_file_is_read_as_it_was_written(extra):
    """
    With and without extra data, and it proves its entry and no other.
    """
    proof = Proof.parse(bytes(a_proof(extra)))

    assert proof == a_proof(extra)
    proof.check(b"b")
    with pytest.raises(Unproven):
        proof.check(b"a")


def test_no_bit_of_a_proof_file_can_be_turned():
    """
    Each bit, turned, makes a file that is not read, not signed, or proves nothing.
    """
    content = bytes(a_proof())
    for at in range(len(content) * 8):
        turned = bytearray(content)
        turned[at // 8] ^= 1 << at % 8

        with pytest.raises(TlogError):
            believe(bytes(turned))


def believe(content):
    proof = Proof.parse(content)
    read(bytes(proof.signed))
    proof.check(b"b")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"c2sp.org/tlog-proof@v1", b"c2sp.org/tlog-proof@v2"),
        (b"index 1", b"index 01"),
        (b"index 1\n", b""),
        (b"index 1\n", b"index 1\nAAAA\n"),
        (b"index 1\n", b"index 1\n\n"),
        (b"index 1\n", b"index 1\n" + b"A" * 43 + b"=\n" * 64),
    ],
)
def test_a_proof_file_has_one_spelling(old, new):
    """
    Another version, another number, lines that are no hashes: refused.
    """
    with pytest.raises(Malformed):
        Proof.parse(bytes(a_proof()).replace(old, new, 1))
