"""
Seals on reasoning: what a vendor signs or encrypts, and knows again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

import attrs

__all__ = ["Seal"]

_DIGEST = 16


@attrs.frozen
class Seal:
    """
    Makes and recognises opaque strings that are bound to a text and an *owner*.

    The owner stands for the vendor's account: as at a real vendor, what one
    account sealed is worth nothing to another.
    """

    owner: str

    def make(self, text: str) -> str:
        """
        Seal *text*: base64 of its digest and of a keyed digest of that.
        """
        inner = hashlib.blake2b(_bytes(text), digest_size=_DIGEST).digest()
        return base64.b64encode(inner + self._mark(inner)).decode()

    def recognises(self, sealed: object, text: str | None = None) -> bool:
        """
        Say whether *sealed* was made here, and for *text* where one is given.
        """
        if not isinstance(sealed, str):
            return False
        try:
            raw = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError):
            return False
        inner, mark = raw[:_DIGEST], raw[_DIGEST:]
        if mark != self._mark(inner):
            return False
        return text is None or self.make(text) == sealed

    def _mark(self, inner: bytes) -> bytes:
        key = hashlib.blake2b(_bytes(self.owner), digest_size=32).digest()
        return hashlib.blake2b(inner, key=key, digest_size=_DIGEST).digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
