"""
Keys come in the spellings that operators have, and stay in files that only they read.
"""

from __future__ import annotations

import base64
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from gateway_audit.sequencing.keys import (
    KeyProblem,
    SigningKeys,
    find_root,
    make_key_file,
    next_key_file,
    read_key_file,
    read_private,
)

SEED = bytes(range(32))
KEY = Ed25519PrivateKey.from_private_bytes(SEED)


def pem(key, encryption=NoEncryption()):  # noqa: B008 - a value
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    "content",
    [
        SEED,
        SEED.hex().encode(),
        SEED.hex().upper().encode() + b"\n",
        base64.b64encode(SEED) + b"\n",
        pem(KEY),
    ],
    ids=["raw", "hex", "upper", "base64", "pem"],
)
def test_a_key_is_read_in_every_spelling(content):
    """
    PEM, or the seed as bytes, hex or base64, with a line feed behind it or not.
    """
    assert read_private(content, "here").private_bytes_raw() == SEED


@pytest.mark.parametrize(
    "content",
    [
        b"",
        SEED[:31],
        SEED.hex().encode()[:-1] + b"g",
        base64.b64encode(SEED[:16]),
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        pem(KEY, BestAvailableEncryption(b"x")),
        pem(ec.generate_private_key(ec.SECP256R1())),
    ],
    ids=["nothing", "short", "no hex", "too short", "no pem", "encrypted", "other"],
)
def test_what_is_no_key_is_told_by_its_place_alone(content):
    """
    The message names the file, and nothing that was in it.
    """
    with pytest.raises(KeyProblem, match="here") as caught:
        read_private(content, "here")

    assert SEED.hex()[:8] not in str(caught.value)


def test_a_key_that_is_made_is_its_owners_alone(tmp_path):
    """
    Mode 600, whatever the umask; and it is not made twice.
    """
    path = tmp_path / "keys/signing-0001.pem"
    made = make_key_file(path, "gw.example/log")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key_file(path, "gw.example/log").verifier == made.verifier
    with pytest.raises(FileExistsError):
        make_key_file(path, "gw.example/log")


def test_a_key_shows_nothing_of_itself(tmp_path):
    """
    Neither half stands in what a log would write of it.
    """
    key = make_key_file(tmp_path / "key.pem", "gw.example/log")

    assert key.private.private_bytes_raw().hex() not in repr(key)
    assert "private" not in repr(key)


def test_a_file_that_others_can_read_is_warned_of(tmp_path, capsys):
    """
    It is used: a container's secrets are often mounted so.
    """
    path = tmp_path / "key"
    path.write_bytes(SEED)
    path.chmod(0o644)

    read_key_file(path, "gw.example/log")

    assert "others can read" in capsys.readouterr().out


def test_a_key_that_is_not_there_is_a_problem(tmp_path):
    """
    The message names the file.
    """
    with pytest.raises(KeyProblem, match="nowhere"):
        read_key_file(tmp_path / "nowhere", "gw.example/log")


def test_new_keys_are_counted_up(tmp_path):
    """
    Also past one that is missing.
    """
    (tmp_path / "signing-0007.pem").touch()
    (tmp_path / "signing-old.pem").touch()

    assert next_key_file(tmp_path).name == "signing-0008.pem"


def test_a_list_without_a_root_key_is_not_believed(tmp_path):
    """
    Whoever can write into the log's folder could name keys of his own.
    """
    keys = SigningKeys(tmp_path / "keys", tmp_path / "list", "gw.example/log")
    (tmp_path / "list").write_text("anything")

    with pytest.raises(KeyProblem, match="whose keys to believe"):
        keys.signer(5)


def test_a_list_that_the_root_key_did_not_sign_is_not_believed(tmp_path):
    """
    Nothing is signed until somebody has looked at it.
    """
    keys = SigningKeys(tmp_path / "keys", tmp_path / "list", "gw.example/log")
    root = make_key_file(tmp_path / "root.pem", "gw.example/log/root")
    (tmp_path / "keys/root.vkey").write_text(f"{root.verifier}\n")
    (tmp_path / "list").write_text("anything")

    with pytest.raises(KeyProblem, match="list"):
        keys.signer(5)


def test_a_root_key_that_is_none_is_a_problem(tmp_path):
    """
    Not the same as having none.
    """
    assert find_root(tmp_path) is None
    (tmp_path / "root.vkey").write_text("nonsense")

    with pytest.raises(KeyProblem, match=r"root\.vkey"):
        find_root(tmp_path)


def test_another_key_does_not_sign_without_the_root_keys_word(tmp_path):
    """
    Who changes the key in the settings alone is told which one signed, and what changes it.
    """
    first = make_key_file(tmp_path / "first.pem", "gw.example/log")
    other = make_key_file(tmp_path / "other.pem", "gw.example/log")

    def keys(configured):
        folder, path = tmp_path / "keys", tmp_path / "list"
        return SigningKeys(folder, path, "gw.example/log", configured=configured)

    assert keys(first).signer(5) == first
    with pytest.raises(KeyProblem, match="signed so far") as caught:
        keys(other).signer(6)
    assert str(first.verifier) in str(caught.value)
    assert keys(other).verifiers(5) == [first.verifier]
    assert keys(first).signer(7) == first
