"""
Tests of `gateway_audit.bodies.sealing`.
"""

from __future__ import annotations

import hashlib

import pytest

from gateway_audit.bodies.sealing import NotOpened, seal, unseal

KEY, OTHER = bytes(32), bytes(range(32))


def test_what_was_sealed_is_opened_with_the_persons_key():
    """
    And the log's hash is that of what stands on the disk.
    """
    sealed = seal(b"hello", name="b1", subject_key=KEY)
    opened = unseal(
        sealed.content, name="b1", subject_key=KEY, commitment=sealed.commitment
    )

    assert opened == b"hello"
    assert b"hello" not in sealed.content
    assert hashlib.sha256(sealed.content).hexdigest() == sealed.sha256


def test_equal_bodies_have_nothing_in_common():
    """
    Nobody can tell from the log that two people said the same.
    """
    one = seal(b"hello", name="b1", subject_key=KEY)
    two = seal(b"hello", name="b1", subject_key=KEY)

    assert one.sha256 != two.sha256
    assert one.commitment != two.commitment


@pytest.mark.parametrize(
    ("key", "name", "commits"),
    [(OTHER, "b1", True), (KEY, "b2", True), (KEY, "b1", False)],
    ids=["another-key", "another-name", "another-commitment"],
)
def test_what_is_not_the_persons_is_not_opened(key, name, commits):
    """
    With another key, under another name, or against another commitment.
    """
    sealed = seal(b"hello", name="b1", subject_key=KEY)
    commitment = sealed.commitment if commits else "00" * 32

    with pytest.raises(NotOpened):
        unseal(sealed.content, name=name, subject_key=key, commitment=commitment)


def test_every_byte_counts():
    """
    A flipped bit anywhere is found: by the tag, or by the hash in the log.
    """
    sealed = seal(b"hello", name="b1", subject_key=KEY)

    for at in range(len(sealed.content)):
        changed = bytearray(sealed.content)
        changed[at] ^= 1
        assert hashlib.sha256(changed).hexdigest() != sealed.sha256
        if at >= 4:
            with pytest.raises(NotOpened):
                unseal(
                    bytes(changed),
                    name="b1",
                    subject_key=KEY,
                    commitment=sealed.commitment,
                )
