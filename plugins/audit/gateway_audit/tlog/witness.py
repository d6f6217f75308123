"""
What a log and its witness say to each other (C2SP tlog-witness), and how a witness decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import attrs

from gateway_audit.tlog.checkpoints import Checkpoint, Signed
from gateway_audit.tlog.errors import Malformed, TlogError, Unproven
from gateway_audit.tlog.merkle import EMPTY_ROOT, check_consistency
from gateway_audit.tlog.notes import MAX_NOTE_BYTES, SigningKey, VerifierKey
from gateway_audit.tlog.proofs import read_hashes
from gateway_audit.tlog.words import read_number, read_text, write_base64

SIZE_TYPE: Final = "text/x.tlog.size"
MAX_REQUEST_BYTES: Final = MAX_NOTE_BYTES + 63 * 45 + 64


@attrs.frozen(kw_only=True)
class AddCheckpoint:
    """
    The body of ``add-checkpoint``.

    Attributes:
        old: The size that the witness saw last.
        hashes: Proof that the tree grew from there.
    """

    old: int
    hashes: tuple[bytes, ...]
    signed: Signed

    @classmethod
    def parse(cls, content: bytes) -> AddCheckpoint:
        """
        Read a body.

        Raises:
            Malformed: It is none.
        """
        above, gap, _ = content.partition(b"\n\n")
        first, *lines = read_text(above, "a request").split("\n")
        if not gap or not first.startswith("old "):
            raise Malformed("a request begins with the old size")
        return cls(
            old=read_number(first.removeprefix("old "), "the old size"),
            hashes=read_hashes(lines),
            signed=Signed.parse(content[len(above) + len(gap) :]),
        )

    def __bytes__(self) -> bytes:
        lines = [f"old {self.old}", *map(write_base64, self.hashes), ""]
        return "".join([f"{line}\n" for line in lines]).encode() + bytes(self.signed)


@attrs.frozen(kw_only=True)
class Reply:
    """
    What a witness answers.
    """

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


class Memory(Protocol):
    """
    What a witness remembers of each log; kept before it answers.
    """

    def last(self, origin: str) -> Checkpoint | None:
        """
        Return the newest checkpoint that was cosigned.
        """

    def keep(self, checkpoint: Checkpoint) -> None:
        """
        Remember *checkpoint*, durably, in place of the last.
        """


@attrs.frozen(kw_only=True)
class Witness:
    """
    Cosigns checkpoints that grew from those it saw; called by one caller at a time.

    Args:
        key: Signs cosignatures.
        logs: The keys of each log, by its origin.
    """

    key: SigningKey
    logs: Mapping[str, tuple[VerifierKey, ...]]
    memory: Memory

    def add_checkpoint(self, content: bytes, now: float) -> Reply:
        """
        Answer one request, in the order of checks that the protocol has.
        """
        try:
            asked = AddCheckpoint.parse(content)
        except Malformed as exc:
            return _refusal(400, exc)
        checkpoint = asked.signed.checkpoint
        keys = self.logs.get(checkpoint.origin)
        if keys is None:
            return _refusal(404, "no log of this origin is known here")
        try:
            if not asked.signed.note.signers(keys):
                return _refusal(403, "no known key signed the checkpoint")
        except Unproven as exc:
            return _refusal(403, exc)
        if asked.old > checkpoint.size:
            return _refusal(400, "the old size is larger than the checkpoint's")
        return self._grown(asked, now)

    def _grown(self, asked: AddCheckpoint, now: float) -> Reply:
        checkpoint = asked.signed.checkpoint
        last = self.memory.last(checkpoint.origin)
        size, root = (last.size, last.root) if last is not None else (0, EMPTY_ROOT)
        if asked.old != size or (size == checkpoint.size and root != checkpoint.root):
            return Reply(status=409, body=b"%d\n" % size, content_type=SIZE_TYPE)
        try:
            check_consistency(
                size, root, checkpoint.size, checkpoint.root, asked.hashes
            )
        except Unproven as exc:
            return _refusal(422, exc)
        self.memory.keep(checkpoint)
        signature = self.key.sign(asked.signed.note.text, int(now))
        return Reply(status=200, body=f"{signature}\n".encode())


def _refusal(status: int, why: TlogError | str) -> Reply:
    return Reply(status=status, body=f"{why}\n".encode())
