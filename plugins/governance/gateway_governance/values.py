"""
The values that virtual keys are shown by: made, read, hashed, compared; kept nowhere.

One of our own is ``sk-gw-``, ten characters that find it, a secret, and a checksum::

    sk-gw-7q2mXb41Zt AAAAAAAAAAAAAAAAAAAAAAAAAA 0kRz1P       (written without the blanks)
          id         secret                     CRC-32 of all before it

all in base 62, so that a double click selects it whole.  The checksum tells a typing error, and
most of what strangers try, without a look-up.  Values that somebody else chose are taken as well,
so that nobody's clients need new ones for a migration: 16 to 512 printable ASCII characters,
Bifrost's ``sk-bf-…`` among them.

What is kept of a value is BLAKE2b keyed with a key of its own, derived from ``server.secret_key``:
whoever reads the database or the settings file can neither show what stands there (a hash is not
the value) nor guess at values without the key.  Source: RFC 7693 section 2.5, keyed hashing.
"""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import blake2b
from typing import Final
from zlib import crc32

from gateway_governance.entities import KeyValue

PREFIX: Final = "sk-gw-"
MIN_CHARACTERS: Final = 16
#: No value is longer; a longer one is not worth hashing.
MAX_CHARACTERS: Final = 512
#: For `Gateway.derive`: the same for ever.
PURPOSE: Final = "virtual-keys"

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_CHARACTERS: Final = 10
#: 154 bits; with the hint known, which the checksum ties to them, still more than 128.
_SECRET_CHARACTERS: Final = 26
_CHECKSUM_CHARACTERS: Final = 6
_HINT_CHARACTERS: Final = 4

_OWN: Final = re.compile(rf"{PREFIX}[0-9A-Za-z]{{42}}", re.ASCII)
#: A blank at an end would be lost in a header.
_FOREIGN: Final = re.compile(r"[!-~][ -~]{14,510}[!-~]", re.ASCII)

_HASH_VERSION: Final = "gwh1"
_DIGEST_BYTES: Final = 32
#: Of a value that somebody else chose, what stands in for an id: 96 bits of a keyed hash.
_LOOKUP_BYTES: Final = 12
_FOREIGN_MARK: Final = "~"
_HASH: Final = re.compile(
    rf"{_HASH_VERSION}\.([0-9a-f]{{8}})"
    r"\.([0-9A-Za-z]{10}|~[0-9a-f]{24})\.([0-9a-f]{64})"
)


class Mint:
    """
    Makes values and knows its own again.

    Args:
        key: Derived from the installation's root for `PURPOSE`, at least 32 bytes.  Every
            installation with the same ``server.secret_key`` has the same.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < _DIGEST_BYTES:
            msg = f"a key of {len(key)} bytes is too short to hash with"
            raise ValueError(msg)
        self._key = key[:64]  # BLAKE2b takes no more
        self._keyed = blake2b(
            key=self._key, person=b"gw-digest", digest_size=_DIGEST_BYTES
        )
        self._placing = blake2b(
            key=self._key, person=b"gw-lookup", digest_size=_LOOKUP_BYTES
        )
        #: Tells one key from another, and nothing about either.
        self.fingerprint: Final = self._hash(b"", b"gw-fingerprint", 4).hex()

    def __repr__(self) -> str:
        return f"<Mint {self.fingerprint}>"

    def make(self) -> tuple[str, KeyValue]:
        """
        Make a value, which is to be shown once, and what is to be kept of it.
        """
        value = new_value()
        return value, self.of(value)

    def of(self, value: str) -> KeyValue:
        """
        Return what is to be kept of *value*.

        Raises:
            ValueError: it cannot be one; it is not repeated.
        """
        lookup = self.lookup_of(value)
        if lookup is None:
            raise ValueError(why_no_value(value))
        is_own = not lookup.startswith(_FOREIGN_MARK)
        return KeyValue(
            lookup=lookup,
            digest=self._digest(value),
            hint=value[-_HINT_CHARACTERS:] if is_own else "",
        )

    def lookup_of(self, value: str) -> str | None:
        """
        Return where *value* would be found, or None if it can be no value.

        Nothing is computed of what has not the form of one.
        """
        if value.startswith(PREFIX):
            return _own_id(value)
        if len(value) > MAX_CHARACTERS or _FOREIGN.fullmatch(value) is None:
            return None
        placing = self._placing.copy()
        placing.update(value.encode("ascii"))
        return _FOREIGN_MARK + placing.hexdigest()

    def digest_of(self, value: str) -> bytes | None:
        """
        Return what is kept of *value*; None, as late, where it can be none by its letters.
        """
        is_one = len(value) <= MAX_CHARACTERS and value.isascii()
        digest = self._digest(value if is_one else STRANGER)
        return digest if is_one else None

    def matches(self, value: str, known: KeyValue) -> bool:
        """
        Tell whether *known* is what was kept of *value*, in constant time.

        Args:
            value: Of which `lookup_of` returned something.
        """
        return hmac.compare_digest(self._digest(value), known.digest)

    # --- hashes in the settings file --------------------------------------------------------

    def hash_of(self, value: str) -> str:
        """
        Write what ``hash:`` in the settings file takes for *value*.

        Raises:
            ValueError: it cannot be one; it is not repeated.
        """
        known = self.of(value)
        parts = (_HASH_VERSION, self.fingerprint, known.lookup, known.digest.hex())
        return ".".join(parts)

    def read_hash(self, text: str) -> KeyValue:
        """
        Read what `hash_of` wrote.

        Raises:
            ValueError: it is none, or was made with another ``server.secret_key``.
        """
        found = check_hash(text)
        if found[1] != self.fingerprint:
            msg = (
                "was made with another server.secret_key, so no value would ever match; "
                "make it again with `gatewright keys hash`"
            )
            raise ValueError(msg)
        return KeyValue(lookup=found[2], digest=bytes.fromhex(found[3]))

    def _digest(self, value: str) -> bytes:
        # A copy spares hashing the key.
        hashing = self._keyed.copy()
        hashing.update(value.encode("ascii"))
        return hashing.digest()

    def _hash(self, raw: bytes, person: bytes, size: int) -> bytes:
        # One label for each use: an id in the database tells nothing about a digest.
        return blake2b(raw, key=self._key, person=person, digest_size=size).digest()


def check_hash(text: str) -> re.Match[str]:
    """
    Check the form of what stands under ``hash:``; whose it is, `Mint.read_hash` tells.

    Raises:
        ValueError: it is none; it is not repeated, as it may be a value.
    """
    found = _HASH.fullmatch(text)
    if found is None:
        msg = "is no hash of a virtual key: `gatewright keys hash` writes what stands here"
        raise ValueError(msg)
    return found


def new_value() -> str:
    """
    Make a value of our own.
    """
    stem = PREFIX + new_id(_ID_CHARACTERS + _SECRET_CHARACTERS)
    return stem + _checksum(stem)


def new_id(characters: int = 16) -> str:
    """
    Make random letters and digits, for the id of an entity.
    """
    return "".join(secrets.choice(_ALPHABET) for _ in range(characters))


def why_no_value(value: str) -> str:
    """
    Say why *value* can be no value, without repeating any of it.
    """
    if value.startswith(PREFIX):
        return f"begins with {PREFIX} but is none that was given out: its checksum is wrong"
    if not MIN_CHARACTERS <= len(value) <= MAX_CHARACTERS:
        return f"must have {MIN_CHARACTERS} to {MAX_CHARACTERS} characters"
    return "must be of printable ASCII characters, without a blank at either end"


def _own_id(value: str) -> str | None:
    if _OWN.fullmatch(value) is None:
        return None
    stem = value[:-_CHECKSUM_CHARACTERS]
    if value[-_CHECKSUM_CHARACTERS:] != _checksum(stem):
        return None
    return value[len(PREFIX) : len(PREFIX) + _ID_CHARACTERS]


def _checksum(stem: str) -> str:
    # No secret decides here, so there is nothing to compare in constant time.
    rest = crc32(stem.encode("ascii"))
    digits = ""
    for _ in range(_CHECKSUM_CHARACTERS):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


#: Looked up in place of what has not the form of a value, whatever is found.
STRANGER: Final = PREFIX + "0" * 36 + _checksum(PREFIX + "0" * 36)
