"""
Private keys in armour.
"""

from __future__ import annotations

import pytest

from .conftest import found_in, made

BODY = (
    "\n".join(made("{b64x64}", seed) for seed in range(8))
    + "\n"
    + made("{an20}")
    + "=="
)
KINDS = ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "DSA "]


def armour(kind: str = "RSA ", body: str = BODY) -> str:
    """
    Put *body* into armour.
    """
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


@pytest.mark.parametrize("kind", KINDS)
def test_finds_a_key_whole(kind, detector):
    """
    The armour is part of what is found, and nothing around it.
    """
    key = armour(kind)

    assert found_in(detector, f"here:\n{key}\nthanks") == [("private_key", key)]


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key.replace("\n", "\\n"),
        lambda key: key.replace("\n", "\n    "),
        lambda key: key.replace("\n", '\\n" +\n"'),
        lambda key: key.replace("\n", "\r\n"),
        lambda key: key.replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\n\n", 1),
    ],
    ids=["escaped", "indented", "in code", "CRLF", "with headers"],
)
def test_finds_a_key_as_it_is_written_elsewhere(change, detector):
    """
    Lines may be escaped, indented, put together from strings, or follow headers.
    """
    key = change(armour())

    assert ("private_key", key) in found_in(detector, f'key = "{key}"')


def test_finds_a_key_that_is_cut_off(detector):
    """
    Without its end, a key goes as far as its lines do.
    """
    cut = armour()[:300]

    assert found_in(detector, f"{cut} ... and so on") == [("private_key", cut)]


def test_leaves_public_keys(detector):
    """
    What is meant to be given away is none.
    """
    text = armour().replace("RSA PRIVATE KEY", "PUBLIC KEY")

    assert "private_key" not in [name for name, _ in found_in(detector, text)]


def test_a_mention_holds_back_nothing(detector):
    """
    A sentence about such a key is decided at its next words.
    """
    text = "It begins with -----BEGIN RSA PRIVATE KEY----- as a rule, and ends so. "

    _, safe = detector.find(text, 0, final=False, place=None)

    assert safe == len(text)
