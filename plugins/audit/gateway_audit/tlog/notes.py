"""
Signed notes, and the keys that sign them (C2SP signed-note, tlog-cosignature).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from gateway_audit.tlog.errors import Malformed, Unproven
from gateway_audit.tlog.words import (
    MAX_NUMBER,
    read_base64,
    read_text,
    write_base64,
)

#: Signature types: a note's own, and a witness's with the time in it.
ED25519: Final = 1
COSIGNATURE: Final = 4

#: The most that is read of a note; 16 signatures must fit, of which the largest have 5 kB.
MAX_NOTE_BYTES: Final = 128 * 1024
MAX_SIGNATURES: Final = 100

_ID_BYTES: Final = 4
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_TIME_BYTES: Final = 8
_VKEY: Final = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")


def check_name(name: str) -> None:
    """
    Check that a key can be called *name*.

    Raises:
        Malformed: It is empty, or has a space, a plus or a control character.
    """
    if not name or "+" in name or any(char.isspace() or char < " " for char in name):
        raise Malformed("a key's name has no spaces and no plus, and is not empty")


@attrs.frozen(kw_only=True)
class VerifierKey:
    """
    A public key by its name.

    Attributes:
        kind: `ED25519` or `COSIGNATURE`.
        public: 32 bytes.
    """

    name: str
    kind: int = ED25519
    public: bytes = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        check_name(self.name)

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """
        Read ``<name>+<id>+<type and key>``.

        Raises:
            Malformed: It is not written so, or its id is another key's.
        """
        found = _VKEY.fullmatch(text)
        if found is None:
            raise Malformed("a verifier key reads <name>+<8 hex digits>+<base64>")
        content = read_base64(found[3], "a verifier key")
        if content[:1] not in (b"\x01", b"\x04") or len(content) != 1 + _KEY_BYTES:
            raise Malformed("a verifier key is not of Ed25519")
        key = cls(name=found[1], kind=content[0], public=content[1:])
        if key.id.hex() != found[2]:
            raise Malformed("a verifier key has the id of another")
        return key

    @property
    def id(self) -> bytes:
        """
        The four bytes that name it in a signature.
        """
        told = b"%b\n%c%b" % (self.name.encode(), self.kind, self.public)
        return sha256(told).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        content = write_base64(bytes([self.kind]) + self.public)
        return f"{self.name}+{self.id.hex()}+{content}"

    def check(self, text: str, signature: bytes) -> int | None:
        """
        Check a *signature* of *text*; return the time that a cosignature states.

        Raises:
            Unproven: It does not hold.
        """
        message, told, at = text.encode(), signature, None
        if self.kind == COSIGNATURE:
            at = int.from_bytes(signature[:_TIME_BYTES], "big")
            told = signature[_TIME_BYTES:]
            message = _cosigned(text, at)
        if len(told) != _SIGNATURE_BYTES or (at or 0) > MAX_NUMBER:
            raise Unproven(f"the signature by {self.name} is malformed")
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(told, message)
        except InvalidSignature:
            raise Unproven(f"the signature by {self.name} does not hold") from None
        return at


@attrs.frozen(kw_only=True)
class SigningKey:
    """
    A private key by its name.
    """

    name: str
    kind: int = ED25519
    private: Ed25519PrivateKey = attrs.field(repr=False)

    @classmethod
    def of_seed(cls, name: str, seed: bytes, *, kind: int = ED25519) -> SigningKey:
        """
        Make the key of 32 secret bytes.
        """
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(name=name, private=private, kind=kind)

    @property
    def verifier(self) -> VerifierKey:
        """
        Its public half.
        """
        public = self.private.public_key().public_bytes_raw()
        return VerifierKey(name=self.name, kind=self.kind, public=public)

    def sign(self, text: str, at: int = 0) -> Signature:
        """
        Sign a note's *text*; a cosignature states Unix second *at*.
        """
        if self.kind == COSIGNATURE:
            content = at.to_bytes(_TIME_BYTES, "big")
            content += self.private.sign(_cosigned(text, at))
        else:
            content = self.private.sign(text.encode())
        return Signature(name=self.name, id=self.verifier.id, content=content)


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


@attrs.frozen(kw_only=True)
class Signature:
    """
    One line below a note.
    """

    name: str
    id: bytes
    content: bytes

    @classmethod
    def parse(cls, line: str) -> Signature:
        """
        Read a line, without its line feed.

        Raises:
            Malformed: It is none.
        """
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "—":
            raise Malformed("a signature reads — <name> <base64>")
        check_name(parts[1])
        content = read_base64(parts[2], "a signature")
        if len(content) <= _ID_BYTES:
            raise Malformed("a signature is too short")
        return cls(name=parts[1], id=content[:_ID_BYTES], content=content[_ID_BYTES:])

    def __str__(self) -> str:
        return f"— {self.name} {write_base64(self.id + self.content)}"


@attrs.frozen
class Note:
    """
    A text with the signatures below it; nothing of it is true before `signers`.
    """

    text: str
    signatures: tuple[Signature, ...] = ()

    @classmethod
    def parse(cls, content: bytes) -> Note:
        """
        Read a note.

        Raises:
            Malformed: It is none.
        """
        if len(content) > MAX_NOTE_BYTES:
            raise Malformed(f"a note is larger than {MAX_NOTE_BYTES} bytes")
        whole = read_text(content, "a note")
        text, gap, below = whole.rpartition("\n\n")
        if not gap or not text or not below.endswith("\n"):
            raise Malformed("a note is a text, an empty line, and signatures")
        lines = below[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise Malformed(f"a note has more than {MAX_SIGNATURES} signatures")
        return cls(text + "\n", tuple(Signature.parse(line) for line in lines))

    def signed(self, *signatures: Signature) -> Note:
        """
        Return the note with more signatures; one of a key takes the place of its last.
        """
        new = {(one.name, one.id) for one in signatures}
        kept = [one for one in self.signatures if (one.name, one.id) not in new]
        return Note(self.text, (*kept, *signatures))

    def __bytes__(self) -> bytes:
        below = "".join([f"{signature}\n" for signature in self.signatures])
        return f"{self.text}\n{below}".encode()

    def signers(self, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
        """
        Return those of *keys* that signed.

        Raises:
            Unproven: A signature that names one of them does not hold, or one key signed twice.
        """
        known = {(key.name, key.id): key for key in keys}
        found: list[VerifierKey] = []
        for signature in self.signatures:
            key = known.get((signature.name, signature.id))
            if key is None:
                continue
            if key in found:
                raise Unproven(f"{key.name} signed twice with one key")
            key.check(self.text, signature.content)
            found.append(key)
        return found


def parse_signatures(content: bytes) -> list[Signature]:
    """
    Read signature lines alone, as a witness sends them.

    Raises:
        Malformed: They are none.
    """
    text = read_text(content, "signatures")
    if not text.endswith("\n"):
        raise Malformed("signatures end with a line feed")
    return [Signature.parse(line) for line in text[:-1].split("\n")]
