"""
Encryption at rest: AES-256-GCM with a key that only this gateway can derive.

Source: NIST SP 800-38D; a random nonce of 96 bits for each entry.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, Final, Protocol

from gateway.errors import ConfigError, Problem

__all__ = ["Sealer", "make_sealer"]

_NONCE_BYTES: Final = 12
#: Bound into every seal, so that nothing else that was sealed with the key passes for an entry.
_PURPOSE: Final = b"gatewright caching entry"


class Sealer(Protocol):
    """
    Seals what is stored.
    """

    def seal(self, plain: bytes) -> bytes:
        """
        Return what may be stored.
        """

    def open(self, sealed: bytes) -> bytes:
        """
        Return what was sealed.

        Raises:
            ValueError: It was not sealed here, or was changed.
        """


class _Plain:
    def seal(self, plain: bytes) -> bytes:
        return plain

    def open(self, sealed: bytes) -> bytes:
        return sealed


class _Encrypted:
    def __init__(self, cipher: Any) -> None:
        self._cipher = cipher

    def seal(self, plain: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        sealed: bytes = self._cipher.encrypt(nonce, plain, _PURPOSE)
        return nonce + sealed

    def open(self, sealed: bytes) -> bytes:
        try:
            plain: bytes = self._cipher.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _PURPOSE
            )
        except Exception as exc:  # noqa: BLE001 - the library's own, which need not be here
            msg = f"cannot be opened: {type(exc).__name__}"
            raise ValueError(msg) from None
        return plain


def make_sealer(key: bytes | None) -> Sealer:
    """
    Make a sealer with *key*, of 32 bytes, or one that leaves all as it is.

    Raises:
        ConfigError: The library is not installed.
    """
    if key is None:
        return _Plain()
    try:
        aead = import_module("cryptography.hazmat.primitives.ciphers.aead")
    except ImportError:
        msg = "needs a library: pip install 'gatewright-caching[encryption]'"
        raise ConfigError(Problem(msg, path="plugins.caching.encrypt")) from None
    return _Encrypted(aead.AESGCM(key))
