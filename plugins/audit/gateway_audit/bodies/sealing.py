"""
How a body is encrypted, so that a key that is destroyed destroys it.

Each body has a key of its own, drawn at random, and that key is wrapped with its person's key.  The
log holds the hash of what stands on the disk, never of what it says: short texts can be guessed.
AES-GCM lets two keys open one ciphertext to two texts (Dodis et al., "Fast Message Franking",
2018), so the log holds a commitment to the key as well.

A file is ``GWB1``, the wrapped key (12 bytes nonce, 32 key, 16 tag), then the body (12 bytes nonce,
ciphertext, 16 tag).  Both are bound to the body's name.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_MAGIC: Final = b"GWB1"
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_WRAPPED_BYTES: Final = _NONCE_BYTES + _KEY_BYTES + 16


class NotOpened(Exception):
    """
    It is no body of that name, or it was sealed with another key.
    """


@attrs.frozen
class Sealed:
    """
    A body as it stands on the disk.

    Attributes:
        sha256: Of `content`, in hexadecimal.
        commitment: To the key that it was encrypted with, in hexadecimal.
    """

    content: bytes = attrs.field(repr=False)
    sha256: str
    commitment: str


def seal(plain: bytes, *, name: str, subject_key: bytes) -> Sealed:
    """
    Encrypt *plain* with a fresh key, wrapped with *subject_key*.

    Args:
        name: The body's; no two have the same.
    """
    key = secrets.token_bytes(_KEY_BYTES)
    about = name.encode()
    wrapped = _encrypt(subject_key, key, b"key " + about)
    content = _MAGIC + wrapped + _encrypt(_cipher_key(key), plain, about)
    digest = hashlib.sha256(content).hexdigest()
    return Sealed(content, digest, _commitment(key).hex())


def unseal(content: bytes, *, name: str, subject_key: bytes, commitment: str) -> bytes:
    """
    Decrypt what `seal` made.

    Raises:
        NotOpened: It is another one's, or was changed.
    """
    start = len(_MAGIC) + _WRAPPED_BYTES
    about = name.encode()
    try:
        key = _decrypt(subject_key, content[len(_MAGIC) : start], b"key " + about)
        if not hmac.compare_digest(_commitment(key).hex(), commitment):
            raise NotOpened("another key")
        return _decrypt(_cipher_key(key), content[start:], about)
    except (InvalidTag, ValueError):
        raise NotOpened("changed, or of another person") from None


def _cipher_key(key: bytes) -> bytes:
    return hmac.digest(key, b"gatewright audit body: encrypt", "sha256")


def _commitment(key: bytes) -> bytes:
    return hmac.digest(key, b"gatewright audit body: commit", "sha256")


def _encrypt(key: bytes, plain: bytes, about: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, about)


def _decrypt(key: bytes, content: bytes, about: bytes) -> bytes:
    return AESGCM(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], about)
