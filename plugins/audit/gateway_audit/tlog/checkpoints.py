"""
A tree's size and root, as a note (C2SP tlog-checkpoint).
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from gateway_audit.tlog.errors import Malformed, Unproven
from gateway_audit.tlog.merkle import HASH_BYTES
from gateway_audit.tlog.notes import Note, VerifierKey
from gateway_audit.tlog.words import read_base64, read_number, write_base64


@attrs.frozen(kw_only=True)
class Checkpoint:
    """
    What a log says of itself.

    Attributes:
        origin: Which log.
        extensions: Lines that nobody here reads.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """
        Read the text of a note.

        Raises:
            Malformed: It is no checkpoint.
        """
        *lines, rest = text.split("\n")
        if rest or len(lines) < 3 or not all(lines):
            raise Malformed("a checkpoint has three lines or more, none of them empty")
        origin, size, root, *extensions = lines
        content = read_base64(root, "a root")
        if len(content) != HASH_BYTES:
            raise Malformed("a root has 32 bytes")
        return cls(
            origin=origin,
            size=read_number(size, "the size of a tree"),
            root=content,
            extensions=tuple(extensions),
        )

    @property
    def text(self) -> str:
        """
        The text of its note.
        """
        lines = (self.origin, self.size, write_base64(self.root), *self.extensions)
        return "".join([f"{line}\n" for line in lines])


@attrs.frozen(kw_only=True)
class Signed:
    """
    A checkpoint as it came: what it says, and the note that says so.
    """

    checkpoint: Checkpoint
    note: Note

    @classmethod
    def parse(cls, content: bytes) -> Signed:
        """
        Read a checkpoint that nobody has verified.

        Raises:
            Malformed: It is none.
        """
        note = Note.parse(content)
        return cls(checkpoint=Checkpoint.parse(note.text), note=note)

    @classmethod
    def verified(
        cls, content: bytes, *, origin: str, keys: Iterable[VerifierKey]
    ) -> Signed:
        """
        Read a checkpoint of log *origin* that one of *keys* signed.

        Raises:
            Malformed: It is none.
            Unproven: It is another log's, or nobody known signed it.
        """
        signed = cls.parse(content)
        if signed.checkpoint.origin != origin:
            raise Unproven(
                f"this is the log {signed.checkpoint.origin!r}, not {origin!r}"
            )
        if not signed.note.signers(keys):
            raise Unproven("no known key signed the checkpoint")
        return signed

    def __bytes__(self) -> bytes:
        return bytes(self.note)
