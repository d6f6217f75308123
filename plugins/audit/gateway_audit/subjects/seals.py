"""
How what stands in the register of persons is sealed.
"""

from __future__ import annotations

import secrets
import sqlite3
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

#: Bytes of each of the two keys that are derived: for hashes of names, and for sealing.
KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class SealedByAnother(sqlite3.DatabaseError):
    """
    The register is not sealed by this ``server.secret_key``.
    """

    def __str__(self) -> str:
        return "the register of persons is sealed by another server.secret_key"


class Seal:
    """
    Seals with what is derived from one root of all keys.

    Args:
        secret: Derived; 64 bytes.
    """

    def __init__(self, secret: bytes) -> None:
        #: Hashes names in a register that has no such key of its own yet.
        self.lookup_key = secret[:KEY_BYTES]
        self._cipher = AESGCM(secret[KEY_BYTES : 2 * KEY_BYTES])

    def seal(self, raw: bytes, about: bytes) -> bytes:
        """
        Seal *raw*, which can be opened as what it is *about* alone.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, raw, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """
        Open what `seal` sealed.

        Raises:
            SealedByAnother: Another key did.
        """
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, rest, about)
        except InvalidTag:
            raise SealedByAnother from None
